/* files.c - see files.h. */
#include "repo/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_DIRS_MAX = 16 };

static int write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text = str_from(text, (size_t)n);
	}
	return 0;
}

int files_write(const char *path, struct str text, mode_t mode, struct error *err)
{
	cleanup_buf struct buf beside = BUF_INIT;
	buf_printf(&beside, "%s.new", path);
	unlink(beside.p);
	cleanup_fd int fd = open(beside.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 || write_all(fd, text) < 0 || rename(beside.p, path) < 0) {
		int saved = errno;
		unlink(beside.p);
		return error_set(err, "%s: %s", path, strerror(saved));
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

void files_remove(const char *path)
{
	nftw(path, remove_one, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS);
}

static int remove_leftover(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct str name = str_of(path + ftw->base);
	if (type == FTW_F &&
	    (str_ends(name, STR(".lock")) || str_starts(name, STR("tmp_")) || str_starts(name, STR(".tmp-"))))
		unlink(path);
	return 0;
}

void files_remove_leftovers(const char *mirror)
{
	nftw(mirror, remove_leftover, OPEN_DIRS_MAX, FTW_PHYS);
}

/* nftw() has no argument for its callback; the walk stays on one thread. */
static _Thread_local uint64_t walked_bytes;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F)
		walked_bytes += (uint64_t)st->st_size;
	return 0;
}

uint64_t files_size(const char *path)
{
	walked_bytes = 0;
	nftw(path, add_size, OPEN_DIRS_MAX, FTW_PHYS);
	return walked_bytes;
}

int files_make_dirs(const char *path, struct error *err)
{
	cleanup_free char *copy = mem_strdup(path);
	for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return error_set(err, "%s: %s", copy, strerror(errno));
		if (!slash)
			return 0;
		*slash = '/';
	}
}
