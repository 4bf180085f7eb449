/* dir.c - repo_dir_read(): a directory of this machine, with the same caps and the same distrust of links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "repo/tree.h"

struct dir_walk {
	char *root; /* real path */
	repo_filter_fn *filter;
	struct arena *a;
	VEC(struct repo_file) files;
	VEC(struct repo_problem) problems;
	size_t total;
};

static void problem(struct dir_walk *w, const char *path, const char *text)
{
	struct repo_problem p = { arena_strdup(w->a, path), arena_strdup(w->a, text) };
	if (w->problems.n < TREE_PROBLEMS_MAX)
		vec_push(&w->problems, p);
}

static bool read_all(int fd, char *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = read(fd, to + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

static void add_file(struct dir_walk *w, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		problem(w, path, strerror(errno));
		return;
	}
	size_t n = (size_t)st.st_size;
	if (n > TREE_FILE_MAX || w->total + n > TREE_TOTAL_MAX || w->files.n >= TREE_FILES_MAX) {
		problem(w, path, "is over a cap: 16 MiB a file, 256 MiB and 100000 files in all");
		return;
	}
	struct repo_file file = { arena_strdup(w->a, path),
				  { arena_alloc(w->a, n + 1), n },
				  st.st_mode & 0111 ? 0755 : 0644 };
	if (!read_all(fd, (char *)(uintptr_t)file.data.p, n)) {
		problem(w, path, "cannot be read to its end");
		return;
	}
	w->total += n;
	vec_push(&w->files, file);
}

/* A link may point to something inside the root only. */
static bool stays_inside(const struct dir_walk *w, const char *path)
{
	cleanup_free char *real = realpath(path, NULL);
	size_t n = strlen(w->root);
	return real && strncmp(real, w->root, n) == 0 && (real[n] == '/' || real[n] == '\0' || n == 1);
}

static void walk(struct dir_walk *w, const char *dir, unsigned depth);

static void visit(struct dir_walk *w, const char *path, const char *name, unsigned depth)
{
	struct stat st;
	if (lstat(path, &st) < 0) {
		problem(w, path, strerror(errno));
		return;
	}
	bool link = S_ISLNK(st.st_mode);
	if (link && !stays_inside(w, path)) {
		problem(w, path,
			"is a symbolic link that leaves the directory, or points nowhere; it is not followed");
		return;
	}
	if (link && stat(path, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode) && depth >= TREE_DEPTH_MAX)
		problem(w, path, "directories are nested more than 64 deep (or a link goes in a circle)");
	else if (S_ISDIR(st.st_mode))
		walk(w, path, depth + 1);
	else if (S_ISREG(st.st_mode) && (!w->filter || w->filter(str_of(name))))
		add_file(w, path);
}

static void walk(struct dir_walk *w, const char *dir, unsigned depth)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);
	if (n < 0) {
		problem(w, dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		/* Hidden files, and with them "." and "..", are not part of what is deployed. */
		if (name[0] != '.') {
			cleanup_buf struct buf path = BUF_INIT;
			buf_printf(&path, "%s%s%s", strcmp(dir, ".") == 0 ? "" : dir,
				   strcmp(dir, ".") == 0 || str_ends(str_of(dir), STR("/")) ? "" : "/", name);
			visit(w, path.p, name, depth);
		}
		free(names[i]);
	}
	free(names);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct repo_file *)a)->path, ((const struct repo_file *)b)->path);
}

int repo_dir_read(const char *dir, repo_filter_fn *filter, struct arena *a, struct repo_files *out,
		  struct error *err)
{
	*out = (struct repo_files){ 0 };
	struct stat st;
	cleanup_free char *root = realpath(dir, NULL);
	if (!root || stat(root, &st) < 0)
		return error_set(err, "%s: %s", dir, strerror(errno));
	struct dir_walk w = { .root = root, .filter = filter, .a = a };
	if (S_ISDIR(st.st_mode))
		walk(&w, dir, 0);
	else
		add_file(&w, dir);
	if (w.files.n)
		qsort(w.files.at, w.files.n, sizeof(*w.files.at), by_path);
	out->n = w.files.n;
	out->files = arena_array(a, struct repo_file, w.files.n + 1);
	out->n_problems = w.problems.n;
	out->problems = arena_array(a, struct repo_problem, w.problems.n + 1);
	if (w.files.n)
		memcpy(out->files, w.files.at, w.files.n * sizeof(*w.files.at));
	if (w.problems.n)
		memcpy(out->problems, w.problems.at, w.problems.n * sizeof(*w.problems.at));
	vec_release(&w.files);
	vec_release(&w.problems);
	return 0;
}
