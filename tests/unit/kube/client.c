/*
 * client.c - the client and watches against an API server made of our own httpd, which says what each case
 * wants: throttling, 401, 410, kinds that come later, the older form of discovery.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "io/httpd.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/watch.h"

static struct loop *loop;
static struct httpd *server;

/* What the server does, and what it saw. */
static struct {
	int status; /* of every object request, until `times` are used up; then 200 */
	int times;
	bool older, broken, with_thing;
	int slow_us; /* that every object request takes, one after the other */
	int apis, requests, lists, watches;
	int expire_watch, expire_continue;
	char path[256], method[16], type[64], authorization[64], as[64];
} fake;

static void note(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

#define RESOURCES                                                                                           \
	"{\"version\":\"v1\",\"resources\":["                                                               \
	"{\"resource\":\"configmaps\",\"responseKind\":{\"kind\":\"ConfigMap\"},\"scope\":\"Namespaced\"}," \
	"{\"resource\":\"nodes\",\"responseKind\":{\"kind\":\"Node\"},\"scope\":\"Cluster\"}]}"

static void serve_discovery(const char *path, struct httpd_reply *reply)
{
	struct buf *b = &reply->body;
	if (strcmp(path, "/api") == 0 && fake.older)
		buf_adds(b, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}");
	else if (strcmp(path, "/api") == 0)
		buf_adds(
			b,
			"{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{},\"versions\":[" RESOURCES
			"]}]}");
	else if (strcmp(path, "/api/v1") == 0)
		buf_adds(
			b,
			"{\"kind\":\"APIResourceList\",\"resources\":[{\"name\":\"configmaps\",\"kind\":\"ConfigMap\","
			"\"namespaced\":true}]}");
	else if (fake.older)
		buf_adds(b, "{\"kind\":\"APIGroupList\",\"groups\":[]}");
	else if (fake.with_thing)
		buf_adds(
			b,
			"{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":\"e.com\"},\"versions\":["
			"{\"version\":\"v1\",\"resources\":[{\"resource\":\"things\",\"responseKind\":{\"kind\":"
			"\"Thing\"},\"scope\":\"Namespaced\"}]}]}]}");
	else
		buf_adds(b, "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[]}");
	fake.apis += strcmp(path, "/apis") == 0;
}

static void serve_status(int code, const char *reason, struct httpd_reply *reply)
{
	reply->status = code;
	buf_printf(
		&reply->body,
		"{\"kind\":\"Status\",\"code\":%d,\"reason\":\"%s\",\"message\":\"said %d\",\"details\":{\"name\":\"x\"}}",
		code, reason, code);
}

static void serve_list(const struct httpd_request *r, struct httpd_reply *reply)
{
	const char *more = r->query(r, "continue");
	fake.lists++;
	if (more && fake.expire_continue-- > 0) {
		serve_status(410, "Expired", reply);
		return;
	}
	buf_printf(
		&reply->body,
		"{\"metadata\":{\"resourceVersion\":\"%d\"%s},\"items\":[{\"metadata\":{\"name\":\"%s\"}}]}",
		fake.lists, more ? "" : ",\"continue\":\"m\"", more ? "second" : "first");
}

static void serve_watch(const struct httpd_request *r, struct httpd_reply *reply)
{
	fake.watches++;
	if (fake.expire_watch-- > 0)
		buf_adds(&reply->body,
			 "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n");
	else
		buf_printf(
			&reply->body,
			"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"9%d\"}}}\n"
			"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9%d\"}}}\n",
			r->query(r, "resourceVersion"), fake.watches, fake.watches);
}

static void serve(void *arg, const struct httpd_request *r, struct httpd_reply *reply)
{
	reply->status = 200;
	reply->content_type = "application/json";
	if (fake.broken) {
		reply->status = 502;
		reply->content_type = "text/html";
		buf_adds(&reply->body, "<html>bad gateway</html>");
	} else if (strstr(r->path, "things") && !fake.with_thing) {
		reply->status = 404;
		reply->content_type = "text/plain";
		buf_adds(&reply->body, "404 page not found\n");
	} else if (!strstr(r->path, "maps") && !strstr(r->path, "nodes") && !strstr(r->path, "things")) {
		serve_discovery(r->path, reply);
	} else if (r->query(r, "watch")) {
		serve_watch(r, reply);
	} else if (r->query(r, "limit")) {
		serve_list(r, reply);
	} else {
		fake.requests++;
		usleep((useconds_t)fake.slow_us);
		note(fake.path, sizeof(fake.path), r->path);
		note(fake.method, sizeof(fake.method), r->method);
		note(fake.type, sizeof(fake.type), r->header(r, "Content-Type"));
		note(fake.authorization, sizeof(fake.authorization), r->header(r, "Authorization"));
		note(fake.as, sizeof(fake.as), r->header(r, "Impersonate-User"));
		if (fake.times-- > 0)
			serve_status(fake.status, "Said", reply);
		else
			buf_adds(&reply->body, "{\"kind\":\"ConfigMap\"}");
	}
}

static struct kube_client *client_new(const struct kube_config *with)
{
	char url[64];
	struct kube_config config = *with;
	struct error err = ERROR_INIT;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", httpd_port(server));
	config.server = url;
	config.proxy_url = "";
	memset(&fake, 0, sizeof(fake));
	struct kube_client *client = kube_client_new(loop, &config, &err);
	assert_non_null(client);
	return client;
}

struct outcome {
	int calls, code;
	enum kube_result result;
	char message[256], reason[64];
};

static void done(void *arg, const struct kube_response *r)
{
	struct outcome *o = arg;
	o->calls++;
	o->code = r->code;
	o->result = r->result;
	snprintf(o->message, sizeof(o->message), "%.*s", STR_ARG(r->message));
	snprintf(o->reason, sizeof(o->reason), "%.*s", STR_ARG(r->reason));
	loop_stop(loop);
}

static struct kube_request request(enum kube_verb verb, const char *kind)
{
	return (struct kube_request){
		.verb = verb,
		.kind = str_of(kind),
		.namespace = strcmp(kind, "Node") == 0 ? STR("") : STR("ns"),
		.group = strcmp(kind, "Thing") == 0 ? STR("e.com") : STR(""),
		.name = STR("a/b%"),
		.priority = KUBE_PRIORITY_NORMAL,
		.timeout_ms = 5000,
	};
}

static struct outcome run(struct kube_client *client, const struct kube_request *r)
{
	struct outcome o = { 0 };
	kube_send(client, r, done, &o);
	assert_int_equal(o.calls, 0);
	while (o.calls == 0)
		loop_run(loop);
	assert_int_equal(o.calls, 1);
	return o;
}

static void what_is_sent(void **unused)
{
	static const struct {
		enum kube_verb verb;
		const char *method, *path, *type;
	} cases[] = {
		{ KUBE_GET, "GET", "/api/v1/namespaces/ns/configmaps/a/b%", "" },
		{ KUBE_CREATE, "POST", "/api/v1/namespaces/ns/configmaps", "application/json" },
		{ KUBE_UPDATE, "PUT", "/api/v1/namespaces/ns/configmaps/a/b%", "application/json" },
		{ KUBE_APPLY, "PATCH", "/api/v1/namespaces/ns/configmaps/a/b%",
		  "application/apply-patch+yaml" },
		{ KUBE_MERGE_PATCH, "PATCH", "/api/v1/namespaces/ns/configmaps/a/b%",
		  "application/merge-patch+json" },
		{ KUBE_JSON_PATCH, "PATCH", "/api/v1/namespaces/ns/configmaps/a/b%",
		  "application/json-patch+json" },
		{ KUBE_DELETE, "DELETE", "/api/v1/namespaces/ns/configmaps/a/b%", "application/json" },
	};
	struct kube_client *client = client_new(&(struct kube_config){ .token = "t", .impersonate = "me" });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kube_request r = request(cases[i].verb, "ConfigMap");
		r.body = cases[i].verb == KUBE_GET ? STR("") : STR("{}");
		struct outcome o = run(client, &r);
		assert_int_equal(o.result, KUBE_OK);
		assert_string_equal(fake.method, cases[i].method);
		assert_string_equal(fake.path, cases[i].path);
		assert_string_equal(fake.type, cases[i].type);
		assert_string_equal(fake.authorization, "Bearer t");
		assert_string_equal(fake.as, "me");
	}
	struct kube_stats s = kube_client_stats(client);
	assert_int_equal(s.writes, 6);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(fake.apis, 1);
	kube_client_free(client);
}

static void bad_requests_are_not_sent(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "Node");
	r.namespace = STR("ns");
	assert_int_equal(run(client, &r).result, KUBE_SCOPE_MISMATCH);
	r = request(KUBE_GET, "ConfigMap");
	r.namespace = STR("");
	assert_int_equal(run(client, &r).result, KUBE_SCOPE_MISMATCH);
	r = request(KUBE_GET, "ConfigMap");
	r.name = STR("");
	assert_int_equal(run(client, &r).result, KUBE_LOST);
	r.name = STR("a");
	r.impersonate_user = "a\r\nX-Evil: 1";
	assert_int_equal(run(client, &r).result, KUBE_LOST);
	assert_int_equal(fake.requests, 0);
	kube_client_free(client);
}

static void throttling_is_waited_out(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	fake.status = 429;
	fake.times = 3;
	assert_int_equal(run(client, &r).code, 200);
	assert_int_equal(kube_client_stats(client).retries, 3);
	assert_int_equal(kube_client_stats(client).limit, 8);
	/* Not beyond the deadline. */
	fake.times = 1000;
	r.timeout_ms = 300;
	int64_t start = clock_mono_ms();
	struct outcome o = run(client, &r);
	assert_int_equal(o.result, KUBE_STATUS);
	assert_int_equal(o.code, 429);
	assert_true(clock_mono_ms() - start <= 400);
	kube_client_free(client);
}

static void other_answers_go_to_the_caller(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ .token = "t" });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	static const int codes[] = { 400, 401, 403, 404, 409, 410, 422, 500, 503 };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		int before = fake.requests;
		fake.status = codes[i];
		fake.times = 1;
		struct outcome o = run(client, &r);
		assert_int_equal(o.result, KUBE_STATUS);
		assert_int_equal(o.code, codes[i]);
		assert_string_equal(o.reason, "Said");
		assert_int_equal(fake.requests, before + 1);
	}
	kube_client_free(client);
}

static void a_proxys_words_are_kept_short(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	run(client, &r);
	fake.broken = true;
	struct outcome o = run(client, &r);
	assert_int_equal(o.code, 502);
	assert_string_equal(o.message, "HTTP 502 with no message");
	kube_client_free(client);
}

static void no_server(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	fake.broken = true; /* discovery too */
	assert_int_equal(run(client, &r).result, KUBE_LOST);
	kube_client_free(client);
}

static void a_kind_may_come_later(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "Thing");
	struct outcome o = run(client, &r);
	assert_int_equal(o.result, KUBE_NO_KIND);
	assert_int_equal(fake.apis, 1);
	/* Many that miss it are one refresh. */
	struct outcome all[20] = { 0 };
	for (int i = 0; i < 20; i++)
		kube_send(client, &r, done, &all[i]);
	fake.with_thing = true;
	for (int i = 0; i < 20; i++) {
		while (all[i].calls == 0)
			loop_run(loop);
		assert_int_equal(all[i].result, KUBE_OK);
	}
	assert_in_range(fake.apis, 2, 3);
	/* And may go again. */
	fake.with_thing = false;
	assert_int_equal(run(client, &r).result, KUBE_NO_KIND);
	kube_client_free(client);
}

static void the_older_discovery(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	fake.older = true;
	assert_int_equal(run(client, &r).result, KUBE_OK);
	kube_client_free(client);
}

static void credentials_are_renewed_once(void **unused)
{
	char path[] = "/tmp/capstan-token-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "tok", 3), 3);
	close(fd);
	struct kube_client *client = client_new(&(struct kube_config){ .token_file = path });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	fake.status = 401;
	fake.times = 1;
	assert_int_equal(run(client, &r).code, 200);
	fake.times = 10;
	assert_int_equal(run(client, &r).code, 401);
	assert_int_equal(fake.requests, 4);
	kube_client_free(client);
	unlink(path);
}

static void cancelled_calls_are_silent(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	struct outcome cancelled = { 0 };
	struct kube_call *calls[30];
	for (int i = 0; i < 30; i++)
		calls[i] = kube_send(client, &r, done, &cancelled);
	for (int i = 0; i < 10; i++)
		kube_cancel(calls[i]);
	assert_int_equal(run(client, &r).result, KUBE_OK);
	for (int i = 0; i < 10; i++)
		kube_send(client, &r, done, &cancelled);
	kube_client_free(client);
	assert_in_range(cancelled.calls, 0, 20);
}

struct crowd {
	int ok, other, wanted;
	int before_low; /* answers that came before the one of low priority */
};

static void crowd_done(void *arg, const struct kube_response *r)
{
	struct crowd *crowd = arg;
	crowd->ok += r->result == KUBE_OK;
	crowd->other += r->result != KUBE_OK;
	if (crowd->ok + crowd->other == crowd->wanted)
		loop_stop(loop);
}

static void low_done(void *arg, const struct kube_response *r)
{
	struct crowd *crowd = arg;
	crowd->before_low = crowd->ok;
	crowd_done(arg, r);
}

/* 400 requests of 8 ms each at a server that does one at a time: most wait longer than they may take. */
static void waiting_for_a_place_costs_no_time_and_low_priority_moves(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	assert_int_equal(run(client, &r).result, KUBE_OK); /* discovery is there now */
	fake.slow_us = 8000;
	struct crowd crowd = { .wanted = 401 };
	r.timeout_ms = 2000;
	for (int i = 0; i < 400; i++)
		kube_send(client, &r, crowd_done, &crowd);
	r.priority = KUBE_PRIORITY_LOW;
	kube_send(client, &r, low_done, &crowd);
	while (crowd.ok + crowd.other < crowd.wanted)
		loop_run(loop);
	assert_int_equal(crowd.ok, 401);
	assert_in_range(crowd.before_low, 0, 200);
	kube_client_free(client);
}

static void free_client(void *arg, const struct kube_response *r)
{
	struct kube_client **client = arg;
	kube_client_free(*client);
	*client = NULL;
	loop_stop(loop);
}

static void a_client_may_be_freed_from_done(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct kube_request r = request(KUBE_GET, "ConfigMap");
	struct outcome silent = { 0 };
	kube_send(client, &r, free_client, &client);
	for (int i = 0; i < 5; i++)
		kube_send(client, &r, done, &silent);
	loop_run(loop);
	assert_null(client);
	assert_int_equal(silent.calls, 0);
}

/* ---- watches ---- */

struct seen {
	struct buf all;
	int until; /* objects from watches */
	bool stop_inside;
	struct kube_watch *watch;
};

static void watched(void *arg, const struct kube_watch_event *e)
{
	struct seen *s = arg;
	switch (e->type) {
	case WATCH_LIST_BEGIN:
		buf_addc(&s->all, '(');
		break;
	case WATCH_LIST_END:
		buf_addc(&s->all, ')');
		break;
	case WATCH_OBJECT:
		buf_printf(&s->all, "%.*s ", STR_ARG(node_text(node_at(e->object, "metadata.name"))));
		if (!e->in_list && --s->until == 0)
			loop_stop(loop);
		break;
	case WATCH_NO_KIND:
		buf_addc(&s->all, '?');
		fake.with_thing = true;
		break;
	default:
		buf_addc(&s->all, '!');
		break;
	}
	if (s->stop_inside) {
		kube_watch_stop(s->watch);
		loop_stop(loop);
	}
}

static void watch_case(const char *kind, int expire_watch, int expire_continue, const char *want)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct seen s = { .until = 2 };
	struct kube_watch_spec spec = { .kind = str_of(kind), .namespace = STR("ns") };
	if (strcmp(kind, "Thing") == 0)
		spec.group = STR("e.com");
	fake.expire_watch = expire_watch;
	fake.expire_continue = expire_continue;
	s.watch = kube_watch_start(client, &spec, watched, &s);
	loop_run(loop);
	assert_string_equal(s.all.p, want);
	buf_release(&s.all);
	kube_watch_stop(s.watch);
	kube_client_free(client);
}

static void watches(void **unused)
{
	/* The fake names its object after the version it was asked to watch from. */
	watch_case("ConfigMap", 0, 0, "(first second )2 91 ");
	watch_case("ConfigMap", 1, 0, "(first second )(first second )4 92 ");
	watch_case("ConfigMap", 0, 1, "(first (first second )4 91 ");
	watch_case("Thing", 0, 0, "?(first second )2 91 ");
}

static void a_watch_may_stop_itself(void **unused)
{
	struct kube_client *client = client_new(&(struct kube_config){ 0 });
	struct seen s = { .stop_inside = true };
	struct kube_watch_spec spec = { .kind = STR("ConfigMap") };
	s.watch = kube_watch_start(client, &spec, watched, &s);
	loop_run(loop);
	assert_string_equal(s.all.p, "(");
	buf_release(&s.all);
	kube_client_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(bad_requests_are_not_sent),
		cmocka_unit_test(throttling_is_waited_out),
		cmocka_unit_test(other_answers_go_to_the_caller),
		cmocka_unit_test(a_proxys_words_are_kept_short),
		cmocka_unit_test(no_server),
		cmocka_unit_test(a_kind_may_come_later),
		cmocka_unit_test(the_older_discovery),
		cmocka_unit_test(credentials_are_renewed_once),
		cmocka_unit_test(cancelled_calls_are_silent),
		cmocka_unit_test(waiting_for_a_place_costs_no_time_and_low_priority_moves),
		cmocka_unit_test(a_client_may_be_freed_from_done),
		cmocka_unit_test(watches),
		cmocka_unit_test(a_watch_may_stop_itself),
	};
	loop = loop_new();
	server = httpd_new(loop, "127.0.0.1:0", serve, NULL, NULL);
	if (!server)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	httpd_free(server);
	loop_free(loop);
	return rc;
}
