/*
 * confine_landlock.c - the kernel's Landlock: the program reads what it is shown, writes in its own
 * directory, and nothing else, whatever is mounted where. Newer kernels add TCP ports, signals and abstract
 * sockets. https://docs.kernel.org/userspace-api/landlock.html; the numbers are that interface's, written out
 * here because the headers of a build machine are often older than the kernel that runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "io/confine_parts.h"

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_BLOCK = 1 << 11,
	FS_FIRST = (1 << 13) - 1, /* all of version 1 */
	FS_REFER = 1 << 13,	  /* 2 */
	FS_TRUNCATE = 1 << 14,	  /* 3 */
	FS_IOCTL_DEV = 1 << 15,	  /* 5 */
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
	FS_LOOK = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR,
	NET_TCP = 3,	/* 4: bind, connect */
	SCOPE_BOTH = 3, /* 6: abstract sockets, signals */
};

/* struct landlock_ruleset_attr of version 6; the size tells an older kernel what it has to read. */
struct ruleset {
	uint64_t fs, net, scoped;
};

int confine_landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version > 0 ? (int)version : 0;
}

/* What is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= FS_OF_FILES;
	struct landlock_path_beneath_attr beneath = { .allowed_access = rights, .parent_fd = fd };
	int rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	int saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static int allow_all(const struct confine_job *job, int ruleset, uint64_t handled)
{
	uint64_t own = handled & ~(uint64_t)(FS_MAKE_CHAR | FS_MAKE_BLOCK | FS_IOCTL_DEV);
	if (allow(ruleset, job->base, own) < 0)
		return -1;
	if (job->level == CONFINE_LEVEL_ROOT && allow(ruleset, "/", handled & FS_LOOK) < 0)
		return -1;
	for (size_t i = 0; i < job->n_show; i++) {
		const struct confine_show *s = &job->show[i];
		uint64_t rights = handled & FS_LOOK;
		if (s->kind == SHOW_LINK)
			continue;
		if (s->kind == SHOW_DEVICE)
			rights = handled & (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV);
		else if (job->level == CONFINE_LEVEL_ROOT)
			continue;
		if (allow(ruleset, s->path, rights) < 0)
			return -1;
	}
	return 0;
}

int confine_landlock_apply(const struct confine_job *job)
{
	struct ruleset attr = { .fs = FS_FIRST };
	size_t size = sizeof(attr.fs);
	int version = job->landlock;
	if (version < 1) {
		errno = ENOSYS;
		return -1;
	}
	attr.fs |= (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
		   (version >= 5 ? FS_IOCTL_DEV : 0);
	if (version >= 4) {
		attr.net = NET_TCP;
		size = 2 * sizeof(uint64_t);
	}
	if (version >= 6) {
		attr.scoped = SCOPE_BOTH;
		size = sizeof(attr);
	}
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return -1;
	int rc = allow_all(job, ruleset, attr.fs);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	int saved = errno;
	close(ruleset);
	errno = saved;
	return rc;
}
