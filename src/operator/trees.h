/*
 * trees.h - the files that a render may read (render/tree.h): a commit of a mirror, and other
 * repositories as bases of it. (A directory of this machine: cmd/local_tree.h.)
 *
 *     struct reads_notes notes = { 0 };
 *     struct tree_remotes *remotes = tree_remotes_new(cache, &notes);
 *     struct commit_tree *t = commit_tree_open(mirror, sha, &notes, remotes, &err);
 *     struct render_tree tree = commit_tree_files(t);
 *     ... render; when it misses some: remote_cache_fetch(cache, tree_remotes_missing(), ...), then all again
 *     reads_pack(&notes, &reads);
 *     commit_tree_close(t), tree_remotes_free(remotes), reads_notes_release(&notes);
 *
 * All of one render is used by one thread at a time. What a render may read in all is capped (repo/tree.h).
 */
#pragma once

#include "render/tree.h"
#include "repo/reads.h"
#include "repo/remote_base.h"

#define TREES_REMOTES_MAX 200 /* other repositories (or refs of them) in one render */

/* --- other repositories --- */

struct tree_remotes;

/* notes: what is read is added there, or NULL. It outlives the remotes. */
struct tree_remotes *tree_remotes_new(struct remote_cache *cache, struct reads_notes *notes);
void tree_remotes_free(struct tree_remotes *r); /* with the trees that it gave out; NULL is fine */

/* As render_tree_ops.remote, for any tree that has it. */
int tree_remotes_find(struct tree_remotes *r, const char *url, const char *ref, bool submodules,
		      struct render_tree *out, struct error *err);
/* What was asked for and is not here. Lives as long as r. */
const struct remote_want *tree_remotes_missing(const struct tree_remotes *r, size_t *n);

/* --- a commit --- */

struct commit_tree;

/* notes: what is looked at is added there, or NULL. remotes: or NULL, there are none. Both outlive the tree.
 */
struct commit_tree *commit_tree_open(const char *mirror, const char *sha, struct reads_notes *notes,
				     struct tree_remotes *remotes, struct error *err);
void commit_tree_close(struct commit_tree *t); /* NULL is fine */
struct render_tree commit_tree_files(struct commit_tree *t);
struct repo_view *commit_tree_view(struct commit_tree *t);
