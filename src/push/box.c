/*
 * box.c - the outside of a box: starts this program's `push-box`, hands it the spec, reads output and notes,
 * and kills it at the deadline or when it is cancelled.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "push/box_parts.h"
#include "push/egress.h"

#define TURN_MS 50     /* between two looks at *cancel */
#define SETTLE_MS 5000 /* after it was killed: what still holds the pipe does not hold us longer */

struct outside {
	const struct box *box;
	box_line_fn *line;
	void *ctx;
	pid_t pid;
	int control, out;
	struct buf pending; /* a line that is not complete */
	size_t total;
	bool cut, noted;
	struct egress *egress; /* NULL: it has none */
	struct box_note note;
};

/* --- lines --- */

static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t want = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	return want <= n && str_utf8((struct str){ (const char *)p, want }) ? want : 0;
}

/* Bytes of an escape sequence (ECMA-48) that begins at p; at least 1. */
static size_t escape_length(const char *p, size_t n)
{
	size_t i = 2;
	if (n < 2)
		return n;
	if (p[1] == '[') {
		while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x40)
			i++;
		return i < n ? i + 1 : n;
	}
	if (p[1] != ']')
		return 2;
	while (i < n && p[i] != '\a' && p[i] != '\033')
		i++;
	return i < n ? i + 1 : n;
}

void box_clean_line(struct str text, struct buf *out)
{
	size_t start = out->n;
	/* A progress bar goes back to the line's beginning: its last state counts. */
	for (size_t i = text.n; i-- > 0;) {
		if (text.p[i] != '\r' || i + 1 == text.n)
			continue;
		text = str_from(text, i + 1);
		break;
	}
	for (size_t i = 0; i < text.n && out->n - start < BOX_LINE_MAX;) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\033') {
			i += escape_length(text.p + i, text.n - i);
		} else if (c == '\t') {
			buf_addc(out, ' ');
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			i++;
		} else {
			size_t n = utf8_length((const unsigned char *)text.p + i, text.n - i);
			/* U+0080 to U+009F are control characters, too. */
			bool c1 = n == 2 && c == 0xc2 && (unsigned char)text.p[i + 1] < 0xa0;
			if (n == 0)
				buf_addc(out, '?');
			else if (!c1)
				buf_add(out, text.p + i, n);
			i += n ? n : 1;
		}
	}
	while (out->n > start && out->p[out->n - 1] == ' ')
		out->p[--out->n] = '\0';
}

static void tell(struct outside *o, struct str text)
{
	cleanup_buf struct buf clean = BUF_INIT;
	box_clean_line(text, &clean);
	if (clean.n)
		o->line(o->ctx, clean.p);
}

static void take_output(struct outside *o, const char *p, size_t n)
{
	o->total += n;
	if (o->total > BOX_OUTPUT_MAX) {
		if (!o->cut)
			o->line(o->ctx, "(more output than 16 MiB: the rest is not shown)");
		o->cut = true;
		return;
	}
	struct str rest = { p, n };
	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t take = end ? (size_t)(end - rest.p) : rest.n;
		size_t room = o->pending.n < 4 * BOX_LINE_MAX ? 4 * BOX_LINE_MAX - o->pending.n : 0;
		buf_add(&o->pending, rest.p, take < room ? take : room);
		if (end) {
			tell(o, buf_str(&o->pending));
			buf_clear(&o->pending);
		}
		rest = str_from(rest, take + (end ? 1 : 0));
	}
}

/* False: there is no more. */
static bool read_output(struct outside *o)
{
	char chunk[16384];
	ssize_t n = read(o->out, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0)
		take_output(o, chunk, (size_t)n);
	return n > 0;
}

/* A note, and the descriptor that came with it. */
static ssize_t receive(int control, struct box_note *note, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} space = { 0 };
	struct iovec data = { note, sizeof(*note) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = space.bytes,
				  .msg_controllen = sizeof(space.bytes) };
	ssize_t n = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return n;
}

static bool read_note(struct outside *o)
{
	struct box_note note;
	int fd = -1;
	ssize_t n = receive(o->control, &note, &fd);
	if (fd >= 0 && (n != (ssize_t)sizeof(note) || note.kind != BOX_NOTE_LISTENER || o->egress))
		close(fd);
	else if (fd >= 0)
		o->egress = egress_start(fd, o->box->allowed);
	if (n == (ssize_t)sizeof(note) && note.kind == BOX_NOTE_LISTENER)
		return true;
	if (n == (ssize_t)sizeof(note)) {
		/* The first counts: what comes after it is only its consequence. */
		if (!o->noted)
			o->note = note;
		o->noted = true;
		return true;
	}
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* --- start --- */

static _Noreturn void be_inside(int control, int out)
{
	static const char *const argv[] = { "capstan", BOX_COMMAND, NULL };
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The end that goes to 3 must not be among what is overwritten. */
	control = fcntl(control, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	if (control < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    dup2(control, BOX_CONTROL) < 0)
		_exit(125);
	/* Nothing else of ours is to be open in a box. */
	(void)syscall(SYS_close_range, BOX_CONTROL + 1, ~0u, 0);
	(void)setsid();
	execve("/proc/self/exe", (char *const *)argv, (char *const *)env);
	_exit(125);
}

static int start(struct outside *o, struct error *err)
{
	int control[2], out[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
		return error_set(err, "a socket: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(control[0]);
		close(control[1]);
		return error_set(err, "a pipe: %s", strerror(errno));
	}
	o->pid = fork();
	if (o->pid == 0)
		be_inside(control[1], out[1]);
	close(control[1]);
	close(out[1]);
	o->control = control[0];
	o->out = out[0];
	if (o->pid < 0)
		return error_set(err, "a process: %s", strerror(errno));
	return 0;
}

static void send_spec(struct outside *o)
{
	cleanup_buf struct buf text = BUF_INIT;
	box_write(o->box, &text);
	for (size_t at = 0; at < text.n;) {
		ssize_t n = send(o->control, text.p + at, text.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* it has ended, and says why */
		at += (size_t)n;
	}
	(void)shutdown(o->control, SHUT_WR);
}

/* --- until it ends --- */

static bool is_over(const struct outside *o, const atomic_bool *cancel, int64_t until, enum box_end *why)
{
	if (cancel && atomic_load(cancel))
		*why = BOX_CANCELLED;
	else if (until && clock_mono_ms() >= until)
		*why = BOX_TIMED_OUT;
	else
		return false;
	return true;
}

/* Reads until both ends are closed, or it is over; then kills it, and reads what is left. */
static void attend(struct outside *o, const atomic_bool *cancel, int64_t until, struct box_result *result)
{
	struct pollfd fds[2] = { { o->out, POLLIN, 0 }, { o->control, POLLIN, 0 } };
	bool killed = false;
	int64_t settle = 0;
	while ((fds[0].fd >= 0 || fds[1].fd >= 0) && (!settle || clock_mono_ms() < settle)) {
		int rc = poll(fds, 2, TURN_MS);
		if (rc > 0 && fds[0].revents && !read_output(o))
			fds[0].fd = -1;
		if (rc > 0 && fds[1].revents && !read_note(o))
			fds[1].fd = -1;
		if (o->egress)
			egress_tell(o->egress, o->line, o->ctx);
		if (!killed && is_over(o, cancel, until, &result->end)) {
			killed = true;
			settle = clock_mono_ms() + SETTLE_MS;
			(void)kill(o->pid, SIGKILL);
		}
	}
	if (o->pending.n)
		tell(o, buf_str(&o->pending));
	/* Its end is the end of the keeper, and that one's the end of all. */
	(void)kill(o->pid, SIGKILL);
	while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!killed)
		result->end = BOX_KILLED;
	if (!killed && o->noted && o->note.kind == BOX_NOTE_EXIT)
		result->end = o->note.end;
}

int box_run(const struct box *box, box_line_fn *line, void *ctx, const atomic_bool *cancel,
	    int64_t deadline_ms, struct box_result *result, struct error *err)
{
	int64_t began = clock_mono_ms();
	int64_t until = box->timeout_ms ? began + box->timeout_ms : 0;
	struct outside o = { .box = box, .line = line, .ctx = ctx, .control = -1, .out = -1 };
	if (deadline_ms && (!until || deadline_ms < until))
		until = deadline_ms;
	*result = (struct box_result){ 0 };
	int rc = start(&o, err);
	if (rc == 0) {
		send_spec(&o);
		attend(&o, cancel, until, result);
	}
	if (rc == 0 && o.noted && o.note.kind == BOX_NOTE_FAILED && result->end == BOX_KILLED)
		rc = error_set(err, "%s", o.note.text);
	result->exit_code = o.note.code;
	result->memory_peak = o.note.memory;
	result->written = o.note.written;
	result->took_ms = clock_mono_ms() - began;
	egress_stop(o.egress);
	if (o.control >= 0)
		close(o.control);
	if (o.out >= 0)
		close(o.out);
	buf_release(&o.pending);
	return rc;
}

const char *box_end_text(struct arena *a, const struct box *box, const struct box_result *result)
{
	switch (result->end) {
	case BOX_EXITED:
		return arena_printf(a, "exited with %d", result->exit_code);
	case BOX_TIMED_OUT:
		return "was ended: its time was over (`timeout`)";
	case BOX_CANCELLED:
		return "was cancelled";
	case BOX_OVER_MEMORY:
		return arena_printf(a, "took more than %llu MiB of memory (`memory`)",
				    (unsigned long long)(box->memory_bytes >> 20));
	case BOX_OVER_DISK:
		return arena_printf(a, "wrote more than %llu MiB (`disk`)",
				    (unsigned long long)(box->disk_bytes >> 20));
	case BOX_OVER_PIDS:
		return arena_printf(a, "had %u processes and threads, which is the limit", box->pids_max);
	case BOX_DISK_FULL:
		return "was ended: the disk of the push service is nearly full; give it a larger volume, or lower "
		       "what builds may keep";
	case BOX_KILLED:
		break;
	}
	return "was killed, by the kernel for want of memory or by somebody on the machine";
}
