/*
 * real_server.c - the client against the API server that KUBECONFIG names; skipped (77) when it names none.
 *
 *   real_server            each verb, discovery, watch, relist
 *   real_server bench [N]  N server-side applies of ConfigMaps: requests a second and our own CPU
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "doc/json.h"
#include "io/http.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/watch.h"

#define NAMESPACE "capstan-real-server"

static struct loop *loop;
static struct kube_client *client;

#define require(condition, ...)                                                         \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__);                                   \
			fputc('\n', stderr);                                            \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

/* ---- one request, waited for ---- */

struct answer {
	enum kube_result result;
	int code;
	struct buf reason, message, version, more, warning;
	size_t items;
};

static void answered(void *arg, const struct kube_response *r)
{
	struct answer *a = arg;
	a->result = r->result;
	a->code = r->code;
	buf_add_str(&a->reason, r->reason);
	buf_add_str(&a->message, r->message);
	buf_add_str(&a->version, node_text(node_at(r->body, "metadata.resourceVersion")));
	buf_add_str(&a->more, node_text(node_at(r->body, "metadata.continue")));
	if (r->n_warnings)
		buf_add_str(&a->warning, r->warnings[0]);
	a->items = node_count(node_get(r->body, "items"));
	loop_stop(loop);
}

static void answer_release(struct answer *a)
{
	buf_release(&a->reason);
	buf_release(&a->message);
	buf_release(&a->version);
	buf_release(&a->more);
	buf_release(&a->warning);
	*a = (struct answer){ 0 };
}

static struct kube_request request(enum kube_verb verb, const char *kind, const char *name, const char *body)
{
	return (struct kube_request){
		.verb = verb,
		.version = STR("v1"),
		.kind = str_of(kind),
		.namespace = strcmp(kind, "Namespace") == 0 ? STR("") : STR(NAMESPACE),
		.name = str_of(name),
		.body = str_of(body),
		.field_manager = "capstan-test",
		.priority = KUBE_PRIORITY_NORMAL,
		.timeout_ms = 20000,
	};
}

static struct answer ask(const struct kube_request *r)
{
	struct answer a = { 0 };
	kube_send(client, r, answered, &a);
	loop_run(loop);
	return a;
}

static int ask_code(enum kube_verb verb, const char *kind, const char *name, const char *body)
{
	struct kube_request r = request(verb, kind, name, body);
	struct answer a = ask(&r);
	int code = a.code;
	if (code >= 400)
		fprintf(stderr, "  (%d %.*s: %.*s)\n", code, STR_ARG(buf_str(&a.reason)),
			STR_ARG(buf_str(&a.message)));
	answer_release(&a);
	return code;
}

#define CONFIG_MAP(name, value)                                                        \
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name \
	"\",\"namespace\":\"" NAMESPACE "\",\"labels\":{\"t\":\"x\"}},\"data\":{\"k\":\"" value "\"}}"

static void make_namespace(void)
{
	int code = ask_code(
		KUBE_APPLY, "Namespace", NAMESPACE,
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" NAMESPACE "\"}}");
	require(code == 200 || code == 201, "%d", code);
}

/* ---- every verb ---- */

static void test_verbs(void)
{
	require(ask_code(KUBE_CREATE, "ConfigMap", "", CONFIG_MAP("a", "1")) == 201, "create");
	require(ask_code(KUBE_CREATE, "ConfigMap", "", CONFIG_MAP("a", "1")) == 409, "create again");
	require(ask_code(KUBE_APPLY, "ConfigMap", "b", CONFIG_MAP("b", "1")) == 201, "apply");
	require(ask_code(KUBE_APPLY, "ConfigMap", "b", CONFIG_MAP("b", "2")) == 200, "apply again");
	require(ask_code(KUBE_GET, "ConfigMap", "b", "") == 200, "get");
	require(ask_code(KUBE_GET, "ConfigMap", "none", "") == 404, "get of what is not there");
	require(ask_code(KUBE_MERGE_PATCH, "ConfigMap", "b", "{\"data\":{\"m\":\"1\"}}") == 200, "merge");
	require(ask_code(KUBE_JSON_PATCH, "ConfigMap", "b",
			 "[{\"op\":\"add\",\"path\":\"/data/n\",\"value\":\"1\"}]") == 200,
		"json patch");
	require(ask_code(KUBE_UPDATE, "ConfigMap", "a", CONFIG_MAP("a", "3")) == 200, "update");
	require(ask_code(KUBE_DELETE, "ConfigMap", "a", "") == 200, "delete");
	require(ask_code(KUBE_DELETE, "ConfigMap", "b", "{\"propagationPolicy\":\"Background\"}") == 200,
		"delete");
}

static void test_refusals(void)
{
	struct kube_request r = request(KUBE_GET, "Nonesuch", "x", "");
	struct answer a = ask(&r);
	require(a.result == KUBE_NO_KIND && a.message.n, "%d", a.result);
	answer_release(&a);

	r = request(KUBE_GET, "Namespace", "default", "");
	r.namespace = STR("default");
	a = ask(&r);
	require(a.result == KUBE_SCOPE_MISMATCH, "%d", a.result);
	answer_release(&a);

	r = request(
		KUBE_APPLY, "ConfigMap", "w",
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"w\"},\"dota\":{}}");
	a = ask(&r);
	require(a.code >= 400 || a.warning.n, "an unknown field is warned of or refused");
	answer_release(&a);

	r = request(KUBE_APPLY, "ConfigMap", "dry", CONFIG_MAP("dry", "1"));
	r.dry_run = true;
	r.impersonate_user = "system:serviceaccount:default:nobody";
	a = ask(&r);
	require(a.code == 403, "%d", a.code);
	answer_release(&a);
	r.impersonate_user = NULL;
	a = ask(&r);
	require(a.code == 201, "%d", a.code);
	answer_release(&a);
	require(ask_code(KUBE_GET, "ConfigMap", "dry", "") == 404, "a dry run writes nothing");
}

static void test_discovery(void)
{
	const struct kube_resource *r = kube_discovery_find(client, STR("apps"), STR(""), STR("Deployment"));
	require(r && str_is(r->plural, "deployments") && r->namespaced && r->has_status && r->watchable,
		"Deployment");
	require(r->preferred && str_is(r->version, "v1"), "apps/v1");
	r = kube_discovery_find(client, STR(""), STR("v1"), STR("Namespace"));
	require(r && !r->namespaced, "Namespace");
}

/* ---- watch ---- */

struct seen {
	int begins, ends, listed, changed, deleted, failing, no_kind;
	int stop_at_changed, stop_at_deleted;
	bool typed;
};

static void watched(void *arg, const struct kube_watch_event *e)
{
	struct seen *s = arg;
	switch (e->type) {
	case WATCH_LIST_BEGIN:
		s->begins++;
		break;
	case WATCH_LIST_END:
		s->ends++;
		loop_stop(loop);
		break;
	case WATCH_OBJECT:
		if (e->in_list)
			s->listed++;
		else
			s->changed++;
		s->typed = str_is(node_text(node_get(e->object, "kind")), "ConfigMap") &&
			   str_is(node_text(node_get(e->object, "apiVersion")), "v1");
		if (s->stop_at_changed && s->changed >= s->stop_at_changed)
			loop_stop(loop);
		break;
	case WATCH_DELETED:
		if (++s->deleted >= s->stop_at_deleted)
			loop_stop(loop);
		break;
	case WATCH_NO_KIND:
		s->no_kind++;
		loop_stop(loop);
		break;
	case WATCH_FAILING:
		fprintf(stderr, "  (failing: %s)\n", e->message);
		s->failing++;
		break;
	}
}

static void forget(void *arg, const struct kube_response *r)
{
}

static void send_many(enum kube_verb verb, int n)
{
	for (int i = 0; i < n; i++) {
		char name[32], body[512];
		snprintf(name, sizeof(name), "many-%d", i);
		snprintf(
			body, sizeof(body),
			"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"labels\":"
			"{\"t\":\"x\"}},\"data\":{\"i\":\"%d\"}}",
			name, i);
		struct kube_request r = request(verb, "ConfigMap", name, verb == KUBE_DELETE ? "" : body);
		kube_send(client, &r, forget, NULL);
	}
}

static void test_watch(void)
{
	enum { MANY = 120 };
	struct kube_watch_spec spec = {
		.kind = STR("ConfigMap"),
		.namespace = STR(NAMESPACE),
		.label_selector = "t=x",
		.page = 50,
	};
	struct seen s = { .stop_at_changed = MANY }, late = { 0 };
	struct kube_watch *w = kube_watch_start(client, &spec, watched, &s);
	loop_run(loop);
	require(s.begins == 1 && s.ends == 1 && s.listed == 0, "%d %d %d", s.begins, s.ends, s.listed);
	send_many(KUBE_APPLY, MANY);
	loop_run(loop);
	require(s.changed == MANY && s.typed, "%d", s.changed);
	struct kube_watch *second = kube_watch_start(client, &spec, watched, &late);
	loop_run(loop);
	require(late.listed == MANY && late.typed && late.begins == 1, "%d", late.listed);
	kube_watch_stop(second);
	s.stop_at_deleted = MANY;
	s.stop_at_changed = 0;
	send_many(KUBE_DELETE, MANY);
	loop_run(loop);
	require(s.deleted == MANY && s.failing == 0, "%d", s.deleted);
	kube_watch_stop(w);
}

static void test_no_kind(void)
{
	struct seen s = { 0 };
	struct kube_watch_spec spec = { .group = STR("nowhere.example"), .kind = STR("Nothing") };
	struct kube_watch *w = kube_watch_start(client, &spec, watched, &s);
	loop_run(loop);
	require(s.no_kind == 1 && s.failing == 0, "no kind");
	kube_watch_stop(w);
}

/* ---- figures ---- */

static int bench_left, bench_failed;

static void bench_answered(void *arg, const struct kube_response *r)
{
	bench_failed += r->result != KUBE_OK;
	if (--bench_left == 0)
		loop_stop(loop);
}

static double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void bench_round(const char *what, enum kube_verb verb, int n)
{
	double cpu = cpu_seconds();
	int64_t start = clock_mono_ms();
	bench_left = n;
	for (int i = 0; i < n; i++) {
		char name[32], body[512];
		snprintf(name, sizeof(name), "bench-%d", i);
		snprintf(
			body, sizeof(body),
			"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\"},\"data\":{"
			"\"when\":\"%lld\"}}",
			name, (long long)start);
		struct kube_request r = request(verb, "ConfigMap", name, verb == KUBE_DELETE ? "" : body);
		r.timeout_ms = 120000;
		kube_send(client, &r, bench_answered, NULL);
	}
	loop_run(loop);
	double seconds = (double)(clock_mono_ms() - start) / 1000;
	cpu = cpu_seconds() - cpu;
	struct kube_stats stats = kube_client_stats(client);
	printf("%-7s %d in %.2f s: %.0f/s, our CPU %.2f s (%.0f us each), limit %d, failed %d, retries %llu\n",
	       what, n, seconds, n / seconds, cpu, cpu * 1e6 / n, stats.limit, bench_failed,
	       (unsigned long long)stats.retries);
	bench_failed = 0;
}

static long rss_kib(void)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * 4;
}

static void bench(int n)
{
	printf("idle RSS with discovery: %ld KiB\n", rss_kib());
	bench_round("create", KUBE_APPLY, n);
	bench_round("change", KUBE_APPLY, n);
	bench_round("delete", KUBE_DELETE, n);
	printf("RSS after: %ld KiB", rss_kib());
	malloc_trim(0);
	printf(", trimmed: %ld KiB\n", rss_kib());
}

int main(int argc, char **argv)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config config;
	struct error err = ERROR_INIT;
	if (!getenv("KUBECONFIG")) {
		printf("skipped: KUBECONFIG names no cluster\n");
		return 77;
	}
	require(kube_config_load(&a, &(struct kube_config_options){ 0 }, &config, &err) == 0, "%s", err.text);
	loop = loop_new();
	client = kube_client_new(loop, &config, &err);
	require(client, "%s", err.text);
	make_namespace();
	if (argc > 1) {
		bench(argc > 2 ? atoi(argv[2]) : 2000);
	} else {
		test_verbs();
		test_refusals();
		test_discovery();
		test_watch();
		test_no_kind();
		printf("ok\n");
	}
	kube_client_free(client);
	loop_free(loop);
	return 0;
}
