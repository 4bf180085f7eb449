/*
 * history.c - of apps: the script with its faults; then calm until every app is as git says, in bounded time;
 * then an hour in which nothing may happen.
 */
#include "history.h"

#include <stdio.h>

#include "checks.h"
#include "people.h"
#include "push.h"

enum {
	SETTLE_FIRST_MS = 70000,    /* what the script began ends within this */
	SETTLE_MAX_MS = 30 * 60000, /* longer: stuck */
	QUIET_MS = 60 * 60000,
	QUIET_TICKS = 400,
	FIGHT_MAX = 90,	       /* heals of one fight in ten minutes */
	FAILING_REQUESTS = 60, /* an hour of retries at most so often each item */
};

static bool all_converged(struct world *w, char *why, size_t size)
{
	for (int i = 0; i < w->n_apps; i++)
		if (!check_converged(w, &w->apps[i], why, size))
			return false;
	return check_no_orphans(w, why, size);
}

static void settle(struct world *w)
{
	char why[500] = "";
	int64_t until = w->now + SETTLE_MAX_MS, step = 5000;
	people_calm(w);
	operator_after(w);
	world_run(w, w->now + SETTLE_FIRST_MS);
	while (!w->failure[0] && !all_converged(w, why, sizeof(why))) {
		if (w->now >= until) {
			world_fail(w, "stuck after %d min of calm: %s", SETTLE_MAX_MS / 60000, why);
			return;
		}
		world_run(w, w->now + step);
		step = step < 60000 ? step * 2 : step;
	}
}

static void quiet(struct world *w)
{
	struct resource before[APPS_MAX];
	bool clean[APPS_MAX];
	char why[500];
	/* Statuses, the last write of the inventory: a moment to put the pen down. */
	world_run(w, w->now + 5000);
	for (int i = 0; i < w->n_apps; i++) {
		before[i] = w->apps[i];
		clean[i] = check_clean(w, &w->apps[i]);
	}
	int64_t from = w->now;
	while (w->variant == VARIANT_CHATTY && w->now < from + QUIET_MS / 2) {
		world_run(w, w->now + 600000);
		for (int i = 0; i < w->n_apps; i++)
			operator_sync_now(w, &w->apps[i]);
	}
	world_run(w, from + QUIET_MS);
	for (int i = 0; i < w->n_apps && !w->failure[0]; i++) {
		const struct resource *r = &w->apps[i], *b = &before[i];
		uint64_t requests = r->requests - b->requests;
		if (r->ticks - b->ticks > QUIET_TICKS)
			world_fail(w, "promise 4: %s woke up %llu times in a quiet hour", r->name,
				   (unsigned long long)(r->ticks - b->ticks));
		if (clean[i] && (requests || r->renders != b->renders || r->persists != b->persists ||
				 r->statuses != b->statuses))
			world_fail(
				w,
				"promise 4: %s made %llu requests, %llu renders, %llu inventory and %llu status writes in a quiet hour",
				r->name, (unsigned long long)requests,
				(unsigned long long)(r->renders - b->renders),
				(unsigned long long)(r->persists - b->persists),
				(unsigned long long)(r->statuses - b->statuses));
		if (requests > FAILING_REQUESTS * GIT_OBJECTS_MAX)
			world_fail(w, "promise 6: %s made %llu requests in an hour of failing", r->name,
				   (unsigned long long)requests);
	}
	/* A retry may be under way just now. */
	for (int i = 0; i < 40 && !w->failure[0] && !all_converged(w, why, sizeof(why)); i++)
		world_run(w, w->now + 7000);
	if (!w->failure[0] && !all_converged(w, why, sizeof(why)))
		world_fail(w, "not the same after a quiet hour: %s", why);
}

static void run_apps(uint64_t seed, const struct only *only, enum variant variant, bool trace,
		     struct verdict *out)
{
	struct world w;
	world_init(&w, seed, only, variant, trace);
	operator_after(&w);
	world_run(&w, w.script.length);
	/* A fight may go on for ten minutes after the last step. */
	unsigned fights = 0;
	for (size_t i = 0; i < w.script.steps.n; i++)
		fights += w.script.steps.at[i].kind == STEP_FIGHT;
	if (fights)
		world_run(&w, w.now + 600000);
	if (!w.failure[0] && w.fights > fights * FIGHT_MAX + 20 * w.crashes + 10 * (unsigned)w.script.steps.n)
		world_fail(&w, "promise 6: a fight was answered %u times", w.fights);
	if (!w.failure[0])
		settle(&w);
	if (!w.failure[0])
		quiet(&w);
	snprintf(out->failure, sizeof(out->failure), "%s", w.failure);
	out->virtual_ms += w.now;
	out->events += w.events;
	out->steps += w.script.steps.n;
	for (int i = 0; i < w.n_apps; i++)
		out->requests += w.apps[i].requests;
	world_release(&w);
}

void history_run(uint64_t seed, const struct only *only, enum variant variant, bool trace,
		 struct verdict *out)
{
	bool pushes = variant == VARIANT_NONE || variant_is_of_pushes(variant);
	bool apps = !variant_is_of_pushes(variant);
	*out = (struct verdict){ .failure = "" };
	if (pushes && only->part != PART_APPS)
		push_history_run(seed, only, variant, trace, out);
	if (apps && only->part != PART_PUSHES && !out->failure[0])
		run_apps(seed, only, variant, trace, out);
}
