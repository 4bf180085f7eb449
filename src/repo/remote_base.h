/*
 * remote_base.h - other repositories that a render reads (bases like https://host/x.git//path?ref=v1), kept
 * in a cache directory: one mirror a url, and what each branch or tag stood for when it was asked last.
 *
 *     render: remote_cache_find() -> 0: a mirror and a commit; 1: not here, note it
 *     caller: remote_cache_fetch() of all that was noted (or _wait(), which runs the loop), render again
 *     render: remote_cache_find() -> 0, or -1 with why it cannot be had; never 1 for what was just fetched
 *
 * A full SHA that is here is never asked for again, a branch or a tag not within fresh_ms. When a remote
 * cannot be reached, what is here is used, with a warning. Several are fetched side by side, and several
 * processes may share a directory. Messages name urls without user and password.
 *
 * find() and current() may be called on any thread; the rest on the loop's.
 */
#pragma once

#include "repo/remote.h"

#define REMOTE_BASES_MAX 1000	 /* repositories of one cache */
#define REMOTE_BASE_REFS_MAX 200 /* branches, tags and commits of one; the oldest in use goes first */
#define REMOTE_BASE_AT_ONCE 8	 /* fetched side by side */

struct remote_cache_options {
	struct loop *loop;  /* NULL: one of its own, for remote_cache_wait() */
	const char *dir;    /* absolute; created when absent, of this user alone */
	int64_t timeout_ms; /* of one fetch */
	int64_t wait_ms;    /* of all of one remote_cache_wait() */
	uint64_t max_bytes; /* that one fetch brings */
	int64_t fresh_ms;   /* how long the commit of a branch or tag counts as known */
	int64_t retry_ms;   /* when what failed may be tried again; 0: never */
	int64_t poll_ms;    /* branches and tags that were used are asked for that often (see changed); 0:
			       never, and what was asked for once is fresh as long as the cache lives */
	bool refresh;	    /* branches and tags are asked for once more, however fresh */
	bool offline;	    /* nothing is asked for: what is not here is an error */
	bool user_environment;
	/* NULL: every repository may be read. Else those that begin with one of these (remote_allow.h). */
	const char *const *allowed;
	size_t n_allowed;
	const struct remote_hints *hints; /* NULL: those of the command line */
	/* Each may be NULL. credentials: for a url, asked for when it is fetched. warn: said once a cause.
	 * changed: a branch or tag stands for another commit than before. */
	const struct remote_credentials *(*credentials)(void *ctx, const char *url);
	void (*warn)(void *ctx, const char *text);
	void (*changed)(void *ctx);
	void *ctx;
};

struct remote_cache;

struct remote_cache *remote_cache_new(const struct remote_cache_options *options, struct error *err);
void remote_cache_free(struct remote_cache *c); /* ends what is under way; no done is called; NULL is fine */

/* Where a repository is: both live as long as the cache. */
struct remote_base {
	const char *mirror;
	char sha[SHA_HEX_MAX + 1];
};

/* ref: a branch, a tag, a full ref name, a commit; "" the default branch. 0, 1 and -1: see above. */
int remote_cache_find(struct remote_cache *c, const char *url, const char *ref, bool submodules,
		      struct remote_base *out, struct error *err);
/* The commit that is known, however old; false: none is. A reads_remote_fn (reads.h). */
bool remote_cache_current(void *cache, const char *url, const char *ref, bool submodules, char *sha);

struct remote_want {
	const char *url, *ref;
	bool submodules;
};

typedef void remote_cache_done_fn(void *ctx);

/* Asks for all of them; done comes later, when each is here or cannot be had. wants are copied. */
void remote_cache_fetch(struct remote_cache *c, const struct remote_want *wants, size_t n,
			remote_cache_done_fn *done, void *ctx);
/* The same and waits for it. -1: wait_ms is over. */
int remote_cache_wait(struct remote_cache *c, const struct remote_want *wants, size_t n, struct error *err);
