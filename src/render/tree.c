/* tree.c - paths of a tree, and the tree that is a list of files in memory. */
#include "render/tree.h"

#include <stdlib.h>

const char *tree_shown(const struct render_tree *tree, struct arena *a, const char *path)
{
	if (tree->skip) {
		const char *skip = tree->skip + 1; /* paths have no "/" in front */
		size_t n = strlen(skip);
		if (strncmp(path, skip, n) == 0 && path[n])
			return path + n;
		return arena_printf(a, "/%s", path);
	}
	if (tree->prefix && *tree->prefix)
		return arena_printf(a, "%s%s", tree->prefix, path);
	return *path ? path : ".";
}

/* Adds the parts of rel to out; false: ".." leads out of the tree. */
static bool add_parts(struct buf *out, struct str rel)
{
	while (rel.n) {
		struct str part = str_cut(rel, '/', &rel);
		if (part.n == 0 || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			if (out->n)
				buf_addc(out, '/');
			buf_add_str(out, part);
			continue;
		}
		if (out->n == 0)
			return false;
		while (out->n && out->p[out->n - 1] != '/')
			out->n--;
		if (out->n)
			out->n--;
	}
	return true;
}

const char *tree_join(const struct render_tree *tree, struct arena *a, const char *dir, const char *rel)
{
	cleanup_buf struct buf out = BUF_INIT;
	bool absolute = rel[0] == '/';
	if (absolute && !tree->skip)
		return NULL;
	if (!absolute && !add_parts(&out, str_of(dir)))
		return NULL;
	if (!add_parts(&out, str_of(rel)) && !tree->skip)
		return NULL;
	return arena_strndup(a, out.p ? out.p : "", out.n);
}

static int by_path(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

static const char *const *find_exact(const struct tree_memory *t, const char *path)
{
	return t->n ? bsearch(path, t->paths, t->n, sizeof(t->paths[0]), by_path) : NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return n == 0 || (strncmp(path, dir, n) == 0 && path[n] == '/');
}

static int memory_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		       struct error *err)
{
	const struct tree_memory *t = ctx;
	*kind = find_exact(t, path) ? TREE_FILE : TREE_NONE;
	for (size_t i = 0; *kind == TREE_NONE && i < t->n; i++)
		if (is_below(t->paths[i], path))
			*kind = TREE_DIR;
	if (real)
		*real = path;
	return 0;
}

static int memory_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	const struct tree_memory *t = ctx;
	const char *const *found = find_exact(t, path);
	if (!found)
		return error_set(err, "%s: there is no such file", path);
	*out = t->texts[found - t->paths];
	return 0;
}

static int memory_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		       struct error *err)
{
	const struct tree_memory *t = ctx;
	size_t skip = *path ? strlen(path) + 1 : 0;
	*names = arena_array(a, const char *, t->n + 1);
	*n = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!is_below(t->paths[i], path))
			continue;
		struct str rest = str_of(t->paths[i] + skip), first = str_cut(rest, '/', &rest);
		if (*n == 0 || !str_is(first, (*names)[*n - 1]))
			(*names)[(*n)++] = arena_strndup(a, first.p, first.n);
	}
	return 0;
}

static const struct render_tree_ops memory_ops = {
	.find = memory_find,
	.read = memory_read,
	.list = memory_list,
};

struct render_tree tree_memory(struct tree_memory *files)
{
	return (struct render_tree){ .ops = &memory_ops, .ctx = files, .prefix = "" };
}
