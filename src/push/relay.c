/*
 * relay.c - three lanes between a client and a child: in, out, err. Each has one buffer, and is read only
 * while that is empty, so that a slow side slows the other down.
 */
#include "push/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/mem.h"

enum { LANE_SIZE = 64 << 10, DRAIN_MS = 500, KILL_AFTER_MS = 5000 };

struct lane {
	int from, to; /* -1: closed */
	bool owns_to; /* closed when there is nothing more to write */
	size_t at, n;
	char bytes[LANE_SIZE];
};

struct relay {
	struct lane in, out, err;
	pid_t pid;
	int pidfd;
};

static void set_flag(int fd, bool nonblocking)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- lanes ---- */

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void drain(struct lane *l)
{
	while (l->n) {
		ssize_t n = l->to < 0 ? (ssize_t)l->n : write(l->to, l->bytes + l->at, l->n);
		if (n < 0 && again())
			return;
		if (n < 0) { /* nobody is there any more: what comes is dropped */
			if (l->owns_to)
				close_fd(&l->to);
			l->to = -1;
			n = (ssize_t)l->n;
		}
		l->at += (size_t)n;
		l->n -= (size_t)n;
	}
	l->at = 0;
}

/* Whether something moved. */
static bool step(struct lane *l, bool readable)
{
	if (l->n) {
		size_t before = l->n;
		drain(l);
		return l->n != before;
	}
	if (!readable || l->from < 0)
		return false;
	ssize_t n = read(l->from, l->bytes, LANE_SIZE);
	if (n < 0 && again())
		return false;
	if (n <= 0) {
		l->from = -1;
		if (l->owns_to)
			close_fd(&l->to);
		return true;
	}
	l->n = (size_t)n;
	drain(l);
	return true;
}

static struct pollfd wanted(const struct lane *l)
{
	if (l->n)
		return (struct pollfd){ .fd = l->to, .events = POLLOUT };
	return (struct pollfd){ .fd = l->from, .events = POLLIN };
}

/* ---- the child ---- */

static _Noreturn void become(const struct relay_spec *spec, const int fds[3])
{
	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(127);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	execvpe(spec->argv[0], (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->env);
	_exit(127);
}

static int start(struct relay *r, const struct relay_spec *spec, struct error *err)
{
	int in[2], out[2], errors[2];
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0)
		return error_set(err, "pipe: %s", strerror(errno));
	r->pid = fork();
	if (r->pid < 0)
		return error_set(err, "fork: %s", strerror(errno));
	if (r->pid == 0)
		become(spec, (int[3]){ in[0], out[1], errors[1] });
	close(in[0]);
	close(out[1]);
	close(errors[1]);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->in = (struct lane){ .from = spec->in, .to = in[1], .owns_to = true };
	r->out = (struct lane){ .from = out[0], .to = spec->out };
	r->err = (struct lane){ .from = errors[0], .to = spec->err };
	for (int *fd = (int[]){ spec->in, spec->out, spec->err, in[1], out[0], errors[0], -1 }; *fd >= 0;
	     fd++)
		set_flag(*fd, true);
	return 0;
}

static int reap(struct relay *r)
{
	int status = 0;
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-r->pid, SIGKILL); /* what is left of its group */
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until both outputs are at their end and passed on, or the child is gone and its pipes are held by others.
 */
static void run(struct relay *r)
{
	bool exited = false, killed = false;
	while (r->out.from >= 0 || r->err.from >= 0 || r->out.n || r->err.n) {
		struct pollfd fds[4] = { wanted(&r->in),
					 wanted(&r->out),
					 wanted(&r->err),
					 { .fd = exited ? -1 : r->pidfd, .events = POLLIN } };
		int n = poll(fds, 4, exited ? DRAIN_MS : killed ? KILL_AFTER_MS : RELAY_IDLE_MS);
		if (n < 0 && errno != EINTR)
			break;
		if (n == 0 && exited)
			break;
		if (n == 0) {
			kill(-r->pid, killed ? SIGKILL : SIGTERM);
			killed = true;
			continue;
		}
		if (n < 0)
			continue;
		exited = exited || fds[3].revents;
		step(&r->in, fds[0].revents);
		step(&r->out, fds[1].revents);
		step(&r->err, fds[2].revents);
	}
}

int relay_run(const struct relay_spec *spec, int *status, struct error *err)
{
	struct relay *r = mem_alloc(sizeof(*r));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	int rc = start(r, spec, err);
	if (rc == 0) {
		run(r);
		close_fd(&r->in.to);
		*status = reap(r);
		close_fd(&r->pidfd);
		for (int *fd = (int[]){ spec->in, spec->out, spec->err, -1 }; *fd >= 0; fd++)
			set_flag(*fd, false);
	}
	free(r);
	return rc;
}
