/*
 * box_root.c - the root directory of a box: a file system in memory with the system's programs bound into it,
 * read-only, what the spec binds and writes, a few devices and a /proc of its own processes.
 *
 * What is bound was opened before the account was changed, and is bound by /proc/self/fd: the box's root need
 * not be able to come there by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "push/box_parts.h"

#define BOX_MEMORY "size=64m,nr_inodes=16k,mode=755" /* of the root: small files alone */

static const char *const devices[] = { "/dev/null",   "/dev/zero",    "/dev/full",
				       "/dev/random", "/dev/urandom", "/dev/tty" };
static const char *const shown[] = { "/usr",
				     "/bin",
				     "/sbin",
				     "/lib",
				     "/lib64",
				     "/lib32",
				     "/libx32",
				     "/etc/ssl",
				     "/etc/ld.so.cache",
				     "/etc/alternatives" };

void box_open_binds(const struct box *box, int *fds)
{
	for (size_t i = 0; i < box->n_binds; i++) {
		fds[i] = open(box->binds[i].from, O_PATH | O_CLOEXEC);
		if (fds[i] < 0)
			box_fail(box->binds[i].from);
	}
}

/* Directories above the last part of an absolute path below root. */
static void make_parents(const char *path, size_t from)
{
	char part[PATH_MAX];
	for (size_t i = from + 1; path[i] && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)mkdir(part, 0755);
	}
}

static void make_target(const char *path, size_t from, bool directory)
{
	make_parents(path, from);
	if (directory)
		(void)mkdir(path, 0755);
	else
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

/* Flags that a user namespace may not take away from what it binds. */
static unsigned long kept(const char *path)
{
	struct statvfs st;
	unsigned long flags = 0;
	if (statvfs(path, &st) < 0)
		return 0;
	flags |= st.f_flag & ST_NOSUID ? MS_NOSUID : 0;
	flags |= st.f_flag & ST_NODEV ? MS_NODEV : 0;
	flags |= st.f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
	flags |= st.f_flag & ST_NOATIME ? MS_NOATIME : 0;
	flags |= st.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0;
	flags |= st.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	return flags;
}

/* Kernels before 5.12 make only the uppermost of what is mounted there read-only. */
static int make_read_only(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | kept(path), NULL);
}

static int bind_fd(int fd, const char *to, size_t from, bool read_only)
{
	char source[64];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	make_target(to, from, S_ISDIR(st.st_mode));
	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (mount(source, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	return read_only ? make_read_only(to) : 0;
}

/* What is not on this machine is not in the box; a link is one there, too. */
static void show(const char *root, const char *path)
{
	char to[PATH_MAX], link[PATH_MAX];
	snprintf(to, sizeof(to), "%s%s", root, path);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n > 0) {
		link[n] = '\0';
		make_parents(to, strlen(root));
		if (symlink(link, to) < 0)
			box_fail(path);
		return;
	}
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && bind_fd(fd, to, strlen(root), true) < 0)
		box_fail(path);
}

static void show_system(const struct box *box, const char *root)
{
	char to[PATH_MAX];
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		show(root, shown[i]);
	for (size_t i = 0; box->network == BOX_MACHINE && i < 3; i++)
		show(root,
		     (const char *const[]){ "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf" }[i]);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		cleanup_fd int fd = open(devices[i], O_PATH | O_CLOEXEC);
		snprintf(to, sizeof(to), "%s%s", root, devices[i]);
		if (fd >= 0 && bind_fd(fd, to, strlen(root), false) < 0)
			box_fail(devices[i]);
	}
}

static void write_files(const struct box *box, const char *root)
{
	for (size_t i = 0; i < box->n_files; i++) {
		char to[PATH_MAX];
		const struct box_file *f = &box->files[i];
		snprintf(to, sizeof(to), "%s%s", root, f->path);
		make_parents(to, strlen(root));
		cleanup_fd int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, f->data.p, f->data.n) != (ssize_t)f->data.n)
			box_fail(f->path);
	}
}

/* The machine's own /proc must not be there, whatever becomes of the one of the box. */
static void mount_proc(const char *root)
{
	char to[PATH_MAX];
	snprintf(to, sizeof(to), "%s/proc", root);
	if (mkdir(to, 0555) < 0 || mount("proc", to, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		box_fail(
			"/proc of the box (parts of the machine's are hidden from us: a container has to have its own, "
			"or builds do not run in it)");
}

static void make_dirs(const char *root)
{
	static const char *const dirs[] = { "/tmp", "/run", "/root", "/sys", "/var/tmp", "/dev/shm", "/etc" };
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char to[PATH_MAX];
		snprintf(to, sizeof(to), "%s%s", root, dirs[i]);
		make_target(to, strlen(root), true);
	}
}

static void leave_old_root(const char *root)
{
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		box_fail("a root directory of its own");
}

/* A directory that is there on every machine and that nothing is bound from by its path. */
static const char *mount_point(void)
{
	static const char *const places[] = { "/mnt", "/srv", "/media", "/opt", "/tmp" };
	struct stat st;
	size_t i = 0;
	while (i + 1 < sizeof(places) / sizeof(places[0]) &&
	       (lstat(places[i], &st) < 0 || !S_ISDIR(st.st_mode)))
		i++;
	return places[i];
}

void box_enter_root(const struct box *box, const int *fds)
{
	const char *root = mount_point();
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, BOX_MEMORY) < 0)
		box_fail("a file system in memory");
	make_dirs(root);
	show_system(box, root);
	mount_proc(root);
	for (size_t i = 0; i < box->n_binds; i++) {
		char to[PATH_MAX];
		snprintf(to, sizeof(to), "%s%s", root, box->binds[i].to);
		if (bind_fd(fds[i], to, strlen(root), !box->binds[i].write) < 0)
			box_fail(box->binds[i].to);
		close(fds[i]);
	}
	write_files(box, root);
	leave_old_root(root);
	if (box->dir && chdir(box->dir) < 0)
		box_fail(box->dir);
}

bool box_overlay_works(const char *dir)
{
	char base[PATH_MAX - 16], path[4][PATH_MAX], options[3 * PATH_MAX + 64];
	static const char *const names[] = { "lower", "upper", "work", "all" };
	snprintf(base, sizeof(base), "%s/.overlay-%d", dir, (int)getpid());
	bool works = mkdir(base, 0700) == 0;
	for (size_t i = 0; i < 4; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%s", base, names[i]);
		works = works && mkdir(path[i], 0700) == 0;
	}
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s,userxattr", path[0], path[1],
		 path[2]);
	works = works && mount("overlay", path[3], "overlay", 0, options) == 0;
	if (works)
		(void)umount2(path[3], MNT_DETACH);
	char inner[PATH_MAX + 8];
	snprintf(inner, sizeof(inner), "%s/work", path[2]);
	(void)rmdir(inner);
	for (size_t i = 0; i < 4; i++)
		(void)rmdir(path[i]);
	(void)rmdir(base);
	return works;
}
