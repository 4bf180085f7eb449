/*
 * tree.h - the files that a render may read, as whoever asks for the render gives them: a commit of a mirror,
 * a directory of this machine, a map in a test. A render reads through this and nothing else, so that it
 * stays pure: the same tree gives the same objects. Implementations note what was asked for (a commit that
 * changes none of it needs no new render).
 *
 * Paths are relative to the root of the tree, "" is the root itself, with no ".", ".." or empty parts.
 * Links are followed by the implementation; one that leaves the tree is an error. One thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum tree_kind {
	TREE_NONE, /* nothing is there */
	TREE_FILE,
	TREE_DIR,
};

struct render_tree {
	const struct render_tree_ops *ops;
	void *ctx;
	/*
	 * In front of a path in messages: "" for the repository that is rendered, "https://host/x.git@v1//"
	 * for a remote one. A tree of this machine's files has its root at "/", and messages leave out
	 * `skip`, which ends in "/" (the working directory), where a path begins with it.
	 */
	const char *prefix, *skip;
};

struct render_tree_ops {
	/* What is at path, and where that is with all links followed (*real, in a; may be path itself; NULL
	 * out is fine). TREE_NONE is no error. -1: a link leaves the tree, it is damaged, a cap. */
	int (*find)(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		    struct error *err);
	/* A file's bytes, in a or living as long as the tree. -1: it is none (err names path), or a cap. */
	int (*read)(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err);
	/* Names in a directory, sorted by bytes, without "." and "..". */
	int (*list)(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		    struct error *err);
	/*
	 * Another repository, for remote bases: url as git takes it, ref a branch, tag or SHA ("" the default
	 * branch). 0: *out is its tree, which lives as long as this one. 1: it is not here yet; the
	 * implementation has noted it, and whoever asked for the render fetches it and renders again. -1: it
	 * cannot or may not be had. NULL: there are no remote trees.
	 */
	int (*remote)(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		      struct error *err);
};

/* path as a person should see it; lives in a, or is part of path. */
const char *tree_shown(const struct render_tree *tree, struct arena *a, const char *path);

/*
 * dir (a path of the tree) and rel joined and cleaned, into a. NULL: it leaves the tree through "..".
 * rel may be absolute only where the tree's root is "/" (tree->skip is set).
 */
const char *tree_join(const struct render_tree *tree, struct arena *a, const char *dir, const char *rel);

/* A tree of files in memory, for tests and for callers that have read all already. */
struct tree_memory {
	const char *const *paths; /* sorted by bytes */
	const struct str *texts;
	size_t n;
};
struct render_tree tree_memory(struct tree_memory *files);
