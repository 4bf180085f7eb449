/*
 * client.c - requests and what becomes of their answers; see client.h. Every call is one request at a time: a
 * page, a manifest, a configuration, each again after logging in and along redirects.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registry/client_parts.h"

enum { LOGINS_MAX = 2, DEPTH_MAX = 3 };

#define ACCEPT_MANIFESTS                                              \
	"application/vnd.oci.image.index.v1+json, "                   \
	"application/vnd.docker.distribution.manifest.list.v2+json, " \
	"application/vnd.oci.image.manifest.v1+json, "                \
	"application/vnd.docker.distribution.manifest.v2+json"

/* --- the registry --- */

static void copy_login(struct arena *a, const struct registry_login *from, struct registry_login *to)
{
	*to = (struct registry_login){
		.username = from->username ? arena_strdup(a, from->username) : NULL,
		.password = from->password ? arena_strdup(a, from->password) : NULL,
		.identity_token = from->identity_token ? arena_strdup(a, from->identity_token) : NULL,
		.bearer = from->bearer ? arena_strdup(a, from->bearer) : NULL,
		.helper = from->helper ? arena_strdup(a, from->helper) : NULL,
	};
}

struct registry *registry_new(struct loop *loop, const struct registry_options *options, struct error *err)
{
	struct http_client_options http = { .ca_pem = options->ca_pem };
	struct registry *r = mem_alloc(sizeof(*r));
	r->loop = loop;
	r->http = options->http ? options->http : http_client_new(loop, &http, err);
	r->own_http = !options->http;
	if (!r->http) {
		free(r);
		return NULL;
	}
	r->insecure = options->insecure;
	r->base = arena_printf(&r->arena, "%s://%s", r->insecure ? "http" : "https", options->place->host);
	r->name = arena_strdup(&r->arena, options->place->name);
	copy_login(&r->arena, &options->login, &r->login);
	return r;
}

static void unlink_call(struct registry_call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
}

static void release(struct registry_call *call)
{
	arena_release(&call->arena);
	free(call);
}

void registry_cancel(struct registry_call *call)
{
	if (call->http)
		http_cancel(call->http);
	if (call->helper)
		process_cancel(call->helper);
	unlink_call(call);
	release(call);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->calls)
		registry_cancel(r->calls);
	registry_forget_all(r);
	if (r->own_http)
		http_client_free(r->http);
	arena_release(&r->arena);
	free(r);
}

/* --- ends --- */

static void finish(struct registry_call *call, enum registry_result result)
{
	call->answer.result = result;
	call->answer.error = call->error.text[0] ? call->error.text : NULL;
	call->answer.tags = call->tags.at;
	call->answer.n_tags = call->tags.n;
	/* done may free the registry, which ends all calls that it knows. */
	unlink_call(call);
	call->done(call->ctx, &call->answer);
	release(call);
}

static void say(struct registry_call *call, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void say(struct registry_call *call, const char *fmt, va_list ap)
{
	error_vset(&call->error, fmt, ap);
	for (char *c = call->error.text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	error_wrap(&call->error, "registry %s: %s", call->r->name, call->path);
}

void registry_fail(struct registry_call *call, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(call, fmt, ap);
	va_end(ap);
	finish(call, REGISTRY_FAILED);
}

static void missing(struct registry_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void missing(struct registry_call *call, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(call, fmt, ap);
	va_end(ap);
	finish(call, REGISTRY_MISSING);
}

/* --- what is asked for --- */

static void ask(struct registry_call *call, const char *url)
{
	call->url = url;
	call->redirects = 0;
	registry_send(call);
}

static const char *url_of(struct registry_call *call, const char *kind, const char *reference)
{
	return arena_printf(&call->arena, "%s/v2/%s/%s/%s", call->r->base, call->path, kind, reference);
}

static void ask_manifest(struct registry_call *call, const char *reference)
{
	call->want_digest = registry_is_digest(str_of(reference)) ? reference : NULL;
	ask(call, url_of(call, "manifests", reference));
}

static void ask_blob(struct registry_call *call, const char *digest)
{
	call->blob = true;
	call->want_digest = digest;
	ask(call, url_of(call, "blobs", digest));
}

/* --- answers --- */

static void tags_came(struct registry_call *call, const struct http_response *response)
{
	struct error err = ERROR_INIT;
	const char *next;
	if (registry_tags_read(&call->arena, response->body, &call->tags, &err) < 0 ||
	    registry_link_next(&call->arena, http_header(response->headers, "link", 0), call->url, &next,
			       &err) < 0) {
		registry_fail(call, "%s", err.text);
		return;
	}
	if (next && ++call->pages >= REGISTRY_PAGES_MAX) {
		registry_fail(call, "its list of tags has more than %u pages (REGISTRY_PAGES_MAX)",
			      REGISTRY_PAGES_MAX);
		return;
	}
	/* The tag of the first page says nothing of the others. */
	struct str etag = http_header(response->headers, "etag", 0);
	call->etag = NULL;
	if (next) {
		ask(call, next);
		return;
	}
	if (etag.n && etag.n <= 256 && !call->pages)
		call->answer.etag = arena_strndup(&call->arena, etag.p, etag.n);
	finish(call, REGISTRY_OK);
}

/* -1: it has ended. */
static int check_digest(struct registry_call *call, const struct http_response *response, char *digest)
{
	registry_digest(response->body, digest);
	struct str said = http_header(response->headers, "docker-content-digest", 0);
	if (call->want_digest && strcmp(call->want_digest, digest) != 0) {
		registry_fail(call, "it sends other bytes for %s: theirs is %s; nothing of it is used",
			      call->want_digest, digest);
		return -1;
	}
	if (!call->blob && registry_is_digest(said) && !str_is(said, digest)) {
		registry_fail(
			call,
			"it says that the manifest is %.*s, and sends bytes of %s; nothing of it is used",
			STR_ARG(said), digest);
		return -1;
	}
	return 0;
}

static void look_inside(struct registry_call *call, const struct http_response *response)
{
	struct registry_manifest manifest;
	struct error err = ERROR_INIT;
	if (call->blob) {
		if (registry_created_read(response->body, &call->answer.created_ms, &err) < 0)
			registry_fail(call, "%s: %s", call->reference, err.text);
		else
			finish(call, REGISTRY_OK);
		return;
	}
	if (registry_manifest_read(&call->arena, response->body, &manifest, &err) < 0)
		registry_fail(call, "%s: %s", call->reference, err.text);
	else if (manifest.config)
		ask_blob(call, manifest.config);
	else if (++call->depth >= DEPTH_MAX)
		registry_fail(call, "%s: its indexes are nested too deep", call->reference);
	else
		ask_manifest(call, manifest.child);
}

static void document_came(struct registry_call *call, const struct http_response *response)
{
	char digest[REGISTRY_DIGEST_LEN + 1];
	if (check_digest(call, response, digest) < 0)
		return;
	if (!call->answer.digest[0])
		memcpy(call->answer.digest, digest, sizeof(digest));
	if (call->verb == REGISTRY_CREATED)
		look_inside(call, response);
	else
		finish(call, REGISTRY_OK);
}

static void head_came(struct registry_call *call, const struct http_response *response)
{
	struct str said = http_header(response->headers, "docker-content-digest", 0);
	/* Some registries leave it out: then only the bytes tell. */
	if (!registry_is_digest(said)) {
		call->verb = REGISTRY_RESOLVE;
		ask_manifest(call, call->reference);
		return;
	}
	memcpy(call->answer.digest, said.p, said.n);
	finish(call, REGISTRY_OK);
}

static void redirect(struct registry_call *call, const struct http_response *response)
{
	struct str target = http_header(response->headers, "location", 0);
	struct error err = ERROR_INIT;
	const char *url;
	if (++call->redirects > REGISTRY_REDIRECTS_MAX) {
		registry_fail(call, "it redirects more than %u times (REGISTRY_REDIRECTS_MAX)",
			      REGISTRY_REDIRECTS_MAX);
	} else if (!target.n || call->verb == REGISTRY_DELETE) {
		registry_fail(call, "it answers %d", response->status);
	} else if (registry_resolve_url(&call->arena, call->url, target, &url, &err) < 0) {
		registry_fail(call, "its redirect: %s", err.text);
	} else if (strncasecmp(call->url, "https:", 6) == 0 && strncasecmp(url, "https:", 6) != 0) {
		registry_fail(call, "it redirects from https to http, which is not followed");
	} else {
		call->url = url;
		registry_send(call);
	}
}

static void unauthorized(struct registry_call *call, const struct http_response *response)
{
	const char *said = registry_error_read(&call->arena, response->body);
	int rc = 1;
	for (size_t i = 0; rc > 0; i++) {
		struct str header = http_header(response->headers, "www-authenticate", i);
		if (!header.p)
			break;
		rc = registry_challenge_read(&call->arena, header, &call->challenge);
	}
	if (!registry_same_origin(call->url, call->r->base)) {
		registry_fail(call,
			      "it redirects to a server that wants credentials, which has none of ours");
	} else if (rc > 0) {
		registry_fail(call, "it wants a way to log in that is not known here (401)");
	} else if (call->logins++ >= LOGINS_MAX || call->r->login.bearer) {
		registry_fail(call, "it refuses the credentials (401)%s%s", *said ? ": " : "", said);
	} else {
		registry_forget(call);
		registry_log_in(call);
	}
}

static void refused(struct registry_call *call, const struct http_response *response)
{
	/* What another server says is not for whoever reads the status. */
	bool ours = registry_same_origin(call->url, call->r->base);
	const char *said = ours ? registry_error_read(&call->arena, response->body) : "";
	const char *colon = *said ? ": " : "";
	call->answer.retry_after_ms = response->retry_after_ms;
	if (response->status == 404 && call->verb == REGISTRY_TAGS)
		missing(call, "there is no such repository%s%s", colon, said);
	else if (response->status == 404)
		missing(call, "there is no %s%s%s", call->reference, colon, said);
	else if (response->status == 405 && call->verb == REGISTRY_DELETE)
		registry_fail(call, "it lets nobody delete (405)");
	else
		registry_fail(call, "it answers %d%s%s", response->status, colon, said);
}

static void on_response(void *ctx, const struct http_response *response)
{
	struct registry_call *call = ctx;
	int status = response->status;
	call->http = NULL;
	if (response->failure)
		registry_fail(call, "it cannot be reached: %s", response->failure);
	else if (status == 401)
		unauthorized(call, response);
	else if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
		redirect(call, response);
	else if (status == 304 && call->etag)
		finish(call, REGISTRY_UNCHANGED);
	else if (call->verb == REGISTRY_DELETE && (status == 200 || status == 202))
		finish(call, REGISTRY_OK);
	else if (status != 200)
		refused(call, response);
	else if (call->verb == REGISTRY_TAGS)
		tags_came(call, response);
	else if (call->verb == REGISTRY_HEAD)
		head_came(call, response);
	else
		document_came(call, response);
}

void registry_send(struct registry_call *call)
{
	static const char *const methods[] = {
		[REGISTRY_TAGS] = "GET",    [REGISTRY_HEAD] = "HEAD",	  [REGISTRY_RESOLVE] = "GET",
		[REGISTRY_CREATED] = "GET", [REGISTRY_DELETE] = "DELETE",
	};
	struct http_header headers[4];
	struct http_request request = {
		.method = methods[call->verb],
		.url = call->url,
		.headers = headers,
		.timeout_ms = REGISTRY_TIMEOUT_MS,
		.body_max = call->verb == REGISTRY_TAGS ? REGISTRY_PAGE_BYTES_MAX : REGISTRY_DOCUMENT_MAX,
		.keep_headers = true,
		.done = on_response,
		.arg = call,
	};
	const char *authorization =
		registry_same_origin(call->url, call->r->base) ? registry_authorization(call) : NULL;
	headers[request.n_headers++] =
		(struct http_header){ "Accept", call->verb == REGISTRY_TAGS ? "application/json"
						: call->blob		    ? "*/*"
									    : ACCEPT_MANIFESTS };
	if (authorization)
		headers[request.n_headers++] = (struct http_header){ "Authorization", authorization };
	if (call->etag)
		headers[request.n_headers++] = (struct http_header){ "If-None-Match", call->etag };
	call->http = http_send(call->r->http, &request);
}

/* --- calls --- */

static struct registry_call *begin(struct registry *r, enum registry_verb verb, const char *path,
				   const char *reference, registry_fn *done, void *ctx)
{
	struct registry_call *call = mem_alloc(sizeof(*call));
	struct arena *a = &call->arena;
	call->r = r;
	call->verb = verb;
	call->path = arena_strdup(a, path);
	call->reference = reference ? arena_strdup(a, reference) : "";
	call->scope =
		arena_printf(a, "repository:%s:%s", path, verb == REGISTRY_DELETE ? "pull,delete" : "pull");
	call->answer.retry_after_ms = -1;
	call->done = done;
	call->ctx = ctx;
	call->next = r->calls;
	call->link = &r->calls;
	if (r->calls)
		r->calls->link = &call->next;
	r->calls = call;
	return call;
}

struct registry_call *registry_tags(struct registry *r, const char *path, const char *etag, registry_fn *done,
				    void *ctx)
{
	struct registry_call *call = begin(r, REGISTRY_TAGS, path, NULL, done, ctx);
	call->etag = etag ? arena_strdup(&call->arena, etag) : NULL;
	ask(call, arena_printf(&call->arena, "%s/v2/%s/tags/list?n=%u", r->base, path, REGISTRY_PAGE));
	return call;
}

struct registry_call *registry_head(struct registry *r, const char *path, const char *reference,
				    registry_fn *done, void *ctx)
{
	struct registry_call *call = begin(r, REGISTRY_HEAD, path, reference, done, ctx);
	ask(call, url_of(call, "manifests", call->reference));
	return call;
}

struct registry_call *registry_resolve(struct registry *r, const char *path, const char *reference,
				       registry_fn *done, void *ctx)
{
	struct registry_call *call = begin(r, REGISTRY_RESOLVE, path, reference, done, ctx);
	ask_manifest(call, call->reference);
	return call;
}

struct registry_call *registry_created(struct registry *r, const char *path, const char *reference,
				       registry_fn *done, void *ctx)
{
	struct registry_call *call = begin(r, REGISTRY_CREATED, path, reference, done, ctx);
	ask_manifest(call, call->reference);
	return call;
}

struct registry_call *registry_delete(struct registry *r, const char *path, const char *digest,
				      registry_fn *done, void *ctx)
{
	struct registry_call *call = begin(r, REGISTRY_DELETE, path, digest, done, ctx);
	ask(call, url_of(call, "manifests", call->reference));
	return call;
}
