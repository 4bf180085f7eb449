/*
 * confine_scratch.c - the program's directory where it cannot be in memory: one beneath a directory for
 * temporary files, held by a lock for as long as its maker lives. Whoever finds one without a lock may remove
 * it: its maker was killed.
 *
 * What a program leaves in it is hostile: it is removed without following links, and without descending so
 * far that the stack or the open files run out (what is deep is moved up first).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "io/confine_parts.h"

#define PREFIX "capstan-exec-"

enum { TRIES = 100, DESCEND_MAX = 32 };

static const char *parent_or_default(const char *parent)
{
	if (parent)
		return parent;
	const char *tmp = getenv("TMPDIR");
	return tmp && tmp[0] == '/' ? tmp : "/tmp";
}

/* What is done while one directory is emptied. */
struct removal {
	int top;	/* where deep ones are moved to */
	unsigned moved; /* names for them */
	bool progress;
};

static void remove_entry(struct removal *r, int dir, const char *name, unsigned depth);

static void empty(struct removal *r, int dir, unsigned depth)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *e;
	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_entry(r, dir, e->d_name, depth);
	closedir(d);
}

/* A directory, also one that is closed to its owner; never through a link. */
static int open_below(int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, 0700) < 0)
		errno = 0; /* another's: what can be removed is */
	return fd;
}

static void remove_entry(struct removal *r, int dir, const char *name, unsigned depth)
{
	if (unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0) {
		r->progress = true;
		return;
	}
	if (depth >= DESCEND_MAX) {
		char above[64];
		snprintf(above, sizeof(above), "capstan-deep-%u", r->moved++);
		if (renameat(dir, name, r->top, above) == 0)
			r->progress = true;
		return;
	}
	int below = open_below(dir, name);
	if (below < 0)
		return;
	empty(r, below, depth + 1);
	close(below);
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		r->progress = true;
}

/* More than one round only when something deep was moved up. */
static void remove_all(const char *path, int dir)
{
	struct removal r = { .top = dir, .progress = true };
	if (fchmod(dir, 0700) < 0)
		errno = 0;
	while (rmdir(path) < 0 && r.progress) {
		r.progress = false;
		empty(&r, dir, 0);
	}
}

/* Opened and locked, and still the directory that has the name; -1: another's. */
static int take(const char *path)
{
	struct stat held, named;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 && lstat(path, &named) == 0 &&
	    held.st_ino == named.st_ino && held.st_dev == named.st_dev)
		return fd;
	close(fd);
	return -1;
}

int confine_scratch_make(struct confine_scratch *s, const char *parent, uid_t owner, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT;
	*s = (struct confine_scratch){ .fd = -1 };
	char *real = realpath(parent_or_default(parent), NULL);
	if (!real)
		return error_set(err, "%s: for the program's directory: %s", parent_or_default(parent),
				 strerror(errno));
	for (int i = 0; i < TRIES && s->fd < 0; i++) {
		uint64_t number = 0;
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			number = (uint64_t)getpid() << 32 | (unsigned)i;
		buf_clear(&path);
		buf_printf(&path, "%s/" PREFIX "%016llx", real, (unsigned long long)number);
		if (mkdir(path.p, 0700) == 0)
			s->fd = take(path.p); /* a sweep may have been quicker */
		else if (errno != EEXIST)
			break;
	}
	free(real);
	if (s->fd < 0)
		return error_set(err, "%s: for the program's directory: %s", path.p, strerror(errno));
	s->path = hand_over(path.p);
	if (owner == geteuid() || fchown(s->fd, owner, owner) == 0)
		return 0;
	confine_scratch_end(s);
	return 1;
}

void confine_scratch_end(struct confine_scratch *s)
{
	if (s->path)
		remove_all(s->path, s->fd);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	*s = (struct confine_scratch){ .fd = -1 };
}

/* Ours, or that of an account that we as root gave a program. */
static bool is_ours(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return false;
	bool lent = geteuid() == 0 && st.st_uid >= CONFINE_ACCOUNT_FIRST && st.st_uid <= CONFINE_ACCOUNT_LAST;
	return st.st_uid == geteuid() || lent;
}

void confine_sweep(const char *scratch)
{
	cleanup_buf struct buf path = BUF_INIT;
	const char *parent = parent_or_default(scratch);
	DIR *d = opendir(parent);
	const struct dirent *e;
	while (d && (e = readdir(d))) {
		if (!str_starts(str_of(e->d_name), STR(PREFIX)))
			continue;
		buf_clear(&path);
		buf_printf(&path, "%s/%s", parent, e->d_name);
		int fd = take(path.p);
		if (fd < 0)
			continue;
		if (is_ours(fd))
			remove_all(path.p, fd);
		close(fd);
	}
	if (d)
		closedir(d);
}
