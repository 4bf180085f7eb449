/*
 * load.c - paths below a root. A kustomization may read files at or below its own directory, and refer to
 * directories anywhere in the same tree, but to none that it is in itself (that is a cycle). Links count as
 * where they lead.
 */
#include "render/kustomize/load.h"

bool load_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return n == 0 || (strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

static bool is_http(const char *path)
{
	return strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0;
}

/* Files of a remote base never leave their directory, whatever was asked for. */
static bool is_restricted(const struct kbuild *b, const struct kroot *root)
{
	return !b->options->unrestricted || root->repo_dir;
}

int kroot_read(struct kbuild *b, const struct kroot *root, const char *path, struct str *text,
	       const char **shown, struct error *err)
{
	if (is_http(path))
		return error_set(
			err,
			"%s: single files are not read from web servers; copy it into the repository, "
			"or refer to a directory of a git repository (URL//DIR?ref=TAG)",
			path);
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
	if (is_restricted(b, root) && !load_is_below(real, root->dir))
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
