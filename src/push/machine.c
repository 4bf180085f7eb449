/*
 * machine.c - one push from CHECK to its end. Every state is written down first (persist) and acted on when
 * that is answered, so what the disk says is never behind what was done outside.
 *
 * Two questions decide what a trouble leads to: was anything delivered (then UNDO, else REFUSED at once), and
 * may the record say ACCEPT (then nothing is undone before it says UNDO: a process that resumed from ACCEPT
 * would move the refs to what no target runs any more).
 */
#include "push/machine.h"

#include <string.h>

#define AGAIN_FIRST_MS 500 /* pauses between tries to undo double from here */
#define AGAIN_MAX_MS 10000

const char *push_state_name(enum push_state state)
{
	static const char *const names[] = {
		[PIPE_NEW] = "new",	  [PIPE_CHECK] = "check",     [PIPE_BUILD] = "build",
		[PIPE_CLAIM] = "claim",	  [PIPE_DELIVER] = "deliver", [PIPE_WATCH] = "watch",
		[PIPE_ACCEPT] = "accept", [PIPE_UNDO] = "undo",	      [PIPE_UNDO_WATCH] = "undo-watch",
		[PIPE_DONE] = "done",	  [PIPE_REFUSED] = "refused",
	};
	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static bool over(enum push_state state)
{
	return state == PIPE_DONE || state == PIPE_REFUSED;
}

/* From here on a newer push waits, and the pipeline's deadline no longer counts. */
static bool beyond_recall(enum push_state state)
{
	return state >= PIPE_ACCEPT;
}

bool push_machine_ended(const struct push_machine *m)
{
	return over(m->state) || (m->state == PIPE_ACCEPT && m->answered);
}

void push_machine_init(struct push_machine *m, const struct push_host *host, void *ctx,
		       const struct push_config *config)
{
	*m = (struct push_machine){ .host = host, .ctx = ctx, .config = *config };
}

void push_machine_configure(struct push_machine *m, const struct push_config *config)
{
	m->config = *config;
	if (m->deadline_ms && !beyond_recall(m->state))
		m->deadline_ms = m->began_ms + config->timeout_ms;
}

/* Asks for what the state is about. */
static void act(struct push_machine *m)
{
	const struct push_host *h = m->host;
	m->asked = m->state;
	m->cancelled = false;
	switch (m->state) {
	case PIPE_CHECK:
		h->check(m->ctx);
		break;
	case PIPE_BUILD:
		h->build(m->ctx);
		break;
	case PIPE_CLAIM:
		h->claim(m->ctx);
		break;
	case PIPE_DELIVER:
		h->deliver(m->ctx);
		break;
	case PIPE_WATCH:
		h->watch(m->ctx);
		break;
	case PIPE_ACCEPT:
		h->move_refs(m->ctx);
		break;
	case PIPE_UNDO:
		h->undo(m->ctx);
		break;
	case PIPE_UNDO_WATCH:
		h->undo_watch(m->ctx);
		break;
	case PIPE_NEW:
	case PIPE_DONE:
	case PIPE_REFUSED:
		m->asked = PIPE_NEW;
		break;
	}
}

static void persist(struct push_machine *m, enum push_state state)
{
	m->state = state;
	m->persisting = true;
	m->host->persist(m->ctx, state);
}

static void finish(struct push_machine *m, enum push_state state)
{
	m->state = state;
	m->deadline_ms = 0;
	if (state == PIPE_REFUSED && !m->resumed) {
		m->answered = true;
		m->host->answer(m->ctx, false);
	}
	m->host->finish(m->ctx, state, m->unclean);
}

static void undo(struct push_machine *m, int64_t now_ms)
{
	m->deadline_ms = now_ms + m->config.undo_timeout_ms;
	m->pause_ms = AGAIN_FIRST_MS;
	persist(m, PIPE_UNDO);
}

static void give_up_undoing(struct push_machine *m)
{
	m->unclean = true;
	finish(m, PIPE_REFUSED);
}

static bool late(const struct push_machine *m, int64_t now_ms)
{
	return m->deadline_ms && now_ms >= m->deadline_ms;
}

static void undo_again_later(struct push_machine *m, int64_t now_ms)
{
	if (late(m, now_ms)) {
		give_up_undoing(m);
		return;
	}
	m->again_ms = now_ms + m->pause_ms;
	m->pause_ms = m->pause_ms * 2 < AGAIN_MAX_MS ? m->pause_ms * 2 : AGAIN_MAX_MS;
}

void push_machine_start(struct push_machine *m, int64_t now_ms)
{
	m->began_ms = now_ms;
	m->deadline_ms = now_ms + m->config.timeout_ms;
	/* The record was made with the push; nothing is worth a write yet. */
	m->state = PIPE_CHECK;
	act(m);
}

void push_machine_resume(struct push_machine *m, enum push_state state, bool refs_moved, int64_t now_ms)
{
	m->resumed = true;
	m->began_ms = now_ms;
	switch (state) {
	case PIPE_NEW:
	case PIPE_CHECK:
	case PIPE_BUILD:
	case PIPE_CLAIM: /* DELIVER would be on disk if anything had been delivered */
		finish(m, PIPE_REFUSED);
		break;
	case PIPE_DELIVER:
	case PIPE_WATCH:
	case PIPE_UNDO:
	case PIPE_UNDO_WATCH:
	case PIPE_REFUSED:
		undo(m, now_ms);
		break;
	case PIPE_ACCEPT:
		m->decided = true;
		m->state = PIPE_ACCEPT;
		if (refs_moved) {
			finish(m, PIPE_DONE);
			break;
		}
		m->deadline_ms = now_ms + m->config.undo_timeout_ms;
		act(m);
		break;
	case PIPE_DONE:
		finish(m, PIPE_DONE);
		break;
	}
}

static void accept_push(struct push_machine *m)
{
	/* Even a write that is said to have failed may be what the next process reads. */
	m->decided = true;
	persist(m, PIPE_ACCEPT);
}

static void watched(struct push_machine *m, enum step_outcome outcome, int64_t now_ms)
{
	m->failed = outcome != STEP_OK || m->late;
	if (m->preempted || (m->failed && !m->config.keep))
		undo(m, now_ms);
	else
		accept_push(m);
}

/* The record says the state, or the disk refused it. */
static void persisted(struct push_machine *m, bool good, int64_t now_ms)
{
	bool stop = m->preempted || m->late || !good;
	switch (m->state) {
	case PIPE_BUILD:
	case PIPE_CLAIM:
	case PIPE_DELIVER:
		if (stop)
			finish(m, PIPE_REFUSED);
		else
			act(m);
		break;
	case PIPE_WATCH:
		/* What the disk does not take now, it will not take in ACCEPT either. */
		if (!good)
			undo(m, now_ms);
		else if (stop)
			watched(m, STEP_LATE, now_ms);
		else
			act(m);
		break;
	case PIPE_ACCEPT:
		if (!good) {
			undo(m, now_ms);
			break;
		}
		m->deadline_ms = 0;
		m->answered = true;
		m->host->answer(m->ctx, true);
		break;
	case PIPE_UNDO:
		m->decided = m->decided && !good;
		if (m->decided)
			undo_again_later(m, now_ms);
		else
			act(m);
		break;
	default:
		break;
	}
}

static void undone(struct push_machine *m, enum step_outcome outcome, int64_t now_ms)
{
	if (late(m, now_ms)) {
		give_up_undoing(m);
	} else if (m->state == PIPE_UNDO && outcome != STEP_OK) {
		undo_again_later(m, now_ms);
	} else if (m->state == PIPE_UNDO) {
		/* Nothing is lost when this is not on disk: undoing twice does no harm. */
		m->state = PIPE_UNDO_WATCH;
		act(m);
	} else if (outcome != STEP_OK) {
		give_up_undoing(m);
	} else {
		finish(m, PIPE_REFUSED);
	}
}

void push_machine_step(struct push_machine *m, enum step_outcome outcome, int64_t now_ms)
{
	if (push_machine_ended(m))
		return;
	if (m->persisting) {
		m->persisting = false;
		persisted(m, outcome == STEP_OK, now_ms);
		return;
	}
	if (m->asked != m->state)
		return;
	m->asked = PIPE_NEW;
	m->preempted |= outcome == STEP_PREEMPTED && !beyond_recall(m->state);
	m->late |= outcome == STEP_LATE && !beyond_recall(m->state);
	bool good = outcome == STEP_OK && !m->preempted && !m->late;
	switch (m->state) {
	case PIPE_CHECK:
	case PIPE_BUILD:
	case PIPE_CLAIM:
		if (!good)
			finish(m, PIPE_REFUSED);
		else if (m->state == PIPE_CHECK && m->config.nothing)
			accept_push(m);
		else
			persist(m, m->state + 1);
		break;
	case PIPE_DELIVER:
		if (good)
			persist(m, PIPE_WATCH);
		else
			undo(m, now_ms);
		break;
	case PIPE_WATCH:
		watched(m, outcome, now_ms);
		break;
	case PIPE_ACCEPT:
		if (outcome == STEP_OK)
			finish(m, PIPE_DONE);
		else
			undo(m, now_ms);
		break;
	case PIPE_UNDO:
	case PIPE_UNDO_WATCH:
		undone(m, outcome, now_ms);
		break;
	default:
		break;
	}
}

static void cancel(struct push_machine *m)
{
	if (m->asked == PIPE_NEW || m->persisting || m->cancelled)
		return;
	m->cancelled = true;
	m->host->cancel(m->ctx);
}

void push_machine_preempt(struct push_machine *m, int64_t now_ms)
{
	(void)now_ms;
	if (beyond_recall(m->state) || m->state == PIPE_NEW)
		return;
	m->preempted = true;
	cancel(m);
}

int64_t push_machine_deadline(const struct push_machine *m)
{
	if (m->state == PIPE_NEW || push_machine_ended(m))
		return INT64_MAX;
	/* Once told, the answer of what is under way is all there is to wait for. */
	bool told = m->persisting || m->cancelled || (m->late && !beyond_recall(m->state));
	int64_t next = m->deadline_ms && !told ? m->deadline_ms : INT64_MAX;
	return m->again_ms && m->again_ms < next ? m->again_ms : next;
}

void push_machine_tick(struct push_machine *m, int64_t now_ms)
{
	if (m->state == PIPE_NEW || push_machine_ended(m))
		return;
	if (m->again_ms && (now_ms >= m->again_ms || late(m, now_ms))) {
		m->again_ms = 0;
		if (late(m, now_ms))
			give_up_undoing(m);
		else if (m->decided)
			persist(m, PIPE_UNDO);
		else
			act(m);
		return;
	}
	if (!late(m, now_ms))
		return;
	if (!beyond_recall(m->state))
		m->late = true;
	cancel(m);
}
