/*
 * fswatch.c - one inotify descriptor polled by the loop; the kernel's watch number is the index to a label.
 *
 * The kernel gives the same number for the same directory, so adding again is free. A directory that goes
 * away or is moved loses its watch here, too: whoever wants the new one at that place adds it again.
 */
#include "io/fswatch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <uv.h>

#include "base/mem.h"
#include "base/vec.h"
#include "io/loop_child.h"

enum {
	BUFFER_SIZE = 16 * 1024,
	READS_MAX = 16, /* in one turn; the rest comes in the next */
	ENTRY_EVENTS =
		IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
	SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED
};

struct watch {
	int number;
	char *label;
};

struct fswatch {
	struct loop_child child;
	uv_poll_t poll;
	int fd;
	VEC(struct watch) watches; /* sorted by number */
	fswatch_fn *fn;
	void *arg;
};

/* The position of number, or where it belongs. */
static size_t position(const struct fswatch *w, int number)
{
	size_t low = 0, high = w->watches.n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (w->watches.at[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct fswatch *w, size_t at, int number)
{
	return at < w->watches.n && w->watches.at[at].number == number;
}

static void forget(struct fswatch *w, size_t at)
{
	free(w->watches.at[at].label);
	vec_remove(&w->watches, at);
}

static void tell(struct fswatch *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		w->fn(w->arg, NULL, NULL);
		return;
	}
	size_t at = position(w, event->wd);
	if (!is_at(w, at, event->wd))
		return; /* of a watch that was given up */
	if (!(event->mask & SELF_EVENTS)) {
		w->fn(w->arg, w->watches.at[at].label, event->len ? event->name : ".");
		return;
	}
	char *label = hand_over(w->watches.at[at].label);
	forget(w, at);
	if (!(event->mask & IN_IGNORED))
		inotify_rm_watch(w->fd, event->wd);
	w->fn(w->arg, label, NULL);
	free(label);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	struct fswatch *w = poll->data;
	char buffer[BUFFER_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(w->fd, buffer, sizeof(buffer));
		if (n <= 0)
			return;
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (const struct inotify_event *)(void *)p;
			p += sizeof(*event) + event->len;
			tell(w, event);
		}
	}
}

static void closed(uv_handle_t *handle)
{
	struct fswatch *w = handle->data;
	close(w->fd);
	free(w);
}

static void give_up(struct fswatch *w)
{
	loop_child_remove(&w->child);
	while (w->watches.n > 0)
		forget(w, w->watches.n - 1);
	vec_release(&w->watches);
	uv_close((uv_handle_t *)&w->poll, closed);
}

static void abandon(struct loop_child *child)
{
	give_up((struct fswatch *)child);
}

struct fswatch *fswatch_new(struct loop *loop, fswatch_fn *fn, void *arg, struct error *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		error_set(err, "inotify: %s", strerror(errno));
		return NULL;
	}
	struct fswatch *w = mem_alloc(sizeof(*w));
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	w->poll.data = w;
	uv_poll_init(loop_uv(loop), &w->poll, fd);
	uv_poll_start(&w->poll, UV_READABLE, readable);
	loop_child_add(loop, &w->child, abandon);
	return w;
}

void fswatch_free(struct fswatch *w)
{
	if (w)
		give_up(w);
}

int fswatch_add(struct fswatch *w, const char *path, const char *label, struct error *err)
{
	int number =
		inotify_add_watch(w->fd, path, ENTRY_EVENTS | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	if (number < 0 && (errno == ENOENT || errno == ENOTDIR))
		return FSWATCH_MISSING;
	if (number < 0)
		return error_set(err, "watch %s: %s", path, strerror(errno));
	size_t at = position(w, number);
	if (is_at(w, at, number)) {
		if (strcmp(w->watches.at[at].label, label) != 0) { /* the directory was renamed */
			free(w->watches.at[at].label);
			w->watches.at[at].label = mem_strdup(label);
		}
		return 0;
	}
	struct watch added = { .number = number, .label = mem_strdup(label) };
	vec_push(&w->watches, added);
	memmove(w->watches.at + at + 1, w->watches.at + at, (w->watches.n - 1 - at) * sizeof(added));
	w->watches.at[at] = added;
	return 0;
}
