/*
 * git.h - questions to the user's git about a working tree, for commands; blocking, with a deadline.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define GIT_TIMEOUT_MS 30000
#define GIT_OUTPUT_MAX (16u << 20)

/* What git prints in dir, without the last line break, into a. -1: err has its own words. */
int git_ask(struct arena *a, const char *dir, const char *const *argv, char **out, struct error *err);

struct git_head {
	char *commit;  /* full SHA; with "-dirty" when files that git knows differ */
	char *subject; /* of that commit */
	char *git_dir; /* absolute; of the repository, also in a linked working tree */
};

/* -1: dir is in no repository, or it has no commit yet. */
int git_head(struct arena *a, const char *dir, struct git_head *out, struct error *err);

/* The url that a remote's name stands for; a url stands for itself. */
int git_remote_url(struct arena *a, const char *dir, const char *remote, char **out, struct error *err);

/* Moves a branch from `before` ("" when it is not there) to sha; -1 also when somebody moved it meanwhile. */
int git_move_branch(struct arena *a, const char *dir, const char *branch, const char *before, const char *sha,
		    struct error *err);
/* The commit of a local branch, "" when there is none. */
int git_branch(struct arena *a, const char *dir, const char *branch, char **sha, struct error *err);
