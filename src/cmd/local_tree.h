/*
 * local_tree.h - the files of this machine as a tree for renders (render/tree.h): its root is "/", and
 * messages show paths from the working directory on.
 *
 * Files are read when they are asked for. Links are followed: what a render may read is its own affair. Where
 * a directory is with all links followed is looked up once; a tree is for one render, not for a long time.
 */
#pragma once

#include "base/map.h"
#include "cmd/bases.h"
#include "render/tree.h"

#define LOCAL_TREE_FILE_MAX (16u << 20)	     /* bytes of one file */
#define LOCAL_TREE_TOTAL_MAX (1024ull << 20) /* bytes of all files that are read */
#define LOCAL_TREE_NAMES_MAX 100000u	     /* names in one directory */

struct local_tree {
	struct render_tree tree; /* what renders get */
	struct arena a;
	char *skip;
	struct map dirs; /* path -> where it is with links followed, in the arena */
	uint64_t total;
	void (*on_text)(void *ctx, const char *file,
			struct str text); /* of every file that is read; or NULL */
	void *on_text_ctx;
	struct bases *bases; /* other repositories; set by the owner, NULL: none may be read */
};

int local_tree_init(struct local_tree *t, struct error *err);
void local_tree_release(struct local_tree *t);

/* A path as a person gave it, as one of the tree; in the tree's arena. */
const char *local_tree_path(struct local_tree *t, const char *given);
