/* box_inside.c - `push-box`: from the spec on fd 3 to the keeper of a box; see box.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "push/box_parts.h"
#include "push/egress.h"

static int read_spec(struct arena *a, struct box *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char chunk[16384];
	for (ssize_t n; (n = read(BOX_CONTROL, chunk, sizeof(chunk))) != 0;) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || text.n + (size_t)n > BOX_SPEC_MAX)
			return error_set(err, "the spec of the box cannot be read");
		buf_add(&text, chunk, (size_t)n);
	}
	return box_read(a, buf_str(&text), out, err);
}

static const char *const *environment(struct arena *a, const struct box *box)
{
	size_t n = 0;
	while (box->env[n])
		n++;
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY" };
	const char **out = arena_array(a, const char *, n + 8);
	for (size_t i = 0; i < n; i++)
		out[i] = box->env[i];
	for (size_t i = 0; box->network == BOX_EGRESS && i < 4; i++)
		out[n++] = arena_printf(a, "%s=http://127.0.0.1:%d", names[i], EGRESS_PORT);
	if (box->network == BOX_EGRESS)
		out[n++] = "no_proxy=localhost,127.0.0.1,::1";
	if (box->overlay)
		out[n] = box_overlay_works(box->overlay) ? "STORAGE_DRIVER=overlay" : "STORAGE_DRIVER=vfs";
	return out;
}

/* The first process of the pid namespace. */
static _Noreturn void be_first(struct arena *a, const struct box *box, const int *fds)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		box_fail("the signal of a parent's end");
	box_enter_root(box, fds);
	box_keep(box, environment(a, box));
}

int box_inside(int control)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct box box;
	int status;
	(void)fcntl(control, F_SETFD, FD_CLOEXEC);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		return 1;
	umask(022);
	if (control != BOX_CONTROL || read_spec(&a, &box, &err) < 0) {
		errno = EINVAL;
		box_fail(err.text);
	}
	int *fds = arena_array(&a, int, box.n_binds + 1);
	box_enter_spaces(&box, fds);
	pid_t first = fork();
	if (first < 0)
		box_fail("a process");
	if (first == 0)
		be_first(&a, &box, fds);
	while (waitpid(first, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
