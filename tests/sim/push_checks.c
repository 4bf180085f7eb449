/* push_checks.c - the promises of src/push/machine.h. A broken one ends the history. */
#include "push_world.h"

enum { GIVE_WAY_MS = 8000 };

/* Before a write takes effect on a target. */
void check_push_write(struct push_world *w, struct push *p, int target)
{
	const struct push_target *t = &w->targets[target];
	enum push_state s = p->disk.state;
	if (s < PIPE_DELIVER || !p->disk.known)
		push_fail(w, "push %d changes target %d, and its record says \"%s\"%s", p->index, target,
			  push_state_name(s), p->disk.known ? "" : " and not what was there before");
	if (s == PIPE_DONE || (s == PIPE_REFUSED && !p->disk.unclean))
		push_fail(w, "push %d changes target %d after its end", p->index, target);
	if (t->busy != NOBODY && t->busy != p->index && !push_finished(p))
		push_fail(w, "pushes %d and %d change target %d at a time", t->busy, p->index, target);
}

/* Before a ref moves to its commit. */
void check_push_ref(struct push_world *w, const struct push *p)
{
	if (p->disk.state != PIPE_ACCEPT)
		push_fail(w, "refs move to push %d, and its record says \"%s\"", p->index,
			  push_state_name(p->disk.state));
}

void check_push_claimed(struct push_world *w, const struct push *p)
{
	FOR_TARGETS(w, p, i)
	if (p->mem.before[i] != w->targets[i].expected)
		push_fail(w, "push %d takes %d for what target %d ran before, it is %d", p->index,
			  p->mem.before[i], i, w->targets[i].expected);
}

static void check_accepted(struct push_world *w, const struct push *p)
{
	/* Seen soon; what the disk was at then may be ACCEPT. */
	if (p->preempt && w->now > p->preempt_at + GIVE_WAY_MS)
		push_fail(w, "push %d is accepted %lld ms after a newer one asked it to give way", p->index,
			  (long long)(w->now - p->preempt_at));
	FOR_TARGETS(w, p, i)
	{
		const struct push_target *t = &w->targets[i];
		if (p->nothing || (t->runs == commit_of(p) && p->keep))
			continue;
		if (t->runs != commit_of(p) || t->rolled != t->runs || p->rollout != FATE_GOOD)
			push_fail(w, "push %d is accepted, and target %d runs %d (%d), it %s", p->index, i,
				  t->runs, t->rolled, p->rollout == FATE_GOOD ? "would run" : "does not run");
	}
}

static void check_done(struct push_world *w, const struct push *p)
{
	if (p->moved != p->refs)
		push_fail(w, "push %d is done, and its refs did not move", p->index);
	FOR_TARGETS(w, p, i)
	{
		struct push_target *t = &w->targets[i];
		if (p->nothing)
			continue;
		if (t->runs != commit_of(p))
			push_fail(w, "push %d is done, and target %d runs %d", p->index, i, t->runs);
		t->expected = commit_of(p);
	}
}

static void check_refused(struct push_world *w, const struct push *p)
{
	FOR_REFS(w, p, r)
	if (w->refs[r].at == commit_of(p))
		push_fail(w, "push %d is refused, and ref %d is at it", p->index, r);
	FOR_TARGETS(w, p, i)
	{
		const struct push_target *t = &w->targets[i];
		if (!p->nothing && t->runs == commit_of(p))
			push_fail(w, "push %d is refused, and target %d runs it", p->index, i);
		else if (t->busy == p->index && t->runs != t->expected)
			push_fail(w, "push %d is refused, and target %d runs %d instead of %d", p->index, i,
				  t->runs, t->expected);
		else if (t->busy == p->index && p->disk.stood[i] && t->rolled != t->runs)
			push_fail(w, "push %d is refused, and target %d does not run %d again yet", p->index,
				  i, t->runs);
	}
}

/* Its record has just changed on the disk. */
void check_push_stored(struct push_world *w, struct push *p, enum push_state before)
{
	enum push_state now = p->disk.state;
	if (now == PIPE_ACCEPT && before != PIPE_ACCEPT)
		check_accepted(w, p);
	if (!push_finished(p))
		return;
	if (now == PIPE_DONE)
		check_done(w, p);
	else if (!p->disk.unclean)
		check_refused(w, p);
	if ((now == PIPE_DONE && p->told == TOLD_NO) ||
	    (now == PIPE_REFUSED && p->told == TOLD_YES && !p->disturbed))
		push_fail(w, "push %d was told that it is %s, and is %s", p->index,
			  p->told == TOLD_NO ? "refused" : "accepted", push_state_name(now));
	FOR_TARGETS(w, p, i)
	if (w->targets[i].busy == p->index)
		w->targets[i].busy = NOBODY;
}

bool check_pushes_ended(const struct push_world *w)
{
	for (int i = 0; i < PUSHES_MAX; i++) {
		const struct push *p = &w->pushes[i];
		if (p->disk.there && (!push_finished(p) || p->disk.unclean || p->runner != NOBODY))
			return false;
	}
	return true;
}

/* When all is calm and through. */
void check_pushes(struct push_world *w)
{
	for (int i = 0; i < PUSHES_MAX; i++) {
		const struct push *p = &w->pushes[i];
		if (!p->disk.there)
			continue;
		bool good = p->check == FATE_GOOD && p->build == FATE_GOOD &&
			    (p->rollout == FATE_GOOD || p->keep);
		if (!push_finished(p) || p->disk.unclean || p->runner != NOBODY)
			push_fail(w, "push %d does not end: %s%s", i, push_state_name(p->disk.state),
				  p->disk.unclean ? ", unclean" : "");
		if (good && !p->disturbed && p->disk.state != PIPE_DONE)
			push_fail(w, "push %d is refused, and nothing was wrong with it", i);
	}
	for (int i = 0; i < w->n_targets; i++) {
		const struct push_target *t = &w->targets[i];
		if (t->runs != t->expected)
			push_fail(w, "in the end target %d runs %d instead of %d", i, t->runs, t->expected);
		if (t->claim != NOBODY && !w->pushes[t->claim].disturbed)
			push_fail(w, "in the end push %d still has target %d", t->claim, i);
	}
}
