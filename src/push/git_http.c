/*
 * git_http.c - one request is one `git http-backend`: CGI in its environment, the body to its stdin, its
 * stdout to the client.
 *
 * A request has two ends, the client's (struct httpd_stream) and git's (struct stream_process), and lives
 * until both are gone. The client's goes first: a clone is ended, a push is drained. git's goes first: what
 * it said waits for the client.
 */
#include "push/git_http.h"

#include <stdio.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/stream_process.h"
#include "push/access.h"
#include "push/git_http_parts.h"
#include "push/hosted.h"
#include "push/limiter.h"

struct git_http {
	struct loop *loop;
	const char *home;
	struct limiter *limiter;
	struct git_request *requests;
	int n;
	int64_t warned_ms;
};

struct git_request {
	struct git_request *next, **link;
	struct git_http *server;
	struct httpd_stream *stream;  /* NULL: the client is gone */
	struct stream_process *child; /* NULL: git is gone */
	char *key;
	bool push;	   /* git-receive-pack with a body */
	bool head_over;	   /* what follows is the answer's body */
	bool client_waits; /* for something to be given */
	bool broken;	   /* git failed before it had given a head */
	struct buf held;   /* head, or body that waits */
	size_t at;	   /* of held: given already */
};

static void release_if_over(struct git_request *r)
{
	if (r->stream || r->child)
		return;
	if (r->push)
		hosted_mark_changed(r->server->home, r->key);
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	r->server->n--;
	buf_release(&r->held);
	free(r->key);
	free(r);
}

/* ---- git's end ---- */

static void answer_trouble(struct git_request *r, const char *text)
{
	static const struct httpd_header plain[] = { { "Content-Type", "text/plain; charset=utf-8" } };
	buf_clear(&r->held);
	buf_adds(&r->held, text);
	r->at = 0;
	r->head_over = r->broken = true;
	httpd_stream_answer(r->stream, 500, plain, 1);
}

static void answer_head(struct git_request *r)
{
	struct cgi_head head;
	size_t n = cgi_head_read(buf_str(&r->held), &head);
	if (n == CGI_MORE && r->held.n < GIT_HTTP_HEAD_MAX)
		return;
	if (n == CGI_MORE || n == CGI_BAD) {
		log_warn("git http-backend gave no answer that can be passed on", "repo", r->key, NULL);
		answer_trouble(r, "the service cannot answer: see its log\n");
		stream_process_kill(r->child);
		return;
	}
	struct httpd_header headers[CGI_HEADERS_MAX];
	for (size_t i = 0; i < head.n; i++)
		headers[i] = (struct httpd_header){ head.headers[i].name, head.headers[i].value };
	r->head_over = true;
	r->at = n;
	httpd_stream_answer(r->stream, head.status, headers, head.n);
}

static void on_output(void *arg, struct str data)
{
	struct git_request *r = arg;
	if (!r->stream || r->broken)
		return;
	buf_add_str(&r->held, data);
	if (!r->head_over)
		answer_head(r);
	if (r->held.n - r->at >= GIT_HTTP_HELD_MAX)
		stream_process_pause(r->child, true);
	if (r->client_waits) {
		r->client_waits = false;
		httpd_stream_resume(r->stream);
	}
}

static void on_writable(void *arg)
{
	struct git_request *r = arg;
	if (r->stream)
		httpd_stream_resume(r->stream);
}

static void on_done(void *arg, int exit_code, struct str err)
{
	struct git_request *r = arg;
	cleanup_buf struct buf text = BUF_INIT;
	r->child = NULL;
	if (exit_code != 0 && err.n) {
		buf_add_str(&text, str_trim(err));
		log_warn("git http-backend", "repo", r->key, "said", text.p, NULL);
	}
	if (r->stream && !r->head_over)
		answer_trouble(r, "the service cannot answer: see its log\n");
	if (r->stream && r->client_waits) {
		r->client_waits = false;
		httpd_stream_resume(r->stream);
	}
	release_if_over(r);
}

static const struct stream_process_ops process_ops = {
	.output = on_output,
	.writable = on_writable,
	.done = on_done,
};

/* ---- the client's end ---- */

static size_t on_take(void *state, struct str data)
{
	struct git_request *r = state;
	return r->child ? stream_process_write(r->child, data) : data.n;
}

static void on_end(void *state)
{
	struct git_request *r = state;
	if (r->child)
		stream_process_end_input(r->child);
}

static long on_give(void *state, char *out, size_t max)
{
	struct git_request *r = state;
	size_t n = r->held.n - r->at;
	if (n == 0) {
		r->client_waits = r->child && !r->broken;
		return r->client_waits ? 0 : -1;
	}
	n = n < max ? n : max;
	memcpy(out, r->held.p + r->at, n);
	r->at += n;
	if (r->at == r->held.n) {
		buf_clear(&r->held);
		r->at = 0;
		if (r->child)
			stream_process_pause(r->child, false);
	}
	return (long)n;
}

/* A push whose body did not come whole ends by itself: git finds its input cut. */
static void on_closed(void *state)
{
	struct git_request *r = state;
	r->stream = NULL;
	if (r->child) {
		stream_process_end_input(r->child);
		stream_process_pause(r->child, false);
		if (!r->push)
			stream_process_kill(r->child);
	}
	release_if_over(r);
}

/* ---- who ---- */

static void refuse(struct httpd_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buf_adds(&reply->body, text);
}

static void ask_for_token(struct httpd_reply *reply)
{
	refuse(reply, 401, "a token is needed: give it as the password, with any user name\n");
	reply->headers[reply->n_headers++] =
		(struct httpd_header){ "WWW-Authenticate", "Basic realm=\"capstan\", charset=\"UTF-8\"" };
}

static void log_failure(struct git_http *g, const char *peer, const char *key)
{
	enum { EVERY_MS = 1000 };
	int64_t now = loop_now(g->loop);
	if (g->warned_ms && now - g->warned_ms < EVERY_MS)
		return;
	g->warned_ms = now;
	log_warn("a login failed", "from", peer, "repo", key, NULL);
}

/* Whose token it is, and whether it may; else *reply says why not. */
static bool admit(struct git_http *g, struct arena *a, const struct httpd_request *request,
		  const struct git_route *route, struct hosted_session *session, struct httpd_reply *reply)
{
	char peer[HTTPD_PEER_MAX], token[ACCESS_TOKEN_MAX + 1];
	struct error err = ERROR_INIT;
	struct hosted_repo repo = { 0 };
	httpd_peer(request, peer);
	uint64_t who = limiter_key(peer, route->key);
	int64_t now = loop_now(g->loop);
	if (!git_token(request->header(request, "Authorization"), token))
		return ask_for_token(reply), false;
	if (limiter_reached(g->limiter, who, now)) {
		refuse(reply, 429, "too many logins failed: try again in a minute\n");
		reply->headers[reply->n_headers++] = (struct httpd_header){ "Retry-After", "60" };
		return false;
	}
	if (hosted_read(a, g->home, route->key, &repo, &err) < 0)
		log_error("a repository's record cannot be read", "error", err.text, NULL);
	size_t index = access_by_token(&repo, str_of(token));
	explicit_bzero(token, sizeof(token));
	if (index == ACCESS_NONE || !access_may_read(&repo.keys[index])) {
		limiter_failed(g->limiter, who, now);
		log_failure(g, peer, route->key);
		return ask_for_token(reply), false;
	}
	if (route->push && !access_may_push(&repo.keys[index]))
		return refuse(reply, 403, "this token may only read the repository\n"), false;
	*session = (struct hosted_session){
		.home = g->home,
		.key = arena_strdup(a, route->key),
		.who = repo.keys[index].who,
		.index = index,
		.by_operator = hosted_key_is_operators(&repo.keys[index]),
	};
	return true;
}

/* ---- a request ---- */

/* No CONTENT_LENGTH: git http-backend would wait for ever, and busily, for what a client that went still
 * owed. Without it the body ends where its stream does. */

static const char **environment(struct arena *a, const struct httpd_request *request,
				const struct git_route *route, const struct hosted_session *session)
{
	static const struct {
		const char *header, *variable;
	} passed[] = { { "Content-Type", "CONTENT_TYPE" },
		       { "Content-Encoding", "HTTP_CONTENT_ENCODING" },
		       { "Git-Protocol", "HTTP_GIT_PROTOCOL" },
		       { "User-Agent", "HTTP_USER_AGENT" } };
	enum { PASSED = sizeof(passed) / sizeof(*passed) };
	const char *extra[PASSED + 9];
	char peer[HTTPD_PEER_MAX];
	size_t n = 0;
	httpd_peer(request, peer);
	extra[n++] = arena_printf(a, "GIT_PROJECT_ROOT=%s/repos", session->home);
	extra[n++] = "GIT_HTTP_EXPORT_ALL=1";
	extra[n++] = arena_printf(a, "PATH_INFO=/%s.git/%s", route->key, route->file);
	extra[n++] = arena_printf(a, "REQUEST_METHOD=%s", request->method);
	extra[n++] = arena_printf(a, "QUERY_STRING=%s", route->query);
	extra[n++] = arena_printf(a, "REMOTE_USER=%s", session->who);
	extra[n++] = arena_printf(a, "REMOTE_ADDR=%s", peer);
	for (size_t i = 0; i < PASSED; i++) {
		const char *value = request->header(request, passed[i].header);
		if (value)
			extra[n++] = arena_printf(a, "%s=%s", passed[i].variable, value);
	}
	extra[n] = NULL;
	return hosted_environment(a, session, extra);
}

static void *start(struct git_http *g, struct arena *a, const struct httpd_request *request,
		   const struct git_route *route, const struct hosted_session *session,
		   struct httpd_stream *stream, struct httpd_reply *reply)
{
	static const char *const argv[] = { "git", "http-backend", NULL };
	struct error err = ERROR_INIT;
	struct stream_process_spec spec = {
		.argv = argv,
		.env = environment(a, request, route, session),
		.dir = "/",
		.idle_ms = GIT_HTTP_IDLE_MS,
	};
	struct git_request *r = mem_alloc(sizeof(*r));
	r->child = stream_process_start(g->loop, &spec, &process_ops, r, &err);
	if (!r->child) {
		log_error("git cannot be started", "error", err.text, NULL);
		free(r);
		return refuse(reply, 500, "the service cannot answer: see its log\n"), NULL;
	}
	r->server = g;
	r->stream = stream;
	r->key = mem_strdup(route->key);
	r->push = route->push && strcmp(request->method, "POST") == 0;
	r->next = g->requests;
	r->link = &g->requests;
	if (r->next)
		r->next->link = &r->next;
	g->requests = r;
	g->n++;
	return r;
}

static void *on_begin(void *arg, const struct httpd_request *request, struct httpd_stream *stream,
		      struct httpd_reply *reply)
{
	struct git_http *g = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct git_route route;
	struct hosted_session session;
	if (strncmp(request->path, GIT_HTTP_PREFIX, sizeof(GIT_HTTP_PREFIX) - 1) != 0)
		return NULL;
	if (!git_route_read(request->method, request->path + sizeof(GIT_HTTP_PREFIX) - 1,
			    request->query(request, "service"), &route))
		return refuse(reply, 404,
			      "there is git clone, fetch and push of " GIT_HTTP_PREFIX
			      "NAMESPACE/NAME.git\n"),
		       NULL;
	if (!admit(g, &a, request, &route, &session, reply))
		return NULL;
	if (g->n >= GIT_HTTP_MAX) {
		refuse(reply, 503, "the service is busy: try again\n");
		reply->headers[reply->n_headers++] = (struct httpd_header){ "Retry-After", "5" };
		return NULL;
	}
	if (route.push && strcmp(request->method, "POST") == 0) {
		char peer[HTTPD_PEER_MAX];
		httpd_peer(request, peer);
		log_info("push over http", "repo", session.key, "who", session.who, "from", peer, NULL);
	}
	return start(g, &a, request, &route, &session, stream, reply);
}

static const struct httpd_stream_ops stream_ops = {
	.begin = on_begin,
	.take = on_take,
	.end = on_end,
	.give = on_give,
	.closed = on_closed,
};

struct git_http *git_http_new(struct loop *loop, struct httpd *d, const char *home)
{
	struct git_http *g = mem_alloc(sizeof(*g));
	g->loop = loop;
	g->home = home;
	g->limiter = mem_alloc(sizeof(*g->limiter));
	httpd_streams(d, &stream_ops, g);
	return g;
}

int git_http_running(const struct git_http *g)
{
	return g->n;
}

void git_http_free(struct git_http *g)
{
	if (!g)
		return;
	while (g->requests) {
		struct git_request *r = g->requests;
		stream_process_abandon(r->child);
		r->child = NULL;
		r->stream = NULL;
		release_if_over(r);
	}
	free(g->limiter);
	free(g);
}
