/*
 * trees_dir.c - a directory of this machine as a tree of a render: every path is resolved by the system, and
 * where it then is must be inside of the root. Only plain files and directories are there; a pipe is nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "operator/trees.h"
#include "repo/name.h"
#include "repo/tree.h"

struct dir_tree {
	char *root; /* real path; "" for "/" */
	struct tree_remotes *remotes;
	size_t bytes, visits;
};

struct dir_tree *dir_tree_open(const char *dir, struct tree_remotes *remotes, struct error *err)
{
	struct stat st;
	char *root = realpath(dir, NULL);
	bool found = root && stat(root, &st) == 0;
	if (!found || !S_ISDIR(st.st_mode)) {
		error_set(err, "%s: %s", dir, found ? "is no directory" : strerror(errno));
		free(root);
		return NULL;
	}
	if (strcmp(root, "/") == 0)
		root[0] = '\0';
	struct dir_tree *t = mem_alloc(sizeof(*t));
	t->root = root;
	t->remotes = remotes;
	return t;
}

void dir_tree_close(struct dir_tree *t)
{
	if (!t)
		return;
	free(t->root);
	free(t);
}

/* Where path really is, owned; NULL and 0: nothing is there. */
static int resolve(struct dir_tree *t, const char *path, char **out, struct stat *st, struct error *err)
{
	cleanup_buf struct buf full = BUF_INIT;
	*out = NULL;
	if (++t->visits > TREE_VISITS_MAX)
		return error_set(err, "%s: the render looks at more than %u files", path, TREE_VISITS_MAX);
	buf_printf(&full, "%s/%s", t->root, path);
	cleanup_free char *real = realpath(full.p, NULL);
	if (!real && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!real || stat(real, st) < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	size_t n = strlen(t->root);
	if (strncmp(real, t->root, n) != 0 || (real[n] != '/' && real[n] != '\0'))
		return error_set(err, "%s: is a symbolic link that leaves the directory; it is not followed",
				 path);
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		*out = hand_over(real);
	return 0;
}

static int dir_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		    struct error *err)
{
	struct dir_tree *t = ctx;
	struct stat st;
	cleanup_free char *at = NULL;
	if (resolve(t, path, &at, &st, err) < 0)
		return -1;
	*kind = !at ? TREE_NONE : S_ISDIR(st.st_mode) ? TREE_DIR : TREE_FILE;
	if (real)
		*real = at ? arena_strdup(a, at + strlen(t->root) + (at[strlen(t->root)] == '/')) : path;
	return 0;
}

static int dir_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	struct dir_tree *t = ctx;
	struct stat st;
	cleanup_free char *at = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	if (resolve(t, path, &at, &st, err) < 0)
		return -1;
	if (!at || !S_ISREG(st.st_mode))
		return error_set(err, at ? "%s: is a directory, not a file" : "%s: there is no such file",
				 path);
	if (file_read(at, TREE_FILE_MAX, &text, err) != 0)
		return -1;
	t->bytes += text.n;
	if (t->bytes > TREE_TOTAL_MAX)
		return error_set(err, "%s: the render reads more than %u MiB of files", path,
				 TREE_TOTAL_MAX >> 20);
	*out = (struct str){ arena_strndup(a, buf_str(&text).p, text.n), text.n };
	return 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int take_names(struct arena *a, const char *path, struct dirent **found, size_t n, const char **names,
		      struct error *err)
{
	if (n > TREE_FILES_MAX)
		return error_set(err, "%s: more than %u files are in the directory", *path ? path : ".",
				 TREE_FILES_MAX);
	for (size_t i = 0; i < n; i++) {
		/* A checkout has its .git; the others are as in a commit. */
		if (!name_is_safe(str_of(found[i]->d_name)) && strcmp(found[i]->d_name, ".git") != 0)
			return error_set(
				err,
				"%s%s%s: has a name that is not allowed (control or invisible characters, backslashes)",
				path, *path ? "/" : "", name_printable(a, str_of(found[i]->d_name)));
		names[i] = arena_strdup(a, found[i]->d_name);
	}
	return 0;
}

static int dir_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		    struct error *err)
{
	struct dir_tree *t = ctx;
	struct stat st;
	struct dirent **found = NULL;
	cleanup_free char *at = NULL;
	if (resolve(t, path, &at, &st, err) < 0)
		return -1;
	if (!at || !S_ISDIR(st.st_mode))
		return error_set(err, "%s: there is no such directory", path);
	int count = scandir(at, &found, no_dots, by_bytes);
	if (count < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	*n = (size_t)count;
	*names = arena_array(a, const char *, *n + 1);
	int rc = take_names(a, path, found, *n, *names, err);
	for (size_t i = 0; i < *n; i++)
		free(found[i]);
	free(found);
	return rc;
}

static int dir_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		      struct error *err)
{
	struct dir_tree *t = ctx;
	return tree_remotes_find(t->remotes, url, ref, submodules, out, err);
}

static const struct render_tree_ops alone = {
	.find = dir_find,
	.read = dir_read,
	.list = dir_list,
};

static const struct render_tree_ops with_remotes = {
	.find = dir_find,
	.read = dir_read,
	.list = dir_list,
	.remote = dir_remote,
};

struct render_tree dir_tree_files(struct dir_tree *t)
{
	return (struct render_tree){ .ops = t->remotes ? &with_remotes : &alone, .ctx = t, .prefix = "" };
}
