/* file.c - reads with a cap, so that a device or a huge file named by mistake does no harm. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

static int read_all(int fd, size_t max, struct buf *out)
{
	for (size_t before = out->n;;) {
		buf_reserve(out, CHUNK);
		ssize_t n = read(fd, out->p + out->n, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		out->n += (size_t)n;
		out->p[out->n] = '\0';
		if (out->n - before > max) {
			errno = EFBIG;
			return -1;
		}
	}
}

int file_read(const char *path, size_t max, struct buf *out, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int missing = errno == ENOENT;
		error_set(err, "%s: %s", path, strerror(errno));
		return missing ? 1 : -1;
	}
	struct stat st;
	/* A pipe is fine (`--kubeconfig <(...)`); a directory, terminal or device is a mistake. */
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return error_set(err, "%s: not a file", path);
	if (read_all(fd, max, out) < 0)
		return errno == EFBIG ? error_set(err, "%s: larger than %zu KiB", path, max >> 10)
				      : error_set(err, "%s: %s", path, strerror(errno));
	return 0;
}
