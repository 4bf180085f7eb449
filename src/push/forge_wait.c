/* forge_wait.c - the calls to a host, one after the other, on a loop of their own; see forge.h. */
#include "base/clock.h"
#include "push/forge.h"

struct calling {
	struct loop *loop;
	struct arena *a;
	struct forge_answer answer;
	const char *failure;
	bool done;
};

static void on_done(void *arg, const struct http_response *response)
{
	struct calling *c = arg;
	c->answer.status = response->failure ? 0 : response->status;
	c->answer.body = arena_str(c->a, response->body);
	c->failure = response->failure ? arena_strdup(c->a, response->failure) : NULL;
	c->done = true;
	loop_stop(c->loop);
}

struct session {
	struct arena *a;
	const struct forge_repo *repo;
	struct loop *loop;
	struct http_client *client;
	struct str secret;
	int64_t deadline_ms;
};

static int send_call(struct session *s, const struct forge_call *call, struct forge_answer *out,
		     struct error *err)
{
	struct calling c = { .loop = s->loop, .a = s->a };
	int64_t left = s->deadline_ms - clock_mono_ms();
	if (left <= 0)
		return error_set(err, "%s: no time is left", s->repo->web);
	struct http_request request = {
		.method = call->method,
		.url = call->url,
		.headers = call->headers,
		.n_headers = call->n_headers,
		.body = call->body,
		.timeout_ms = left < FORGE_CALL_TIMEOUT_MS ? left : FORGE_CALL_TIMEOUT_MS,
		.body_max = FORGE_ANSWER_MAX,
		.done = on_done,
		.arg = &c,
	};
	http_send(s->client, &request);
	while (!c.done)
		loop_run(s->loop);
	*out = c.answer;
	/* A host that says our own token back to us must not get it into a log. */
	if (s->secret.n && out->status >= 300 && memmem(out->body.p, out->body.n, s->secret.p, s->secret.n))
		out->body = STR("");
	return out->status ? 0 : error_set(err, "%s: %s", s->repo->web, c.failure);
}

static enum forge_verdict find(struct session *s, const struct forge_review *review,
			       const struct remote_credentials *credentials, struct forge_opened *out,
			       struct error *err)
{
	struct forge_call call;
	struct forge_answer answer;
	if (forge_find_request(s->a, s->repo, review, credentials, &call, err) < 0 ||
	    send_call(s, &call, &answer, err) < 0)
		return FORGE_FAILED;
	return forge_find_answer(s->a, s->repo, review, &answer, out, err);
}

static enum forge_verdict open_one(struct session *s, const struct forge_review *review,
				   const struct remote_credentials *credentials, struct forge_opened *out,
				   struct error *err)
{
	struct forge_call call;
	struct forge_answer answer;
	if (forge_open_request(s->a, s->repo, review, credentials, &call, err) < 0 ||
	    send_call(s, &call, &answer, err) < 0)
		return FORGE_FAILED;
	return forge_open_answer(s->a, s->repo, &answer, out, err);
}

static int run(struct session *s, const struct forge_review *review,
	       const struct remote_credentials *credentials, struct forge_opened *out, struct error *err)
{
	struct error ignored = ERROR_INIT;
	enum forge_verdict verdict = find(s, review, credentials, out, err);
	if (verdict != FORGE_NONE)
		return verdict == FORGE_FOUND ? 0 : -1;
	verdict = open_one(s, review, credentials, out, err);
	if (verdict != FORGE_NONE)
		return verdict == FORGE_FOUND ? 0 : -1;
	/* There is one already; or it was refused for what err says. */
	return find(s, review, credentials, out, &ignored) == FORGE_FOUND ? 0 : -1;
}

int forge_review_wait(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      const struct remote_credentials *credentials, int64_t deadline_ms,
		      struct forge_opened *out, struct error *err)
{
	struct session s = { .a = a, .repo = repo, .deadline_ms = deadline_ms };
	struct http_client_options options = { 0 };
	if (credentials) {
		s.secret = credentials->bearer_token.n ? credentials->bearer_token : credentials->password;
		options.ca_pem = credentials->ca_crt;
		options.cert_pem = credentials->tls_crt;
		options.key_pem = credentials->tls_key;
	}
	s.secret = str_trim(s.secret.p ? s.secret : STR(""));
	s.loop = loop_new();
	s.client = http_client_new(s.loop, &options, err);
	int rc = s.client ? run(&s, review, credentials, out, err) : -1;
	http_client_free(s.client);
	loop_free(s.loop);
	return rc;
}
