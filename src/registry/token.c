/*
 * token.c - logging in: basic authentication, tokens of the realm that a challenge names (Docker's token and
 * OAuth2 protocols), credential helpers of clouds.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "registry/client_parts.h"

enum {
	TOKEN_BODY_MAX = 64 << 10,
	HELPER_OUTPUT_MAX = 64 << 10,
	HELPER_STDERR_MAX = 4096,
	EARLY_S = 5, /* a token is not used any more so long before it expires */
	TTL_MAX_S = 3600,
};

/* --- what is kept --- */

static void drop(struct registry_kept *kept)
{
	OPENSSL_cleanse(kept->token, strlen(kept->token));
	free(kept->token);
	free(kept->scope);
}

static struct registry_kept *find(struct registry *r, const char *scope)
{
	for (size_t i = 0; i < r->tokens.n; i++)
		if (strcmp(r->tokens.at[i].scope, scope) == 0)
			return &r->tokens.at[i];
	return NULL;
}

static void keep(struct registry *r, const char *scope, const struct registry_token *token)
{
	struct registry_kept *kept = find(r, scope);
	int64_t ttl = token->ttl_s > TTL_MAX_S ? TTL_MAX_S : token->ttl_s;
	struct registry_kept entry = { mem_strdup(scope), mem_strdup(token->token),
				       clock_mono_ms() + (ttl - EARLY_S) * 1000 };
	if (!kept && r->tokens.n == REGISTRY_TOKENS_KEPT) {
		drop(&r->tokens.at[0]);
		vec_remove(&r->tokens, 0);
	}
	if (kept) {
		drop(kept);
		*kept = entry;
	} else {
		vec_push(&r->tokens, entry);
	}
}

void registry_forget(struct registry_call *call)
{
	struct registry_kept *kept = find(call->r, call->scope);
	if (kept)
		kept->until_ms = 0;
	call->r->got_until_ms = 0;
}

void registry_forget_all(struct registry *r)
{
	for (size_t i = 0; i < r->tokens.n; i++)
		drop(&r->tokens.at[i]);
	vec_release(&r->tokens);
	arena_release(&r->got_arena);
}

static const struct registry_login *login_of(const struct registry *r)
{
	if (!r->login.helper)
		return &r->login;
	return clock_mono_ms() < r->got_until_ms ? &r->got : NULL;
}

const char *registry_authorization(struct registry_call *call)
{
	struct registry *r = call->r;
	const struct registry_kept *kept = find(r, call->scope);
	const struct registry_login *login = login_of(r);
	if (r->login.bearer)
		return arena_printf(&call->arena, "Bearer %s", r->login.bearer);
	if (kept && clock_mono_ms() < kept->until_ms)
		return arena_printf(&call->arena, "Bearer %s", kept->token);
	return r->basic && login && login->username ? registry_basic(&call->arena, login) : NULL;
}

/* --- a token --- */

static void add_escaped(struct buf *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= 'a' && *c <= 'z') || strchr("-._~", *c);
		if (plain) {
			buf_addc(out, (char)*c);
			continue;
		}
		buf_addc(out, '%');
		buf_addc(out, digits[*c >> 4]);
		buf_addc(out, digits[*c & 15]);
	}
}

static void add_field(struct buf *out, char before, const char *name, const char *value)
{
	if (before)
		buf_addc(out, before);
	buf_printf(out, "%s=", name);
	add_escaped(out, value);
}

static void on_token(void *ctx, const struct http_response *response)
{
	struct registry_call *call = ctx;
	struct registry_token token;
	struct error err = ERROR_INIT;
	call->http = NULL;
	if (response->failure) {
		registry_fail(call, "its token server cannot be reached: %s", response->failure);
	} else if (response->status == 401 || response->status == 403) {
		registry_fail(call, "its token server refuses %s (%d)",
			      login_of(call->r) && (login_of(call->r)->username ||
						    login_of(call->r)->identity_token)
				      ? "the credentials"
				      : "who has no credentials; name a Secret with them",
			      response->status);
	} else if (response->status != 200) {
		call->answer.retry_after_ms = response->retry_after_ms;
		registry_fail(call, "its token server answers %d", response->status);
	} else if (registry_token_read(&call->arena, response->body, &token, &err) < 0) {
		registry_fail(call, "%s", err.text);
	} else {
		/* One that is over at once still serves for this request. */
		if (token.ttl_s <= EARLY_S)
			token.ttl_s = EARLY_S + 1;
		keep(call->r, call->scope, &token);
		registry_send(call);
	}
}

static void get_token(struct registry_call *call, const struct registry_login *login)
{
	const struct registry_challenge *c = &call->challenge;
	cleanup_buf struct buf url = BUF_INIT, form = BUF_INIT;
	struct http_header headers[2];
	struct http_request request = {
		.method = "GET",
		.headers = headers,
		.timeout_ms = REGISTRY_TIMEOUT_MS,
		.body_max = TOKEN_BODY_MAX,
		.done = on_token,
		.arg = call,
	};
	buf_adds(&url, c->realm);
	if (login->identity_token) {
		add_field(&form, 0, "grant_type", "refresh_token");
		add_field(&form, '&', "client_id", "capstan");
		add_field(&form, '&', "service", c->service);
		add_field(&form, '&', "scope", call->scope);
		add_field(&form, '&', "refresh_token", login->identity_token);
		request.method = "POST";
		request.body = buf_str(&form);
		headers[request.n_headers++] =
			(struct http_header){ "Content-Type", "application/x-www-form-urlencoded" };
	} else {
		char before = strchr(c->realm, '?') ? '&' : '?';
		if (*c->service) {
			add_field(&url, before, "service", c->service);
			before = '&';
		}
		add_field(&url, before, "scope", call->scope);
		if (login->username)
			headers[request.n_headers++] =
				(struct http_header){ "Authorization", registry_basic(&call->arena, login) };
	}
	request.url = url.p;
	call->http = http_send(call->r->http, &request);
}

/* --- helpers --- */

static void log_in_by(struct registry_call *call, const struct registry_login *login)
{
	const struct registry_challenge *c = &call->challenge;
	struct registry *r = call->r;
	if (c->scheme == REGISTRY_AUTH_BASIC) {
		if (!login->username) {
			registry_fail(
				call,
				"it wants a name and a password, and there are none; name a Secret with them");
			return;
		}
		r->basic = true;
		registry_send(call);
		return;
	}
	bool https = strncasecmp(c->realm, "https://", 8) == 0;
	if (!https && !(r->insecure && strncasecmp(c->realm, "http://", 7) == 0)) {
		registry_fail(call, "its token server is not at an https:// address");
		return;
	}
	get_token(call, login);
}

static void on_helper(void *ctx, const struct process_result *result)
{
	struct registry_call *call = ctx;
	struct registry *r = call->r;
	struct error err = ERROR_INIT;
	call->helper = NULL;
	if (result->timed_out) {
		registry_fail(call, "docker-credential-%s did not answer within %d s", r->login.helper,
			      REGISTRY_HELPER_TIMEOUT_MS / 1000);
		return;
	}
	if (result->exit_code != 0 || result->overflow) {
		struct str said = str_trim(
			str_cut(result->err.n ? result->err : result->out, '\n', &(struct str){ 0 }));
		/* Of what it printed when it failed docker shows all, too; a secret is only in an answer. */
		registry_fail(call, "docker-credential-%s failed: %.*s", r->login.helper,
			      said.n > 200 ? 200 : (int)said.n, said.p);
		return;
	}
	arena_release(&r->got_arena);
	r->got_until_ms = 0;
	if (registry_helper_read(&r->got_arena, result->out, &r->got, &err) < 0) {
		registry_fail(call, "docker-credential-%s: %s", r->login.helper, err.text);
		return;
	}
	r->got_until_ms = clock_mono_ms() + REGISTRY_HELPER_TTL_MS;
	log_in_by(call, &r->got);
}

static void ask_helper(struct registry_call *call)
{
	struct registry *r = call->r;
	const char *program = arena_printf(&call->arena, "docker-credential-%s", r->login.helper);
	const char *const argv[] = { program, "get", NULL };
	struct process_spec spec = {
		.argv = argv,
		.input = str_of(r->name),
		.output_max = HELPER_OUTPUT_MAX,
		.stderr_max = HELPER_STDERR_MAX,
		.timeout_ms = REGISTRY_HELPER_TIMEOUT_MS,
	};
	struct error err = ERROR_INIT;
	call->helper = process_start(r->loop, &spec, on_helper, call, &err);
	if (!call->helper)
		registry_fail(
			call,
			"the program %s is not installed beside Capstan, and it has this registry's credentials (%s)",
			program, err.text);
}

void registry_log_in(struct registry_call *call)
{
	const struct registry_login *login = login_of(call->r);
	if (login)
		log_in_by(call, login);
	else
		ask_helper(call);
}
