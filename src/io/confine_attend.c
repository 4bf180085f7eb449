/*
 * confine_attend.c - while the keeper is there: its notes, the program's output, the deadline; and its end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "io/confine_parts.h"

enum {
	READ_SIZE = 65536,
	KILL_GRACE_MS = 3000, /* for the keeper to end what it holds, before it is killed itself */
	GONE_MS = 10000,      /* for what was killed to be gone: a process may hang in the kernel */
	KILL_AFTER_MS = 100,  /* for a keeper that has closed its end to be gone by itself */
	CANCEL_MS = 50,	      /* between two looks at *cancel */
	DRAIN_MS = 200,	      /* for output of processes that outlive the keeper */
};

void confine_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void run_kill(struct confine_attempt *r)
{
	if (r->killed)
		return;
	r->killed = true;
	kill(r->pid, r->job->level == CONFINE_LEVEL_BARE && r->started ? SIGTERM : SIGKILL);
	r->force_at = clock_mono_ms() + KILL_GRACE_MS;
}

static void run_limit(struct confine_attempt *r, enum confine_end end)
{
	if (!r->exited && !r->limited) {
		r->result->end = end;
		r->limited = true;
	}
	run_kill(r);
}

static void note_came(struct confine_attempt *r, const struct confine_note *note)
{
	struct confine_result *result = r->result;
	switch (note->kind) {
	case NOTE_HELD:
		if ((unsigned)note->a >= CONFINE_LAYERS)
			break;
		result->report.held |= 1u << note->a;
		if (note->a == CONFINE_LANDLOCK)
			result->report.landlock = note->b;
		break;
	case NOTE_MISSING:
		if ((unsigned)note->a < CONFINE_LAYERS)
			result->report.why[note->a] = note->b;
		break;
	case NOTE_FAILED:
		r->failed = note->a;
		r->failure = *note;
		break;
	case NOTE_REFUSED:
		r->refused = true;
		break;
	case NOTE_STARTED:
		r->started = true;
		r->program = note->a;
		break;
	case NOTE_LIMIT:
		if (!r->limited)
			result->end = (enum confine_end)note->a;
		r->limited = true;
		break;
	case NOTE_SEEN:
		result->disk_full = note->a;
		result->pids_reached = note->b;
		result->memory_peak = note->x;
		break;
	case NOTE_EXIT:
		r->exited = true;
		result->exit_code = WIFEXITED(note->a) ? WEXITSTATUS(note->a) : -1;
		result->signal = WIFSIGNALED(note->a) ? WTERMSIG(note->a) : 0;
		if (!r->limited)
			result->end = result->signal ? CONFINE_SIGNALED : CONFINE_EXITED;
		break;
	case NOTE_OVER:
		r->over = true;
		break;
	default:
		break;
	}
}

/* false: the keeper's end is closed. */
static bool read_notes(struct confine_attempt *r)
{
	struct confine_note note;
	while (true) {
		ssize_t n = recv(r->control, &note, sizeof(note), MSG_DONTWAIT);
		if (n == sizeof(note))
			note_came(r, &note);
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n < 0 && errno == EAGAIN;
	}
}

/* Reads what is there into out, up to max; stderr keeps its last bytes. false: it is at its end. */
static bool read_stdout(struct confine_attempt *r)
{
	struct buf *out = &r->result->out;
	size_t max = r->job->spec->output_max;
	buf_reserve(out, READ_SIZE);
	out->p[out->n] = '\0';
	ssize_t n = read(r->out, out->p + out->n, READ_SIZE);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	out->n += (size_t)n;
	if (out->n > max) {
		out->n = max;
		r->exited = false; /* its exit code says nothing about output that is not whole */
		run_limit(r, CONFINE_OVER_OUTPUT);
	}
	out->p[out->n] = '\0';
	return true;
}

static void keep_tail(struct buf *b, size_t max)
{
	if (b->n <= max)
		return;
	memmove(b->p, b->p + b->n - max, max);
	b->n = max;
	b->p[max] = '\0';
}

static bool read_stderr(struct confine_attempt *r)
{
	struct buf *err = &r->result->err;
	buf_reserve(err, READ_SIZE);
	err->p[err->n] = '\0';
	ssize_t n = read(r->err, err->p + err->n, READ_SIZE);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	err->n += (size_t)n;
	err->p[err->n] = '\0';
	r->result->err_total += (uint64_t)n;
	keep_tail(err, r->job->spec->stderr_max);
	return true;
}

static int time_left(int64_t until)
{
	int64_t left = until - clock_mono_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* A keeper that does not follow: itself, and the group it held. */
static void force_end(struct confine_attempt *r)
{
	if (r->job->level == CONFINE_LEVEL_BARE && r->program > 0 && !r->over)
		kill(-r->program, SIGKILL);
	kill(r->pid, SIGKILL);
	r->force_at = INT64_MAX;
}

static void poll_once(struct confine_attempt *r, int timeout)
{
	struct pollfd fds[3] = {
		{ .fd = r->control, .events = POLLIN },
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->err, .events = POLLIN },
	};
	if (poll(fds, 3, timeout) <= 0)
		return;
	if (fds[1].revents && !read_stdout(r))
		confine_close(&r->out);
	if (fds[2].revents && !read_stderr(r))
		confine_close(&r->err);
	if (fds[0].revents && !read_notes(r))
		confine_close(&r->control);
}

/* Until the keeper is gone, or nothing can end it. */
void confine_attend(struct confine_attempt *r)
{
	int64_t give_up = INT64_MAX;
	while (r->control >= 0) {
		int64_t now = clock_mono_ms(), next = r->killed ? r->force_at : r->deadline;
		const atomic_bool *cancel = r->killed ? NULL : r->job->spec->cancel;
		if (now >= give_up)
			break;
		if (cancel && atomic_load(cancel)) {
			run_limit(r, CONFINE_CANCELLED);
			continue;
		}
		if (now >= next && !r->killed) {
			run_limit(r, CONFINE_TIMED_OUT);
			continue;
		}
		if (now >= next) {
			force_end(r);
			give_up = now + GONE_MS;
			continue;
		}
		int wait = time_left(next < give_up ? next : give_up);
		poll_once(r, cancel && wait > CANCEL_MS ? CANCEL_MS : wait);
	}
}

/* Reaps the keeper, which closed its end or was killed; one that does not go by itself is killed. */
int confine_reap(struct confine_attempt *r, struct rusage *usage)
{
	int64_t began = clock_mono_ms();
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0); /* -1 before Linux 5.3 */
	while (true) {
		long pid = syscall(SYS_wait4, r->pid, NULL, WNOHANG | __WALL, usage);
		int64_t waited = clock_mono_ms() - began;
		if (pid == r->pid)
			return 0;
		if ((pid < 0 && errno != EINTR) || waited >= GONE_MS)
			return -1;
		if (r->killed || waited > KILL_AFTER_MS)
			kill(r->pid, SIGKILL);
		struct pollfd gone = { .fd = pidfd, .events = POLLIN };
		poll(&gone, 1, pidfd >= 0 ? KILL_AFTER_MS : 1);
	}
}

/* What is in the pipes after the end. Where leftovers may still hold them, not for long. */
static void drain(struct confine_attempt *r)
{
	int64_t until = clock_mono_ms() + DRAIN_MS;
	while ((r->out >= 0 || r->err >= 0) && clock_mono_ms() < until) {
		struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
					 { .fd = r->err, .events = POLLIN } };
		if (poll(fds, 2, time_left(until)) <= 0)
			break;
		if (fds[0].revents && !read_stdout(r))
			confine_close(&r->out);
		if (fds[1].revents && !read_stderr(r))
			confine_close(&r->err);
	}
}

/* The keeper is gone: what it left is taken away, and what ended it is known. */
void confine_settle(struct confine_attempt *r)
{
	struct rusage usage = { 0 };
	struct confine_result *result = r->result;
	if (confine_reap(r, &usage) == 0)
		result->cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
				 (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	if (r->job->level == CONFINE_LEVEL_BARE && r->program > 0 && !r->over)
		kill(-r->program, SIGKILL);
	drain(r);
	if (!r->exited && !r->limited)
		result->end = CONFINE_LOST;
	if (confine_group_out_of_memory(&r->group) &&
	    (result->end == CONFINE_LOST || result->signal == SIGKILL))
		result->end = CONFINE_OVER_MEMORY;
	if (result->end == CONFINE_SIGNALED && result->signal == SIGXCPU)
		result->end = CONFINE_OVER_CPU;
	if (result->end == CONFINE_SIGNALED && result->signal == SIGXFSZ)
		result->end = CONFINE_OVER_DISK;
}
