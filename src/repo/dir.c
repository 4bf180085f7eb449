/* dir.c - repo_dir_read(): a directory of this machine, with the same caps and the same distrust of links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "repo/name.h"
#include "repo/tree.h"

struct dir_walk {
	char *root; /* real path */
	repo_filter_fn *filter;
	struct arena *a;
	VEC(struct repo_file) files;
	VEC(struct repo_problem) problems;
	size_t total;
	unsigned visits; /* links can unfold a small directory into an endless one */
	bool stop;
};

static void problem(struct dir_walk *w, const char *path, const char *text)
{
	if (w->problems.n >= TREE_PROBLEMS_MAX)
		return;
	struct repo_problem p = { name_printable(w->a, str_of(path)), arena_strdup(w->a, text) };
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

static void add_file(struct dir_walk *w, const char *path, const char *real)
{
	cleanup_fd int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
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

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

/* A link may lead to something inside the root only, and not to a directory that it lies in. NULL: it is
 * fine. */
static const char *wrong_with_link(const struct dir_walk *w, const char *real_dir, const char *target)
{
	if (!target || !is_below(target, w->root))
		return "is a symbolic link that leaves the directory, or points nowhere; it is not followed";
	if (is_below(real_dir, target))
		return "is a symbolic link to a directory that it lies in; links may not go in circles";
	return NULL;
}

/* dir is what it is called, real_dir where it is: links in it are resolved from there, at a cost that does
 * not grow. */
static void walk(struct dir_walk *w, const char *dir, const char *real_dir, unsigned depth);

static bool may_visit(struct dir_walk *w, const char *path, const char *name)
{
	if (++w->visits > TREE_VISITS_MAX) {
		problem(w, path,
			"more than 400000 entries are in the directory (links count too); choose a smaller one");
		w->stop = true;
	} else if (!name_is_safe(str_of(name))) {
		problem(w, path,
			"has a name that is not allowed (control or invisible characters, backslashes)");
	} else {
		return true;
	}
	return false;
}

static void visit(struct dir_walk *w, const char *path, const char *real_dir, const char *name,
		  unsigned depth)
{
	struct stat st;
	cleanup_buf struct buf here = BUF_INIT;
	buf_printf(&here, "%s/%s", strcmp(real_dir, "/") == 0 ? "" : real_dir, name);
	if (lstat(here.p, &st) < 0) {
		problem(w, path, strerror(errno));
		return;
	}
	bool link = S_ISLNK(st.st_mode);
	cleanup_free char *target = link ? realpath(here.p, NULL) : mem_strdup(here.p);
	const char *wrong = link ? wrong_with_link(w, real_dir, target) : NULL;
	if (wrong) {
		problem(w, path, wrong);
		return;
	}
	if (link && stat(target, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode) && depth >= TREE_DEPTH_MAX)
		problem(w, path, "directories are nested more than 64 deep");
	else if (S_ISDIR(st.st_mode))
		walk(w, path, target, depth + 1);
	else if (S_ISREG(st.st_mode) && (!w->filter || w->filter(str_of(name))))
		add_file(w, path, target);
}

static void walk(struct dir_walk *w, const char *dir, const char *real_dir, unsigned depth)
{
	struct dirent **names = NULL;
	int n = scandir(real_dir, &names, NULL, alphasort);
	if (n < 0) {
		problem(w, dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		/* Hidden files, and with them "." and "..", are not part of what is deployed. */
		if (name[0] != '.' && !w->stop) {
			cleanup_buf struct buf path = BUF_INIT;
			buf_printf(&path, "%s%s%s", strcmp(dir, ".") == 0 ? "" : dir,
				   strcmp(dir, ".") == 0 || str_ends(str_of(dir), STR("/")) ? "" : "/", name);
			if (may_visit(w, path.p, name))
				visit(w, path.p, real_dir, name, depth);
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
		walk(&w, dir, root, 0);
	else
		add_file(&w, dir, root);
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
