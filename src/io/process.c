/*
 * process.c - one child: uv_spawn in a session of its own, three pipes, one timer.
 *
 * A process is over when its leader has exited and both output pipes are at their end. When the
 * leader is gone, what is left of its group is killed, and the pipes get DRAIN_MS to end (a
 * grandchild that made a session of its own may hold them for ever).
 *
 * Ownership: uv handles live in struct process; `open` counts those not closed yet, and the struct
 * is freed when the last one is. A cancelled process is on its own: it still gets SIGTERM and
 * SIGKILL in turn, and nobody is called.
 */
#include "io/process.h"

#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop_child.h"

enum { DRAIN_MS = 500, READ_SIZE = 64 * 1024 };

struct output {
	uv_pipe_t pipe;
	struct buf data;
	size_t max;
	bool strict; /* more than max ends the child; else it is dropped */
	bool ended;
};

struct process {
	struct loop_child child;
	struct loop *loop;
	uv_process_t uv;
	uv_timer_t timer;
	uv_pipe_t in;
	uv_write_t write;
	struct buf input;
	struct output out, err;
	unsigned open; /* handles not closed yet */
	bool running;  /* the leader has not been reaped */
	bool started, killing, closing;
	struct process_result result;
	process_fn *done; /* NULL: cancelled, or called */
	void *arg;
};

static void release(struct process *p)
{
	loop_child_remove(&p->child);
	buf_release(&p->input);
	buf_release(&p->out.data);
	buf_release(&p->err.data);
	free(p);
}

static void handle_closed(uv_handle_t *handle)
{
	struct process *p = handle->data;
	if (--p->open == 0)
		release(p);
}

static void close_one(void *handle)
{
	uv_handle_t *h = handle;
	if (!uv_is_closing(h))
		uv_close(h, handle_closed);
}

static void close_all(struct process *p)
{
	if (p->closing)
		return;
	p->closing = true;
	if (p->started)
		close_one(&p->uv);
	close_one(&p->timer);
	close_one(&p->in);
	close_one(&p->out.pipe);
	close_one(&p->err.pipe);
}

static void finish(struct process *p)
{
	process_fn *done = p->done;
	p->done = NULL;
	p->result.out = buf_str(&p->out.data);
	p->result.err = buf_str(&p->err.data);
	loop_child_remove(&p->child);
	if (done)
		done(p->arg, &p->result);
	close_all(p);
}

static void finish_if_over(struct process *p)
{
	if (!p->closing && !p->running && p->out.ended && p->err.ended)
		finish(p);
}

/* The group is the child's own: uv_spawn calls setsid() before exec. */
static void kill_group(struct process *p, int signum)
{
	if (p->uv.pid > 0)
		kill(-p->uv.pid, signum);
}

static void timer_fired(uv_timer_t *timer);

static void end_child(struct process *p)
{
	if (p->killing || !p->running)
		return;
	p->killing = true;
	kill_group(p, SIGTERM);
	uv_timer_start(&p->timer, timer_fired, PROCESS_KILL_AFTER_MS, 0);
}

static void timer_fired(uv_timer_t *timer)
{
	struct process *p = timer->data;
	if (!p->running) { /* drained for long enough */
		p->out.ended = p->err.ended = true;
		finish_if_over(p);
	} else if (p->killing) {
		kill_group(p, SIGKILL);
	} else {
		p->result.timed_out = true;
		end_child(p);
	}
}

static void exited(uv_process_t *uv, int64_t status, int signum)
{
	struct process *p = uv->data;
	p->running = false;
	p->result.exit_code = signum ? -1 : (int)status;
	p->result.signal = signum;
	kill(-uv->pid, SIGKILL);
	uv_timer_start(&p->timer, timer_fired, DRAIN_MS, 0);
	finish_if_over(p);
}

static void want_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	/* Read straight into the buffer that keeps it; a full one reads into spare room and is cut after. */
	struct process *p = handle->data;
	struct output *o = handle == (uv_handle_t *)&p->out.pipe ? &p->out : &p->err;
	size_t room = o->data.n < 4096 ? 4096 : READ_SIZE;
	buf_reserve(&o->data, room);
	*out = uv_buf_init(o->data.p + o->data.n, (unsigned)room);
}

static void output_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *mem)
{
	struct process *p = stream->data;
	struct output *o = stream == (uv_stream_t *)&p->out.pipe ? &p->out : &p->err;
	if (n < 0) {
		o->ended = true;
		uv_read_stop(stream);
		finish_if_over(p);
		return;
	}
	size_t total = o->data.n + (size_t)n;
	if (total > o->max) {
		total = o->max;
		if (o->strict && !p->result.overflow) {
			p->result.overflow = true;
			end_child(p);
		}
	}
	o->data.n = total;
	if (o->data.p)
		o->data.p[total] = '\0'; /* buf_reserve() keeps room for it */
}

static void input_written(uv_write_t *write, int status)
{
	struct process *p = write->data;
	close_one(&p->in);
}

static void init_handles(struct process *p)
{
	uv_loop_t *uv = loop_uv(p->loop);
	uv_timer_init(uv, &p->timer);
	uv_pipe_init(uv, &p->in, 0);
	uv_pipe_init(uv, &p->out.pipe, 0);
	uv_pipe_init(uv, &p->err.pipe, 0);
	p->open = 4;
	p->uv.data = p->timer.data = p->in.data = p->out.pipe.data = p->err.pipe.data = p;
	p->write.data = p;
}

static int spawn(struct process *p, const struct process_spec *spec)
{
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&p->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->out.pipe },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->err.pipe },
	};
	if (spec->inherit_stderr)
		stdio[2] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = 2 };
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
	/* What a library or our own parent left open without close-on-exec is not the child's either. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	int rc = uv_spawn(loop_uv(p->loop), &p->uv, &options);
	/* uv_spawn initialises its handle before it can fail; only then it must be closed. */
	p->started = p->uv.loop != NULL;
	p->open += p->started;
	return rc;
}

static void abandon(struct loop_child *child)
{
	struct process *p = (struct process *)child;
	p->done = NULL;
	if (p->running)
		kill_group(p, SIGKILL);
	close_all(p);
}

struct process *process_start(struct loop *loop, const struct process_spec *spec, process_fn *done, void *arg,
			      struct error *err)
{
	struct process *p = mem_alloc(sizeof(*p));
	p->loop = loop;
	p->done = done;
	p->arg = arg;
	p->out.max = spec->output_max;
	p->out.strict = true;
	p->err.max = spec->stderr_max;
	init_handles(p);
	int rc = spawn(p, spec);
	if (rc != 0) {
		close_all(p);
		error_set(err, "%s: %s", spec->argv[0], uv_strerror(rc));
		return NULL;
	}
	p->running = true;
	loop_child_add(loop, &p->child, abandon);
	uv_timer_start(&p->timer, timer_fired, (uint64_t)spec->timeout_ms, 0);
	uv_read_start((uv_stream_t *)&p->out.pipe, want_memory, output_came);
	p->err.ended = spec->inherit_stderr;
	if (!spec->inherit_stderr)
		uv_read_start((uv_stream_t *)&p->err.pipe, want_memory, output_came);
	if (spec->input.n == 0) {
		close_one(&p->in);
		return p;
	}
	buf_add(&p->input, spec->input.p, spec->input.n);
	uv_buf_t chunk = uv_buf_init(p->input.p, (unsigned)p->input.n);
	uv_write(&p->write, (uv_stream_t *)&p->in, &chunk, 1, input_written);
	return p;
}

void process_cancel(struct process *p)
{
	if (!p)
		return;
	p->done = NULL;
	end_child(p);
}
