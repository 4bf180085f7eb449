/*
 * prune.c - removing what the app owns and git no longer has, or all of it when the app goes.
 *
 * Only what still carries our labels is deleted, with its uid as a precondition; everything else is let go of
 * and said. An entry stays in the inventory until its object is gone.
 */
#include "deploy/cluster/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct doomed {
	uint32_t entry;
	uint16_t stage, rank;
	struct str key;
};

static int reverse_order(const void *va, const void *vb)
{
	const struct doomed *a = va, *b = vb;
	if (a->stage != b->stage)
		return b->stage - a->stage;
	if (a->rank != b->rank)
		return b->rank - a->rank;
	return str_cmp(b->key, a->key);
}

static void collect(struct cluster_driver *d, bool all)
{
	VEC(struct doomed) list = { 0 };
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		struct key k;
		if (!all && (e->wanted || e->ignored))
			continue;
		if (!key_split(e->record->key, &k))
			continue;
		struct doomed one = { .entry = (uint32_t)i, .key = e->record->key };
		cluster_rank(k.group, k.kind, &one.stage, &one.rank);
		vec_push(&list, one);
	}
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), reverse_order);
	d->op.doomed = mem_alloc(sizeof(*d->op.doomed) * (list.n + 1));
	for (size_t i = 0; i < list.n; i++)
		d->op.doomed[i] = list.at[i].entry;
	d->op.n_doomed = list.n;
	vec_release(&list);
}

static bool synced(struct cluster_driver *d, const struct entry *e)
{
	struct key k;
	return key_split(e->record->key, &k) && view_synced(d->view, k.group, k.kind);
}

/* Not seen says nothing as long as its kind was not listed: it counts as there. */
static bool known_gone(struct cluster_driver *d, const struct entry *e)
{
	return !e->record->seen && synced(d, e);
}

void prune_begin(struct cluster_driver *d)
{
	size_t owned = 0;
	for (size_t i = 0; i < d->entries.n; i++)
		owned += !d->entries.at[i].wanted && !known_gone(d, &d->entries.at[i]);
	if (!d->op.options.prune) {
		operation_end(d);
		return;
	}
	if (d->desired->n == 0 && owned > 0 && !d->op.options.allow_empty) {
		problem_add(
			d, NULL, STR(""), false,
			"the render holds no objects, so nothing is pruned; set sync.allowEmpty to remove all %zu",
			owned);
		operation_end(d);
		return;
	}
	collect(d, false);
}

/* Takes the entry out of the inventory without touching the object. */
static void let_go(struct cluster_driver *d, struct entry *e, const char *why)
{
	if (why)
		problem_add(d, NULL, e->record->key, true, "left in the cluster: %s", why);
	e->wanted = false;
	e->kept = true;
	entry_recount(d, e);
}

static void send_to_entry(struct cluster_driver *d, uint32_t i, enum port_verb verb, struct str body)
{
	struct entry *e = &d->entries.at[i];
	e->dying = verb == PORT_DELETE ? hash_fast(str_of(e->record->uid)) : 0;
	struct port_request request = {
		.verb = verb,
		.key = e->record->key,
		.version = str_of(e->version),
		.body = body,
		.uid = verb == PORT_DELETE ? str_of(e->record->uid) : STR(""),
	};
	driver_send(d, i, true, &request);
}

static void doom(struct cluster_driver *d, uint32_t i)
{
	struct entry *e = &d->entries.at[i];
	struct record *r = e->record;
	e->wanted = e->kept = false;
	if (!r->seen) {
		if (!synced(d, e)) {
			e->asked = true;
			send_to_entry(d, i, PORT_GET, STR(""));
		}
		return; /* gone already: dropped when the operation ends */
	}
	if (r->deleting && !d->op.orphan)
		return;
	if (!r->owner || owned_by_other(d, r))
		let_go(d, e, r->owner ? "another app owns it" : "its owner label was removed");
	else if (d->op.orphan)
		send_to_entry(d, i, PORT_MERGE_PATCH,
			      STR("{\"metadata\":{\"labels\":{\"" LABEL_APP "\":null,\"" LABEL_NAMESPACE
				  "\":null}}}"));
	else if (r->prune_disabled)
		let_go(d, e, "annotation " ANNOTATION_PRUNE " is disabled");
	else
		send_to_entry(d, i, PORT_DELETE, STR(""));
}

static void on_found(struct cluster_driver *d, uint32_t i, const struct port_answer *answer)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct entry *e = &d->entries.at[i];
	struct key k;
	struct live live;
	if (!key_split(e->record->key, &k) ||
	    !live_read(&a, answer->body, k.group, k.kind, d->port->wall_s(d->port_ctx), &live))
		return;
	live.key = e->record->key;
	view_live(d->view, &live);
	if (e->record->seen && !d->op.cancelled)
		doom(d, i);
}

/* The view learns from the answer that the labels are gone: the watch, which selects on them, may tell later.
 */
static void on_released(struct cluster_driver *d, struct entry *e, const struct port_answer *answer)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct key k;
	struct live live;
	if (answer->body && key_split(e->record->key, &k) &&
	    live_read(&a, answer->body, k.group, k.kind, d->port->wall_s(d->port_ctx), &live)) {
		live.key = e->record->key;
		view_live(d->view, &live);
	}
	let_go(d, e, NULL);
}

void prune_answer(struct cluster_driver *d, uint32_t i, const struct port_answer *answer)
{
	if (i >= d->entries.n)
		return;
	struct entry *e = &d->entries.at[i];
	bool asked = e->asked;
	e->asked = false;
	if (answer->outcome == PORT_NO_KIND || (answer->outcome == PORT_STATUS && answer->code == 404)) {
		if (e->record->seen)
			view_gone(d->view, e->record->key, 0);
		else if (d->base.now >= e->unsure_until)
			let_go(d, e, NULL); /* asked for because its kind is not listed: it is not there */
		return;
	}
	/* Also 409, an object of another uid by now: the next attempt judges it by what the view then knows.
	 */
	if (answer->outcome != PORT_OK) {
		e->failed = true;
		e->dying = 0;
		problem_add(d, NULL, e->record->key, false, "%s: %d %.*s",
			    d->op.orphan ? "release" : "delete", answer->code, STR_ARG(answer->message));
		return;
	}
	if (d->op.orphan && !asked)
		on_released(d, e, answer);
	else if (asked) /* the list may have told it meanwhile: all the same nothing was sent yet */
		on_found(d, i, answer);
}

static bool is_ours(const struct cluster_driver *d, const struct record *r)
{
	return r->seen && r->owner && !owned_by_other(d, r);
}

/* Every entry of a removal is gone or let go of, or failed: nothing more will come. */
static bool removal_over(struct cluster_driver *d)
{
	for (size_t i = 0; i < d->entries.n; i++) {
		const struct entry *e = &d->entries.at[i];
		/* A late apply puts labels back; somebody else's object of the name is not waited for. */
		bool there = is_ours(d, e->record) && (d->op.orphan || !e->record->prune_disabled);
		bool unsure = d->base.now < e->unsure_until;
		if ((there || unsure) && !e->failed)
			return false;
	}
	return true;
}

/* What appeared while a removal waited: requests that were lost and took effect late. */
static void doom_late(struct cluster_driver *d)
{
	for (size_t i = 0; i < d->entries.n; i++) {
		const struct entry *e = &d->entries.at[i];
		const struct record *r = e->record;
		bool left =
			is_ours(d, r) && (d->op.orphan || (!r->deleting && !e->dying && !r->prune_disabled));
		if (left && !e->failed && d->op.in_flight < CLUSTER_IN_FLIGHT_MAX)
			doom(d, (uint32_t)i);
	}
}

static void drop_kept(struct cluster_driver *d)
{
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		if (!e->kept || d->base.now < e->unsure_until)
			continue; /* a lost apply may put our labels back */
		view_unclaim(d->view, e->record);
		vec_remove(&d->entries, i);
		i--;
	}
}

void prune_pump(struct cluster_driver *d)
{
	while (d->op.doomed_cursor < d->op.n_doomed && d->op.in_flight < CLUSTER_IN_FLIGHT_MAX)
		doom(d, d->op.doomed[d->op.doomed_cursor++]);
	if (d->op.doomed_cursor < d->op.n_doomed || d->op.in_flight > 0)
		return;
	if (d->op.kind == OPERATION_REMOVE && !removal_over(d)) {
		doom_late(d);
		if (d->op.in_flight > 0 || !removal_over(d))
			return; /* finalizers: the watch will tell */
	}
	drop_kept(d);
	operation_end(d);
}

void cluster_remove(struct driver *base, bool orphan)
{
	struct cluster_driver *d = cluster_driver_of(base);
	operation_begin(d, OPERATION_REMOVE);
	d->op.orphan = orphan;
	d->op.phase = PHASE_PRUNE;
	d->prune_on = true;
	for (size_t i = 0; i < d->entries.n; i++) {
		struct entry *e = &d->entries.at[i];
		e->wanted = e->failed = e->kept = false;
		entry_recount(d, e);
	}
	collect(d, true);
	operation_pump(d);
}
