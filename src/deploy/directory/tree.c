/* tree.c - see tree.h. Errors name the path as git knows it. */
#include "deploy/directory/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "deploy/directory/directory.h"

enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, TEMP_NAME_MAX = 32 };

bool tree_path_ok(struct str path)
{
	unsigned depth = 0;
	if (path.n == 0 || path.n >= PATH_MAX || memchr(path.p, '\0', path.n))
		return false;
	struct str rest = path;
	while (rest.n > 0 || path.p[path.n - 1] == '/') {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || part.n > NAME_MAX || str_is(part, ".") || str_is(part, "..") ||
		    ++depth > DIRECTORY_DEPTH_MAX)
			return false;
	}
	return true;
}

/* --- the root --- */

static int make_parents(const char *root, struct error *err)
{
	cleanup_free char *path = mem_strdup(root);
	for (char *p = path + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char kept = *p;
		*p = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return error_set(err, "make %s: %s", path, strerror(errno));
		*p = kept;
		if (!kept)
			return 0;
	}
}

int tree_open(const char *root, bool make, int *fd, struct error *err)
{
	/* The root itself may be reached through links: it is what the app's owner wrote. */
	*fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT) {
		if (!make)
			return 0;
		if (make_parents(root, err) != 0)
			return -1;
		*fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (*fd < 0)
		return error_set(err, "open %s: %s", root, strerror(errno));
	return 0;
}

/* --- walking --- */

static int blocked(int dir, const char *path, size_t end, const char *part, struct error *err)
{
	struct stat st;
	bool link = fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
	error_set(err, "%.*s is %s", (int)end, path,
		  link ? "a symbolic link, which is never followed" : "not a directory");
	return TREE_BLOCKED;
}

/*
 * Opens the directory that holds path. 0: *dir is open and *leaf the last part; *dir is -1 when a directory
 * on the way is not there.
 */
static int open_parent(int root, const char *path, int *dir, const char **leaf, struct error *err)
{
	int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	if (at < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	const char *part = path;
	for (const char *slash; (slash = strchr(part, '/')); part = slash + 1) {
		char name[NAME_MAX + 1];
		snprintf(name, sizeof(name), "%.*s", (int)(slash - part), part);
		int next = openat(at, name, OPEN_DIR);
		int failure = errno;
		int rc = 0;
		if (next < 0 && (failure == ENOTDIR || failure == ELOOP))
			rc = blocked(at, path, (size_t)(slash - path), name, err);
		else if (next < 0 && failure != ENOENT)
			rc = error_set(err, "open %.*s: %s", (int)(slash - path), path, strerror(failure));
		close(at);
		at = next;
		if (next < 0) {
			*dir = -1;
			return rc;
		}
	}
	*dir = at;
	*leaf = part;
	return 0;
}

/* --- looking --- */

static int read_whole(int fd, size_t size, struct buf *out)
{
	buf_reserve(out, size + 1);
	for (;;) {
		ssize_t n = read(fd, out->p + out->n, size + 1 - out->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		out->n += (size_t)n;
		if (n == 0 || out->n > size)
			return 0;
	}
}

static int look_at_file(int dir, const char *leaf, const char *path, struct tree_seen *out, struct error *err)
{
	cleanup_fd int fd = openat(dir, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_set(err, "read %s: %s", path, strerror(errno));
	out->kind = TREE_OTHER;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)DIRECTORY_FILE_MAX)
		return 0;
	cleanup_buf struct buf data = BUF_INIT;
	if (read_whole(fd, (size_t)st.st_size, &data) != 0)
		return error_set(err, "read %s: %s", path, strerror(errno));
	out->kind = TREE_FILE;
	out->hash = directory_hash(st.st_mode & 07777, buf_str(&data));
	return 0;
}

int tree_look(int root, const char *path, struct tree_seen *out, struct error *err)
{
	*out = (struct tree_seen){ .kind = TREE_MISSING };
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	int rc = open_parent(root, path, &dir, &leaf, err);
	if (rc != 0 || dir < 0)
		return rc;
	struct stat st;
	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_set(err, "%s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode))
		return look_at_file(dir, leaf, path, out, err);
	out->kind = S_ISDIR(st.st_mode) ? TREE_DIRECTORY : TREE_OTHER;
	return 0;
}

/* --- writing --- */

/* The same name for the same file, so that what a killed process left is found again. */
static void temp_name(const char *path, char out[TEMP_NAME_MAX])
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(hash_of(str_of(path)), hex);
	snprintf(out, TEMP_NAME_MAX, ".capstan-%.16s", hex);
}

static int write_all(int fd, struct str data)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data = str_from(data, (size_t)n);
	}
	return 0;
}

static int fill_temp(int dir, const char *temp, const char *path, uint32_t mode, struct str data,
		     struct error *err)
{
	unlinkat(dir, temp, 0);
	cleanup_fd int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write_all(fd, data) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0)
		return 0;
	return error_set(err, "write %s: %s", path, strerror(errno));
}

/* Never replaces. File systems that know no RENAME_NOREPLACE know hard links or neither. */
static int rename_exclusive(int dir, const char *temp, const char *leaf)
{
	if (renameat2(dir, temp, dir, leaf, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dir, temp, dir, leaf, 0) != 0)
		return -1;
	unlinkat(dir, temp, 0);
	return 0;
}

int tree_write(int root, const char *path, uint32_t mode, struct str data, bool exclusive, struct error *err)
{
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	int rc = open_parent(root, path, &dir, &leaf, err);
	if (rc != 0)
		return rc;
	if (dir < 0)
		return error_set(err, "write %s: its directory is gone", path);
	char temp[TEMP_NAME_MAX];
	temp_name(path, temp);
	if (fill_temp(dir, temp, path, mode, data, err) != 0) {
		unlinkat(dir, temp, 0);
		return -1;
	}
	if ((exclusive ? rename_exclusive(dir, temp, leaf) : renameat(dir, temp, dir, leaf)) != 0) {
		int failure = errno;
		unlinkat(dir, temp, 0);
		if (exclusive && failure == EEXIST)
			return TREE_EXISTS;
		return error_set(err, "write %s: %s", path, strerror(failure));
	}
	if (fsync(dir) != 0 && errno != EINVAL)
		return error_set(err, "write %s: %s", path, strerror(errno));
	return 0;
}

void tree_sweep(int root, const char *path)
{
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	if (open_parent(root, path, &dir, &leaf, NULL) != 0 || dir < 0)
		return;
	char temp[TEMP_NAME_MAX];
	temp_name(path, temp);
	unlinkat(dir, temp, 0);
}

int tree_remove(int root, const char *path, struct error *err)
{
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	int rc = open_parent(root, path, &dir, &leaf, err);
	if (rc != 0 || dir < 0)
		return rc;
	if (unlinkat(dir, leaf, 0) != 0 && errno != ENOENT)
		return error_set(err, "remove %s: %s", path, strerror(errno));
	fsync(dir);
	return 0;
}

int tree_make_dir(int root, const char *path, struct error *err)
{
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	int rc = open_parent(root, path, &dir, &leaf, err);
	if (rc != 0)
		return rc;
	if (dir < 0)
		return error_set(err, "make %s: its parent directory is gone", path);
	if (mkdirat(dir, leaf, 0755) == 0) {
		fsync(dir);
		return 0;
	}
	struct stat st;
	if (errno == EEXIST && fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return TREE_EXISTS;
		return blocked(dir, path, strlen(path), leaf, err);
	}
	return error_set(err, "make %s: %s", path, strerror(errno));
}

int tree_remove_dir(int root, const char *path, struct error *err)
{
	cleanup_fd int dir = -1;
	const char *leaf = NULL;
	int rc = open_parent(root, path, &dir, &leaf, err);
	if (rc < 0)
		return rc;
	if (rc == TREE_BLOCKED || dir < 0)
		return 0;
	if (unlinkat(dir, leaf, AT_REMOVEDIR) == 0) {
		fsync(dir);
		return 0;
	}
	if (errno == ENOTEMPTY || errno == EEXIST)
		return TREE_NOT_EMPTY;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_set(err, "remove %s: %s", path, strerror(errno));
}
