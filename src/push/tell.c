/* tell.c - see tell.h. */
#include "push/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"

#define MARGIN "                   " /* as wide as "STEP      TIME  " */

struct tell {
	pthread_mutex_t lock;
	int fd; /* -1: nobody reads */
	tell_log_fn *log;
	void *ctx;
	int64_t began_ms;
	struct buf last; /* step and text of the last step */
};

struct tell *tell_new(int fd, tell_log_fn *log, void *ctx)
{
	struct tell *t = mem_alloc(sizeof(*t));
	*t = (struct tell){ .fd = fd, .log = log, .ctx = ctx, .began_ms = clock_mono_ms() };
	pthread_mutex_init(&t->lock, NULL);
	/* Whoever reads may have stopped; a write that would wait is given up after a while. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return t;
}

void tell_free(struct tell *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	buf_release(&t->last);
	free(t);
}

/* --- bytes --- */

/* false: nobody takes them any more. */
static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t written = write(fd, p, n);
		if (written > 0) {
			p += written;
			n -= (size_t)written;
			continue;
		}
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno != EAGAIN)
			return false;
		struct pollfd out = { .fd = fd, .events = POLLOUT };
		if (poll(&out, 1, TELL_STALL_MS) <= 0 || out.revents & (POLLERR | POLLNVAL))
			return false;
	}
	return true;
}

/* One line, whatever is in text: control characters are shown as \xNN, so that nothing moves a cursor. */
static void add_safe(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n && out->n < TELL_LINE_MAX; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0 &&
			  (unsigned char)text.p[i + 1] >= 0x80;
		if (c == '\t')
			buf_addc(out, ' ');
		else if (c < ' ' || c == 0x7f || c1)
			buf_printf(out, "\\x%02x", c1 ? (unsigned char)text.p[++i] : c);
		else
			buf_addc(out, (char)c);
	}
	if (out->n >= TELL_LINE_MAX)
		buf_adds(out, "...");
}

static void put(struct tell *t, struct buf *line)
{
	if (t->log)
		t->log(t->ctx, buf_str(line));
	buf_addc(line, '\n');
	if (t->fd >= 0 && !write_all(t->fd, line->p, line->n))
		t->fd = -1;
}

/* --- lines --- */

void tell_time(const struct tell *t, char out[16])
{
	int64_t ms = clock_mono_ms() - t->began_ms;
	if (ms < 100000)
		snprintf(out, 16, "%.2fs", (double)ms / 1000);
	else
		snprintf(out, 16, "%llds", (long long)(ms / 1000));
}

/* first stands before the first line, MARGIN or `further` before the others. */
static void put_lines(struct tell *t, const char *first, const char *further, struct str text)
{
	for (bool begun = false; text.n || !begun; begun = true) {
		cleanup_buf struct buf line = BUF_INIT;
		buf_adds(&line, begun ? further : first);
		add_safe(&line, str_cut(text, '\n', &text));
		put(t, &line);
	}
}

void tell_step(struct tell *t, const char *step, const char *fmt, ...)
{
	char first[64], time[16];
	cleanup_buf struct buf text = BUF_INIT, whole = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_printf(&whole, "%s\n%.*s", step, STR_ARG(buf_str(&text)));
	pthread_mutex_lock(&t->lock);
	if (!str_eq(buf_str(&whole), buf_str(&t->last))) {
		tell_time(t, time);
		snprintf(first, sizeof(first), "  %-8.20s %6s  ", step, time);
		put_lines(t, first, MARGIN, buf_str(&text));
		buf_clear(&t->last);
		buf_add_str(&t->last, buf_str(&whole));
	}
	pthread_mutex_unlock(&t->lock);
}

void tell_plain(struct tell *t, struct str line)
{
	pthread_mutex_lock(&t->lock);
	put_lines(t, "", "", line);
	pthread_mutex_unlock(&t->lock);
}

void tell_more(struct tell *t, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&t->lock);
	put_lines(t, MARGIN, MARGIN, buf_str(&text));
	pthread_mutex_unlock(&t->lock);
}

void tell_word(struct tell *t, const char *word, const char *fmt, ...)
{
	char first[32];
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	snprintf(first, sizeof(first), "%s: ", word);
	pthread_mutex_lock(&t->lock);
	put_lines(t, first, "  ", buf_str(&text));
	pthread_mutex_unlock(&t->lock);
}
