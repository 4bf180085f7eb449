/* hook_worktree.c - see hook_worktree.h. */
#include "cmd/hook_worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_BYTES_MAX (64u << 20)

/* The directory that path lies in, made when it is to be; -1 with errno. */
static int open_parent(const char *root, const char *path, bool make)
{
	int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *slash;
	for (; at >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		cleanup_free char *name = mem_strndup(path, (size_t)(slash - path));
		if (make && mkdirat(at, name, 0777) < 0 && errno != EEXIST) {
			close(at);
			return -1;
		}
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int error = errno;
		close(at);
		errno = error;
		at = next;
	}
	return at;
}

/* 0; 1: there is none; -1 with errno. */
static int read_whole(int dir, const char *name, struct buf *out)
{
	struct stat st;
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
		errno = EFBIG;
		return -1;
	}
	buf_reserve(out, (size_t)st.st_size + 1);
	while (out->n <= FILE_BYTES_MAX) {
		char part[65536];
		ssize_t n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		buf_add(out, part, (size_t)n);
	}
	errno = EFBIG;
	return -1;
}

static bool write_all(int fd, struct str data)
{
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data = str_from(data, (size_t)n);
	}
	return true;
}

/* Beside it first: a hook that is killed leaves no half of a file. */
static int replace(int dir, const char *name, struct str data)
{
	char aside[64];
	snprintf(aside, sizeof(aside), ".capstan-hook-%ld.tmp", (long)getpid());
	int fd = openat(dir, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -1;
	bool good = write_all(fd, data);
	int error = errno;
	if (close(fd) == 0 && good && renameat(dir, aside, dir, name) == 0)
		return 0;
	error = good ? errno : error;
	unlinkat(dir, aside, 0);
	errno = error;
	return -1;
}

static int fail(const char *path, struct error *err)
{
	if (errno == ELOOP || errno == ENOTDIR)
		return error_set(err, "%s: a link or a file is in the way; take it away", path);
	return error_set(err, "%s: %s", path, strerror(errno));
}

int worktree_apply(const char *root, const struct rendered_file *file, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
	cleanup_fd int dir = open_parent(root, file->path, file->is);
	if (dir < 0)
		return !file->is && errno == ENOENT ? WORKTREE_SAME : fail(file->path, err);
	int rc = read_whole(dir, name, &text);
	if (rc < 0)
		return fail(file->path, err);
	bool there = rc == 0;
	if (there == file->is && (!there || str_eq(buf_str(&text), file->now)))
		return WORKTREE_SAME;
	if (there && (!file->was || !str_eq(buf_str(&text), file->before)))
		return WORKTREE_BUSY;
	rc = file->is ? replace(dir, name, file->now) : unlinkat(dir, name, 0);
	return rc < 0 ? fail(file->path, err) : WORKTREE_WRITTEN;
}
