/* local_tree.c - see local_tree.h. Paths of the tree have no "/" in front; the system calls get one. */
#include "cmd/local_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

static const char *absolute(struct local_tree *t, const char *path)
{
	return arena_printf(&t->a, "/%s", path);
}

/* Where a directory is; NULL with errno: there is none. */
static const char *real_dir(struct local_tree *t, struct str dir)
{
	const char *known = map_get(&t->dirs, dir);
	if (known)
		return known;
	char *real = realpath(arena_printf(&t->a, "/%.*s", STR_ARG(dir)), NULL);
	if (!real)
		return NULL;
	const char *kept = arena_strdup(&t->a, real + 1);
	free(real);
	map_put(&t->dirs, dir, (void *)(uintptr_t)kept);
	return kept;
}

static bool is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

static int fail(struct local_tree *t, const char *path, int error, struct error *err)
{
	return error_set(err, "%s: %s", tree_shown(&t->tree, &t->a, path), strerror(error));
}

/* What is at path, but for its own last part: *real and *st. 1: nothing is there. */
static int look(struct local_tree *t, const char *path, const char **real, struct stat *st, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct str dir = { path, slash ? (size_t)(slash - path) : 0 };
	const char *base = slash ? slash + 1 : path;
	const char *in = real_dir(t, dir);
	if (!in)
		return is_absence(errno) ? 1 : fail(t, path, errno, err);
	*real = *in ? arena_printf(&t->a, "%s/%s", in, base) : base;
	if (lstat(absolute(t, *real), st) < 0)
		return is_absence(errno) ? 1 : fail(t, path, errno, err);
	if (!S_ISLNK(st->st_mode))
		return 0;
	char *target = realpath(absolute(t, *real), NULL);
	if (!target)
		return is_absence(errno) ? 1 : fail(t, path, errno, err);
	*real = arena_strdup(&t->a, target + 1);
	free(target);
	return stat(absolute(t, *real), st) < 0 ? fail(t, path, errno, err) : 0;
}

static int local_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		      struct error *err)
{
	struct local_tree *t = ctx;
	struct stat st;
	const char *where = path;
	*kind = TREE_NONE;
	if (strlen(path) >= PATH_MAX - 1)
		return error_set(err, "the path %.60s... is longer than %d bytes", path, PATH_MAX);
	int rc = look(t, path, &where, &st, err);
	if (rc == 0)
		*kind = S_ISDIR(st.st_mode) ? TREE_DIR : TREE_FILE;
	if (real)
		*real = arena_strdup(a, where);
	return rc < 0 ? -1 : 0;
}

static int read_all(int fd, char *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = read(fd, to + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? errno : EIO;
		got += (size_t)r;
	}
	return 0;
}

static int local_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	struct local_tree *t = ctx;
	const char *shown = tree_shown(&t->tree, &t->a, path);
	struct stat st;
	/* A pipe without a writer must not hold us up. */
	cleanup_fd int fd = open(absolute(t, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(t, path, errno, err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, "%s: it is no regular file", shown);
	size_t n = (size_t)st.st_size;
	if (n > LOCAL_TREE_FILE_MAX)
		return error_set(err, "%s: the file is larger than %u MiB (LOCAL_TREE_FILE_MAX)", shown,
				 LOCAL_TREE_FILE_MAX >> 20);
	t->total += n;
	if (t->total > LOCAL_TREE_TOTAL_MAX)
		return error_set(err, "%s: more than %llu MiB are read (LOCAL_TREE_TOTAL_MAX)", shown,
				 LOCAL_TREE_TOTAL_MAX >> 20);
	char *text = arena_alloc(a, n + 1);
	int failed = read_all(fd, text, n);
	if (failed)
		return fail(t, path, failed, err);
	*out = (struct str){ text, n };
	if (t->on_text)
		t->on_text(t->on_text_ctx, arena_strdup(a, shown), *out);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int local_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		      struct error *err)
{
	struct local_tree *t = ctx;
	VEC(const char *) found = { 0 };
	DIR *dir = opendir(absolute(t, path));
	if (!dir)
		return fail(t, path, errno, err);
	for (struct dirent *e; found.n <= LOCAL_TREE_NAMES_MAX && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			vec_push(&found, arena_strdup(a, e->d_name));
	closedir(dir);
	bool many = found.n > LOCAL_TREE_NAMES_MAX;
	if (found.n)
		qsort(found.at, found.n, sizeof(*found.at), by_name);
	*names = arena_array(a, const char *, found.n + 1);
	for (size_t i = 0; i < found.n; i++)
		(*names)[i] = found.at[i];
	*n = found.n;
	vec_release(&found);
	return many ? error_set(err, "%s: there are more than %u names in it (LOCAL_TREE_NAMES_MAX)",
				tree_shown(&t->tree, &t->a, path), LOCAL_TREE_NAMES_MAX)
		    : 0;
}

static int local_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
			struct error *err)
{
	struct local_tree *t = ctx;
	if (!t->bases)
		return error_set(err, "other repositories are not read here");
	return bases_find(t->bases, url, ref, submodules, out, err);
}

static const struct render_tree_ops local_ops = {
	.find = local_find,
	.read = local_read,
	.list = local_list,
	.remote = local_remote,
};

int local_tree_init(struct local_tree *t, struct error *err)
{
	*t = (struct local_tree){ .a = ARENA_INIT };
	cleanup_free char *here = getcwd(NULL, 0);
	if (!here)
		return error_set(err, "the working directory: %s", strerror(errno));
	t->skip = arena_printf(&t->a, "%s%s", here, here[1] ? "/" : "");
	t->tree = (struct render_tree){ .ops = &local_ops, .ctx = t, .prefix = "", .skip = t->skip };
	return 0;
}

void local_tree_release(struct local_tree *t)
{
	map_release(&t->dirs);
	arena_release(&t->a);
}

const char *local_tree_path(struct local_tree *t, const char *given)
{
	return tree_join(&t->tree, &t->a, t->skip + 1, given);
}
