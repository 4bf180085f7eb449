/*
 * commit_local.h - files committed to a branch of a person's own repository, and pushed when that is wanted.
 * Blocking: for commands. git runs with the caller's environment (credentials, proxies, url rewrites).
 *
 * Neither the working tree nor the index is touched; a branch that is checked out is refused. Without push
 * the commit is on top of the branch here, or of the remote's as it was fetched last. With it both are
 * brought together first: what is ahead here is pushed too, what is ahead there is taken, and a branch on
 * which both have commits of their own is refused. A push that races is made again on top of what came.
 */
#pragma once

#include "repo/commit.h"

struct local_options {
	const char *dir;    /* anywhere in the repository */
	const char *remote; /* NULL: origin, or the only one */
	bool push;
	int64_t timeout_ms;  /* of one fetch or push */
	int64_t deadline_ms; /* of all */
};

struct local_result {
	bool changed;		   /* a commit was made */
	bool pushed;		   /* the remote's branch was moved */
	char sha[SHA_HEX_MAX + 1]; /* of the branch; "": it is not there, and nothing would be in it */
	char remote[128];	   /* where it was pushed to; "" */
	unsigned tries;
};

/* spec->author may be NULL: who the caller is to git, and Capstan when git does not know. */
int commit_local(const struct local_options *options, const char *branch, const struct commit_spec *spec,
		 struct local_result *out, struct error *err);

/* The commit that is checked out, and whether tracked files differ from it (untracked ones do not count). */
int commit_local_head(const char *dir, char sha[SHA_HEX_MAX + 1], bool *dirty, struct error *err);
