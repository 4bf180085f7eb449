/*
 * push.c - a history of pushes: what is pushed when and what goes wrong, planned from the seed; then calm,
 * until all have ended; then the service starts once more, for what could not be undone; then a last push,
 * which must be accepted.
 */
#include "push.h"

#include <stdio.h>

#include "push_world.h"

enum {
	SETTLE_MS = 30 * 60000, /* longer: stuck */
	MISHAPS_MAX = 6,
	DISK_BAD_MAX_MS = 15000,
	UNDO_MIN_MS = 40000, /* longer than any disk is bad */
};

static enum fate fate(struct rng *rng, uint32_t bad, uint32_t hangs)
{
	uint32_t at = rng_below(rng, 1000);
	return at < bad ? FATE_BAD : at < bad + hangs ? FATE_HANGS : FATE_GOOD;
}

/* Steps by index: pushes, mishaps around them, and what happens to each push. */
enum { STEP_MISHAPS = PUSHES_MAX, STEP_OF_PUSH = STEP_MISHAPS + MISHAPS_MAX, STEPS_OF_PUSH = KILLS_MAX + 1 };

static bool taken(const struct only *only, int step, size_t *steps)
{
	bool taken = !only_skips(only, (size_t)step);
	*steps += taken;
	return taken;
}

static void plan_kills(struct push *p, struct rng *rng, const struct only *only, size_t *steps)
{
	int step = STEP_OF_PUSH + p->index * STEPS_OF_PUSH;
	int n = rng_chance(rng, 600) ? 1 + (int)rng_below(rng, KILLS_MAX) : 0;
	for (int i = 0; i < KILLS_MAX; i++) {
		unsigned at = 1 + rng_below(rng, rng_chance(rng, 500) ? 30 : 80);
		bool all = rng_chance(rng, 300);
		p->kill_at[i] = i < n && taken(only, step + i, steps) ? at : 0;
		p->kill_all[i] = all;
	}
	unsigned hangup = 1 + rng_below(rng, 30);
	bool hangs_up = rng_chance(rng, 300);
	p->hangup_at = hangs_up && taken(only, step + KILLS_MAX, steps) ? hangup : 0;
}

static void plan_push(struct push_world *w, int index, const struct only *only, size_t *steps)
{
	struct rng rng = rng_fork(w->seed, 1000 + (uint64_t)index);
	struct push *p = &w->pushes[index];
	p->targets = 1 + rng_below(&rng, (1u << w->n_targets) - 1);
	p->refs = 1 + rng_below(&rng, (1u << w->n_refs) - 1);
	p->check = fate(&rng, 60, 10);
	p->build = fate(&rng, 80, 40);
	p->rollout = fate(&rng, 200, 80);
	p->build_ms = rng_range(&rng, 1, rng_chance(&rng, 500) ? 100 : 8000);
	p->rollout_ms = rng_range(&rng, 1, rng_chance(&rng, 500) ? 300 : 8000);
	p->timeout_ms = rng_range(&rng, 40000, 90000);
	p->undo_timeout_ms = rng_range(&rng, UNDO_MIN_MS, 2 * UNDO_MIN_MS);
	p->keep = rng_chance(&rng, 150);
	p->nothing = rng_chance(&rng, 100);
	p->targets = p->nothing ? 0 : p->targets;
	plan_kills(p, &rng, only, steps);
}

static void plan_probe(struct push_world *w)
{
	w->pushes[PROBE] = (struct push){
		.w = w,
		.index = PROBE,
		.runner = NOBODY,
		.targets = (1u << w->n_targets) - 1,
		.refs = (1u << w->n_refs) - 1,
		.build_ms = 10,
		.rollout_ms = 10,
		.timeout_ms = 60000,
		.undo_timeout_ms = UNDO_MIN_MS,
	};
}

static void begins(struct push_world *w, const struct push_event *e)
{
	push_begin(w, &w->pushes[e->a]);
}

/* --- what goes wrong around them --- */

static void others_move_a_ref(struct push_world *w, const struct push_event *e)
{
	int r = (int)(rng_next(&w->rng) % (uint64_t)w->n_refs);
	ref_move(w, r, FOREIGN + w->foreign++, rng_chance(&w->rng, 500));
	for (int i = 0; i < PUSHES_MAX; i++)
		w->pushes[i].disturbed |= w->pushes[i].begun;
}

static void service_dies(struct push_world *w, const struct push_event *e)
{
	if (w->processes.at[w->service]) {
		push_trace(w, "kill the service");
		process_end(w, w->service);
	}
}

static void disk_goes_bad(struct push_world *w, const struct push_event *e)
{
	push_trace(w, "the disk takes nothing");
	w->disk_bad_until = w->now + rng_range(&w->rng, 1, DISK_BAD_MAX_MS);
}

static void cluster_goes_down(struct push_world *w, const struct push_event *e)
{
	push_trace(w, "no target answers");
	w->cluster_down_until = w->now + rng_range(&w->rng, 100, 30000);
}

static void undoing_fails(struct push_world *w, const struct push_event *e)
{
	/* Sometimes for longer than is tried. */
	push_trace(w, "undoing fails");
	w->undo_fails_until = w->now + rng_range(&w->rng, 100, rng_chance(&w->rng, 400) ? 250000 : 30000);
}

static void everything_dies(struct push_world *w, const struct push_event *e)
{
	push_trace(w, "kill everything");
	push_kill_all(w);
}

static push_event_fn *const MISHAPS[] = { others_move_a_ref, service_dies,  disk_goes_bad,
					  cluster_goes_down, undoing_fails, everything_dies };

static size_t plan(struct push_world *w, const struct only *only)
{
	struct rng rng = rng_fork(w->seed, 900);
	static const int64_t lengths[] = { 300, 5000, 40000 };
	int64_t length = lengths[rng_below(&rng, 3)], at = 0;
	int pushes = 1 + (int)rng_below(&rng, PROBE);
	int mishaps = rng_chance(&rng, 700) ? (int)rng_below(&rng, MISHAPS_MAX + 1) : 0;
	size_t steps = 0;
	for (int i = 0; i < pushes; i++) {
		at += rng_range(&rng, 0, length);
		if (!taken(only, i, &steps))
			continue;
		plan_push(w, i, only, &steps);
		push_later(w, at, begins)->a = i;
	}
	/* Now and then long enough for undoing to be given up. */
	bool long_trouble = rng_chance(&rng, 250);
	w->calm_at = at + (long_trouble ? 250000 : 45000);
	mishaps += long_trouble && mishaps < MISHAPS_MAX;
	for (int i = 0; i < mishaps; i++) {
		int64_t when = rng_range(&rng, 0, at + 30000);
		push_event_fn *fn = MISHAPS[rng_below(&rng, sizeof(MISHAPS) / sizeof(MISHAPS[0]))];
		fn = long_trouble && i == 0 ? undoing_fails : fn;
		if (taken(only, STEP_MISHAPS + i, &steps))
			push_later(w, when, fn);
	}
	return steps;
}

static void settle(struct push_world *w)
{
	int64_t until = w->now + SETTLE_MS;
	while (!w->failure[0] && !check_pushes_ended(w) && w->now < until) {
		/* An unclean one waits for the next start. */
		if (!w->retry_unclean)
			w->retry_unclean = w->processes.at[w->service];
		push_world_run(w, w->now + 5000);
	}
}

static void run(struct push_world *w)
{
	service_start(w);
	push_world_run(w, w->calm_at);
	w->calm = true;
	settle(w);
	if (!w->failure[0])
		check_pushes(w);
	plan_probe(w);
	push_begin(w, &w->pushes[PROBE]);
	settle(w);
	if (!w->failure[0])
		check_pushes(w);
}

void push_history_run(uint64_t seed, const struct only *only, enum variant variant, bool trace,
		      struct verdict *out)
{
	struct push_world w = { .seed = seed, .variant = variant, .trace = trace };
	struct rng rng = rng_fork(seed, 901);
	w.rng = rng_fork(seed, 902);
	w.n_targets = 1 + (int)rng_below(&rng, PUSH_TARGETS_MAX);
	w.n_refs = 1 + (int)rng_below(&rng, PUSH_REFS_MAX);
	faults_choose(&w.faults, &rng, only->faults, 1);
	for (int i = 0; i < PUSHES_MAX; i++)
		w.pushes[i] = (struct push){ .w = &w, .index = i, .runner = NOBODY };
	for (int i = 0; i < w.n_targets; i++)
		w.targets[i] = (struct push_target){ .claim = NOBODY, .busy = NOBODY };
	for (int i = 0; i < w.n_refs; i++)
		w.refs[i] = (struct push_ref){ .below = { 0 }, .n = 1 };
	out->steps += plan(&w, only);
	run(&w);
	snprintf(out->failure, sizeof(out->failure), "%s", w.failure);
	out->virtual_ms += w.now;
	out->events += w.handled;
	vec_release(&w.queue);
	vec_release(&w.processes);
}
