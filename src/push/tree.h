/*
 * tree.h - pushes/ID/tree.git: a bare repository that has the pushed objects while git still keeps them in
 * quarantine, and after their push has ended: hard links of the quarantine's files, the hosted repository's
 * objects beside them (objects/info/alternates). No file is copied and no program is run.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define TREE_LINKS_MAX_FILES 100000u /* of one push; git keeps more than 100 objects as one pack */
#define TREE_TIPS_MAX 5000u
#define TREE_OBJECT_BYTES_MAX (512ull << 20) /* of one file of a push, unpacked */
#define TREE_META_BYTES_MAX (32ull << 20)    /* of one directory, commit or tag */

/* quarantine: directory of objects, or NULL (a resumed push, or one that brings no objects). hosted: the
 * repository. What is there of an earlier try stays. */
int push_tree_make(const char *git_dir, const char *quarantine, const char *hosted, struct error *err);

/* Every object that the push brings is looked at, not unpacked: none is larger than the caps, which would
 * hold up or fill what reads it later. err names the object. */
int push_tree_check(const char *git_dir, struct error *err);

/* Whether commit `newer` has `older` among its ancestors. 1: it has not. -1: one of them is not there. */
int push_tree_forward(const char *git_dir, const char *older, const char *newer, struct error *err);

/* Whether sha is a commit, or a tag of one; the commit's SHA in out (41 bytes). 1: it is something else. */
int push_tree_commit(const char *git_dir, const char *sha, char *out, struct error *err);

/* Where a ref of a repository is; "": it is not there. out has SHA_HEX_MAX + 1 bytes. */
void push_tree_ref(const char *git_dir, const char *ref, char *out);

/* Whether HEAD of a repository names that ref, be it there or not. */
bool push_tree_is_head(const char *git_dir, const char *ref);

/* Where the branches of a repository are, at most TREE_TIPS_MAX of them; memory from a. */
int push_tree_tips(struct arena *a, const char *git_dir, const char *const **out, size_t *n,
		   struct error *err);

/* Gives the hosted repository the objects of tree.git: when git itself no longer can. */
int push_tree_bring(const char *git_dir, const char *hosted, struct error *err);
