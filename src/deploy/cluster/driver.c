/*
 * driver.c - the inventory of one app: entries bound to records of the view, counted as they change.
 *
 * Counting is incremental: an app of 20,000 objects gets 20,000 watch events, and none of them may cost a
 * walk.
 */
#include "deploy/cluster/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What an entry counts as; bits may combine. */
enum {
	CLASS_WANTED = 1 << 0,
	CLASS_STALE = 1 << 1,
	CLASS_DRIFTED = 1 << 2,
	CLASS_CURRENT = 1 << 3,
	CLASS_PROGRESSING = 1 << 4,
	CLASS_FAILED = 1 << 5,
	CLASS_UNKNOWN = 1 << 6,
	CLASS_SYNCED = 1 << 7,
};

struct cluster_driver *cluster_driver_of(struct driver *d)
{
	return (struct cluster_driver *)d;
}

struct driver *cluster_driver_base(struct cluster_driver *d)
{
	return &d->base;
}

const char *cluster_driver_owner(const struct cluster_driver *d)
{
	return d->owner;
}

uint64_t cluster_driver_inventory_serial(const struct cluster_driver *d)
{
	return d->inventory_serial;
}

/* --- entries --- */

struct entry *entry_find(struct cluster_driver *d, struct str key)
{
	size_t low = 0, high = d->entries.n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = str_cmp(d->entries.at[middle].record->key, key);
		if (order == 0)
			return &d->entries.at[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_drifted(const struct entry *e)
{
	if (hash_is_zero(e->desired) || e->failed)
		return false; /* never applied, or refused: the attempt's own matter */
	return !e->record->seen || e->record->deleting || !hash_eq(e->live, e->record->live);
}

static bool is_synced(const struct entry *e)
{
	return e->wanted && !e->failed && !e->behind && !hash_is_zero(e->desired) && !is_drifted(e);
}

static uint8_t class_of(const struct cluster_driver *d, const struct entry *e)
{
	if (e->ignored || e->kept)
		return 0;
	if (!e->wanted) {
		if (!d->prune_on || !e->record->seen)
			return 0;
		/* There again, or for the first time, after it was removed: a lost request that took effect
		 * late. */
		return e->record->deleting || e->dying ? CLASS_STALE : CLASS_STALE | CLASS_DRIFTED;
	}
	uint8_t class = CLASS_WANTED;
	if (is_drifted(e))
		class |= CLASS_DRIFTED;
	if (is_synced(e))
		class |= CLASS_SYNCED;
	switch ((enum health)e->record->health) {
	case HEALTH_CURRENT:
		return class | (e->record->seen ? CLASS_CURRENT : CLASS_PROGRESSING);
	case HEALTH_FAILED:
		return class | CLASS_FAILED;
	case HEALTH_UNKNOWN:
		return class | CLASS_UNKNOWN;
	case HEALTH_PROGRESSING:
	case HEALTH_TERMINATING:
	case HEALTH_MISSING:
		break;
	}
	return class | CLASS_PROGRESSING;
}

static void count_class(struct driver_summary *s, uint8_t class, size_t by)
{
	s->items += class & CLASS_WANTED ? by : 0;
	s->synced += class & CLASS_SYNCED ? by : 0;
	s->stale += class & CLASS_STALE ? by : 0;
	s->drifted += class & CLASS_DRIFTED ? by : 0;
	s->current += class & CLASS_CURRENT ? by : 0;
	s->progressing += class & CLASS_PROGRESSING ? by : 0;
	s->failed += class & CLASS_FAILED ? by : 0;
	s->unknown += class & CLASS_UNKNOWN ? by : 0;
}

void entry_unsure(struct cluster_driver *d, struct entry *e)
{
	e->unsure_until = d->base.now + CLUSTER_LOST_GRACE_MS;
	if (e->unsure_until < d->unsure_next)
		d->unsure_next = e->unsure_until;
}

void entry_recount(struct cluster_driver *d, struct entry *e)
{
	uint8_t class = class_of(d, e);
	if (class == e->class)
		return;
	count_class(&d->summary, e->class, (size_t)-1);
	count_class(&d->summary, class, 1);
	e->class = class;
}

static bool is_gone(const struct cluster_driver *d, const struct entry *e)
{
	struct key k;
	return !e->wanted && !e->record->seen && d->base.now >= e->unsure_until &&
	       key_split(e->record->key, &k) && view_synced(d->view, k.group, k.kind);
}

void entries_compact(struct cluster_driver *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		bool foreign = e->foreign && owned_by_other(d, e->record);
		e->foreign = false;
		if (is_gone(d, e) || foreign) {
			count_class(&d->summary, e->class, (size_t)-1);
			view_unclaim(d->view, e->record);
			d->inventory_serial++;
		} else {
			d->entries.at[kept++] = *e;
		}
	}
	d->entries.n = kept;
}

static void note_blind(struct cluster_driver *d, struct key k)
{
	const char *why = view_failure(d->view, k.group, k.kind);
	if (!why || d->summary.blind)
		return;
	snprintf(d->blind, sizeof(d->blind), "%.*s cannot be watched: %s", STR_ARG(k.kind), why);
	d->summary.blind = d->blind;
}

/* Looks whether every kind has been listed; waits for those that were not. */
void observe_kinds(struct cluster_driver *d)
{
	bool all = true;
	struct str last = { 0 };
	d->summary.blind = NULL;
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		struct key k;
		if (!key_split(e->record->key, &k))
			continue;
		/* Sorted by key, so kinds come in runs: one question a run. */
		struct str prefix = { e->record->key.p, (size_t)(k.kind.p + k.kind.n - e->record->key.p) };
		if (str_eq(prefix, last))
			continue;
		last = prefix;
		d->port->watch(d->port_ctx, k.group, k.kind, str_of(e->version));
		if (!view_synced(d->view, k.group, k.kind)) {
			all = false;
			note_blind(d, k);
			view_wait(d->view, k.group, k.kind, d);
		}
	}
	d->summary.observed = all;
}

bool owned_by_other(const struct cluster_driver *d, const struct record *r)
{
	return r->seen && r->owner && strcmp(r->owner, d->owner) != 0;
}

/* --- problems --- */

void problem_add(struct cluster_driver *d, const struct desired_item *item, struct str key, bool warning,
		 const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct problem p = {
		.key = arena_strndup(&d->problem_arena, key.p, key.n),
		.file = item && item->file ? arena_strdup(&d->problem_arena, item->file) : "",
		.line = item ? item->line : 0,
		.text = arena_vprintf(&d->problem_arena, fmt, ap),
		.warning = warning,
	};
	va_end(ap);
	vec_push(&d->problems, p);
}

static const struct problem *get_problems(struct driver *base, size_t *n)
{
	struct cluster_driver *d = cluster_driver_of(base);
	*n = d->problems.n;
	return d->problems.at;
}

/* --- requests --- */

enum { DOOMED_BIT = 1u << 31 }; /* the token's index names an entry to remove, not an item to apply */

uint64_t token_of(const struct cluster_driver *d, uint32_t index, bool doomed)
{
	return (uint64_t)d->op.serial << 32 | index | (doomed ? (uint32_t)DOOMED_BIT : 0);
}

void driver_send(struct cluster_driver *d, uint32_t index, bool doomed, struct port_request *request)
{
	request->timeout_ms = CLUSTER_REQUEST_TIMEOUT_MS;
	d->op.in_flight++;
	d->port->send(d->port_ctx, d, token_of(d, index, doomed), request);
}

static void refresh_now(struct cluster_driver *d)
{
	if (d->base.now < d->view->now)
		d->base.now = d->view->now;
}

/* An answer of the operation under way; false: of one that is gone (a restart of the app inside one process).
 */
static bool is_current_answer(const struct cluster_driver *d, uint64_t token)
{
	return d->op.kind != OPERATION_NONE && (uint32_t)(token >> 32) == d->op.serial;
}

void cluster_driver_answer(struct cluster_driver *d, uint64_t token, const struct port_answer *answer)
{
	refresh_now(d);
	if (!is_current_answer(d, token))
		return;
	uint32_t index = (uint32_t)token;
	/* It counts as under way until it is dealt with: the view's news of it must not end the operation
	 * meanwhile. */
	if (index & (uint32_t)DOOMED_BIT)
		prune_answer(d, index & ~(uint32_t)DOOMED_BIT, answer);
	else
		item_answer(d, index, answer);
	d->op.in_flight--;
	operation_pump(d);
}

void cluster_driver_persisted(struct cluster_driver *d, uint64_t token, const char *failure)
{
	refresh_now(d);
	if (!is_current_answer(d, token))
		return;
	d->op.in_flight--;
	if (failure) {
		problem_add(d, NULL, STR(""), false,
			    "the inventory cannot be written, so nothing was created: %s", failure);
		if (!d->op.cancelled)
			operation_end(d);
		else
			operation_pump(d);
		return;
	}
	for (size_t i = 0; i < d->entries.n; i++)
		d->entries.at[i].persisted = true;
	if (d->op.phase == PHASE_PERSIST)
		d->op.phase = PHASE_STAGE;
	operation_pump(d);
}

/* --- what the view tells --- */

void cluster_driver_live(struct cluster_driver *d, struct record *r)
{
	struct entry *e = entry_find(d, r->key);
	if (!e)
		return;
	refresh_now(d);
	uint8_t before = e->class;
	if (!r->seen || hash_fast(str_of(r->uid)) != e->dying)
		e->dying = 0; /* gone, or another object of its name by now */
	entry_recount(d, e);
	if (d->op.kind != OPERATION_NONE) {
		operation_pump(d);
	} else {
		if (is_gone(d, e))
			entries_compact(d);
		else if (before == e->class && !r->message)
			return; /* nothing that anybody sees */
		driver_notify(&d->base, DRIVER_CHANGED);
	}
}

void cluster_driver_kind_synced(struct cluster_driver *d)
{
	refresh_now(d);
	bool before = d->summary.observed || d->summary.blind;
	observe_kinds(d);
	if (d->op.kind != OPERATION_NONE) {
		operation_pump(d);
		return;
	}
	if (d->summary.observed)
		entries_compact(d);
	if (!before || d->summary.observed || d->summary.blind)
		driver_notify(&d->base, DRIVER_CHANGED);
}

/* --- ops that only read --- */

static const struct driver_summary *get_summary(struct driver *base)
{
	return &cluster_driver_of(base)->summary;
}

static enum item_sync sync_of(const struct entry *e)
{
	if (!e->wanted)
		return ITEM_PRUNING;
	if (e->failed)
		return ITEM_REFUSED;
	return is_synced(e) ? ITEM_SYNCED : ITEM_OUT_OF_SYNC;
}

static void each_item(struct driver *base, driver_item_fn *fn, void *arg)
{
	struct cluster_driver *d = cluster_driver_of(base);
	for (size_t i = 0; i < d->entries.n; i++) {
		const struct entry *e = &d->entries.at[i];
		struct driver_item item = {
			.key = e->record->key,
			.version = str_of(e->version),
			.sync = sync_of(e),
			.health = health_name((enum health)e->record->health),
			.message = e->record->message ? e->record->message : "",
		};
		fn(arg, &item);
	}
}

void cluster_driver_inventory(struct cluster_driver *d, struct arena *a, struct inventory *out)
{
	out->n = d->entries.n;
	out->entries = arena_array(a, struct inventory_entry, d->entries.n);
	for (size_t i = 0; i < d->entries.n; i++) {
		const struct entry *e = &d->entries.at[i];
		out->entries[i] = (struct inventory_entry){
			.key = e->record->key,
			.version = str_of(e->version),
			/* What is not as git says, or not in git, must be looked at again after a restart. */
			.desired = e->failed || !e->wanted ? (struct hash){ { 0 } } : e->desired,
			.live = e->live,
		};
	}
}

/* --- life --- */

static void restore(struct cluster_driver *d, const struct inventory *inv)
{
	for (size_t i = 0; inv && i < inv->n; i++) {
		const struct inventory_entry *from = &inv->entries[i];
		struct cluster_driver *other;
		struct record *r = view_claim(d->view, from->key, d, &other);
		if (!r || other || entry_find(d, from->key))
			continue; /* hostile or stale text; the claim that came first stands */
		struct entry e = {
			.record = r,
			.version = view_intern(d->view, from->version),
			.desired = from->desired,
			.live = from->live,
			.wanted = !hash_is_zero(from->desired),
			.persisted = true,
		};
		entry_unsure(d, &e); /* the earlier process may have had requests under way */
		vec_push(&d->entries, e);
		/* A key without a hash was about to be created, or refused, when the earlier process ended.
		 */
		d->summary.unfinished |= hash_is_zero(from->desired);
	}
	for (size_t i = 0; i < d->entries.n; i++)
		entry_recount(d, &d->entries.at[i]);
	observe_kinds(d);
}

static void driver_free(struct driver *base)
{
	struct cluster_driver *d = cluster_driver_of(base);
	view_withdraw(d->view, d);
	for (size_t i = 0; i < d->entries.n; i++)
		view_unclaim(d->view, d->entries.at[i].record);
	vec_release(&d->entries);
	vec_release(&d->problems);
	arena_release(&d->problem_arena);
	desired_unref(d->desired);
	free(d->op.items);
	free(d->op.doomed);
	free(d->owner);
	free(d);
}

static const struct driver_ops cluster_driver_ops = {
	.name = "cluster",
	.plan = cluster_plan,
	.apply = cluster_apply,
	.cancel = cluster_cancel,
	.remove = cluster_remove,
	.tick = cluster_tick,
	.summary = get_summary,
	.problems = get_problems,
	.each_item = each_item,
	.free = driver_free,
};

struct driver *cluster_driver_new(struct view *view, const struct port_ops *port, void *port_ctx,
				  const char *app_namespace, const char *app_name,
				  const struct inventory *restored, int64_t now)
{
	struct cluster_driver *d = mem_alloc(sizeof(*d));
	d->base.ops = &cluster_driver_ops;
	d->base.now = now;
	d->view = view;
	d->port = port;
	d->port_ctx = port_ctx;
	d->prune_on = true;
	d->unsure_next = INT64_MAX;
	cleanup_buf struct buf owner = BUF_INIT;
	buf_printf(&owner, "%s/%s", app_namespace, app_name);
	d->owner = mem_strdup(owner.p);
	restore(d, restored);
	return &d->base;
}
