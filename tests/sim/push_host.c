/*
 * push_host.c - what the hook, post-receive and the service do for the machine, as machine.h and claim.h ask
 * it of them, with each of their steps an event of its own, so that a kill finds every place between two.
 */
#include "push_world.h"

#include <stdio.h>

enum {
	SWEEP_MS = 2000, /* the service looks for what was left */
	CLAIM_POLL_MS = 200,
};

static int64_t some_ms(struct push_world *w, int64_t low, int64_t high)
{
	return rng_range(&w->rng, low, high) + (push_strikes(w, FAULT_SLOW) ? 3000 : 0);
}

static bool disk_refuses(struct push_world *w)
{
	return push_strikes(w, FAULT_PERSIST) || (w->now < w->disk_bad_until && !w->calm);
}

static bool cluster_down(const struct push_world *w)
{
	return w->now < w->cluster_down_until && !w->calm;
}

/* --- answers to the machine --- */

static void answered(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	if (w->variant == VARIANT_PUSH_NO_ANSWER && rng_chance(&w->rng, 20))
		return;
	p->asked++;
	push_machine_step(&p->m, (enum step_outcome)e->a, w->now);
}

static void answer_later(struct push_world *w, struct push *p, int64_t ms, enum step_outcome outcome)
{
	static const char *const names[] = {
		[STEP_OK] = "is told: ok",
		[STEP_FAILED] = "is told: failed",
		[STEP_PREEMPTED] = "is told: pre-empted",
		[STEP_LATE] = "is told: late",
	};
	struct push_event *e = push_later_of(w, p, ms, answered, names[outcome]);
	e->asked = p->asked;
	e->a = (int)outcome;
}

/* An event of what is asked now, gone once that is answered. */
static struct push_event *while_asked(struct push_world *w, struct push *p, int64_t ms, push_event_fn *fn,
				      const char *what)
{
	struct push_event *e = push_later_of(w, p, ms, fn, what);
	e->asked = p->asked;
	return e;
}

static void said(struct push *p, const char *what)
{
	push_trace(p->w, "push %d: %s", p->index, what);
}

static void cancel(void *ctx)
{
	struct push *p = ctx;
	said(p, "cancel");
	/* A delivery is seen through; of the rest the host lets go soon. */
	if (p->m.asked != PIPE_DELIVER && p->m.asked != PIPE_ACCEPT)
		answer_later(p->w, p, some_ms(p->w, 0, 500), STEP_FAILED);
}

static void by_fate(struct push *p, enum fate fate, int64_t ms)
{
	if (fate != FATE_HANGS)
		answer_later(p->w, p, ms, fate == FATE_GOOD ? STEP_OK : STEP_FAILED);
}

static void check(void *ctx)
{
	struct push *p = ctx;
	said(p, "check");
	by_fate(p, p->check, some_ms(p->w, 5, 500));
}

static void build(void *ctx)
{
	struct push *p = ctx;
	said(p, "build");
	by_fate(p, p->build, p->build_ms);
}

/* --- claim --- */

static void notice_preemption(struct push_world *w, const struct push_event *e)
{
	if (w->variant != VARIANT_PUSH_DEAF)
		push_machine_preempt(&w->pushes[e->push].m, w->now);
}

static void ask_to_give_way(struct push_world *w, struct push *owner)
{
	if (owner->preempt || owner->disk.state >= PIPE_ACCEPT)
		return;
	owner->preempt = owner->disturbed = true;
	owner->preempt_at = w->now;
	push_later_of(w, owner, some_ms(w, 0, 300), notice_preemption, "notices that it shall give way");
}

/* As claim_try(). */
static enum step_outcome claim_one(struct push_world *w, struct push *p, int target, bool *again)
{
	struct push_target *t = &w->targets[target];
	struct push *owner = t->claim == NOBODY ? NULL : &w->pushes[t->claim];
	bool finished = !owner || push_finished(owner);
	*again = false;
	if (t->claim == p->index || (finished && (!owner || owner->runner == NOBODY)) ||
	    w->variant == VARIANT_PUSH_NO_CLAIM) {
		t->claim = p->index;
		return STEP_OK;
	}
	p->disturbed = true;
	*again = true;
	if (owner->runner == NOBODY) {
		if (owner->disk.state != PIPE_ACCEPT || !owner->receiver)
			push_resume(w, owner, p->runner, true);
		return STEP_OK;
	}
	if (!finished && owner->index > p->index)
		return STEP_PREEMPTED;
	if (!finished)
		ask_to_give_way(w, owner);
	return STEP_OK;
}

static void read_before(struct push_world *w, struct push *p)
{
	FOR_TARGETS(w, p, i)
	{
		struct push_target *t = &w->targets[i];
		int runs = t->runs;
		bool stood = t->rolled == runs;
		/* What an unclean push left is not what was there before. */
		for (int k = 0; k < PUSHES_MAX && w->variant != VARIANT_PUSH_INHERIT; k++) {
			const struct push *q = &w->pushes[k];
			if (!q->disk.unclean || q == p || runs != commit_of(q) || !(q->targets >> i & 1))
				continue;
			runs = q->disk.before[i];
			stood = q->disk.stood[i];
			k = NOBODY; /* that may be another's leftover */
		}
		p->mem.before[i] = runs;
		p->mem.stood[i] = stood;
		p->mem.version[i] = t->version;
	}
	p->mem.known = true;
	check_push_claimed(w, p);
}

static void claim_step(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	FOR_TARGETS(w, p, i)
	{
		bool again;
		enum step_outcome outcome = claim_one(w, p, i, &again);
		if (outcome != STEP_OK) {
			answer_later(w, p, 1, outcome);
			return;
		}
		if (again) {
			while_asked(w, p, some_ms(w, 20, CLAIM_POLL_MS), claim_step, "tries to claim");
			return;
		}
	}
	FOR_REFS(w, p, r)
	{
		if (w->refs[r].at != p->old[r]) {
			p->disturbed = true;
			answer_later(w, p, 1, STEP_FAILED);
			return;
		}
	}
	if (cluster_down(w)) {
		p->disturbed = true;
		answer_later(w, p, 1000, STEP_FAILED);
		return;
	}
	read_before(w, p);
	answer_later(w, p, some_ms(w, 1, 50), STEP_OK);
}

static void claim(void *ctx)
{
	struct push *p = ctx;
	said(p, "claim");
	while_asked(p->w, p, some_ms(p->w, 1, 20), claim_step, "claims");
}

/* --- deliver and undo: requests, on their way whatever becomes of who sent them --- */

struct request {
	int target, commit, version;
};

static void request_lands(struct push_world *w, const struct push_event *e)
{
	target_write(w, &w->pushes[e->a / 1000], e->a % 1000, e->b, (int)e->asked);
}

/* When the answer comes; 0: it is lost, or refused. */
static int64_t send_request(struct push_world *w, struct push *p, struct request r)
{
	if (cluster_down(w)) {
		p->disturbed = true;
		return 0;
	}
	bool late = push_strikes(w, FAULT_LATE), lost = push_strikes(w, FAULT_LOST) || late;
	int64_t ms = late ? rng_range(&w->rng, 1500, 20000) : some_ms(w, 1, 60);
	struct push_event *e = push_later(w, ms, request_lands);
	e->a = p->index * 1000 + r.target;
	e->b = r.commit;
	e->asked = (unsigned)r.version;
	p->disturbed |= lost;
	return lost ? 0 : ms + 1;
}

static void deliver_next(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	for (int i = e->a; i < w->n_targets; i++) {
		if (!(p->targets >> i & 1))
			continue;
		struct request r = { i, commit_of(p), p->mem.version[i] };
		int64_t ms = send_request(w, p, r);
		if (ms)
			while_asked(w, p, ms, deliver_next, "delivers")->a = i + 1;
		else
			answer_later(w, p, 1000, STEP_FAILED);
		return;
	}
	/* A refused write is told as what it is. */
	bool all = true;
	FOR_TARGETS(w, p, i)
	all = all && w->targets[i].runs == commit_of(p);
	p->disturbed |= !all;
	answer_later(w, p, 1, all ? STEP_OK : STEP_FAILED);
}

static void deliver(void *ctx)
{
	struct push *p = ctx;
	said(p, "deliver");
	while_asked(p->w, p, some_ms(p->w, 1, 20), deliver_next, "begins to deliver");
}

static bool undo_fails(const struct push_world *w)
{
	return cluster_down(w) || (w->now < w->undo_fails_until && !w->calm);
}

/* Nothing of it arrived: it is written all the same, so that nothing of it arrives later. */
static bool undo_must_write(struct push_world *w, const struct push *p, int target)
{
	const struct push_target *t = &w->targets[target];
	if (t->runs == commit_of(p))
		return true;
	return t->version == p->mem.version[target] && w->variant != VARIANT_PUSH_LAZY_UNDO;
}

static void undo_refs(struct push_world *w, struct push *p)
{
	FOR_REFS(w, p, r)
	if (w->refs[r].at == commit_of(p) && w->refs[r].n > 1)
		ref_back(w, r);
}

static void undo_next(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	if (!p->mem.known) {
		undo_refs(w, p);
		answer_later(w, p, 1, STEP_OK);
		return;
	}
	for (int i = e->a; i < w->n_targets; i++) {
		bool forgets = w->variant == VARIANT_PUSH_FORGETS && i == 0;
		if (!(p->targets >> i & 1) || !undo_must_write(w, p, i) || forgets)
			continue;
		struct request r = { i, p->mem.before[i], w->targets[i].version };
		int64_t ms = undo_fails(w) ? 0 : send_request(w, p, r);
		if (ms)
			while_asked(w, p, ms, undo_next, "undoes")->a = i; /* and looks at it again */
		else
			answer_later(w, p, 1000, STEP_FAILED);
		return;
	}
	undo_refs(w, p);
	answer_later(w, p, 1, STEP_OK);
}

static void undo(void *ctx)
{
	struct push *p = ctx;
	said(p, "undo");
	while_asked(p->w, p, some_ms(p->w, 1, 20), undo_next, "begins to undo");
}

/* --- watch --- */

static void watch_next(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	bool all = true;
	p->disturbed |= cluster_down(w);
	FOR_TARGETS(w, p, i)
	{
		if (w->targets[i].runs != commit_of(p)) {
			answer_later(w, p, 1, STEP_FAILED);
			return;
		}
		all = all && w->targets[i].rolled == commit_of(p);
	}
	if (all && !cluster_down(w))
		answer_later(w, p, 1, p->rollout == FATE_GOOD ? STEP_OK : STEP_FAILED);
	else
		while_asked(w, p, some_ms(w, 100, 1000), watch_next, "watches");
}

static void watch(void *ctx)
{
	struct push *p = ctx;
	said(p, "watch");
	while_asked(p->w, p, some_ms(p->w, 1, 20), watch_next, "watches");
}

static void undo_watch_next(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->asked != p->asked)
		return;
	bool all = !cluster_down(w);
	FOR_TARGETS(w, p, i)
	{
		const struct push_target *t = &w->targets[i];
		/* What never ran does not run again; what others brought is theirs. */
		if (p->mem.known && p->mem.stood[i] && t->runs == p->mem.before[i])
			all = all && t->rolled == t->runs;
	}
	if (all)
		answer_later(w, p, 1, STEP_OK);
	else
		while_asked(w, p, some_ms(w, 100, 1000), undo_watch_next, "watches");
}

static void undo_watch(void *ctx)
{
	struct push *p = ctx;
	said(p, "undo_watch");
	while_asked(p->w, p, some_ms(p->w, 1, 20), undo_watch_next, "watches");
}

/* --- refs --- */

static void move_refs_now(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	bool good = true;
	FOR_REFS(w, p, r)
	good = good && (w->refs[r].at == p->old[r] || ref_has(w, r, commit_of(p)));
	if (!good && w->variant != VARIANT_PUSH_HALF_REFS) {
		answer_later(w, p, 1, STEP_FAILED);
		return;
	}
	FOR_REFS(w, p, r)
	{
		if (w->refs[r].at == p->old[r]) {
			check_push_ref(w, p);
			ref_move(w, r, commit_of(p), false);
			p->moved |= 1u << r;
		}
	}
	answer_later(w, p, some_ms(w, 1, 10), STEP_OK);
}

static void move_refs(void *ctx)
{
	struct push *p = ctx;
	said(p, "move_refs");
	while_asked(p->w, p, some_ms(p->w, 1, 10), move_refs_now, "moves the refs");
}

/* git-receive-pack, once its hook has said yes: one ref after the other, then post-receive. */
static void receiver_goes_on(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (!p->receiver)
		return;
	for (int r = e->a; r < w->n_refs; r++) {
		if (!(p->refs >> r & 1))
			continue;
		if (w->refs[r].at == p->old[r]) {
			check_push_ref(w, p);
			ref_move(w, r, commit_of(p), false);
			p->moved |= 1u << r;
		} else {
			p->disturbed = true;
		}
		struct push_event *next = push_later(w, some_ms(w, 1, 20), receiver_goes_on);
		next->push = p->index;
		next->what = "git moves refs";
		next->a = r + 1;
		return;
	}
	if (p->moved && p->runner == NOBODY && !push_finished(p))
		push_resume(w, p, process_start(w), false);
	else
		p->receiver = false;
}

static void hook_says_yes(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	p->told = TOLD_YES;
	process_end(w, p->runner);
	struct push_event *next = push_later(w, some_ms(w, 1, 20), receiver_goes_on);
	next->push = p->index;
	next->what = "git moves refs";
}

static void answer(void *ctx, bool accepted)
{
	struct push *p = ctx;
	said(p, accepted ? "accepted" : "refused");
	if (p->told != TOLD_NOTHING || p->m.resumed)
		push_fail(p->w, "push %d is answered twice, or after git's hook", p->index);
	if (accepted)
		push_later_of(p->w, p, some_ms(p->w, 1, 5), hook_says_yes, "says yes");
	else
		p->told = TOLD_NO;
}

/* --- the record --- */

static void store(struct push_world *w, struct push *p, enum push_state state, bool unclean)
{
	enum push_state before = p->disk.state;
	p->mem.state = state;
	p->mem.unclean = unclean;
	p->mem.there = true;
	p->disk = p->mem;
	check_push_stored(w, p, before);
}

static void stored(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	bool refused = disk_refuses(w);
	/* What could not be synced may be there all the same. */
	bool skipped = w->variant == VARIANT_PUSH_UNDO_UNSAID && e->a == PIPE_UNDO;
	if ((!refused || rng_chance(&w->rng, 300)) && !skipped)
		store(w, p, (enum push_state)e->a, false);
	p->disturbed |= refused;
	push_trace(w, "push %d: the record says %s", p->index, push_state_name(p->disk.state));
	if (e->b)
		answer_later(w, p, 1, refused ? STEP_FAILED : STEP_OK);
}

static void persist(void *ctx, enum push_state state)
{
	struct push *p = ctx;
	struct push_world *w = p->w;
	bool early = (w->variant == VARIANT_PUSH_EARLY && state == PIPE_DELIVER) ||
		     (w->variant == VARIANT_PUSH_YES_EARLY && state == PIPE_ACCEPT);
	struct push_event *e =
		push_later_of(w, p, early ? 300 : some_ms(w, 1, 10), stored, "writes its record");
	e->a = (int)state;
	e->b = !early;
	if (early)
		answer_later(w, p, 1, STEP_OK);
}

static void give_back(struct push_world *w, struct push *p)
{
	FOR_TARGETS(w, p, i)
	if (w->targets[i].claim == p->index)
		w->targets[i].claim = NOBODY;
}

static void lock_goes(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (e->b) {
		p->runner = NOBODY; /* the process has other things to do */
		p->active = false;
		p->life++;
	} else {
		p->receiver = false;
		process_end(w, e->process);
	}
}

static void claims_go(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	give_back(w, p);
	push_later_of(w, p, 1, lock_goes, "lets the lock go")->b = e->b;
}

static void finish_stored(struct push_world *w, const struct push_event *e)
{
	struct push *p = &w->pushes[e->push];
	if (disk_refuses(w)) {
		p->disturbed = true;
		push_later_of(w, p, 1, lock_goes, "lets the lock go")->b = e->b;
		return;
	}
	store(w, p, (enum push_state)(e->a & 15), e->a >> 4);
	push_later_of(w, p, some_ms(w, 1, 5), claims_go, "gives its targets back")->b = e->b;
}

static void finish(void *ctx, enum push_state state, bool unclean)
{
	struct push *p = ctx;
	said(p, unclean ? "finish, unclean" : "finish");
	if (p->w->variant == VARIANT_PUSH_FREE_EARLY)
		give_back(p->w, p);
	int64_t ms = p->w->variant == VARIANT_PUSH_FREE_EARLY ? 400 : some_ms(p->w, 1, 5);
	struct push_event *e = push_later_of(p->w, p, ms, finish_stored, "finishes its record");
	e->a = (int)state | (int)unclean << 4;
	e->b = p->guest;
}

static const struct push_host HOST = {
	.check = check,
	.build = build,
	.claim = claim,
	.deliver = deliver,
	.watch = watch,
	.undo = undo,
	.undo_watch = undo_watch,
	.move_refs = move_refs,
	.persist = persist,
	.cancel = cancel,
	.answer = answer,
	.finish = finish,
};

/* --- processes --- */

static void run_machine(struct push_world *w, struct push *p, int process)
{
	struct push_config config = {
		.keep = p->keep,
		.nothing = p->nothing,
		.timeout_ms = p->timeout_ms,
		.undo_timeout_ms = p->undo_timeout_ms,
	};
	p->runner = process;
	p->life++;
	p->active = true;
	push_machine_init(&p->m, &HOST, p, &config);
}

void push_begin(struct push_world *w, struct push *p)
{
	push_trace(w, "push %d begins: targets %x refs %x%s%s", p->index, p->targets, p->refs,
		   p->keep ? " keep" : "", p->nothing ? " nothing" : "");
	run_machine(w, p, process_start(w));
	p->guest = false;
	p->begun = p->receiver = true;
	p->disk = p->mem = (struct push_disk){ .there = true };
	for (int r = 0; r < w->n_refs; r++)
		p->old[r] = w->refs[r].at;
	push_machine_start(&p->m, w->now);
}

void push_resume(struct push_world *w, struct push *p, int process, bool guest)
{
	enum push_state state = p->disk.state;
	bool moved = push_refs_moved(w, p);
	push_trace(w, "push %d is resumed by process %d: %s, refs %s", p->index, process,
		   push_state_name(state), moved ? "moved" : "not moved");
	if (w->variant == VARIANT_PUSH_RESUME_UNDOES && state == PIPE_ACCEPT)
		state = PIPE_WATCH;
	run_machine(w, p, process);
	p->guest = guest;
	p->mem = p->disk;
	push_machine_resume(&p->m, state, moved, w->now);
}

/* An unclean one needs its targets again; whoever has them now is not disturbed. */
static bool take_back(struct push_world *w, struct push *p)
{
	FOR_TARGETS(w, p, i)
	{
		const struct push_target *t = &w->targets[i];
		const struct push *owner = t->claim == NOBODY ? NULL : &w->pushes[t->claim];
		if (owner && owner != p && (!push_finished(owner) || owner->runner != NOBODY))
			return false;
	}
	FOR_TARGETS(w, p, i)
	w->targets[i].claim = p->index;
	return true;
}

static void service_sweeps(struct push_world *w, const struct push_event *e)
{
	if (!w->processes.at[e->a])
		return;
	bool left = false;
	for (int i = 0; i < PUSHES_MAX && w->variant != VARIANT_PUSH_NO_SERVICE; i++) {
		struct push *p = &w->pushes[i];
		if (!p->disk.there || p->runner != NOBODY || p->receiver)
			continue;
		if (!push_finished(p))
			push_resume(w, p, w->service, true);
		else if (p->disk.unclean && w->retry_unclean && !take_back(w, p))
			left = true;
		else if (p->disk.unclean && w->retry_unclean)
			push_resume(w, p, w->service, true);
	}
	w->retry_unclean = w->retry_unclean && left;
	push_later(w, SWEEP_MS, service_sweeps)->a = e->a;
}

void service_start(struct push_world *w)
{
	w->service = process_start(w);
	w->retry_unclean = true;
	push_later(w, rng_range(&w->rng, 10, 500), service_sweeps)->a = w->service;
}
