/*
 * webhook.h - what the webhooks of git hosts and registries say, and whether they may say it. Pure: no I/O,
 * no clock.
 *
 * The order is always: webhook_verify() over the raw bytes, webhook_parse() of what was verified, then
 * the ring, so that each event counts once. docs/webhooks.md tells how each host is set up.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/vec.h"

#define WEBHOOK_REFS_MAX 256	      /* of one event; of an event with more every ref counts */
#define WEBHOOK_URLS_MAX 16	      /* of one event; further ones are passed over */
#define WEBHOOK_IMAGES_MAX 64	      /* of one event; further ones are passed over */
#define WEBHOOK_TOKEN_MAX 4096	      /* bytes of a secret, and of what a request gives for one */
#define WEBHOOK_RING_MAX 256	      /* events of one Repo that are remembered */
#define WEBHOOK_RING_WINDOW_MS 600000 /* and for how long */
#define WEBHOOK_BAD_MAX 30	      /* bad signatures of one Repo in a row, until they are limited */
#define WEBHOOK_BAD_REFILL_MS 2000    /* then one in so long */

enum webhook_type {
	WEBHOOK_GITHUB,
	WEBHOOK_GITLAB,
	WEBHOOK_GITEA,	   /* and Forgejo */
	WEBHOOK_BITBUCKET, /* Cloud, and Data Center or Server */
	WEBHOOK_AZURE,	   /* Azure DevOps */
	WEBHOOK_GENERIC,   /* of git hosts and registries */
	/* Registries: */
	WEBHOOK_DISTRIBUTION,
	WEBHOOK_HARBOR,
	WEBHOOK_DOCKERHUB,
	WEBHOOK_GHCR,
	WEBHOOK_QUAY,
	WEBHOOK_TYPES
};

const char *webhook_type_name(enum webhook_type type); /* as spec.webhook.type */
bool webhook_type_parse(struct str name, enum webhook_type *out);
bool webhook_signs_body(enum webhook_type type);  /* else it sends the secret itself */
bool webhook_of_git(enum webhook_type type);	  /* a Repo may have it */
bool webhook_of_registry(enum webhook_type type); /* an ImageRule may have it */

/* The headers of a request; get() answers NULL for one that is absent, and takes any case. query() the same
 * for what is in its URL; NULL: nothing is. */
struct webhook_headers {
	const char *(*get)(const void *ctx, const char *name);
	const void *ctx;
	const char *(*query)(const void *ctx, const char *name);
};

/*
 * Whether who sent it knows the secret, in time that does not tell how near a guess was. Nothing of the body
 * is looked at but its bytes. -1: err says why, for the log of this side and never for the sender.
 */
int webhook_verify(enum webhook_type type, const struct webhook_headers *headers, struct str body,
		   struct str secret, struct error *err);

enum webhook_kind {
	WEBHOOK_PUSH,  /* of commits, or of an image */
	WEBHOOK_PING,  /* the host tries whether anybody is there */
	WEBHOOK_OTHER, /* some event that moves no ref */
};

struct webhook_event {
	enum webhook_kind kind;
	struct str
		delivery; /* what the host calls it, borrowed from a header or in the arena; empty: nothing */
	/* Of a push; all NUL-terminated, in the arena. */
	const char **refs; /* full names: refs/heads/..., refs/tags/... */
	size_t n_refs;
	bool any_ref;	   /* it does not say which, or names more than WEBHOOK_REFS_MAX */
	const char **urls; /* of the repository, for git or a browser */
	size_t n_urls;
	const char *default_branch; /* full name of its ref, or NULL: not said */
	/* Of a push to a registry; NUL-terminated, in the arena. */
	struct webhook_image {
		const char *path; /* of the repository, without the registry: "team/app" */
		const char *tag;  /* that is there now; or NULL: not said, or it goes */
	} * images;
	size_t n_images;
};

/* -1: err says what cannot be read, in words for the sender. body is verified already. */
int webhook_parse(struct arena *a, enum webhook_type type, const struct webhook_headers *headers,
		  struct str body, struct webhook_event *out, struct error *err);

/* Whether an event is of the repository with that path. */
bool webhook_names_image(const struct webhook_event *event, const char *path);

/*
 * Whether an event may concern a reader of url. Only an event of another path on the same host surely does
 * not: hosts have several names, inside and outside of a cluster.
 */
bool webhook_is_of(const struct webhook_event *event, const char *url);

/*
 * Whether a push may move what a revision (repo/refs.h) stands for. sha: what it stands for now, or NULL: not
 * known.
 */
bool webhook_moves(const struct webhook_event *event, const char *revision, const char *sha);

/* --- events that were taken --- */

struct webhook_mark {
	struct hash delivery, content; /* zero: none */
	int64_t at_ms;
};

struct webhook_ring { /* zeroed: empty */
	VEC(struct webhook_mark) marks;
	size_t next;
};

/*
 * Marks of one event. The body counts too where it is signed and the name of the delivery is not: else a
 * replay would only need another name. Quay sends the same bytes for every push of a tag, and names none: its
 * events have no marks.
 */
struct webhook_mark webhook_mark_of(enum webhook_type type, const struct webhook_event *event,
				    struct str body, int64_t now_ms);
bool webhook_ring_has(const struct webhook_ring *ring, const struct webhook_mark *mark);
void webhook_ring_add(struct webhook_ring *ring, const struct webhook_mark *mark);
void webhook_ring_release(struct webhook_ring *ring);

/* --- bad signatures --- */

struct webhook_limit { /* zeroed: none was seen */
	unsigned bad;
	int64_t since_ms;
};

bool webhook_limit_reached(struct webhook_limit *limit, int64_t now_ms);
void webhook_limit_bad(struct webhook_limit *limit, int64_t now_ms);
