/* push_world.c - time, processes, git's refs and targets of a history of pushes. */
#include "push_world.h"

#include <stdarg.h>
#include <stdio.h>

enum { PUSH_EVENTS_MAX = 20000 }; /* of one history: more go round in circles */

void push_fail(struct push_world *w, const char *fmt, ...)
{
	if (w->failure[0])
		return;
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(w->failure, sizeof(w->failure), "push: ");
	vsnprintf(w->failure + n, sizeof(w->failure) - (size_t)n, fmt, ap);
	va_end(ap);
	push_trace(w, "BROKEN: %s", w->failure);
}

void push_say(struct push_world *w, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%9lld.%03lld  %s\n", (long long)(w->now / 1000), (long long)(w->now % 1000), text);
}

bool push_strikes(struct push_world *w, enum fault_class class)
{
	return fault_strikes(&w->faults, &w->rng, class, 0) && !w->calm;
}

/* --- events --- */

struct push_event *push_later(struct push_world *w, int64_t ms, push_event_fn *fn)
{
	struct push_event e = {
		.at = w->now + ms, .order = w->order++, .fn = fn, .push = NOBODY, .process = NOBODY
	};
	vec_push(&w->queue, e);
	return &w->queue.at[w->queue.n - 1];
}

struct push_event *push_later_of(struct push_world *w, struct push *p, int64_t ms, push_event_fn *fn,
				 const char *what)
{
	struct push_event *e = push_later(w, ms, fn);
	e->push = p->index;
	e->process = p->runner;
	e->life = p->life;
	e->what = what;
	return e;
}

static size_t first_event(const struct push_world *w)
{
	size_t first = 0;
	for (size_t i = 1; i < w->queue.n; i++) {
		const struct push_event *a = &w->queue.at[i], *b = &w->queue.at[first];
		if (a->at < b->at || (a->at == b->at && a->order < b->order))
			first = i;
	}
	return first;
}

/* The machine whose deadline is over first, at or before `until`. */
static struct push *first_deadline(struct push_world *w, int64_t until)
{
	struct push *first = NULL;
	for (int i = 0; i < PUSHES_MAX; i++) {
		struct push *p = &w->pushes[i];
		int64_t at = p->active ? push_machine_deadline(&p->m) : INT64_MAX;
		if (at <= until && (!first || at < push_machine_deadline(&first->m)))
			first = p;
	}
	return first;
}

static bool still_counts(const struct push_world *w, const struct push_event *e)
{
	return e->process == NOBODY || (w->processes.at[e->process] && w->pushes[e->push].life == e->life);
}

/* Bad luck that waits for the n-th event of a push. */
static void count_event(struct push_world *w, struct push *p, const struct push_event *e)
{
	p->events++;
	if (p->events == p->hangup_at) {
		push_trace(w, "push %d: the client goes", p->index);
		if (w->variant == VARIANT_PUSH_HANGUP && p->runner != NOBODY)
			process_end(w, p->runner);
	}
	for (int i = 0; i < KILLS_MAX; i++) {
		if (p->kill_at[i] != p->events || w->calm)
			continue;
		push_trace(w, "kill %s before: push %d %s", p->kill_all[i] ? "everything" : "its process",
			   p->index, e->what ? e->what : "");
		p->disturbed = true;
		if (p->kill_all[i])
			push_kill_all(w);
		else if (e->process != NOBODY)
			process_end(w, e->process);
		else
			p->receiver = false;
	}
}

static void handle(struct push_world *w, struct push_event e)
{
	if (!still_counts(w, &e))
		return;
	if (e.push != NOBODY && e.what) {
		count_event(w, &w->pushes[e.push], &e);
		if (!still_counts(w, &e))
			return;
	}
	e.fn(w, &e);
}

void push_world_run(struct push_world *w, int64_t until)
{
	while (!w->failure[0]) {
		size_t i = first_event(w);
		bool event = w->queue.n && w->queue.at[i].at <= until;
		struct push *late = first_deadline(w, event ? w->queue.at[i].at : until);
		if (!event && !late)
			break;
		if (++w->handled > PUSH_EVENTS_MAX) {
			push_fail(w, "more than %d events: something goes round in circles", PUSH_EVENTS_MAX);
			break;
		}
		if (late) {
			int64_t at = push_machine_deadline(&late->m);
			w->now = at > w->now ? at : w->now;
			push_machine_tick(&late->m, w->now);
			continue;
		}
		struct push_event e = w->queue.at[i];
		w->queue.at[i] = w->queue.at[--w->queue.n];
		w->now = e.at > w->now ? e.at : w->now;
		handle(w, e);
	}
	if (w->now < until)
		w->now = until;
}

/* --- processes --- */

int process_start(struct push_world *w)
{
	vec_push(&w->processes, true);
	return (int)w->processes.n - 1;
}

static void service_again(struct push_world *w, const struct push_event *e)
{
	if (!w->processes.at[w->service])
		service_start(w);
}

static void receiver_sees_the_end(struct push_world *w, const struct push_event *e)
{
	w->pushes[e->a].receiver = false;
}

/* Locks go with it; git sees its hook fail. */
void process_end(struct push_world *w, int process)
{
	w->processes.at[process] = false;
	for (int i = 0; i < PUSHES_MAX; i++) {
		struct push *p = &w->pushes[i];
		if (p->runner != process)
			continue;
		p->runner = NOBODY;
		p->active = false;
		p->life++;
		if (p->receiver && (p->told != TOLD_YES || p->m.resumed))
			push_later(w, rng_range(&w->rng, 0, 20), receiver_sees_the_end)->a = i;
	}
	if (process == w->service)
		push_later(w, rng_range(&w->rng, 100, 5000), service_again);
}

void push_kill_all(struct push_world *w)
{
	for (int i = 0; i < PUSHES_MAX; i++)
		w->pushes[i].receiver = false;
	for (size_t i = 0; i < w->processes.n; i++)
		if (w->processes.at[i])
			process_end(w, (int)i);
	/* What git had still to do is not done. */
	for (size_t i = w->queue.n; i-- > 0;)
		if (w->queue.at[i].what && w->queue.at[i].process == NOBODY && w->queue.at[i].push != NOBODY)
			vec_remove(&w->queue, i);
	for (int i = 0; i < PUSHES_MAX; i++)
		w->pushes[i].disturbed = true;
}

/* --- git --- */

void ref_move(struct push_world *w, int ref, int commit, bool forced)
{
	struct push_ref *r = &w->refs[ref];
	push_trace(w, "ref %d: %d -> %d%s", ref, r->at, commit, forced ? ", forced" : "");
	r->n = forced ? 0 : r->n;
	if (r->n < MOVES_MAX)
		r->below[r->n++] = commit;
	r->at = commit;
}

void ref_back(struct push_world *w, int ref)
{
	struct push_ref *r = &w->refs[ref];
	push_trace(w, "ref %d: back from %d", ref, r->at);
	r->n -= r->n > 1;
	r->at = r->below[r->n - 1];
}

bool ref_has(const struct push_world *w, int ref, int commit)
{
	for (size_t i = 0; i < w->refs[ref].n; i++)
		if (w->refs[ref].below[i] == commit)
			return true;
	return false;
}

bool push_refs_moved(const struct push_world *w, const struct push *p)
{
	FOR_REFS(w, p, r)
	if (!ref_has(w, r, commit_of(p)))
		return false;
	return true;
}

bool push_finished(const struct push *p)
{
	return p->disk.state == PIPE_DONE || p->disk.state == PIPE_REFUSED;
}

/* --- targets --- */

static void rolled_out(struct push_world *w, const struct push_event *e)
{
	struct push_target *t = &w->targets[e->a];
	if (t->version == e->b)
		t->rolled = t->runs;
}

/* A write has arrived; it was made on top of `version`. */
void target_write(struct push_world *w, struct push *p, int target, int commit, int version)
{
	struct push_target *t = &w->targets[target];
	bool blind = w->variant == VARIANT_PUSH_BLIND;
	if (t->version != version && !blind) {
		push_trace(w, "target %d: a write of push %d is refused: version %d is %d", target, p->index,
			   version, t->version);
		return;
	}
	push_trace(w, "target %d: %d -> %d by push %d", target, t->runs, commit, p->index);
	check_push_write(w, p, target);
	/* One that gave up undoing may have a request on its way still; versions keep it from doing harm. */
	t->busy = push_finished(p) ? t->busy : p->index;
	t->version++;
	if (t->runs == commit)
		return;
	t->runs = commit;
	const struct push *bringer = commit > 0 && commit <= PUSHES_MAX ? &w->pushes[commit - 1] : NULL;
	if (bringer && bringer->rollout == FATE_HANGS)
		return;
	struct push_event *e = push_later(w, bringer ? bringer->rollout_ms : 500, rolled_out);
	e->a = target;
	e->b = t->version;
}
