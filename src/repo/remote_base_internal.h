/* remote_base_internal.h - what remote_base.c (the table), remote_base_fetch.c (the network) and
 * remote_base_state.c (the file) share. For these files only. */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "base/vec.h"
#include "repo/remote_base.h"

struct remote_round; /* one remote_cache_fetch() */

/* What a ref of a repository stands for. */
struct base_ref {
	char ref[REVISION_MAX + 1]; /* "" the default branch */
	char sha[SHA_HEX_MAX + 1];  /* "": not known */
	int64_t checked_ms;	    /* wall clock, when the remote said so; 0: never */
	int64_t used_ms;	    /* wall clock */
	char *error;		    /* of the last try, or NULL; owned */
	int64_t failed_at;	    /* monotonic */
	bool asked;		    /* by this cache, with success */
	bool wanted;		    /* to be brought by the fetch under way, or the next */
	bool again;		    /* however fresh it is */
	VEC(struct remote_round *) waiting;
};

typedef VEC(struct base_ref *) base_refs;

enum base_phase { BASE_IDLE, BASE_QUEUED, BASE_LOCKING, BASE_WORKING };

/* One repository. */
struct base {
	struct remote_cache *cache;
	char *url, *shown; /* shown: without user and password */
	bool submodules;
	char *stem, *mirror; /* DIR/HASH, DIR/HASH.git */
	base_refs refs;
	unsigned fetches; /* since the last clean-up, of all processes */

	/* The fetch under way; the loop's thread alone. */
	enum base_phase phase;
	struct repo_remote *remote;
	struct loop_timer *timer;
	int lock; /* descriptor, -1: none */
	int64_t lock_until;
	bool changed; /* a ref stands for another commit than before */
	bool listed;  /* the remote's refs are known */
	unsigned lists;
	char *list_error;    /* why they are not, or NULL; owned */
	struct base_ref *at; /* being fetched */
	struct resolved asked;
	char *answer; /* of the last child: an error, or NULL; owned */
};

typedef VEC(struct base *) base_list;

struct remote_cache {
	struct remote_cache_options options;
	char *dir;
	char **allowed;
	struct loop *loop;
	bool own_loop;
	pthread_mutex_t lock; /* of the table and all in it but what the loop's thread alone has */
	struct map bases;     /* flag and url -> struct base */
	size_t running;
	base_list queue;
	VEC(struct remote_round *) rounds;
	struct loop_timer *done_timer, *poll_timer, *wait_timer;
	int64_t started_ms; /* wall clock */
	bool waiting;
};

/* --- remote_base.c --- */

bool base_ref_is_sha(const char *ref);
/* Whether what is known of it may be used without asking. */
bool base_ref_fresh(const struct base *b, const struct base_ref *r);
bool base_ref_here(const struct base *b, const struct base_ref *r);
/* NULL and err: no more fit. With the lock. */
struct base_ref *base_ref_get(struct base *b, const char *ref, struct error *err);
/* With the lock: whoever waits for it waits no more. */
void base_ref_done(struct base *b, struct base_ref *r);
int remote_cache_allows(void *cache, const char *url, struct error *err);

/* --- remote_base_state.c --- */

/* Adds what text says and is newer than what is there. Lines that make no sense are passed over. With the
 * lock. */
void base_state_parse(struct base *b, struct str text);
void base_state_format(const struct base *b, struct buf *out);
void base_state_load(struct base *b);
int base_state_save(struct base *b, struct error *err);

/* --- remote_base_fetch.c --- */

/* Begins what is wanted of b, or will when others have ended. */
void base_start(struct base *b);
void base_cancel(struct base *b, const char *why); /* ends it; what was wanted of it fails */
