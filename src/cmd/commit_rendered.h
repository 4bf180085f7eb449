/*
 * commit_rendered.h - the directory of a repository that keeps an environment's rendered objects (`rendered`
 * of capstan.yaml): whether it is, in a commit, what the environment renders to there. One file an object, as
 * operator/hydrate.h names them; other files in it are let be.
 */
#pragma once

#include "cmd/commit_check.h"

struct rendered_file {
	const char *path;	/* of the repository */
	bool was, is;		/* it is in the commit; it is to be there */
	struct str before, now; /* the bytes in the commit, and as they are to be; empty when not there */
};

/*
 * The files that differ, sorted by path; e has a `rendered` and was rendered without error. Memory from a,
 * borrowing from e. -1: err.
 */
int commit_rendered_changes(struct arena *a, const char *git_dir, const char *sha,
			    const struct commit_environment *e, struct rendered_file **out, size_t *n,
			    struct error *err);
