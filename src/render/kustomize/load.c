/*
 * load.c - paths below a root. A kustomization may read files at or below its own directory, and refer to
 * directories anywhere in the same tree, but to none that it is in itself (that is a cycle). Links count as
 * where they lead.
 */
#include "render/kustomize/load.h"

/* Whether path is dir or below it; both are paths of one tree. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return n == 0 || (strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

static bool is_http(const char *path)
{
	return strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0;
}

static int refuse_web_file(const char *path, struct error *err)
{
	return error_set(
		err,
		"%s: single files are not read from web servers; copy it into the repository, or refer "
		"to a directory of a git repository (URL//DIR?ref=TAG)",
		path);
}

/* Files of a remote base never leave their directory, whatever was asked for. */
static bool is_restricted(const struct kbuild *b, const struct kroot *root)
{
	return !b->options->unrestricted || root->remote_tree;
}

int kroot_read(struct kbuild *b, const struct kroot *root, const char *path, struct str *text,
	       const char **shown, struct error *err)
{
	if (is_http(path))
		return refuse_web_file(path, err);
	const char *joined = tree_join(&root->tree, b->a, root->dir, path), *real;
	enum tree_kind kind;
	if (!joined)
		return error_set(err, "%s: it is outside of the repository", path);
	*shown = tree_shown(&root->tree, b->a, joined);
	if (root->tree.ops->find(root->tree.ctx, b->a, joined, &kind, &real, err))
		return -1;
	if (kind == TREE_NONE)
		return error_set(err, "%s: there is no such file", *shown);
	if (kind == TREE_DIR)
		return error_set(err, "%s: it is a directory, a file is needed", *shown);
	if (is_restricted(b, root) && !is_below(real, root->dir))
		return error_set(err,
				 "%s: the file is not in or below %s; move it there, or allow it with "
				 "--load-restrictor LoadRestrictionsNone",
				 *shown, tree_shown(&root->tree, b->a, root->dir));
	if (root->tree.ops->read(root->tree.ctx, b->a, joined, text, err))
		return -1;
	if (text->n > KUSTOMIZE_FILE_MAX)
		return error_set(err, "%s: the file is larger than %u MiB (KUSTOMIZE_FILE_MAX)", *shown,
				 KUSTOMIZE_FILE_MAX >> 20);
	return 0;
}

static bool ends_like_a_file(const char *path)
{
	size_t n = strcspn(path, "?");
	struct str s = { path, n };
	return str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml")) || str_ends(s, STR(".json"));
}

static bool same_tree(const struct render_tree *a, const struct render_tree *b)
{
	return a->ops == b->ops && a->ctx == b->ctx;
}

static int check_depth(const struct kroot *root, struct error *err)
{
	unsigned depth = 0;
	for (const struct kroot *r = root; r; r = r->parent)
		if (++depth > KUSTOMIZE_DEPTH_MAX)
			return error_set(err, "bases are nested deeper than %u levels (KUSTOMIZE_DEPTH_MAX)",
					 KUSTOMIZE_DEPTH_MAX);
	return 0;
}

/* A directory that has one of those in it that lead here would be read for ever. */
static int check_cycle(struct kbuild *b, const struct kroot *parent, const char *dir, struct error *err)
{
	for (const struct kroot *r = parent; r; r = r->parent)
		if (same_tree(&r->tree, &parent->tree) && is_below(r->dir, dir))
			return error_set(err, "%s: cycle: it is, or contains, %s, which refers to it",
					 tree_shown(&parent->tree, b->a, dir),
					 tree_shown(&r->tree, b->a, r->dir));
	return 0;
}

static int check_remote_cycle(const struct kroot *parent, const char *remote, struct error *err)
{
	for (const struct kroot *r = parent; r; r = r->parent)
		if (r->remote && strncmp(r->remote, remote, strlen(remote)) == 0)
			return error_set(err, "%s: cycle: it is what %s came from", remote, r->remote);
	return 0;
}

static int find_dir(struct kbuild *b, const struct render_tree *tree, const char *path, const char **real,
		    struct error *err)
{
	enum tree_kind kind;
	if (tree->ops->find(tree->ctx, b->a, path, &kind, real, err))
		return -1;
	if (kind == TREE_DIR)
		return 0;
	return error_set(err,
			 kind == TREE_FILE ? "%s: it is a file, a directory is needed"
					   : "%s: there is no such file or directory",
			 tree_shown(tree, b->a, path));
}

int load_open_remote(struct kbuild *b, const struct render_tree *tree, const struct kroot *parent,
		     const struct repospec *spec, struct kroot *out, struct error *err)
{
	*out = (struct kroot){ .parent = parent, .remote_tree = true, .remote = spec->shown };
	if (!tree->ops->remote)
		return error_set(err, "%s: remote bases cannot be read here", spec->shown);
	if (check_depth(out, err) || check_remote_cycle(parent, spec->shown, err))
		return -1;
	int rc = tree->ops->remote(tree->ctx, spec->url, spec->ref, spec->submodules, &out->tree, err);
	if (rc > 0)
		b->missing_remotes = true;
	if (rc < 0)
		return error_wrap(err, "%s", spec->shown);
	return rc ? rc : find_dir(b, &out->tree, spec->path, &out->dir, err);
}

int load_open(struct kbuild *b, const struct kroot *parent, const char *path, struct kroot *out,
	      struct error *err)
{
	struct repospec spec;
	if (is_http(path) && ends_like_a_file(path))
		return refuse_web_file(path, err);
	if (repospec_parse(b->a, path, &spec)) {
		if (spec.forced)
			kbuild_warn(b, "%s: the prefix `git::` means nothing, leave it out", path);
		return load_open_remote(b, &parent->tree, parent, &spec, out, err);
	}
	*out = (struct kroot){ .parent = parent, .tree = parent->tree, .remote_tree = parent->remote_tree };
	if (*path == '\0')
		return error_set(err, "the name of a base is empty");
	if (*path == '/')
		return error_set(err, "%s: a base cannot be named by an absolute path", path);
	const char *joined = tree_join(&parent->tree, b->a, parent->dir, path);
	if (!joined)
		return error_set(err, "%s: it is outside of the repository", path);
	if (check_depth(out, err) || find_dir(b, &parent->tree, joined, &out->dir, err))
		return -1;
	return check_cycle(b, parent, out->dir, err);
}
