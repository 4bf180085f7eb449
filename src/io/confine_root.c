/*
 * confine_root.c - the child's root directory and the files in it.
 *
 * A small file system in memory becomes the root. Into it go, read-only, the system's programs and libraries,
 * a few devices, an /etc of a handful of files, a /proc of the child's own pid namespace, and at /render the
 * program's directory: a second file system in memory whose size is the cap of what it may write. Nothing of
 * it is on a disk, and all of it goes away with the last process of the namespace.
 *
 * What is shown is opened first, while the process still has its old account, and bound through
 * /proc/self/fd afterwards: root's own programs can be shown to a program that is not root.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "io/confine_parts.h"

/* A path on the stack: the child has no allocator. Too long a one is marked, and fails when it is used. */
struct path {
	char p[PATH_MAX];
	size_t n;
};

static void path_set(struct path *path, const char *first, const char *second)
{
	size_t a = strlen(first), b = strlen(second);
	if (a + b >= sizeof(path->p))
		a = b = 0; /* "" is ENOENT */
	memcpy(path->p, first, a);
	memcpy(path->p + a, second, b);
	path->n = a + b;
	path->p[path->n] = '\0';
}

/* A number's digits, as snprintf() may not be called here. */
static const char *digits(uint64_t value, char out[24])
{
	char *p = out + 23;
	*p = '\0';
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	return p;
}

/* All directories above the last part of path. */
static int make_parents(struct path *path, size_t from)
{
	for (size_t i = from; i < path->n; i++) {
		if (path->p[i] != '/' || i == 0)
			continue;
		path->p[i] = '\0';
		int rc = mkdir(path->p, 0755);
		path->p[i] = '/';
		if (rc < 0 && errno != EEXIST && errno != EROFS)
			return -1;
	}
	return 0;
}

static int write_file(const char *path, struct str data, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		data.p += n;
		data.n -= (size_t)n;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return data.n ? -1 : 0;
}

void confine_open_shown(struct confine_job *job)
{
	for (size_t i = 0; i < job->n_show; i++) {
		struct confine_show *s = &job->show[i];
		if (s->kind == SHOW_DIR || s->kind == SHOW_FILE || s->kind == SHOW_DEVICE)
			s->fd = open(s->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
}

/* Flags of a mount that a user namespace may not take away, as mount() wants them. */
static unsigned long kept_flags(const char *target)
{
	static const struct {
		long fs;
		unsigned long ms;
	} flags[] = {
		{ ST_NOSUID, MS_NOSUID },   { ST_NODEV, MS_NODEV },	      { ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME }, { ST_NODIRATIME, MS_NODIRATIME }, { ST_RELATIME, MS_RELATIME },
	};
	struct statfs st;
	unsigned long kept = 0;
	if (statfs(target, &st) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (st.f_flags & flags[i].fs)
			kept |= flags[i].ms;
	return kept;
}

/* Read-only with all that is mounted below; kernels before 5.12 can do only the uppermost. */
static int make_read_only(const char *target, bool device)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					       (device ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_NODEV) };
	if (syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | (device ? MS_NOEXEC : MS_NODEV);
	return mount(NULL, target, NULL, flags | kept_flags(target), NULL);
}

/* The file or directory that something is to be bound over. */
static int make_target(const struct confine_show *s, const char *target)
{
	if (s->kind == SHOW_DIR)
		return mkdir(target, 0755) < 0 && errno != EEXIST ? -1 : 0;
	if (access(target, F_OK) == 0)
		return 0;
	return write_file(target, STR(""), 0644);
}

static int bind_shown(const struct confine_show *s, const char *target)
{
	char number[24];
	struct path source;
	path_set(&source, "/proc/self/fd/", digits((uint64_t)s->fd, number));
	if (make_target(s, target) < 0)
		return -1;
	if (mount(source.p, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	return make_read_only(target, s->kind == SHOW_DEVICE);
}

static int put_shown(const struct confine_show *s, const char *root)
{
	struct path target;
	path_set(&target, root, s->path);
	if (make_parents(&target, strlen(root) + 1) < 0)
		return -1;
	switch (s->kind) {
	case SHOW_LINK:
		return symlink(s->text, target.p) < 0 && errno != EEXIST ? -1 : 0;
	case SHOW_TEXT:
		return write_file(target.p, str_of(s->text), 0644);
	default:
		return s->fd < 0 ? 0 : bind_shown(s, target.p); /* what cannot be opened is not there */
	}
}

/* The program's directory: so many bytes and entries, and not one more. */
static int mount_directory(const struct confine_job *job, const char *root)
{
	struct path target, options;
	char number[24];
	path_set(&options, "mode=0755,size=", digits(job->tree_bytes + job->spec->disk_bytes, number));
	path_set(&target, options.p, ",nr_inodes=");
	path_set(&options, target.p, digits(job->entries_max, number));
	path_set(&target, root, "/render");
	if (mkdir(target.p, 0755) < 0 ||
	    mount("tmpfs", target.p, "tmpfs", MS_NOSUID | MS_NODEV, options.p) < 0)
		return -1;
	path_set(&target, root, "/render/tmp"); /* where /tmp leads: programs that are shown may be there */
	return mkdir(target.p, 0755);
}

/*
 * Shows the processes of the pid namespace. The kernel allows it only while the machine's own /proc is still
 * there to be seen, and refuses it where parts of that are hidden from us; the program then has none.
 */
static bool mount_proc(const char *root)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
	struct path proc;
	path_set(&proc, root, "/proc");
	if (mkdir(proc.p, 0555) < 0)
		return false;
	return mount("proc", proc.p, "proc", flags, NULL) == 0 ||
	       mount("proc", proc.p, "proc", flags, "subset=pid") == 0;
}

/* A directory that is there on every machine and that nothing is bound from by its path. */
static const char *mount_point(void)
{
	static const char *const places[] = { "/sys", "/mnt", "/srv", "/opt", "/tmp" };
	struct stat st;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (stat(places[i], &st) == 0 && S_ISDIR(st.st_mode))
			return places[i];
	return NULL;
}

/* The new root over the old one at ".", and the old one away from under it (see pivot_root(2), NOTES). */
static int change_root(const char *root)
{
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -1;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

int confine_enter_root(struct confine_job *job, bool *proc)
{
	const char *root = mount_point();
	if (!root) {
		errno = ENOENT;
		return -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=4k") < 0)
		return -1;
	if (mount_directory(job, root) < 0)
		return -1;
	for (size_t i = 0; i < job->n_show; i++)
		if (put_shown(&job->show[i], root) < 0)
			return -1;
	for (size_t i = 0; i < job->n_show; i++) {
		if (job->show[i].fd >= 0)
			close(job->show[i].fd);
		job->show[i].fd = -1;
	}
	*proc = mount_proc(root);
	return change_root(root);
}

/* Files come in any order; the directories of the one before need not be made again. */
int confine_write_files(const struct confine_job *job, uint64_t *index)
{
	static const char *const own[] = { "/tree", "/home", "/tmp" };
	const struct confine_spec *spec = job->spec;
	struct path path, tree;
	size_t made = 0; /* bytes of path.p that were the directory of the file before */
	*index = spec->n_files;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		path_set(&path, job->base, own[i]);
		if (mkdir(path.p, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	path_set(&tree, job->base, "/tree/");
	struct path last = { .n = 0 };
	for (size_t i = 0; i < spec->n_files; i++) {
		const struct confine_file *file = &spec->files[i];
		*index = i;
		path_set(&path, tree.p, file->path);
		bool known = made && path.n > made && memcmp(path.p, last.p, made) == 0 &&
			     !memchr(path.p + made, '/', path.n - made);
		if (!known && make_parents(&path, tree.n) < 0)
			return -1;
		if (write_file(path.p, file->data, file->executable ? 0755 : 0644) < 0)
			return -1;
		made = path.n;
		while (made > 0 && path.p[made - 1] != '/')
			made--;
		memcpy(last.p, path.p, made);
	}
	*index = spec->n_files;
	path_set(&path, job->cwd, "/");
	return make_parents(&path, tree.n); /* a directory without files is no error */
}

/* A file and not a pipe: it can be read at any time and from /dev/stdin. It has no name any more. */
int confine_open_stdin(const struct confine_job *job)
{
	struct path path;
	if (job->spec->input.n == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	path_set(&path, job->base, "/input");
	if (write_file(path.p, job->spec->input, 0400) < 0)
		return -1;
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	unlink(path.p);
	return fd;
}
