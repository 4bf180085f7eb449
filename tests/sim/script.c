/* script.c - how often what happens. */
#include "script.h"

const char *const STEP_NAMES[STEP_KINDS] = {
	[STEP_COMMIT] = "commit",	[STEP_BRANCH_GONE] = "branch-gone",
	[STEP_CRASH] = "crash",		[STEP_LEADER] = "leader",
	[STEP_EDIT] = "edit",		[STEP_ADD_LABEL] = "add-label",
	[STEP_DELETE] = "delete",	[STEP_STRIP] = "strip",
	[STEP_CLAIM] = "claim",		[STEP_PRECREATE] = "precreate",
	[STEP_FINALIZER] = "finalizer", [STEP_FIGHT] = "fight",
	[STEP_FLAP] = "flap",		[STEP_SUSPEND] = "suspend",
	[STEP_CONFIG] = "config",	[STEP_SYNC_NOW] = "sync-now",
	[STEP_REMOVE] = "remove",	[STEP_WEBHOOK] = "webhook",
	[STEP_NAMESPACE] = "namespace", [STEP_WATCH_CUT] = "watch-cut",
	[STEP_DOWN] = "down",
};

static const uint8_t WEIGHTS[STEP_KINDS] = {
	[STEP_COMMIT] = 60, [STEP_BRANCH_GONE] = 4, [STEP_CRASH] = 16,	  [STEP_LEADER] = 6,
	[STEP_EDIT] = 12,   [STEP_ADD_LABEL] = 4,   [STEP_DELETE] = 10,	  [STEP_STRIP] = 4,
	[STEP_CLAIM] = 3,   [STEP_PRECREATE] = 6,   [STEP_FINALIZER] = 4, [STEP_FIGHT] = 2,
	[STEP_FLAP] = 4,    [STEP_SUSPEND] = 5,	    [STEP_CONFIG] = 8,	  [STEP_SYNC_NOW] = 4,
	[STEP_REMOVE] = 5,  [STEP_WEBHOOK] = 4,	    [STEP_NAMESPACE] = 3, [STEP_WATCH_CUT] = 6,
	[STEP_DOWN] = 3,
};

static enum step_kind pick(struct rng *rng)
{
	unsigned total = 0, kind = 0;
	for (int i = 0; i < STEP_KINDS; i++)
		total += WEIGHTS[i];
	unsigned at = rng_below(rng, total);
	while (at >= WEIGHTS[kind])
		at -= WEIGHTS[kind++];
	return kind;
}

void script_plan(struct script *s, uint64_t seed, const struct only *only)
{
	struct rng rng = rng_fork(seed, 1);
	s->apps = 1 + (int)rng_below(&rng, 4);
	s->objects = 1 + (int)rng_below(&rng, 12);
	s->calm = rng_chance(&rng, 300);
	/* Dense histories find races, long ones find what only time brings. */
	static const int64_t lengths[] = { 3000, 15000, 60000, 400000 };
	s->length = lengths[rng_below(&rng, 4)];
	size_t n = 2 + rng_below(&rng, 20);
	int64_t at = 0;
	for (size_t i = 0; i < n; i++) {
		struct step step = { .kind = pick(&rng), .app = (int)rng_below(&rng, 4) };
		at += rng_range(&rng, 0, s->length / (int64_t)n * 2);
		step.at = at;
		step.seed = rng_next(&rng);
		if (!only_skips(only, i))
			vec_push(&s->steps, step);
	}
	s->length = at + rng_range(&rng, 0, 5000);
	if (only->apps && only->apps < s->apps)
		s->apps = only->apps;
	if (only->objects && only->objects < s->objects)
		s->objects = only->objects;
	for (size_t i = 0; i < s->steps.n; i++)
		s->steps.at[i].app %= s->apps;
}
