/*
 * view.h - one commit of a mirror, looked at path by path: for renders that follow files from one to the
 * next, and for reads.h. Directories are kept once they were read, so that a thousand looks into the same few
 * cost those few.
 *
 * The tree is hostile (tree.h): a name that could leave it, a link that does, sizes over the caps are errors
 * of the one path. Links that stay inside are followed. A view is used by one thread at a time; the mirror
 * may be fetched into and cleaned up meanwhile. The callers bound how much they ask for.
 *
 * Paths are relative to the root of the repository, "" is the root, with no ".", ".." or empty parts.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define VIEW_PATH_MAX 4096	/* bytes of a path */
#define VIEW_ENTRIES_MAX 200000 /* entries of directories kept at a time; then all are read anew */

enum view_kind {
	VIEW_NONE, /* nothing is there, or a link that points to nothing */
	VIEW_FILE,
	VIEW_DIR,
};

struct view_entry {
	enum view_kind kind;
	uint32_t mode;	  /* 0644 or 0755, of a file */
	const char *real; /* where it is with all links followed; in the arena, or path itself */
	bool links;	  /* links were followed, or would have been */
	uint8_t id[20];	  /* of the blob or tree: the same id, the same content; zero: nothing is there */
};

struct repo_view;

/* NULL and err: the commit is not there (or not with its submodules, where the mirror has them). */
struct repo_view *repo_view_open(const char *mirror, const char *sha, struct error *err);
void repo_view_close(struct repo_view *v); /* NULL is fine */

/* -1: the path cannot be what it says (err names it), or the mirror is damaged. */
int repo_view_find(struct repo_view *v, struct arena *a, const char *path, struct view_entry *out,
		   struct error *err);
/* A file's bytes, at most TREE_FILE_MAX, into a. -1 also when it is none. */
int repo_view_read(struct repo_view *v, struct arena *a, const char *path, struct str *out,
		   struct error *err);
/* Names in a directory, sorted by bytes, into a. -1 also when it is none, or holds a name that is not
 * allowed. */
int repo_view_list(struct repo_view *v, struct arena *a, const char *path, const char ***names, size_t *n,
		   struct error *err);

bool repo_view_submodules(const struct repo_view *v); /* they are part of it */
size_t repo_view_loads(const struct repo_view *v);    /* directories that were read from the mirror so far */
