/*
 * loop.c - a thin layer over libuv.
 *
 * Invariants: every uv handle lives inside a struct of ours, which is freed in the handle's close
 * callback and nowhere else. Deferred calls wait in one array; an idle handle is active exactly
 * while that array is not empty, so that the poll for I/O does not sleep. Its own presence keeps
 * uv_run() alive; signals do not.
 */
#include "io/loop.h"

#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"
#include "io/loop_child.h"

enum { WORKERS_MAX = 64 };

struct deferred {
	loop_fn *fn;
	void *arg;
};

typedef VEC(struct deferred) deferred_list;

struct loop {
	uv_loop_t uv;
	uv_idle_t idle;
	deferred_list deferred;
	struct loop_child *children;
	size_t jobs; /* on workers, or on their way back */
};

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *arg;
};

struct loop_signal {
	uv_signal_t uv;
	loop_fn *fn;
	void *arg;
};

struct loop_job {
	struct loop *loop;
	uv_work_t uv;
	loop_fn *run, *done;
	void *arg;
};

static void check(int rc, const char *what)
{
	if (rc == 0)
		return;
	/* Only descriptors or memory can be missing here: nothing of ours would work. */
	fprintf(stderr, "capstan: %s: %s\n", what, uv_strerror(rc));
	abort();
}

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

/* Runs what was there at the start of the turn; what these add waits for the next turn. */
static void run_deferred(uv_idle_t *idle)
{
	struct loop *loop = idle->data;
	deferred_list now = loop->deferred;
	loop->deferred = (deferred_list){ 0 };
	for (size_t i = 0; i < now.n; i++)
		now.at[i].fn(now.at[i].arg);
	vec_release(&now);
	if (loop->deferred.n == 0)
		uv_idle_stop(idle);
}

struct loop *loop_new(void)
{
	/* A peer that closes its end is an error of that one write, not the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	struct loop *loop = mem_alloc(sizeof(*loop));
	check(uv_loop_init(&loop->uv), "event loop");
	check(uv_idle_init(&loop->uv, &loop->idle), "event loop");
	loop->idle.data = loop;
	return loop;
}

static void close_open(uv_handle_t *handle, void *arg)
{
	if (uv_is_closing(handle))
		return;
	/* Timers and signals are ours to free: their handle is the first member and data points to it. */
	uv_close(handle, handle->data == handle ? free_handle : NULL);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->children) {
		struct loop_child *child = loop->children;
		loop_child_remove(child);
		child->abandon(child);
	}
	uv_walk(&loop->uv, close_open, NULL);
	/* Also waits for jobs on workers: their done still comes. */
	do {
		uv_run(&loop->uv, UV_RUN_DEFAULT);
		uv_walk(&loop->uv, close_open, NULL);
	} while (uv_loop_close(&loop->uv) == UV_EBUSY);
	vec_release(&loop->deferred);
	free(loop);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

int64_t loop_now(struct loop *loop)
{
	return (int64_t)uv_now(&loop->uv);
}

void loop_child_add(struct loop *loop, struct loop_child *child, void (*abandon)(struct loop_child *child))
{
	child->abandon = abandon;
	child->next = loop->children;
	child->link = &loop->children;
	if (child->next)
		child->next->link = &child->next;
	loop->children = child;
}

void loop_child_remove(struct loop_child *child)
{
	if (!child->link)
		return;
	*child->link = child->next;
	if (child->next)
		child->next->link = child->link;
	child->link = NULL;
	child->next = NULL;
}

static void timer_fired(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *t = mem_alloc(sizeof(*t));
	uv_timer_init(&loop->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t in_ms)
{
	uv_timer_start(&t->uv, timer_fired, in_ms < 0 ? 0 : (uint64_t)in_ms, 0);
}

void loop_timer_set_at(struct loop_timer *t, int64_t mono_ms)
{
	if (mono_ms == INT64_MAX)
		loop_timer_clear(t);
	else
		loop_timer_set(t, mono_ms - clock_mono_ms());
}

void loop_timer_clear(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

bool loop_timer_armed(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, free_handle);
}

void loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	struct deferred d = { fn, arg };
	vec_push(&loop->deferred, d);
	uv_idle_start(&loop->idle, run_deferred);
}

static void signal_came(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = uv->data;
	s->fn(s->arg);
}

int loop_signal(struct loop *loop, int signum, loop_fn *fn, void *arg, struct error *err)
{
	struct loop_signal *s = mem_alloc(sizeof(*s));
	s->fn = fn;
	s->arg = arg;
	check(uv_signal_init(&loop->uv, &s->uv), "signal handler");
	s->uv.data = s;
	int rc = uv_signal_start(&s->uv, signal_came, signum);
	uv_unref((uv_handle_t *)&s->uv);
	if (rc == 0)
		return 0;
	uv_close((uv_handle_t *)&s->uv, free_handle);
	return error_set(err, "signal %d: %s", signum, uv_strerror(rc));
}

static void job_run(uv_work_t *uv)
{
	struct loop_job *job = uv->data;
	job->run(job->arg);
}

static void job_done(uv_work_t *uv, int status)
{
	struct loop_job *job = uv->data;
	job->loop->jobs--;
	job->done(job->arg);
	free(job);
}

void loop_work(struct loop *loop, loop_fn *run, loop_fn *done, void *arg)
{
	struct loop_job *job = mem_alloc(sizeof(*job));
	job->uv.data = job;
	job->run = run;
	job->done = done;
	job->arg = arg;
	job->loop = loop;
	loop->jobs++;
	check(uv_queue_work(&loop->uv, &job->uv, job_run, job_done), "worker");
}

void loop_wait_for_work(struct loop *loop)
{
	while (loop->jobs)
		uv_run(&loop->uv, UV_RUN_ONCE);
}

void loop_workers(unsigned n)
{
	char text[16];
	n = n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
	snprintf(text, sizeof(text), "%u", n);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}

/* --- until something --- */

struct asking {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*stopped)(void *ctx);
	void *ctx;
	bool over;
};

static void on_ask(void *arg)
{
	struct asking *q = arg;
	q->over = q->stopped(q->ctx);
	if (q->over)
		loop_stop(q->loop);
	else
		loop_timer_set(q->timer, LOOP_ASK_MS);
}

bool loop_run_until(struct loop *loop, const bool *done, bool (*stopped)(void *ctx), void *ctx)
{
	struct asking q = { .loop = loop, .stopped = stopped, .ctx = ctx };
	if (stopped) {
		q.timer = loop_timer_new(loop, on_ask, &q);
		loop_timer_set(q.timer, LOOP_ASK_MS);
	}
	while (!*done && !q.over)
		loop_run(loop);
	loop_timer_free(q.timer);
	return *done;
}
