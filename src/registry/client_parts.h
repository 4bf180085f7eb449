/* client_parts.h - what client.c (requests) and token.c (who asks) share. Room-internal. */
#pragma once

#include "base/vec.h"
#include "io/process.h"
#include "registry/client.h"

struct registry_kept { /* a token */
	char *scope, *token;
	int64_t until_ms;
};

struct registry {
	struct loop *loop;
	struct http_client *http;
	bool own_http, insecure;
	struct arena arena;
	char *base; /* "https://host" */
	const char *name;
	struct registry_login login; /* as given */
	struct registry_login got;   /* of a helper, in got_arena */
	struct arena got_arena;
	int64_t got_until_ms;
	bool basic; /* it asked for basic authentication */
	VEC(struct registry_kept) tokens;
	struct registry_call *calls;
};

enum registry_verb { REGISTRY_TAGS, REGISTRY_HEAD, REGISTRY_RESOLVE, REGISTRY_CREATED, REGISTRY_DELETE };

struct registry_call {
	struct registry *r;
	struct registry_call *next, **link;
	enum registry_verb verb;
	struct arena arena;
	const char *path, *reference, *etag;
	const char *url;	 /* of the request under way */
	const char *want_digest; /* its body must have it; NULL: any */
	bool blob;		 /* it is one, not a manifest */
	unsigned redirects, pages, depth, logins;
	struct http_call *http;
	struct process *helper;
	struct registry_challenge challenge;
	const char *scope; /* of the tokens it uses */
	struct registry_tags tags;
	struct registry_answer answer;
	struct error error;
	registry_fn *done;
	void *ctx;
};

/* client.c */
void registry_send(struct registry_call *call); /* the request at call->url */
void registry_fail(struct registry_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* token.c */
/* The Authorization for a request to the registry itself, in the call's arena; NULL: none is known. */
const char *registry_authorization(struct registry_call *call);
/* Logs in as call->challenge wants it, then sends the request again; or fails. */
void registry_log_in(struct registry_call *call);
/* What was sent was refused. */
void registry_forget(struct registry_call *call);
void registry_forget_all(struct registry *r);
