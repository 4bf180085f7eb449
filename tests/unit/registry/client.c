/*
 * The client against a registry made up of answers: logging in, pages, conditions, digests that lie,
 * redirects that want to carry credentials away.
 */
#include "../cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/wait.h"

#define MANIFEST \
	"{\"config\":{\"digest\":\"sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356\"}}"

/* --- the registry --- */

struct route {
	const char *line;   /* begins a request: "GET /v2/app/tags/list" */
	const char *wants;  /* a line that the request has; NULL: any. "!" before it: must not be there */
	const char *answer; /* status line, headers and body; "@" becomes the port */
};

struct server {
	int fd, port;
	const struct route *routes;
	size_t n;
	pthread_t thread;
	pthread_mutex_t lock;
	char log[16384]; /* first lines */
};

static bool fits(const struct route *r, const char *request)
{
	if (strncmp(request, r->line, strlen(r->line)) != 0)
		return false;
	if (!r->wants)
		return true;
	return r->wants[0] == '!' ? !strcasestr(request, r->wants + 1)
				  : strcasestr(request, r->wants) != NULL;
}

static void send_answer(struct server *s, int fd, const char *text)
{
	struct str rest = str_of(text);
	cleanup_buf struct buf out = BUF_INIT;
	while (rest.n) {
		struct str before = str_cut(rest, '@', &rest);
		buf_add_str(&out, before);
		if (before.p + before.n < text + strlen(text))
			buf_printf(&out, "%d", s->port);
	}
	for (size_t at = 0; at < out.n;) {
		ssize_t n = send(fd, out.p + at, out.n - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0; close(fd)) {
		char request[8192];
		size_t n = 0;
		request[0] = '\0';
		while (n < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
			ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
			if (got <= 0)
				break;
			n += (size_t)got;
			request[n] = '\0';
		}
		if (!n)
			continue;
		pthread_mutex_lock(&s->lock);
		size_t logged = strlen(s->log);
		snprintf(s->log + logged, sizeof(s->log) - logged, "%.*s\n", (int)strcspn(request, "\r"),
			 request);
		pthread_mutex_unlock(&s->lock);
		const char *answer = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";
		for (size_t i = 0; i < s->n; i++) {
			if (fits(&s->routes[i], request)) {
				answer = s->routes[i].answer;
				break;
			}
		}
		send_answer(s, fd, answer);
		shutdown(fd, SHUT_WR);
	}
	return NULL;
}

static void server_start(struct server *s, const struct route *routes, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);
	*s = (struct server){ .routes = routes, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER };
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &size), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static int count(const struct server *s, const char *line)
{
	int n = 0;
	for (const char *at = s->log; (at = strstr(at, line)); at += strlen(line))
		n++;
	return n;
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"
#define MOVED "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\n"
#define CLOSED "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"

/* --- one question --- */

struct result {
	struct loop *loop;
	enum registry_result result;
	char error[1024], tags[256], etag[64], digest[REGISTRY_DIGEST_LEN + 1];
	int64_t created_ms;
};

static void on_answer(void *ctx, const struct registry_answer *a)
{
	struct result *r = ctx;
	r->result = a->result;
	snprintf(r->error, sizeof(r->error), "%s", a->error ? a->error : "");
	snprintf(r->etag, sizeof(r->etag), "%s", a->etag ? a->etag : "");
	snprintf(r->digest, sizeof(r->digest), "%s", a->digest);
	r->created_ms = a->created_ms;
	r->tags[0] = '\0';
	for (size_t i = 0; i < a->n_tags; i++) {
		size_t n = strlen(r->tags);
		snprintf(r->tags + n, sizeof(r->tags) - n, "%s%.*s", i ? " " : "", STR_ARG(a->tags[i]));
	}
	loop_stop(r->loop);
}

struct session {
	struct arena arena;
	struct loop *loop;
	struct registry *registry;
	struct registry_place place;
	struct result r;
};

static void session_start(struct session *s, int port, const struct registry_login *login)
{
	struct error err = ERROR_INIT;
	*s = (struct session){ .loop = loop_new() };
	s->r.loop = s->loop;
	const char *image = arena_printf(&s->arena, "127.0.0.1:%d/team/app", port);
	assert_int_equal(registry_place_read(&s->arena, str_of(image), &s->place, &err), 0);
	struct registry_options options = { .place = &s->place, .insecure = true };
	if (login)
		options.login = *login;
	s->registry = registry_new(s->loop, &options, &err);
	assert_non_null(s->registry);
}

static void session_end(struct session *s)
{
	registry_free(s->registry);
	loop_free(s->loop);
	arena_release(&s->arena);
}

static struct result *tags(struct session *s, const char *etag)
{
	registry_tags(s->registry, s->place.path, etag, on_answer, &s->r);
	loop_run(s->loop);
	return &s->r;
}

static struct result *resolve(struct session *s, const char *reference)
{
	registry_resolve(s->registry, s->place.path, reference, on_answer, &s->r);
	loop_run(s->loop);
	return &s->r;
}

/* --- tests --- */

static void pages_and_conditions(void **unused)
{
	static const struct route paged[] = {
		{ "GET /v2/team/app/tags/list?n=1000 ", NULL,
		  OK
		  "Link: </v2/team/app/tags/list?last=b>; rel=\"next\"\r\nETag: \"1\"\r\n\r\n{\"tags\":[\"a\",\"b\"]}" },
		{ "GET /v2/team/app/tags/list?last=b ", NULL, OK "ETag: \"2\"\r\n\r\n{\"tags\":[\"c\"]}" },
	};
	static const struct route single[] = {
		{ "GET /v2/team/app/tags/list", "If-None-Match: \"1\"",
		  "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n" },
		{ "GET /v2/team/app/tags/list", NULL, OK "ETag: \"1\"\r\n\r\n{\"tags\":[\"a\"]}" },
	};
	static const struct route endless[] = {
		{ "GET /v2/team/app/tags/list", NULL, OK "Link: <?n=1000>; rel=next\r\n\r\n{\"tags\":[]}" },
	};
	struct server server;
	struct session s;
	server_start(&server, paged, 2);
	session_start(&s, server.port, NULL);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_string_equal(s.r.tags, "a b c");
	assert_string_equal(s.r.etag, ""); /* that of a page says nothing of the others */
	session_end(&s);
	server_stop(&server);

	server_start(&server, single, 2);
	session_start(&s, server.port, NULL);
	assert_string_equal(tags(&s, NULL)->etag, "\"1\"");
	assert_int_equal(tags(&s, "\"1\"")->result, REGISTRY_UNCHANGED);
	assert_int_equal(count(&server, "GET"), 2);
	session_end(&s);
	server_stop(&server);

	server_start(&server, endless, 1);
	session_start(&s, server.port, NULL);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "REGISTRY_PAGES_MAX"));
	session_end(&s);
	server_stop(&server);
}

static void tokens_are_kept(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/", "Authorization: Bearer t1", OK "\r\n{\"tags\":[\"a\"]}" },
		{ "GET /v2/", NULL,
		  CLOSED
		  "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:@/token\",service=\"my registry\"\r\n\r\n" },
		{ "GET /token?service=my%20registry&scope=repository%3Ateam%2Fapp%3Apull ",
		  "Authorization: Basic dTpw", OK "\r\n{\"token\":\"t1\",\"expires_in\":300}" },
		{ "GET /token", NULL, CLOSED "\r\n" },
	};
	struct registry_login login = { .username = "u", .password = "p" };
	struct server server;
	struct session s;
	server_start(&server, routes, 4);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_int_equal(count(&server, "GET /token"), 1);
	assert_int_equal(count(&server, "GET /v2/"), 3);
	session_end(&s);
	login.password = "wrong";
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "refuses the credentials"));
	assert_null(strstr(s.r.error, "wrong"));
	session_end(&s);
	server_stop(&server);
}

static void identity_tokens_are_posted(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/", "Authorization: Bearer t2", OK "\r\n{\"tags\":[\"a\"]}" },
		{ "GET /v2/", NULL,
		  CLOSED "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:@/token\"\r\n\r\n" },
		{ "POST /token", NULL, OK "\r\n{\"access_token\":\"t2\"}" },
	};
	struct registry_login login = { .identity_token = "refresh" };
	struct server server;
	struct session s;
	server_start(&server, routes, 3);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	session_end(&s);
	server_stop(&server);
}

static void basic_is_sent_at_once_the_second_time(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/", "Authorization: Basic dTpw", OK "\r\n{\"tags\":[]}" },
		{ "GET /v2/", NULL,
		  CLOSED "WWW-Authenticate: Basic realm=\"r\"\r\n\r\n{\"errors\":[{\"message\":\"who?\"}]}" },
	};
	struct registry_login login = { .username = "u", .password = "p" };
	struct server server;
	struct session s;
	server_start(&server, routes, 2);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_int_equal(count(&server, "GET"), 3);
	session_end(&s);
	session_start(&s, server.port, NULL);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "name a Secret"));
	session_end(&s);
	server_stop(&server);
}

static void redirects_carry_nothing_away(void **unused)
{
	static const struct route elsewhere[] = {
		{ "GET /", "!Authorization", OK "\r\n" MANIFEST },
		{ "GET /", NULL, "HTTP/1.1 500 Leaked\r\nConnection: close\r\n\r\n" },
	};
	static const struct route round[] = {
		{ "GET /v2/team/app/manifests/loop", NULL,
		  MOVED "Location: /v2/team/app/manifests/loop\r\n\r\n" },
	};
	struct registry_login login = { .bearer = "secret" };
	struct server other, server;
	struct session s;
	char answer[256];
	server_start(&other, elsewhere, 2);
	snprintf(answer, sizeof(answer), MOVED "Location: http://127.0.0.1:%d/blob\r\n\r\n", other.port);
	const struct route routes[] = { { "GET /v2/", "Authorization: Bearer secret", answer } };
	server_start(&server, routes, 1);
	session_start(&s, server.port, &login);
	assert_int_equal(resolve(&s, "v1")->result, REGISTRY_OK);
	session_end(&s);
	server_stop(&server);
	server_stop(&other);

	server_start(&server, round, 1);
	session_start(&s, server.port, NULL);
	assert_int_equal(resolve(&s, "loop")->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "REGISTRY_REDIRECTS_MAX"));
	session_end(&s);
	server_stop(&server);
}

static void digests_are_not_believed(void **unused)
{
	static const struct route routes[] = {
		{ "HEAD /v2/team/app/manifests/v1", NULL,
		  OK
		  "Content-Length: 999\r\nDocker-Content-Digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\r\n\r\n" },
		{ "GET /v2/team/app/manifests/v1", NULL,
		  OK
		  "Docker-Content-Digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\r\n\r\n" MANIFEST },
		{ "GET /v2/team/app/manifests/sha256:", NULL, OK "\r\n" MANIFEST },
		{ "GET /v2/team/app/manifests/v2", NULL, OK "\r\n" MANIFEST },
		{ "GET /v2/team/app/blobs/", NULL, OK "\r\n{\"created\":\"2026-01-02T03:04:05Z\"}" },
	};
	struct server server;
	struct session s;
	char digest[REGISTRY_DIGEST_LEN + 1];
	registry_digest(STR(MANIFEST), digest);
	server_start(&server, routes, 5);
	session_start(&s, server.port, NULL);
	registry_head(s.registry, s.place.path, "v1", on_answer, &s.r);
	loop_run(s.loop);
	assert_int_equal(s.r.result, REGISTRY_OK);
	assert_int_equal(resolve(&s, "v1")->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "sends bytes of"));
	assert_int_equal(resolve(&s, digest)->result, REGISTRY_OK);
	assert_string_equal(s.r.digest, digest);
	assert_int_equal(
		resolve(&s, "sha256:2222222222222222222222222222222222222222222222222222222222222222")
			->result,
		REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "other bytes"));
	registry_created(s.registry, s.place.path, "v2", on_answer, &s.r);
	loop_run(s.loop);
	assert_int_equal(s.r.result, REGISTRY_FAILED); /* the configuration is not what the manifest names */
	assert_int_equal(resolve(&s, "v3")->result, REGISTRY_MISSING);
	session_end(&s);
	server_stop(&server);
}

static void the_time_is_that_of_the_configuration(void **unused)
{
	static const char config[] = "{\"created\":\"2026-01-02T03:04:05Z\"}";
	char digest[REGISTRY_DIGEST_LEN + 1], manifest[256], index[512], child[REGISTRY_DIGEST_LEN + 1];
	char answers[3][1024], lines[3][160];
	registry_digest(STR("{\"created\":\"2026-01-02T03:04:05Z\"}"), digest);
	snprintf(manifest, sizeof(manifest), "{\"config\":{\"digest\":\"%s\"}}", digest);
	registry_digest(str_of(manifest), child);
	snprintf(index, sizeof(index), "{\"manifests\":[{\"digest\":\"%s\"}]}", child);
	snprintf(answers[0], sizeof(answers[0]), OK "\r\n%s", index);
	snprintf(answers[1], sizeof(answers[1]), OK "\r\n%s", manifest);
	snprintf(answers[2], sizeof(answers[2]), OK "\r\n%s", config);
	snprintf(lines[0], sizeof(lines[0]), "GET /v2/team/app/manifests/v1 ");
	snprintf(lines[1], sizeof(lines[1]), "GET /v2/team/app/manifests/%s ", child);
	snprintf(lines[2], sizeof(lines[2]), "GET /v2/team/app/blobs/%s ", digest);
	const struct route routes[] = { { lines[0], NULL, answers[0] },
					{ lines[1], NULL, answers[1] },
					{ lines[2], NULL, answers[2] } };
	struct server server;
	struct session s;
	server_start(&server, routes, 3);
	session_start(&s, server.port, NULL);
	registry_created(s.registry, s.place.path, "v1", on_answer, &s.r);
	loop_run(s.loop);
	assert_int_equal(s.r.result, REGISTRY_OK);
	assert_int_equal(s.r.created_ms, 1767323045000);
	registry_digest(str_of(index), digest);
	assert_string_equal(s.r.digest, digest);
	session_end(&s);
	server_stop(&server);
}

static void blocking(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/team/app/manifests/v1", NULL, OK "\r\n" MANIFEST },
		{ "GET /v2/team/app/tags/list", NULL, OK "\r\n{\"tags\":[\"v1\",\"v2\"]}" },
		{ "DELETE /v2/team/app/manifests/sha256:", NULL,
		  "HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n" },
	};
	struct registry_access access = { .insecure = true, .timeout_ms = 10000 };
	struct server server;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct str *tags;
	size_t n;
	char digest[REGISTRY_DIGEST_LEN + 1], want[REGISTRY_DIGEST_LEN + 1];
	server_start(&server, routes, 3);
	const char *repository = arena_printf(&a, "127.0.0.1:%d/team/app", server.port);
	registry_digest(STR(MANIFEST), want);
	assert_int_equal(registry_find(arena_printf(&a, "%s:v1", repository), &access, digest, &err), 0);
	assert_string_equal(digest, want);
	assert_int_equal(registry_find(arena_printf(&a, "%s:v9", repository), &access, digest, &err), 1);
	assert_int_equal(registry_find(repository, &access, digest, &err), -1);
	assert_int_equal(registry_list(&a, repository, &access, &tags, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(tags[1].p, "v2");
	assert_int_equal(registry_remove(arena_printf(&a, "%s@%s", repository, want), &access, &err), 0);
	assert_int_equal(registry_remove(arena_printf(&a, "%s:v1", repository), &access, &err), -1);
	server_stop(&server);
	assert_int_equal(registry_find(arena_printf(&a, "%s:v1", repository), &access, digest, &err), -1);
	assert_non_null(strstr(err.text, "cannot be reached"));
}

static void a_missing_helper_is_named(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/", NULL, CLOSED "WWW-Authenticate: Basic realm=\"r\"\r\n\r\n" },
	};
	struct registry_login login = { .helper = "capstan-there-is-none" };
	struct server server;
	struct session s;
	server_start(&server, routes, 1);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "docker-credential-capstan-there-is-none is not installed"));
	session_end(&s);
	server_stop(&server);
}

/* A program that gives what docker's helpers give, and takes the registry's name. */
static void a_helper_is_asked_once(void **unused)
{
	static const struct route routes[] = {
		{ "GET /v2/", "Authorization: Basic dTpw", OK "\r\n{\"tags\":[\"a\"]}" },
		{ "GET /v2/", NULL, CLOSED "WWW-Authenticate: Basic realm=\"r\"\r\n\r\n" },
	};
	struct registry_login login = { .helper = "capstan-test" };
	struct server server;
	struct session s;
	char dir[] = "/tmp/capstan-helper-XXXXXX", program[96], log[96], path[4096], text[512];
	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/docker-credential-capstan-test", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho \"$1 $(cat)\" >>%s\necho '{\"Username\":\"u\",\"Secret\":\"p\"}'\n", log);
	FILE *out = fopen(program, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(program, 0755), 0);
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	snprintf(text, sizeof(text), "%s:/usr/bin:/bin", dir);
	setenv("PATH", text, 1);
	server_start(&server, routes, 2);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_OK);
	out = fopen(log, "r");
	assert_non_null(out);
	size_t n = fread(text, 1, sizeof(text) - 1, out);
	fclose(out);
	text[n] = '\0';
	char want[64];
	snprintf(want, sizeof(want), "get 127.0.0.1:%d\n", server.port);
	assert_string_equal(text, want);
	session_end(&s);
	/* One that fails says why. */
	out = fopen(program, "w");
	assert_non_null(out);
	fputs("#!/bin/sh\necho 'no credentials found' >&2\nexit 1\n", out);
	fclose(out);
	session_start(&s, server.port, &login);
	assert_int_equal(tags(&s, NULL)->result, REGISTRY_FAILED);
	assert_non_null(strstr(s.r.error, "docker-credential-capstan-test failed: no credentials found"));
	session_end(&s);
	server_stop(&server);
	setenv("PATH", path, 1);
	unlink(program);
	unlink(log);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_and_conditions),
		cmocka_unit_test(tokens_are_kept),
		cmocka_unit_test(identity_tokens_are_posted),
		cmocka_unit_test(basic_is_sent_at_once_the_second_time),
		cmocka_unit_test(redirects_carry_nothing_away),
		cmocka_unit_test(digests_are_not_believed),
		cmocka_unit_test(the_time_is_that_of_the_configuration),
		cmocka_unit_test(blocking),
		cmocka_unit_test(a_missing_helper_is_named),
		cmocka_unit_test(a_helper_is_asked_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
