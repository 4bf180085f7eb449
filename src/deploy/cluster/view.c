/*
 * view.c - records by key, and for each kind whether its first list is through.
 *
 * A record exists while the object was seen with our label or a driver claims its key; nothing else keeps it.
 */
#include "deploy/cluster/view.h"

#include <stdio.h>

#include "base/vec.h"
#include "deploy/cluster/driver.h"

struct watched_kind {
	bool synced;
	bool listing;
	char *failure; /* why it cannot be watched, or NULL */
	VEC(struct cluster_driver *) waiting;
};

void view_init(struct view *v)
{
	*v = (struct view){ 0 };
}

static void record_free(struct record *r)
{
	free(r->message);
	free(r);
}

void view_release(struct view *v)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&v->records, &i));)
		record_free(e->value);
	map_release(&v->records);
	for (size_t i = 0; (e = map_next(&v->kinds, &i));) {
		struct watched_kind *kind = e->value;
		vec_release(&kind->waiting);
		free(kind->failure);
		free(kind);
	}
	map_release(&v->kinds);
	for (size_t i = 0; (e = map_next(&v->interned, &i));)
		free(e->value);
	map_release(&v->interned);
}

const char *view_intern(struct view *v, struct str text)
{
	char *found = map_get(&v->interned, text);
	if (found)
		return found;
	char *copy = mem_strndup(text.p ? text.p : "", text.n);
	map_put(&v->interned, text, copy);
	return copy;
}

static struct watched_kind *kind_of(struct view *v, struct str group, struct str kind)
{
	char name[512];
	int n = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
	struct str key = { name, n < (int)sizeof(name) ? (size_t)n : sizeof(name) - 1 };
	struct watched_kind *found = map_get(&v->kinds, key);
	if (!found) {
		found = mem_alloc(sizeof(*found));
		map_put(&v->kinds, key, found);
	}
	return found;
}

struct record *view_find(struct view *v, struct str key)
{
	return map_get(&v->records, key);
}

static struct record *find_or_make(struct view *v, struct str key)
{
	struct record *r = map_get(&v->records, key);
	if (r)
		return r;
	struct key parts;
	if (!key_split(key, &parts))
		return NULL;
	r = mem_alloc(sizeof(*r));
	r->kind = kind_of(v, parts.group, parts.kind);
	map_put(&v->records, key, r);
	r->key = map_key(&v->records, key);
	return r;
}

static void drop_if_unused(struct view *v, struct record *r)
{
	if (r->claimed || r->seen)
		return;
	map_del(&v->records, r->key);
	record_free(r);
}

struct record *view_claim(struct view *v, struct str key, struct cluster_driver *d,
			  struct cluster_driver **other)
{
	struct record *r = find_or_make(v, key);
	*other = NULL;
	if (!r)
		return NULL;
	if (r->claimed && r->claimed != d)
		*other = r->claimed;
	else
		r->claimed = d;
	return r;
}

void view_unclaim(struct view *v, struct record *r)
{
	r->claimed = NULL;
	drop_if_unused(v, r);
}

static void set_message(struct record *r, const char *message)
{
	if (strcmp(r->message ? r->message : "", message) == 0)
		return;
	free(r->message);
	r->message = *message ? mem_strdup(message) : NULL;
}

static const char *owner_of(struct view *v, const struct live *live)
{
	if (!live->owner_app.n)
		return NULL;
	char text[600];
	int n = snprintf(text, sizeof(text), "%.*s/%.*s", STR_ARG(live->owner_namespace),
			 STR_ARG(live->owner_app));
	return view_intern(v, (struct str){ text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1 });
}

static void tell(struct record *r)
{
	if (r->claimed)
		cluster_driver_live(r->claimed, r);
}

bool view_live(struct view *v, const struct live *live)
{
	struct record *r = view_find(v, live->key);
	if (!r && !live->owner_app.n)
		return false; /* neither claimed nor ours: not our business */
	r = r ? r : find_or_make(v, live->key);
	if (!r)
		return false;
	r->listed = true;
	/* resourceVersions of one server are ordered (KEP-5504); an event overtaken by an answer is old news.
	 */
	if (live->resource_version && live->resource_version < r->resource_version)
		return false;
	bool same = r->seen && live->resource_version && live->resource_version == r->resource_version;
	r->seen = true;
	r->resource_version = live->resource_version;
	r->live = live->hash;
	r->owner = owner_of(v, live);
	r->deleting = live->deleting;
	r->prune_disabled = live->prune_disabled;
	r->health = (uint8_t)live->health.health;
	set_message(r, live->health.message);
	snprintf(r->uid, sizeof(r->uid), "%.*s", STR_ARG(live->uid));
	if (!same)
		tell(r);
	return true;
}

static void forget_live(struct view *v, struct record *r)
{
	bool seen = r->seen;
	r->seen = r->deleting = r->prune_disabled = false;
	r->live = (struct hash){ { 0 } };
	r->owner = NULL;
	r->uid[0] = '\0';
	r->health = HEALTH_MISSING;
	set_message(r, "");
	if (!r->claimed)
		drop_if_unused(v, r);
	else if (seen)
		tell(r);
}

void view_gone(struct view *v, struct str key, uint64_t resource_version)
{
	struct record *r = view_find(v, key);
	if (!r || (resource_version && resource_version < r->resource_version))
		return;
	if (resource_version)
		r->resource_version = resource_version;
	forget_live(v, r);
}

void view_list_begin(struct view *v, struct str group, struct str kind)
{
	struct watched_kind *k = kind_of(v, group, kind);
	k->listing = true;
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&v->records, &i));) {
		struct record *r = e->value;
		if (r->kind == k)
			r->listed = false;
	}
}

/* Whoever is told may wait again at once: the list is taken away first. */
static void tell_waiting(struct watched_kind *k)
{
	__auto_type waiting = k->waiting;
	memset(&k->waiting, 0, sizeof(k->waiting));
	for (size_t i = 0; i < waiting.n; i++)
		cluster_driver_kind_synced(waiting.at[i]);
	vec_release(&waiting);
}

static void now_synced(struct watched_kind *k)
{
	free(k->failure);
	k->failure = NULL;
	k->synced = true;
	tell_waiting(k);
}

void view_failing(struct view *v, struct str group, struct str kind, const char *why)
{
	struct watched_kind *k = kind_of(v, group, kind);
	if (k->failure && strcmp(k->failure, why) == 0)
		return;
	free(k->failure);
	k->failure = mem_strdup(why);
	if (!k->synced)
		tell_waiting(k);
}

const char *view_failure(struct view *v, struct str group, struct str kind)
{
	return kind_of(v, group, kind)->failure;
}

static void sweep(struct view *v, struct watched_kind *k, uint64_t at)
{
	VEC(struct record *) gone = { 0 };
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&v->records, &i));) {
		struct record *r = e->value;
		if (r->kind != k || r->listed || (at && r->resource_version > at))
			continue;
		/* What is told below may let go of records that are not seen: they are not touched again. */
		r->resource_version = at;
		if (r->seen)
			vec_push(&gone, r);
	}
	for (size_t i = 0; i < gone.n; i++)
		forget_live(v, gone.at[i]);
	vec_release(&gone);
}

void view_list_end(struct view *v, struct str group, struct str kind, uint64_t resource_version)
{
	struct watched_kind *k = kind_of(v, group, kind);
	if (k->listing)
		sweep(v, k, resource_version);
	k->listing = false;
	now_synced(k);
}

void view_no_kind(struct view *v, struct str group, struct str kind)
{
	view_list_begin(v, group, kind);
	view_list_end(v, group, kind, 0);
}

bool view_synced(struct view *v, struct str group, struct str kind)
{
	return kind_of(v, group, kind)->synced;
}

void view_wait(struct view *v, struct str group, struct str kind, struct cluster_driver *d)
{
	struct watched_kind *k = kind_of(v, group, kind);
	for (size_t i = 0; i < k->waiting.n; i++)
		if (k->waiting.at[i] == d)
			return;
	vec_push(&k->waiting, d);
}

void view_withdraw(struct view *v, struct cluster_driver *d)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&v->kinds, &i));) {
		struct watched_kind *k = e->value;
		for (size_t j = k->waiting.n; j-- > 0;)
			if (k->waiting.at[j] == d)
				vec_remove(&k->waiting, j);
	}
}
