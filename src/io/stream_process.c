/*
 * stream_process.c - uv_spawn with three pipes. Of stdin one chunk is under way at a time; stdout is read
 * only while the owner wants it.
 *
 * Ownership: as in process.c: uv handles live in the struct, `open` counts those not closed yet, and the
 * struct is freed when the last one is.
 */
#include "io/stream_process.h"

#include <linux/close_range.h>
#include <signal.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop_child.h"

enum { KILL_AFTER_MS = 5000, DRAIN_MS = 500 };

struct stream_process {
	struct loop_child child;
	struct loop *loop;
	uv_process_t uv;
	uv_timer_t timer;
	uv_pipe_t in, out, err;
	uv_write_t write;
	char *chunk;	/* of stdin, under way */
	char *incoming; /* of stdout */
	struct buf errors;
	unsigned open;
	bool started, running, writing, in_over, in_broken, out_ended, err_ended, paused, killing, closing;
	int exit_code;
	int64_t idle_ms;
	const struct stream_process_ops *ops; /* NULL: abandoned, or done */
	void *arg;
};

static void release(struct stream_process *p)
{
	loop_child_remove(&p->child);
	buf_release(&p->errors);
	free(p->chunk);
	free(p->incoming);
	free(p);
}

static void handle_closed(uv_handle_t *handle)
{
	struct stream_process *p = handle->data;
	if (--p->open == 0)
		release(p);
}

static void close_one(void *handle)
{
	uv_handle_t *h = handle;
	if (!uv_is_closing(h))
		uv_close(h, handle_closed);
}

static void close_all(struct stream_process *p)
{
	if (p->closing)
		return;
	p->closing = true;
	if (p->started)
		close_one(&p->uv);
	close_one(&p->timer);
	close_one(&p->in);
	close_one(&p->out);
	close_one(&p->err);
}

static void finish_if_over(struct stream_process *p)
{
	if (p->closing || p->running || !p->out_ended || !p->err_ended)
		return;
	const struct stream_process_ops *ops = p->ops;
	p->ops = NULL;
	loop_child_remove(&p->child);
	if (ops)
		ops->done(p->arg, p->exit_code, buf_str(&p->errors));
	close_all(p);
}

static void kill_group(struct stream_process *p, int signum)
{
	if (p->running && p->uv.pid > 0)
		kill(-p->uv.pid, signum);
}

static void timer_fired(uv_timer_t *timer)
{
	struct stream_process *p = timer->data;
	if (!p->running) { /* somebody else holds the pipes */
		p->out_ended = p->err_ended = true;
		finish_if_over(p);
	} else if (p->killing) {
		kill_group(p, SIGKILL);
	} else {
		stream_process_kill(p);
	}
}

static void active(struct stream_process *p)
{
	if (p->running && !p->killing)
		uv_timer_start(&p->timer, timer_fired, (uint64_t)p->idle_ms, 0);
}

void stream_process_kill(struct stream_process *p)
{
	if (p->killing || !p->running)
		return;
	p->killing = true;
	kill_group(p, SIGTERM);
	uv_timer_start(&p->timer, timer_fired, KILL_AFTER_MS, 0);
}

static void exited(uv_process_t *uv, int64_t status, int signum)
{
	struct stream_process *p = uv->data;
	p->running = false;
	p->exit_code = signum ? -1 : (int)status;
	kill(-uv->pid, SIGKILL);
	/* While the owner takes nothing, what the child left in the pipe waits. */
	if (!p->paused)
		uv_timer_start(&p->timer, timer_fired, DRAIN_MS, 0);
	else
		uv_timer_stop(&p->timer);
	finish_if_over(p);
}

static void want_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct stream_process *p = handle->data;
	*out = uv_buf_init(p->incoming, STREAM_PROCESS_CHUNK);
}

static void output_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *mem)
{
	struct stream_process *p = stream->data;
	if (n < 0) {
		p->out_ended = true;
		uv_read_stop(stream);
		finish_if_over(p);
	} else if (n > 0) {
		active(p);
		if (!p->running)
			uv_timer_start(&p->timer, timer_fired, DRAIN_MS, 0);
		if (p->ops)
			p->ops->output(p->arg, (struct str){ mem->base, (size_t)n });
	}
}

static void errors_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *mem)
{
	struct stream_process *p = stream->data;
	if (n < 0) {
		p->err_ended = true;
		uv_read_stop(stream);
		finish_if_over(p);
	} else if (n > 0 && p->errors.n < STREAM_PROCESS_STDERR_MAX) {
		size_t room = STREAM_PROCESS_STDERR_MAX - p->errors.n;
		buf_add(&p->errors, mem->base, (size_t)n < room ? (size_t)n : room);
	}
}

static void written(uv_write_t *write, int status)
{
	struct stream_process *p = write->data;
	p->writing = false;
	p->in_broken = p->in_broken || status < 0;
	active(p);
	if (p->closing)
		return;
	if (p->in_over)
		close_one(&p->in);
	else if (p->ops)
		p->ops->writable(p->arg);
}

size_t stream_process_write(struct stream_process *p, struct str data)
{
	if (p->in_broken || p->in_over || p->closing)
		return data.n;
	if (p->writing || data.n == 0)
		return 0;
	size_t n = data.n < STREAM_PROCESS_CHUNK ? data.n : STREAM_PROCESS_CHUNK;
	memcpy(p->chunk, data.p, n);
	uv_buf_t part = uv_buf_init(p->chunk, (unsigned)n);
	p->writing = true;
	if (uv_write(&p->write, (uv_stream_t *)&p->in, &part, 1, written) < 0) {
		p->writing = false;
		p->in_broken = true;
		return data.n;
	}
	return n;
}

void stream_process_end_input(struct stream_process *p)
{
	p->in_over = true;
	if (!p->writing && !p->closing)
		close_one(&p->in);
}

void stream_process_pause(struct stream_process *p, bool paused)
{
	if (p->closing || p->out_ended || paused == p->paused)
		return;
	p->paused = paused;
	if (paused) {
		uv_read_stop((uv_stream_t *)&p->out);
		if (!p->running)
			uv_timer_stop(&p->timer);
		return;
	}
	uv_read_start((uv_stream_t *)&p->out, want_memory, output_came);
	if (!p->running)
		uv_timer_start(&p->timer, timer_fired, DRAIN_MS, 0);
}

static void abandon(struct loop_child *child)
{
	struct stream_process *p = (struct stream_process *)child;
	p->ops = NULL;
	kill_group(p, SIGKILL);
	close_all(p);
}

void stream_process_abandon(struct stream_process *p)
{
	if (!p)
		return;
	p->ops = NULL;
	p->paused = false;
	if (!p->out_ended && !p->closing)
		uv_read_start((uv_stream_t *)&p->out, want_memory, output_came);
	stream_process_end_input(p);
	stream_process_kill(p);
}

static void init_handles(struct stream_process *p)
{
	uv_loop_t *uv = loop_uv(p->loop);
	uv_timer_init(uv, &p->timer);
	uv_pipe_init(uv, &p->in, 0);
	uv_pipe_init(uv, &p->out, 0);
	uv_pipe_init(uv, &p->err, 0);
	p->open = 4;
	p->uv.data = p->timer.data = p->in.data = p->out.data = p->err.data = p->write.data = p;
	p->chunk = mem_alloc(STREAM_PROCESS_CHUNK);
	p->incoming = mem_alloc(STREAM_PROCESS_CHUNK);
}

static int spawn(struct stream_process *p, const struct stream_process_spec *spec)
{
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&p->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->out },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->err },
	};
	uv_process_options_t options = {
		.exit_cb = exited,
		.file = spec->argv[0],
		.args = (char **)(uintptr_t)spec->argv,
		.env = (char **)(uintptr_t)spec->env,
		.cwd = spec->dir,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	int rc = uv_spawn(loop_uv(p->loop), &p->uv, &options);
	p->started = p->uv.loop != NULL;
	p->open += p->started;
	return rc;
}

struct stream_process *stream_process_start(struct loop *loop, const struct stream_process_spec *spec,
					    const struct stream_process_ops *ops, void *arg,
					    struct error *err)
{
	struct stream_process *p = mem_alloc(sizeof(*p));
	p->loop = loop;
	p->idle_ms = spec->idle_ms;
	init_handles(p);
	int rc = spawn(p, spec);
	if (rc != 0) {
		close_all(p);
		error_set(err, "%s: %s", spec->argv[0], uv_strerror(rc));
		return NULL;
	}
	p->ops = ops;
	p->arg = arg;
	p->running = true;
	loop_child_add(loop, &p->child, abandon);
	active(p);
	uv_read_start((uv_stream_t *)&p->out, want_memory, output_came);
	uv_read_start((uv_stream_t *)&p->err, want_memory, errors_came);
	return p;
}
