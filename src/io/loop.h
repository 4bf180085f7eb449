/*
 * loop.h - the one event loop (libuv): timers, deferred calls, signals, worker jobs.
 *
 * One thread runs the loop and owns all state; callbacks run on it and must not block.
 * Workers (libuv's pool) get what they need by hand-over and give it back in `done`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LOOP_ASK_MS 100

struct loop;
struct loop_timer;
typedef void loop_fn(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* after loop_run() returned; closes what is still open */
void loop_run(struct loop *loop);  /* until loop_stop(), or until nothing is left to wait for */
void loop_stop(struct loop *loop);
/* Runs until *done, or until stopped(ctx), which is asked every LOOP_ASK_MS (NULL: never), says so: then
 * false. */
bool loop_run_until(struct loop *loop, const bool *done, bool (*stopped)(void *ctx), void *ctx);
struct uv_loop_s *loop_uv(struct loop *loop); /* for files in io/ only */
int64_t loop_now(struct loop *loop);	      /* milliseconds, monotonic, read once a turn */

/* A timer fires once for each set; setting it again moves it. Free from inside its callback is allowed. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t in_ms);
void loop_timer_set_at(struct loop_timer *t,
		       int64_t mono_ms); /* by clock_mono_ms(); past: at once; INT64_MAX: cleared */
void loop_timer_clear(struct loop_timer *t);
bool loop_timer_armed(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Runs fn on the loop's next turn, before I/O is waited for. Order is kept. */
void loop_defer(struct loop *loop, loop_fn *fn, void *arg);

/* fn runs on the loop at each signal. */
int loop_signal(struct loop *loop, int signum, loop_fn *fn, void *arg, struct error *err);

/* run(arg) on a worker thread, then done(arg) on the loop; done always comes, also when the loop stops. */
void loop_work(struct loop *loop, loop_fn *run, loop_fn *done, void *arg);

/* Turns the loop until no worker has anything to do: what jobs use may go away then. */
void loop_wait_for_work(struct loop *loop);

/* Sets how many workers there are (default 4, at most 64); before the first loop_work(). */
void loop_workers(unsigned n);
