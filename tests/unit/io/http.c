/*
 * http.c - client and server against each other on one loop (HTTP/1.1), and the client against peers that
 * misbehave. HTTP/2 is tested with a real API server: tests/unit/kube/real_server.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "io/http.h"
#include "io/httpd.h"

static struct loop *loop;
static struct httpd *server;
static struct http_client *client;

/* ---- the server ---- */

static void serve(void *arg, const struct httpd_request *r, struct httpd_reply *reply)
{
	if (strcmp(r->path, "/echo") == 0) {
		const char *head = r->header(r, "X-Test"), *query = r->query(r, "q");
		reply->status = 200;
		reply->content_type = "text/plain";
		buf_printf(&reply->body, "%s %s %s ", r->method, head ? head : "-", query ? query : "-");
		buf_add_str(&reply->body, r->body);
	} else if (strcmp(r->path, "/large") == 0) {
		reply->status = 200;
		for (int i = 0; i < 100000; i++)
			buf_addc(&reply->body, 'x');
	} else if (strcmp(r->path, "/empty") == 0) {
		reply->status = 204;
	}
}

/* ---- one call ---- */

struct outcome {
	int calls, status, waiting;
	int64_t retry_after_ms;
	size_t n_warnings;
	bool maybe_sent;
	struct buf body, failure, type;
	size_t streamed, stop_after;
	struct http_call *call;
};

static void done(void *arg, const struct http_response *r)
{
	struct outcome *o = arg;
	o->calls++;
	o->status = r->status;
	o->maybe_sent = r->maybe_sent;
	o->retry_after_ms = r->retry_after_ms;
	o->n_warnings = r->n_warnings;
	buf_add_str(&o->body, r->body);
	buf_add_str(&o->type, r->content_type);
	buf_adds(&o->failure, r->failure ? r->failure : "");
	loop_stop(loop);
}

static void outcome_release(struct outcome *o)
{
	buf_release(&o->body);
	buf_release(&o->failure);
	buf_release(&o->type);
}

static const char *url(int port, const char *path)
{
	static char text[256];
	snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", port, path);
	return text;
}

static struct http_request get(const char *path, struct outcome *o)
{
	return (struct http_request){
		.method = "GET",
		.url = url(httpd_port(server), path),
		.timeout_ms = 10000,
		.done = done,
		.arg = o,
	};
}

static void run(const struct http_request *r, struct outcome *o)
{
	o->call = http_send(client, r);
	assert_int_equal(o->calls, 0);
	while (o->calls == 0)
		loop_run(loop);
	assert_int_equal(o->calls, 1);
}

static void methods_headers_and_bodies(void **unused)
{
	static const struct {
		const char *method, *body, *want;
	} cases[] = {
		{ "GET", "", "GET v 1 " },
		{ "POST", "text", "POST v 1 text" },
		{ "POST", "", "POST v 1 " },
		{ "PATCH", "{}", "PATCH v 1 {}" },
		{ "PUT", "x", "PUT v 1 x" },
		{ "DELETE", "", "DELETE v 1 " },
		{ "DELETE", "why", "DELETE v 1 why" },
		{ "HEAD", "", "" },
		{ "GET", "", "GET v 1 " },
		{ "HEAD", "", "" },
		{ "POST", "text", "POST v 1 text" },
	};
	const struct http_header headers[] = { { "X-Test", "v" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome o = { 0 };
		struct http_request r = get("/echo?q=1", &o);
		r.method = cases[i].method;
		r.body = str_of(cases[i].body);
		r.headers = headers;
		r.n_headers = 1;
		run(&r, &o);
		assert_int_equal(o.status, 200);
		assert_string_equal(o.body.p, cases[i].want);
		assert_string_equal(o.type.p, "text/plain");
		assert_int_equal(o.retry_after_ms, -1);
		outcome_release(&o);
	}
}

static void statuses(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = get("/none", &o);
	run(&r, &o);
	assert_int_equal(o.status, 404);
	outcome_release(&o);
	o = (struct outcome){ 0 };
	r = get("/empty", &o);
	run(&r, &o);
	assert_int_equal(o.status, 204);
	outcome_release(&o);
}

static void a_body_over_its_cap_is_refused_by_both_sides(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = get("/large", &o);
	r.body_max = 1000;
	run(&r, &o);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.failure.p, "the answer is larger than 1000 bytes");
	outcome_release(&o);

	o = (struct outcome){ 0 };
	struct buf body = BUF_INIT;
	buf_reserve(&body, HTTPD_BODY_MAX + 10);
	memset(body.p, 'x', HTTPD_BODY_MAX + 10);
	body.n = HTTPD_BODY_MAX + 10;
	r = get("/echo", &o);
	r.method = "POST";
	r.body = buf_str(&body);
	run(&r, &o);
	assert_int_equal(o.status, 413);
	outcome_release(&o);
	buf_release(&body);
}

static bool chunk(void *arg, struct str piece)
{
	struct outcome *o = arg;
	o->streamed += piece.n;
	return !o->stop_after || o->streamed < o->stop_after;
}

static bool chunk_that_cancels(void *arg, struct str piece)
{
	struct outcome *o = arg;
	http_cancel(o->call);
	/* A call may also be sent from here. */
	struct http_request r = get("/echo", o);
	http_send(client, &r);
	return true;
}

static void streams(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = get("/large", &o);
	r.on_chunk = chunk;
	run(&r, &o);
	assert_int_equal(o.status, 200);
	assert_int_equal(o.streamed, 100000);
	assert_int_equal(o.body.n, 0);
	outcome_release(&o);

	o = (struct outcome){ .stop_after = 1 };
	r.arg = &o;
	run(&r, &o);
	assert_int_equal(o.status, 0);
	outcome_release(&o);

	o = (struct outcome){ 0 };
	r.arg = &o;
	r.on_chunk = chunk_that_cancels;
	run(&r, &o);
	assert_int_equal(o.status, 200); /* of the second call */
	assert_string_equal(o.body.p, "GET - - ");
	outcome_release(&o);
}

static void many_at_once(void **unused)
{
	enum { N = 200 };
	struct outcome all[N] = { 0 };
	for (int i = 0; i < N; i++) {
		struct http_request r = get("/echo", &all[i]);
		all[i].call = http_send(client, &r);
	}
	for (int i = 0; i < N; i += 2)
		http_cancel(all[i].call);
	while (http_client_calls(client) > 0)
		loop_run(loop);
	for (int i = 0; i < N; i++) {
		assert_int_equal(all[i].calls, i % 2);
		if (i % 2)
			assert_int_equal(all[i].status, 200);
		outcome_release(&all[i]);
	}
}

/* ---- peers that misbehave: a listening socket whose answer is ours ---- */

static int listen_somewhere(int *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(a.sin_port);
	return fd;
}

struct peer {
	int listener;
	const char *text;
	bool keep_open, over;
};

static void peer_work(void *arg)
{
	struct peer *p = arg;
	char in[4096];
	int fd = accept(p->listener, NULL, NULL);
	if (fd < 0)
		return;
	if (read(fd, in, sizeof(in)) > 0 && write(fd, p->text, strlen(p->text)) < 0)
		perror("write");
	if (p->keep_open)
		while (read(fd, in, sizeof(in)) > 0)
			;
	close(fd);
}

static void peer_done(void *arg)
{
	struct peer *p = arg;
	p->over = true;
	loop_stop(loop);
}

static void ask_peer(const char *text, bool keep_open, const struct http_request *shape, struct outcome *o)
{
	int port;
	struct peer peer = { listen_somewhere(&port), text, keep_open, false };
	struct http_request r = *shape;
	r.method = "GET";
	r.url = url(port, "/");
	r.done = done;
	r.arg = o;
	loop_work(loop, peer_work, peer_done, &peer);
	run(&r, o);
	while (!peer.over)
		loop_run(loop);
	close(peer.listener);
}

static void headers_are_read(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = { .timeout_ms = 5000 };
	ask_peer("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nwarning: 299 - \"a\"\r\nWarning: 299 - \"b\"\r\n"
		 "Content-Length: 0\r\nConnection: close\r\n\r\n",
		 false, &r, &o);
	assert_int_equal(o.status, 429);
	assert_int_equal(o.retry_after_ms, 7000);
	assert_int_equal(o.n_warnings, 2);
	outcome_release(&o);
}

static void a_cut_answer_is_a_failure(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = { .timeout_ms = 5000 };
	ask_peer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false, &r, &o);
	assert_int_equal(o.status, 0);
	assert_true(o.maybe_sent);
	outcome_release(&o);
}

static void silence_ends_a_stream(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = { .idle_timeout_ms = 200, .on_chunk = chunk };
	int64_t start = clock_mono_ms();
	ask_peer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true, &r, &o);
	assert_int_equal(o.status, 0);
	assert_int_equal(o.streamed, 3);
	assert_true(clock_mono_ms() - start >= 200);
	assert_true(clock_mono_ms() - start < 4000);
	outcome_release(&o);
}

static void a_deadline_ends_a_call(void **unused)
{
	struct outcome o = { 0 };
	struct http_request r = { .timeout_ms = 150 };
	ask_peer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true, &r, &o);
	assert_int_equal(o.status, 0);
	assert_true(o.maybe_sent);
	outcome_release(&o);
}

static void nobody_listens(void **unused)
{
	struct outcome o = { 0 };
	int port;
	close(listen_somewhere(&port));
	struct http_request r = get("", &o);
	r.url = url(port, "/");
	run(&r, &o);
	assert_int_equal(o.status, 0);
	assert_false(o.maybe_sent);
	assert_true(o.failure.n > 0);
	outcome_release(&o);
}

static void a_free_client_is_silent(void **unused)
{
	struct outcome o = { 0 };
	struct http_client *other = http_client_new(loop, &(struct http_client_options){ 0 }, NULL);
	struct http_request r = get("/echo", &o);
	http_send(other, &r);
	http_client_free(other);
	struct outcome last = { 0 };
	r = get("/echo", &last);
	run(&r, &last);
	assert_int_equal(o.calls, 0);
	outcome_release(&last);
}

static void free_client(void *arg, const struct http_response *r)
{
	http_client_free(arg);
	loop_stop(loop);
}

static void a_client_may_be_freed_from_done(void **unused)
{
	struct outcome o = { 0 };
	struct http_client *other = http_client_new(loop, &(struct http_client_options){ 0 }, NULL);
	struct http_request r = get("/echo", &o);
	http_send(other, &r);
	r.done = free_client;
	r.arg = other;
	r.url = "nonsense://";
	http_send(other, &r);
	loop_run(loop);
}

static void bad_options_are_said(void **unused)
{
	struct error err = ERROR_INIT;
	struct http_client_options o = { .cert_pem = STR("x") };
	assert_null(http_client_new(loop, &o, &err));
	assert_true(err.text[0]);
}

/* ---- the server's own ---- */

static void addresses(void **unused)
{
	static const char *const bad[] = {
		"", "80", "host:", "host:http", "::1:80", "[::1]", "no.such.host.invalid:0"
	};
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = '\0';
		assert_null(httpd_new(loop, bad[i], serve, NULL, &err));
		assert_true(err.text[0]);
	}
	struct httpd *every = httpd_new(loop, ":0", serve, NULL, &err);
	assert_non_null(every);
	char taken[32];
	snprintf(taken, sizeof(taken), ":%d", httpd_port(every));
	assert_null(httpd_new(loop, taken, serve, NULL, &err));
	httpd_free(every);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_headers_and_bodies),
		cmocka_unit_test(statuses),
		cmocka_unit_test(a_body_over_its_cap_is_refused_by_both_sides),
		cmocka_unit_test(streams),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(a_cut_answer_is_a_failure),
		cmocka_unit_test(silence_ends_a_stream),
		cmocka_unit_test(a_deadline_ends_a_call),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(a_free_client_is_silent),
		cmocka_unit_test(a_client_may_be_freed_from_done),
		cmocka_unit_test(bad_options_are_said),
		cmocka_unit_test(addresses),
	};
	struct error err = ERROR_INIT;
	loop = loop_new();
	server = httpd_new(loop, "127.0.0.1:0", serve, NULL, &err);
	client = http_client_new(loop, &(struct http_client_options){ .proxy = "" }, &err);
	if (!server || !client) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	http_client_free(client);
	httpd_free(server);
	loop_free(loop);
	return rc;
}
