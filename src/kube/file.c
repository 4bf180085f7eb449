/* file.c - reads with a cap, so that a device or a huge file named by mistake does no harm. */
#include "kube/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		buf_reserve(out, 16384);
		ssize_t n = read(fd, out->p + out->n, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		out->n += (size_t)n;
		if (out->n > KUBE_FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
}

int kube_file_read(struct arena *a, const char *path, struct str *out, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		error_set(err, "%s: %s", path, strerror(errno));
		return 1;
	}
	struct stat st;
	/* A pipe is fine (`--kubeconfig <(...)`); a directory, terminal or device is a mistake. */
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return error_set(err, "%s: not a file", path);
	if (fd < 0 || read_all(fd, &b) < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	*out = arena_str(a, buf_str(&b));
	return 0;
}
