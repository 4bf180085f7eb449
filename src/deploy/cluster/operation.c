/*
 * operation.c - one apply: persist the inventory, then stage by stage send, answer, settle; then prune.
 *
 * Invariants:
 * - no object is created whose key is not in the persisted inventory;
 * - at most CLUSTER_IN_FLIGHT_MAX requests are under way;
 * - a cancelled operation starts nothing, and its answers are still believed (what was applied was applied);
 * - entries do not move while an operation runs, so items may keep indices.
 */
#include "deploy/cluster/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define OWNED_BY_OTHER "belongs to app %s (label " LABEL_APP "); remove it there, or remove the label"

static bool kind_synced(struct cluster_driver *d, struct str key)
{
	struct key k;
	return key_split(key, &k) && view_synced(d->view, k.group, k.kind);
}

/* --- plan --- */

void cluster_plan(struct driver *base, struct desired *desired)
{
	struct cluster_driver *d = cluster_driver_of(base);
	desired_unref(d->desired);
	d->desired = desired_ref(desired);
	struct driver_summary *s = &d->summary;
	s->to_create = s->to_update = s->to_prune = s->unchanged = 0;
	for (size_t i = 0; i < desired->n; i++) {
		const struct desired_item *item = &desired->items[i];
		const struct entry *e = entry_find(d, item->key);
		if (!e || !e->record->seen)
			s->to_create++;
		else if (hash_eq(e->desired, item->hash) && hash_eq(e->live, e->record->live))
			s->unchanged++;
		else
			s->to_update++;
	}
	for (size_t i = 0; i < d->entries.n; i++)
		if (!desired_find(desired, d->entries.at[i].record->key))
			s->to_prune++;
	driver_notify(base, DRIVER_PLANNED);
}

/* --- begin --- */

static int compare_entries(const void *a, const void *b)
{
	return str_cmp(((const struct entry *)a)->record->key, ((const struct entry *)b)->record->key);
}

/* Claims an item's key; new ones are appended (unsorted, unpersisted). False: another app has it. */
static bool claim(struct cluster_driver *d, size_t sorted_n, const struct desired_item *item, bool *added)
{
	struct cluster_driver *other;
	bool known = false;
	size_t n = d->entries.n;
	d->entries.n = sorted_n; /* search only what is sorted */
	known = entry_find(d, item->key) != NULL;
	d->entries.n = n;
	if (known)
		return true;
	struct record *r = view_find(d->view, item->key);
	if (r && !r->claimed && owned_by_other(d, r)) {
		/* Not claimed: its owner may be about to. */
		problem_add(d, item, item->key, false, OWNED_BY_OTHER, r->owner);
		return false;
	}
	r = view_claim(d->view, item->key, d, &other);
	if (other) {
		problem_add(d, item, item->key, false,
			    "is managed by app %s already; remove it from one of the two",
			    cluster_driver_owner(other));
		return false;
	}
	if (!r)
		return false;
	struct entry e = { .record = r, .version = view_intern(d->view, item->version) };
	vec_push(&d->entries, e);
	*added = true;
	return true;
}

static void mark_unwanted(struct cluster_driver *d)
{
	/* A file that did not parse may hold any object: then everything that was wanted still is. */
	if (d->desired->n_errors)
		return;
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		e->wanted = false;
		e->failed = false;
		e->kept = false;
	}
}

static void bind_items(struct cluster_driver *d)
{
	d->op.items = mem_alloc(sizeof(*d->op.items) * (d->desired->n + 1));
	for (size_t i = 0; i < d->desired->n; i++) {
		const struct desired_item *item = &d->desired->items[i];
		struct entry *e = entry_find(d, item->key);
		d->op.items[i].entry = e ? (uint32_t)(e - d->entries.at) : UINT32_MAX;
		if (!e)
			continue;
		e->wanted = true;
		e->behind = !hash_eq(e->desired, item->hash);
		e->ignored = item->flags & DESIRED_IGNORE;
		e->version = view_intern(d->view, item->version);
	}
	for (size_t i = 0; i < d->entries.n; i++)
		entry_recount(d, &d->entries.at[i]);
}

void operation_begin(struct cluster_driver *d, enum operation_kind kind)
{
	free(d->op.items);
	free(d->op.doomed);
	d->op = (struct operation){ .kind = kind, .serial = ++d->next_serial, .started_at = d->base.now };
	vec_release(&d->problems);
	arena_release(&d->problem_arena);
	entries_compact(d);
}

void cluster_apply(struct driver *base, const struct apply_options *options)
{
	struct cluster_driver *d = cluster_driver_of(base);
	operation_begin(d, OPERATION_APPLY);
	d->op.options = *options;
	d->prune_on = options->prune;
	bool added = false;
	size_t sorted_n = d->entries.n;
	for (size_t i = 0; i < d->desired->n; i++)
		claim(d, sorted_n, &d->desired->items[i], &added);
	if (added)
		qsort(d->entries.at, d->entries.n, sizeof(*d->entries.at), compare_entries);
	mark_unwanted(d);
	bind_items(d);
	observe_kinds(d);

	bool persisted = true;
	for (size_t i = 0; i < d->entries.n; i++)
		persisted = persisted && d->entries.at[i].persisted;
	d->op.phase = persisted ? PHASE_STAGE : PHASE_PERSIST;
	d->op.stage = d->desired->n ? d->desired->items[0].stage : 0;
	if (!persisted) {
		d->inventory_serial++;
		d->op.in_flight++;
		d->port->persist(d->port_ctx, d, token_of(d, 0, false));
		return;
	}
	operation_pump(d);
}

/* --- items --- */

void item_done(struct cluster_driver *d, size_t i)
{
	d->op.items[i].state = ITEM_DONE;
	d->op.open--;
	entry_recount(d, &d->entries.at[d->op.items[i].entry]);
}

void item_failed(struct cluster_driver *d, size_t i, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	const struct desired_item *item = &d->desired->items[i];
	problem_add(d, item, item->key, false, "%s", text.p);
	struct entry *e = &d->entries.at[d->op.items[i].entry];
	e->failed = true;
	d->op.items[i].state = ITEM_FAILED;
	d->op.open--;
	entry_recount(d, e);
}

void item_apply(struct cluster_driver *d, size_t i)
{
	const struct desired_item *item = &d->desired->items[i];
	struct entry *e = &d->entries.at[d->op.items[i].entry];
	/* Also before the second apply of a take-over: somebody may have given it to another app meanwhile.
	 */
	if (owned_by_other(d, e->record)) {
		item_failed(d, i, OWNED_BY_OTHER, e->record->owner);
		e->foreign = true;
		return;
	}
	d->op.items[i].state = ITEM_APPLYING;
	struct port_request request = {
		.verb = PORT_APPLY,
		.key = item->key,
		.version = item->version,
		.body = item->payload,
		/* An app that was in order and has one thing to do is healing: nobody should queue before it.
		 */
		.urgent = d->summary.drifted > 0 && d->summary.drifted < 8,
	};
	driver_send(d, (uint32_t)i, false, &request);
}

static bool is_clean(const struct entry *e, const struct desired_item *item)
{
	return !e->failed && hash_eq(e->desired, item->hash) && e->record->seen && !e->record->deleting &&
	       hash_eq(e->live, e->record->live) && !hash_is_zero(e->live);
}

/* Whether enough is known of an item's kind, or nothing more is to be waited for. */
static bool may_start(struct cluster_driver *d, struct str key)
{
	struct key k;
	return kind_synced(d, key) || d->base.now - d->op.started_at >= CLUSTER_SYNC_WAIT_MS ||
	       (key_split(key, &k) && view_failure(d->view, k.group, k.kind));
}

void item_start(struct cluster_driver *d, size_t i)
{
	const struct desired_item *desired = &d->desired->items[i];
	struct item *item = &d->op.items[i];
	d->op.open++;
	if (item->entry == UINT32_MAX || (desired->flags & DESIRED_IGNORE)) {
		item->state = ITEM_DONE;
		d->op.open--;
		return;
	}
	struct entry *e = &d->entries.at[item->entry];
	if (is_clean(e, desired)) {
		item_done(d, i);
		return;
	}
	bool synced = kind_synced(d, desired->key);
	if (!synced && !e->record->seen && !item->checked) {
		if (!may_start(d, desired->key)) {
			item->state = ITEM_DEFERRED;
			d->op.parked++;
			return;
		}
		item->state = ITEM_CHECKING;
		struct port_request request = {
			.verb = PORT_GET,
			.key = desired->key,
			.version = desired->version,
		};
		driver_send(d, (uint32_t)i, false, &request);
		return;
	}
	item_apply(d, i);
}

/* Deferred items whose kind is in sync now, and forced ones that are gone now, go on. */
static void wake_items(struct cluster_driver *d)
{
	for (size_t i = 0; i < d->op.cursor && d->op.parked > 0; i++) {
		struct item *item = &d->op.items[i];
		if (d->op.in_flight >= CLUSTER_IN_FLIGHT_MAX)
			return;
		if (item->state == ITEM_DEFERRED && may_start(d, d->desired->items[i].key)) {
			item->state = ITEM_TODO;
			d->op.parked--;
			d->op.open--;
			item_start(d, i);
		} else if (item->state == ITEM_AWAIT_GONE && !d->entries.at[item->entry].record->seen) {
			d->op.parked--;
			item_apply(d, i);
		}
	}
}

/* --- stages --- */

static bool stage_is_current(const struct cluster_driver *d)
{
	for (size_t i = 0; i < d->op.cursor; i++) {
		const struct item *item = &d->op.items[i];
		if (d->desired->items[i].stage != d->op.stage || item->state != ITEM_DONE ||
		    item->entry == UINT32_MAX)
			continue;
		const struct record *r = d->entries.at[item->entry].record;
		if (r->health != HEALTH_CURRENT && r->health != HEALTH_FAILED)
			return false;
	}
	return true;
}

static bool has_failures(const struct cluster_driver *d)
{
	for (size_t i = 0; i < d->problems.n; i++)
		if (!d->problems.at[i].warning)
			return true;
	return d->desired && d->desired->n_errors;
}

static void after_stages(struct cluster_driver *d)
{
	if (has_failures(d)) {
		operation_end(d);
		return;
	}
	d->op.phase = PHASE_PRUNE;
	prune_begin(d);
}

static void next_stage(struct cluster_driver *d)
{
	if (d->op.cursor == d->desired->n) {
		after_stages(d);
		return;
	}
	d->op.stage = d->desired->items[d->op.cursor].stage;
	d->op.phase = PHASE_STAGE;
}

/* Returns true when it made progress that may allow more. */
static bool pump_stage(struct cluster_driver *d)
{
	wake_items(d);
	while (d->op.cursor < d->desired->n && d->desired->items[d->op.cursor].stage == d->op.stage &&
	       d->op.in_flight < CLUSTER_IN_FLIGHT_MAX)
		item_start(d, d->op.cursor++);
	bool more = d->op.cursor < d->desired->n && d->desired->items[d->op.cursor].stage == d->op.stage;
	if (more || d->op.open > 0)
		return false;
	if (d->op.cursor < d->desired->n) {
		d->op.phase = PHASE_SETTLE;
		d->op.settle_until = d->base.now + CLUSTER_STAGE_WAIT_MS;
	} else {
		next_stage(d);
	}
	return true;
}

static bool pump_settle(struct cluster_driver *d)
{
	if (!stage_is_current(d) && d->base.now < d->op.settle_until)
		return false;
	next_stage(d);
	return true;
}

void operation_end(struct cluster_driver *d)
{
	enum operation_kind kind = d->op.kind;
	bool cancelled = d->op.cancelled;
	d->summary.unfinished &= cancelled;
	d->op.kind = OPERATION_NONE;
	free(d->op.items);
	free(d->op.doomed);
	d->op.items = NULL;
	d->op.doomed = NULL;
	d->inventory_serial++;
	entries_compact(d);
	observe_kinds(d);
	desired_unref(d->desired);
	d->desired = NULL;
	if (cancelled)
		driver_notify(&d->base, DRIVER_DRAINED);
	else
		driver_notify(&d->base, kind == OPERATION_REMOVE ? DRIVER_REMOVED : DRIVER_APPLIED);
}

void operation_pump(struct cluster_driver *d)
{
	bool again = true;
	while (again && d->op.kind != OPERATION_NONE) {
		if (d->op.cancelled) {
			if (d->op.in_flight == 0)
				operation_end(d);
			return;
		}
		switch (d->op.phase) {
		case PHASE_PERSIST:
			again = false;
			break;
		case PHASE_STAGE:
			again = pump_stage(d);
			break;
		case PHASE_SETTLE:
			again = pump_settle(d);
			break;
		case PHASE_PRUNE:
			prune_pump(d);
			again = false;
			break;
		}
	}
}

void cluster_cancel(struct driver *base)
{
	struct cluster_driver *d = cluster_driver_of(base);
	if (d->op.kind == OPERATION_NONE) {
		driver_notify(base, DRIVER_DRAINED);
		return;
	}
	d->op.cancelled = true;
	operation_pump(d);
}

/* Forgets what no lost request can bring back any more; entries do not move while an operation runs. */
static int64_t tick_unsure(struct cluster_driver *d)
{
	if (d->base.now < d->unsure_next)
		return d->unsure_next;
	uint64_t serial = d->inventory_serial;
	if (d->op.kind == OPERATION_NONE)
		entries_compact(d);
	if (d->inventory_serial != serial)
		driver_notify(&d->base, DRIVER_CHANGED); /* it is to be stored */
	d->unsure_next = INT64_MAX;
	for (size_t i = 0; i < d->entries.n; i++) {
		int64_t until = d->entries.at[i].unsure_until;
		if (until > d->base.now && until < d->unsure_next)
			d->unsure_next = until;
	}
	return d->unsure_next;
}

static int64_t tick_operation(struct cluster_driver *d)
{
	if (d->op.kind == OPERATION_NONE || d->op.cancelled)
		return INT64_MAX;
	operation_pump(d);
	if (d->op.kind == OPERATION_NONE)
		return INT64_MAX;
	if (d->op.phase == PHASE_SETTLE)
		return d->op.settle_until;
	int64_t sync_wait = d->op.started_at + CLUSTER_SYNC_WAIT_MS;
	return d->op.phase == PHASE_STAGE && d->base.now < sync_wait ? sync_wait : INT64_MAX;
}

int64_t cluster_tick(struct driver *base)
{
	struct cluster_driver *d = cluster_driver_of(base);
	int64_t at = tick_operation(d), unsure = tick_unsure(d);
	return at < unsure ? at : unsure;
}
