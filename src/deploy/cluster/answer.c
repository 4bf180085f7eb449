/*
 * answer.c - what the server said to one item, and what follows from it.
 */
#include "deploy/cluster/driver_internal.h"

#include <stdio.h>

#include "deploy/places.h"

enum { TAKEOVERS_MAX = 3 };

static bool contains(struct str text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

/* The server's words for "this field cannot change", across kinds. */
static bool is_immutable(const struct port_answer *answer)
{
	static const char *const words[] = {
		"field is immutable",
		"may not be changed",
		"may not change once set",
		"cannot be changed",
		"updates to statefulset spec for fields other than",
		"is invalid: spec.clusterIP",
		"pod updates may not change fields other than",
		"cannot be updated",
		"may not change",
	};
	if (answer->outcome != PORT_STATUS || (answer->code != 422 && answer->code != 409))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (contains(answer->message, words[i]))
			return true;
	return false;
}

static void add_warnings(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	const struct desired_item *item = &d->desired->items[i];
	for (size_t w = 0; w < answer->n_warnings; w++)
		problem_add(d, item, item->key, true, "%.*s", STR_ARG(answer->warnings[w]));
}

/* Reads the object of an answer; false: it is none. */
static bool read_live(struct cluster_driver *d, struct arena *a, size_t i, const struct node *object,
		      struct live *live)
{
	const struct desired_item *item = &d->desired->items[i];
	struct key k;
	if (!object || !key_split(item->key, &k) ||
	    !live_read(a, object, k.group, k.kind, d->port->wall_s(d->port_ctx), live))
		return false;
	live->key = item->key; /* the server may answer with another group's spelling of the same object */
	return true;
}

static void take_over(struct cluster_driver *d, struct arena *a, size_t i, const struct node *object)
{
	const struct desired_item *item = &d->desired->items[i];
	d->op.items[i].takeovers++;
	d->op.items[i].state = ITEM_TAKING_OVER;
	cleanup_buf struct buf patch = BUF_INIT;
	takeover_patch(a, object, &patch);
	struct port_request request = {
		.verb = PORT_JSON_PATCH, .key = item->key, .version = item->version, .body = buf_str(&patch)
	};
	driver_send(d, (uint32_t)i, false, &request);
}

static void on_applied(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct live live;
	struct entry *e = &d->entries.at[d->op.items[i].entry];
	add_warnings(d, i, answer);
	if (!read_live(d, &a, i, answer->body, &live)) {
		item_failed(d, i, "the server's answer to the apply could not be read");
		return;
	}
	/* Recorded before the view is told, so that the news of our own write does not look like drift. */
	e->desired = d->desired->items[i].hash;
	e->behind = false;
	e->live = live.hash;
	e->failed = false;
	d->inventory_serial++;
	view_live(d->view, &live);
	if (!d->op.cancelled && d->op.items[i].takeovers < TAKEOVERS_MAX && takeover_needed(answer->body))
		take_over(d, &a, i, answer->body);
	else
		item_done(d, i);
}

/* Only what is known to be ours is ever deleted. */
static bool may_force(const struct cluster_driver *d, size_t i)
{
	const struct record *r = d->entries.at[d->op.items[i].entry].record;
	if (!r->seen || !r->owner || owned_by_other(d, r))
		return false;
	return d->op.options.force || (d->desired->items[i].flags & DESIRED_FORCE);
}

static void force(struct cluster_driver *d, size_t i)
{
	struct entry *e = &d->entries.at[d->op.items[i].entry];
	d->op.items[i].recreated = true;
	d->op.items[i].state = ITEM_DELETING;
	struct port_request request = {
		.verb = PORT_DELETE,
		.key = d->desired->items[i].key,
		.version = d->desired->items[i].version,
		.uid = str_of(e->record->uid),
	};
	driver_send(d, (uint32_t)i, false, &request);
}

/* A 500 that was decided before anything was written: the object does not fit its schema. */
static bool is_certain(const struct port_answer *answer)
{
	return answer->code == 500 && str_starts(answer->message, STR("failed to create typed patch object"));
}

static void fail_with(struct cluster_driver *d, size_t i, const struct port_answer *answer, const char *what)
{
	const struct desired_item *item = &d->desired->items[i];
	struct key k;
	key_split(item->key, &k);
	switch (answer->outcome) {
	case PORT_NO_KIND:
		item_failed(
			d, i,
			"the cluster serves no kind %.*s in %.*s%s%.*s; install its CustomResourceDefinition, or correct apiVersion",
			STR_ARG(k.kind), STR_ARG(k.group), k.group.n ? "/" : "", STR_ARG(item->version));
		return;
	case PORT_LOST:
		entry_unsure(d, &d->entries.at[d->op.items[i].entry]);
		item_failed(d, i, "%s: no answer: %.*s", what, STR_ARG(answer->message));
		return;
	case PORT_SCOPE_MISMATCH:
		item_failed(d, i, "%.*s", STR_ARG(answer->message));
		return;
	case PORT_OK:
	case PORT_STATUS:
		break;
	}
	if (answer->code >= 500 && !is_certain(answer))
		entry_unsure(d, &d->entries.at[d->op.items[i].entry]); /* 504 and the like: it may be done all
									  the same */
	const char *hint =
		is_immutable(answer)
			? "; to delete and create it again set sync.force, or annotate it with " ANNOTATION_FORCE
			  ": enabled"
			: "";
	struct place_found place;
	if (!places_find(item->places, answer->message, &place)) {
		item_failed(d, i, "%d %.*s%s", answer->code, STR_ARG(answer->message), hint);
		return;
	}
	item_failed(d, i, "%d %.*s%s (set by %.*s)", answer->code, STR_ARG(answer->message), hint,
		    STR_ARG(place.step));
	struct problem *told = &d->problems.at[d->problems.n - 1];
	told->file = arena_strndup(&d->problem_arena, place.file.p, place.file.n);
	told->line = place.line;
}

static void on_apply_answer(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	if (answer->outcome == PORT_OK)
		on_applied(d, i, answer);
	else if (!d->op.cancelled && is_immutable(answer) && may_force(d, i) && !d->op.items[i].recreated)
		force(d, i);
	else
		fail_with(d, i, answer, "apply");
}

static void on_check_answer(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct live live;
	bool absent =
		answer->outcome == PORT_NO_KIND || (answer->outcome == PORT_STATUS && answer->code == 404);
	if (answer->outcome != PORT_OK && !absent) {
		fail_with(d, i, answer, "read");
		return;
	}
	if (!absent && read_live(d, &a, i, answer->body, &live))
		view_live(d->view, &live);
	d->op.items[i].checked = true;
	d->op.items[i].state = ITEM_TODO;
	d->op.open--;
	if (d->op.cancelled)
		d->op.items[i].state = ITEM_FAILED;
	else
		item_start(d, i);
}

static void on_delete_answer(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	bool absent = answer->outcome == PORT_STATUS && answer->code == 404;
	if (answer->outcome != PORT_OK && !absent) {
		fail_with(d, i, answer, "delete to create again");
		return;
	}
	struct record *r = d->entries.at[d->op.items[i].entry].record;
	if (absent)
		view_gone(d->view, r->key, 0);
	d->op.parked++;
	d->op.items[i].state = ITEM_AWAIT_GONE; /* wake_items() goes on when the watch says so */
}

void item_answer(struct cluster_driver *d, size_t i, const struct port_answer *answer)
{
	if (i >= d->desired->n)
		return;
	switch ((enum item_state)d->op.items[i].state) {
	case ITEM_CHECKING:
		on_check_answer(d, i, answer);
		break;
	case ITEM_APPLYING:
		on_apply_answer(d, i, answer);
		break;
	case ITEM_TAKING_OVER:
		/* Whatever came of it: apply again. A conflict means that the object moved; the answer tells
		 * the new state. */
		if (d->op.cancelled)
			item_failed(d, i, "cancelled");
		else
			item_apply(d, i);
		break;
	case ITEM_DELETING:
		on_delete_answer(d, i, answer);
		break;
	case ITEM_TODO:
	case ITEM_DEFERRED:
	case ITEM_AWAIT_GONE:
	case ITEM_DONE:
	case ITEM_FAILED:
		break;
	}
}
