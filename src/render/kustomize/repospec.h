/*
 * repospec.h - references to directories of git repositories: `https://host/org/repo//dir?ref=v1`,
 * `git@host:org/repo.git/dir`, `github.com/org/repo/dir`, `ssh://`, `file://` (upstream:
 * api/internal/git/repospec.go). Room-internal.
 */
#pragma once

#include "base/arena.h"

struct repospec {
	const char *shown; /* as written, without user and password */
	const char *url;   /* as git takes it */
	const char *path;  /* the directory in it, cleaned; "" is its root */
	const char *ref;   /* "" when none is given */
	bool submodules;
	bool forced; /* had the prefix `git::`, which means nothing */
};

/* Whether text is such a reference; what is none is a path. All memory from a. */
bool repospec_parse(struct arena *a, const char *text, struct repospec *out);
