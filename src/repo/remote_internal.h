/* remote_internal.h - the parts of a remote: its children (remote.c) and its submodules (submodules.c). For
 * these files only. */
#pragma once

#include "base/vec.h"
#include "io/process.h"
#include "repo/remote.h"

struct submodules;

struct moved_ref {
	char *name;
	char before[SHA_HEX_MAX + 1]; /* "": it was not there */
};

struct repo_remote {
	struct loop *loop;
	char *url, *mirror;
	int64_t timeout_ms;
	uint64_t max_bytes;
	bool submodules_wanted, user_environment;
	const struct remote_hints *hints;
	int (*check)(void *ctx, const char *url, struct error *err);
	void *check_ctx;
	char *private_dir; /* 0700, or NULL: no secrets on disk */
	VEC(char *) env;   /* for every child; owned, NULL at the end */
	size_t config_n;
	struct refs refs;
	struct process *child;
	struct loop_timer *size_timer, *now_timer;
	struct submodules *submodules; /* of the fetch under way, or NULL */
	uint64_t size_before; /* bytes of the mirror when the fetch began: the cap is for what it brings */
	VEC(struct moved_ref)
	moved;	       /* what the fetch under way points elsewhere, to be put back if it is too large */
	char *refusal; /* what is told when that is done */
	bool too_large;
	unsigned fetches;
	remote_done_fn *done;
	void *ctx;
	remote_push_fn *push_done; /* of the push under way */
	void *push_ctx;
	char *push_branch;
};

/* Starts a child in the mirror; done(r, result) sets r->child to NULL first. What cannot be started ends the
 * fetch. */
void remote_run(struct repo_remote *r, const char *const *argv, int64_t timeout_ms, size_t output_max,
		process_fn *done);
/* Why a child failed, for people, url without secrets; NULL: it worked. Owned. */
char *remote_failure(struct repo_remote *r, const char *what, const char *url,
		     const struct process_result *result);
/* `git fetch` of one refspec list from url under the size cap; argv is {refspec..., NULL}. */
void remote_run_fetch(struct repo_remote *r, const char *url, const char *const *refspecs, process_fn *done);
/* To be called when a fetch ended: looks at the size. NULL: all is well. Owned. */
char *remote_fetch_failure(struct repo_remote *r, const char *what, const char *url,
			   const struct process_result *result);
void remote_finish(struct repo_remote *r, bool changed, const char *error);

/* --- submodules.c --- */

/* Brings what the commits' submodules are, theirs too, and marks each commit that is whole; then calls
 * remote_fetched(r, NULL), or with why not. */
void submodules_begin(struct repo_remote *r, const struct resolved *wants, size_t n);
void submodules_continue(struct repo_remote *r); /* after the commits themselves were fetched */
void submodules_free(struct submodules *s);	 /* NULL is fine */
void remote_fetched(struct repo_remote *r, const char *error);
