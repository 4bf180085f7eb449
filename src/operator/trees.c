/*
 * trees.c - commits as trees of a render, and other repositories, which are commits of the cache's mirrors.
 *
 * All trees of one render share one struct tree_remotes: a repository that is named twice is one tree, and
 * its bases are looked for in the same place.
 */
#include "operator/trees.h"

#include <stdio.h>
#include <stdlib.h>

#include "repo/tree.h"

struct commit_tree {
	struct repo_view *view;
	struct tree_remotes *remotes;
	struct reads_notes *notes; /* NULL: a remote one, which is noted as a whole */
	size_t bytes, visits;
};

struct remote_tree {
	struct remote_want want;
	char *prefix;
	struct commit_tree *tree; /* NULL: missing */
};

struct tree_remotes {
	struct remote_cache *cache;
	struct reads_notes *notes;
	struct arena arena;
	VEC(struct remote_tree) list;
	VEC(struct remote_want) missing;
};

/* --- a commit --- */

struct commit_tree *commit_tree_open(const char *mirror, const char *sha, struct reads_notes *notes,
				     struct tree_remotes *remotes, struct error *err)
{
	struct repo_view *view = repo_view_open(mirror, sha, err);
	if (!view)
		return NULL;
	struct commit_tree *t = mem_alloc(sizeof(*t));
	t->view = view;
	t->notes = notes;
	t->remotes = remotes;
	return t;
}

void commit_tree_close(struct commit_tree *t)
{
	if (!t)
		return;
	repo_view_close(t->view);
	free(t);
}

struct repo_view *commit_tree_view(struct commit_tree *t)
{
	return t->view;
}

static int may_visit(struct commit_tree *t, const char *path, struct error *err)
{
	if (++t->visits <= TREE_VISITS_MAX)
		return 0;
	return error_set(err, "%s: the render looks at more than %u files", path, TREE_VISITS_MAX);
}

static int look(struct commit_tree *t, struct arena *a, const char *path, struct view_entry *e,
		struct error *err)
{
	if (may_visit(t, path, err) < 0)
		return -1;
	int rc = repo_view_find(t->view, a, path, e, err);
	if (t->notes)
		reads_note_path(t->notes, path, e);
	return rc;
}

static int commit_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		       struct error *err)
{
	struct view_entry e;
	if (look(ctx, a, path, &e, err) < 0)
		return -1;
	*kind = e.kind == VIEW_FILE ? TREE_FILE : e.kind == VIEW_DIR ? TREE_DIR : TREE_NONE;
	if (real)
		*real = e.real;
	return 0;
}

static int commit_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	struct commit_tree *t = ctx;
	struct view_entry e;
	if (look(t, a, path, &e, err) < 0 || repo_view_read(t->view, a, path, out, err) < 0)
		return -1;
	t->bytes += out->n;
	if (t->bytes <= TREE_TOTAL_MAX)
		return 0;
	return error_set(err, "%s: the render reads more than %u MiB of files", path, TREE_TOTAL_MAX >> 20);
}

static int commit_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		       struct error *err)
{
	struct commit_tree *t = ctx;
	struct view_entry e;
	if (look(t, a, path, &e, err) < 0)
		return -1;
	if (t->notes)
		reads_note_dir(t->notes, path, e.links);
	if (repo_view_list(t->view, a, path, names, n, err) < 0)
		return -1;
	t->visits += *n;
	return 0;
}

static int commit_remote(void *ctx, const char *url, const char *ref, bool submodules,
			 struct render_tree *out, struct error *err)
{
	struct commit_tree *t = ctx;
	return tree_remotes_find(t->remotes, url, ref, submodules, out, err);
}

static const struct render_tree_ops alone = {
	.find = commit_find,
	.read = commit_read,
	.list = commit_list,
};

static const struct render_tree_ops with_remotes = {
	.find = commit_find,
	.read = commit_read,
	.list = commit_list,
	.remote = commit_remote,
};

struct render_tree commit_tree_files(struct commit_tree *t)
{
	return (struct render_tree){ .ops = t->remotes ? &with_remotes : &alone, .ctx = t, .prefix = "" };
}

/* --- other repositories --- */

struct tree_remotes *tree_remotes_new(struct remote_cache *cache, struct reads_notes *notes)
{
	struct tree_remotes *r = mem_alloc(sizeof(*r));
	r->cache = cache;
	r->notes = notes;
	return r;
}

void tree_remotes_free(struct tree_remotes *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->list.n; i++)
		commit_tree_close(r->list.at[i].tree);
	vec_release(&r->list);
	vec_release(&r->missing);
	arena_release(&r->arena);
	free(r);
}

const struct remote_want *tree_remotes_missing(const struct tree_remotes *r, size_t *n)
{
	*n = r->missing.n;
	return r->missing.at;
}

static struct remote_tree *known(struct tree_remotes *r, const struct remote_want *w)
{
	for (size_t i = 0; i < r->list.n; i++) {
		const struct remote_want *other = &r->list.at[i].want;
		if (strcmp(other->url, w->url) == 0 && strcmp(other->ref, w->ref) == 0 &&
		    other->submodules == w->submodules)
			return &r->list.at[i];
	}
	return NULL;
}

/* "https://host/x.git@v1//", in front of its paths. */
static char *shown_prefix(struct arena *a, const struct remote_want *w)
{
	char shown[400];
	remote_redact(w->url, shown, sizeof(shown));
	return arena_printf(a, "%s%s%s//", shown, *w->ref ? "@" : "", w->ref);
}

static void add(struct tree_remotes *r, const struct remote_want *w, struct commit_tree *tree)
{
	struct remote_tree one = {
		.want = { arena_strdup(&r->arena, w->url), arena_strdup(&r->arena, w->ref), w->submodules },
		.tree = tree,
	};
	one.prefix = shown_prefix(&r->arena, w);
	vec_push(&r->list, one);
	if (!tree)
		vec_push(&r->missing, one.want);
	if (r->notes)
		reads_note_remote(r->notes, w->url, w->ref, w->submodules);
}

static int give_out(const struct remote_tree *t, struct render_tree *out)
{
	if (!t->tree)
		return 1;
	*out = commit_tree_files(t->tree);
	out->prefix = t->prefix;
	return 0;
}

int tree_remotes_find(struct tree_remotes *r, const char *url, const char *ref, bool submodules,
		      struct render_tree *out, struct error *err)
{
	struct remote_want w = { url, ref, submodules };
	const struct remote_tree *t = known(r, &w);
	struct remote_base base;
	struct commit_tree *tree = NULL;
	if (t)
		return give_out(t, out);
	if (r->list.n >= TREES_REMOTES_MAX)
		return error_set(err, "more than %d other repositories are read in one render",
				 TREES_REMOTES_MAX);
	int rc = remote_cache_find(r->cache, url, ref, submodules, &base, err);
	if (rc == 0) {
		tree = commit_tree_open(base.mirror, base.sha, NULL, r, err);
		if (!tree)
			return -1;
	}
	if (rc < 0)
		return -1;
	add(r, &w, tree);
	return give_out(&r->list.at[r->list.n - 1], out);
}
