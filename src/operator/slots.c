/*
 * slots.c - how many attempts render and apply at the same time.
 *
 * A thousand Apps that start at once are done sooner, and each far sooner, when a few dozen at a time go from
 * render to applied: less is queued, less is in memory, and the first are Ready while the last have not
 * begun. Waiting for health needs no slot. An attempt that takes long (a webhook that hangs) keeps its slot
 * for SLOT_LENT_MS only: then it goes on without one, so that it holds up nobody. Where all take long the
 * server is what is slow: at most SLOTS_LENT_MAX go on so, as more requests would only make it slower.
 */
#include "base/clock.h"
#include "operator/internal.h"

enum {
	SLOTS = 48,
	SLOT_LENT_MS = 2000,
	SLOTS_LENT_MAX = 3 * SLOTS,
	SLOT_LOOK_MS = 250,
};

static void give_back(struct managed *m)
{
	if (m->slot && m->slot_lent)
		m->operator->slots_lent--;
	else if (m->slot)
		m->operator->slots_taken--;
	m->slot = m->slot_lent = false;
}

static void take(struct managed *m)
{
	m->operator->slots_taken++;
	m->slot = true;
	m->slot_since = clock_mono_ms();
}

static void start_next(struct operator* op)
{
	size_t taken = 0;
	while (taken < op->start_queue.n && op->slots_taken < SLOTS) {
		struct managed *m = op->start_queue.at[taken++];
		if (!m)
			continue;
		m->start_queued = false;
		if (!m->ready || m->app.phase != APP_RENDERING)
			continue; /* suspended or deleted meanwhile */
		take(m);
		status_touch(m);
		app_render_started(&m->app, m->job_ticket, clock_mono_ms());
		job_start(m, m->job_ticket);
	}
	if (taken)
		memmove(op->start_queue.at, op->start_queue.at + taken,
			(op->start_queue.n - taken) * sizeof(*op->start_queue.at));
	op->start_queue.n -= taken;
}

/* Slots that were held too long count no more. Looked at only while somebody waits. */
static void look(void *arg)
{
	struct operator* op = arg;
	struct map_entry *e;
	int64_t now = clock_mono_ms();
	for (size_t i = 0; (e = map_next(&op->apps, &i)) && op->slots_lent < SLOTS_LENT_MAX;) {
		struct managed *m = e->value;
		if (!m->slot || m->slot_lent || now - m->slot_since < SLOT_LENT_MS)
			continue;
		m->slot_lent = true;
		op->slots_lent++;
		op->slots_taken--;
	}
	start_next(op);
	if (op->start_queue.n)
		loop_timer_set(op->slot_timer, SLOT_LOOK_MS);
}

void slot_wait(struct managed *m, uint64_t ticket)
{
	struct operator* op = m->operator;
	m->job_ticket = ticket;
	/* A heal is one request long, and somebody looks at it: it waits for nobody. */
	bool heal = m->app.driver->ops->summary(m->app.driver)->drifted > 0;
	if (m->slot || heal || (op->slots_taken < SLOTS && op->start_queue.n == 0)) {
		if (!m->slot)
			take(m);
		job_start(m, ticket);
		return;
	}
	if (!m->start_queued)
		vec_push(&op->start_queue, m);
	m->start_queued = true;
	status_defer(m);
	if (!op->slot_timer)
		op->slot_timer = loop_timer_new(op->loop, look, op);
	if (!loop_timer_armed(op->slot_timer))
		loop_timer_set(op->slot_timer, SLOT_LOOK_MS);
}

void slot_check(struct managed *m)
{
	if (!m->slot || m->app.phase == APP_RENDERING || m->app.phase == APP_APPLYING)
		return;
	give_back(m);
	start_next(m->operator);
}

void slot_release(struct managed *m)
{
	struct operator* op = m->operator;
	give_back(m);
	for (size_t i = 0; m->start_queued && i < op->start_queue.n; i++)
		if (op->start_queue.at[i] == m)
			op->start_queue.at[i] = NULL;
	m->start_queued = false;
	if (op->start_queue.n && !op->stopping)
		loop_timer_set(op->slot_timer, 0);
}
