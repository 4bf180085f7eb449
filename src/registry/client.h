/*
 * client.h - one registry, asked by the OCI distribution API (v2) on the loop.
 *
 *     request -> 401 with a challenge -> basic, or a token of the realm that it names -> request again
 *
 * Tokens are kept until shortly before they expire, and sent at once from then on; so is basic authentication
 * once the registry has asked for it. Credentials are only ever sent to the registry's own origin and, over
 * https (or when the registry is insecure itself), to the realm that it names. Redirects are followed
 * REGISTRY_REDIRECTS_MAX times, without credentials when they lead elsewhere, and never from https to http.
 * What is named by a digest is believed only when its bytes have it.
 *
 * All is capped and has a deadline. done comes once, on the loop, never from inside the call that asks,
 * unless registry_cancel() was called before. Errors are one line, for people, without secrets.
 */
#pragma once

#include "io/http.h"
#include "io/loop.h"
#include "registry/credentials.h"

#define REGISTRY_PAGE 1000u		   /* tags asked for at a time */
#define REGISTRY_PAGES_MAX 200u		   /* of one list */
#define REGISTRY_PAGE_BYTES_MAX (8u << 20) /* of one page */
#define REGISTRY_DOCUMENT_MAX (4u << 20)   /* of a manifest, and of an image's configuration */
#define REGISTRY_REDIRECTS_MAX 4u
#define REGISTRY_TIMEOUT_MS 30000	 /* of one request */
#define REGISTRY_HELPER_TIMEOUT_MS 10000 /* of a credential helper */
#define REGISTRY_HELPER_TTL_MS 600000	 /* for so long its answer is used */
#define REGISTRY_TOKENS_KEPT 8u

struct registry;
struct registry_call;

struct registry_options {
	const struct registry_place *place; /* host and name are used; copied */
	struct http_client *http;	    /* used by several, outlives the registry; NULL: one of its own */
	struct str ca_pem;		    /* for one of its own; empty: the system's */
	bool insecure;			    /* http:// */
	struct registry_login login;	    /* copied */
};

/* -1/NULL: err. */
struct registry *registry_new(struct loop *loop, const struct registry_options *options, struct error *err);
void registry_free(struct registry *r); /* cancels all calls; NULL is fine */

enum registry_result {
	REGISTRY_OK,
	REGISTRY_UNCHANGED, /* the list is that of the ETag that was given */
	REGISTRY_MISSING,   /* 404: no such repository, tag or manifest */
	REGISTRY_FAILED,
};

struct registry_answer {
	enum registry_result result;
	const char *error;	/* of MISSING and FAILED */
	int64_t retry_after_ms; /* what the registry wants waited, or -1 */
	/* Of a list; both live in the call and are void after done. */
	const struct str *tags;
	size_t n_tags;
	const char *etag; /* to ask with next time; NULL: there is none, or the list has several pages */
	/* Of a manifest: */
	char digest[REGISTRY_DIGEST_LEN + 1];
	int64_t created_ms; /* of registry_created() */
};

typedef void registry_fn(void *ctx, const struct registry_answer *answer);

/* All texts are copied. etag: of the last answer, or NULL. */
struct registry_call *registry_tags(struct registry *r, const char *path, const char *etag, registry_fn *done,
				    void *ctx);
/* The digest of a tag as the registry says it (HEAD): cheap, and not proven. */
struct registry_call *registry_head(struct registry *r, const char *path, const char *reference,
				    registry_fn *done, void *ctx);
/* The digest of a tag, or that a digest is there; from the manifest's own bytes. */
struct registry_call *registry_resolve(struct registry *r, const char *path, const char *reference,
				       registry_fn *done, void *ctx);
/* The same, and when the image was made: of an index, its first image that runs. */
struct registry_call *registry_created(struct registry *r, const char *path, const char *reference,
				       registry_fn *done, void *ctx);
/* Deletes the manifest of a digest. */
struct registry_call *registry_delete(struct registry *r, const char *path, const char *digest,
				      registry_fn *done, void *ctx);
void registry_cancel(struct registry_call *call);
