/* exec.c - see exec.h. */
#include "render/exec.h"

#include <stdlib.h>

#include "base/vec.h"

struct reading {
	struct arena *a;
	const struct render_tree *tree;
	struct error *err;
	size_t skip; /* bytes of a path of the tree that are above the copy's root */
	uint64_t bytes;
	VEC(struct exec_file) files;
};

static bool is_executable(struct str data)
{
	return str_starts(data, STR("#!")) || str_starts(data, STR("\177ELF"));
}

static int read_file(struct reading *r, const char *path)
{
	struct exec_file file = { .path = path + r->skip };
	if (r->files.n >= EXEC_FILES_MAX)
		return error_set(r->err,
				 "%s: with it there are more than %u files for the program "
				 "(EXEC_FILES_MAX): let it run in a smaller directory",
				 tree_shown(r->tree, r->a, path), EXEC_FILES_MAX);
	if (r->tree->ops->read(r->tree->ctx, r->a, path, &file.data, r->err) < 0)
		return -1;
	r->bytes += file.data.n;
	if (r->bytes > EXEC_TREE_MAX)
		return error_set(r->err,
				 "%s: with it there are more than %llu MiB for the program "
				 "(EXEC_TREE_MAX): let it run in a smaller directory",
				 tree_shown(r->tree, r->a, path), EXEC_TREE_MAX >> 20);
	file.executable = is_executable(file.data);
	vec_push(&r->files, file);
	return 0;
}

static int read_path(struct reading *r, const char *path, unsigned depth);

static int read_dir(struct reading *r, const char *path, unsigned depth)
{
	const char **names;
	size_t n;
	if (depth > EXEC_DEPTH_MAX)
		return error_set(r->err,
				 "%s: more than %u directories deep (EXEC_DEPTH_MAX): is there a link "
				 "that leads in a circle?",
				 tree_shown(r->tree, r->a, path), EXEC_DEPTH_MAX);
	if (r->tree->ops->list(r->tree->ctx, r->a, path, &names, &n, r->err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], ".git") == 0)
			continue;
		const char *below = *path ? arena_printf(r->a, "%s/%s", path, names[i]) : names[i];
		if (read_path(r, below, depth + 1) < 0)
			return -1;
	}
	return 0;
}

static int read_path(struct reading *r, const char *path, unsigned depth)
{
	enum tree_kind kind;
	if (r->tree->ops->find(r->tree->ctx, r->a, path, &kind, NULL, r->err) < 0)
		return -1;
	switch (kind) {
	case TREE_FILE:
		return read_file(r, path);
	case TREE_DIR:
		return read_dir(r, path, depth);
	case TREE_NONE: /* a link that leads nowhere */
		break;
	}
	return 0;
}

/* The bytes that two paths have in common, in whole parts, and the '/' behind them. */
static size_t common(const char *a, const char *b, size_t most)
{
	size_t n = 0;
	for (size_t i = 0; i < most && a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			n = i + 1;
	return n;
}

/* Bytes of dir (with a '/' behind it) that are left at the highest place that input, as written, leads
 * through. */
static size_t highest(const char *whole, struct str input)
{
	size_t at = strlen(whole), least = at;
	size_t below = 0; /* parts below dir's ancestor at `at` */
	while (input.n) {
		struct str part = str_cut(input, '/', &input);
		if (part.n == 0 || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			below++;
			continue;
		}
		if (below) {
			below--;
			continue;
		}
		for (at -= at > 0; at > 0 && whole[at - 1] != '/'; at--)
			;
		least = at;
	}
	return least;
}

static int input_path(struct reading *r, const char *dir, const char *input, const char **out)
{
	enum tree_kind kind;
	if (input[0] == '/')
		return error_set(r->err, "%.200s: inputs are paths from the program's directory", input);
	*out = tree_join(r->tree, r->a, dir, input);
	if (!*out)
		return error_set(r->err, "%s: it leads out of the repository", input);
	if (r->tree->ops->find(r->tree->ctx, r->a, *out, &kind, NULL, r->err) < 0)
		return -1;
	if (kind == TREE_NONE)
		return error_set(r->err, "%s: there is no such file or directory",
				 tree_shown(r->tree, r->a, *out));
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct exec_file *x = a, *y = b;
	return strcmp(x->path, y->path);
}

/* Sorted, and what was in two inputs once. */
static void take(struct reading *r, struct exec_tree *out)
{
	qsort(r->files.at, r->files.n, sizeof(*r->files.at), by_path);
	out->files = arena_array(r->a, struct exec_file, r->files.n + 1);
	for (size_t i = 0; i < r->files.n; i++)
		if (out->n == 0 || strcmp(out->files[out->n - 1].path, r->files.at[i].path) != 0)
			out->files[out->n++] = r->files.at[i];
}

int exec_tree_read(struct arena *a, const struct render_tree *tree, const char *dir,
		   const struct exec_spec *spec, struct exec_tree *out, struct error *err)
{
	struct reading r = { .a = a, .tree = tree, .err = err };
	VEC(const char *) paths = { 0 };
	const char *const *more = spec->inputs;
	int rc = 0;
	*out = (struct exec_tree){ .dir = "" };
	vec_push(&paths, dir);
	/* dir itself is below the root, or is it: its own '/' is thought behind it. */
	const char *whole = *dir ? arena_printf(a, "%s/", dir) : "";
	r.skip = strlen(whole);
	for (; rc == 0 && more && *more; more++) {
		const char *path = NULL;
		rc = input_path(&r, dir, *more, &path);
		if (rc == 0) {
			size_t above = highest(whole, str_of(*more));
			r.skip = common(whole, arena_printf(a, "%s/", path), above < r.skip ? above : r.skip);
			vec_push(&paths, path);
		}
	}
	for (size_t i = 0; rc == 0 && i < paths.n; i++)
		rc = read_path(&r, paths.at[i], 0);
	if (rc == 0) {
		take(&r, out);
		out->dir = strlen(dir) > r.skip ? dir + r.skip : "";
	}
	vec_release(&r.files);
	vec_release(&paths);
	return rc;
}

static struct str count(struct arena *a, size_t n)
{
	return str_of(arena_printf(a, "%zu", n));
}

typedef VEC(struct str) parts;

static void add_list(struct arena *a, parts *p, const char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	vec_push(p, count(a, n));
	for (size_t i = 0; i < n; i++)
		vec_push(p, str_of(list[i]));
}

/* Limits are not in it: what ended well under other ones is as good. */
struct hash exec_key(const struct exec_spec *spec, const struct exec_tree *tree, struct str identity)
{
	cleanup_arena struct arena a = ARENA_INIT;
	parts p = { 0 };
	vec_push(&p, STR("capstan exec 1"));
	vec_push(&p, identity);
	add_list(&a, &p, spec->argv);
	add_list(&a, &p, spec->env);
	vec_push(&p, spec->input);
	vec_push(&p, str_of(tree->dir));
	for (size_t i = 0; i < tree->n; i++) {
		vec_push(&p, str_of(tree->files[i].path));
		vec_push(&p, tree->files[i].data);
	}
	struct hash key = hash_parts(p.at, p.n);
	vec_release(&p);
	return key;
}
