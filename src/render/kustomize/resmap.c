/*
 * resmap.c - the ordered set of resources. Lookups by identity go through an index of chains: every
 * resource has an entry for the identity it has now and for each it had, so that thousands of resources
 * that refer to each other cost no more than their number.
 *
 * Entries of a resource are put in one after the other, resources in their order; a chain leads from its
 * newest entry to the oldest.
 */
#include "base/hash.h"
#include "render/kustomize/build.h"

void kresmap_release(struct kresmap *m)
{
	vec_release(&m->list);
	vec_release(&m->entries);
	free(m->buckets);
	*m = (struct kresmap)KRESMAP_INIT;
}

void kresmap_touch(struct kresmap *m)
{
	m->indexed = false;
	m->unique = false;
}

static uint64_t hash_id(const struct kid *id)
{
	uint64_t parts[3] = { hash_fast(id->kind), hash_fast(id->name),
			      hash_fast(kid_effective_namespace(id)) };
	return hash_fast((struct str){ (const char *)parts, sizeof(parts) });
}

static void add_entry(struct kresmap *m, struct kres *r, const struct kid *id, bool current)
{
	uint64_t hash = hash_id(id);
	uint32_t *bucket = &m->buckets[hash & (m->n_buckets - 1)];
	struct kindex_entry entry = { .hash = hash, .res = r, .next = *bucket, .current = current };
	vec_push(&m->entries, entry);
	*bucket = (uint32_t)m->entries.n;
}

/* id: the one that r has now. */
static void add_resource(struct kbuild *b, struct kresmap *m, struct kres *r, const struct kid *id)
{
	add_entry(m, r, id, true);
	for (size_t i = 0; i < r->previous.n; i++) {
		struct kid previous = kres_previous_id(b, r, i);
		add_entry(m, r, &previous, false);
	}
}

/* Empty buckets, enough for twice as many resources as there are. */
static void make_room(struct kresmap *m, size_t n)
{
	size_t want = 16;
	while (want < n * 2)
		want *= 2;
	if (m->n_buckets < want) {
		free(m->buckets);
		m->buckets = mem_alloc(want * sizeof(*m->buckets));
		m->n_buckets = want;
	} else {
		memset(m->buckets, 0, m->n_buckets * sizeof(*m->buckets));
	}
}

static void rebuild(struct kbuild *b, struct kresmap *m)
{
	make_room(m, m->list.n);
	m->entries.n = 0;
	for (size_t i = 0; i < m->list.n; i++) {
		struct kid id = kres_id(b, m->list.at[i]);
		add_resource(b, m, m->list.at[i], &id);
	}
	m->indexed = true;
}

/* The entries keep their hashes: nobody is asked for a name again. */
static void grow(struct kresmap *m)
{
	make_room(m, m->list.n);
	for (size_t i = 0; i < m->entries.n; i++) {
		struct kindex_entry *entry = &m->entries.at[i];
		uint32_t *bucket = &m->buckets[entry->hash & (m->n_buckets - 1)];
		entry->next = *bucket;
		*bucket = (uint32_t)i + 1;
	}
}

static bool has_id(struct kbuild *b, const struct kres *r, const struct kid *id, bool any)
{
	struct kid own = kres_id(b, r);
	if (kid_equal(&own, id))
		return true;
	for (size_t i = 0; any && i < r->previous.n; i++) {
		own = kres_previous_id(b, r, i);
		if (kid_equal(&own, id))
			return true;
	}
	return false;
}

/* Appends matches to out in the order of the list. */
static void find(struct kbuild *b, struct kresmap *m, const struct kid *id, bool any, kres_list *out)
{
	if (!m->indexed)
		rebuild(b, m);
	else if (m->list.n > m->n_buckets)
		grow(m);
	uint64_t hash = hash_id(id);
	size_t first = out->n;
	const struct kres *last = NULL; /* entries of one resource are neighbours in a chain */
	for (uint32_t at = m->buckets[hash & (m->n_buckets - 1)]; at; at = m->entries.at[at - 1].next) {
		const struct kindex_entry *e = &m->entries.at[at - 1];
		if (e->hash != hash || (!any && !e->current) || e->res == last)
			continue;
		if (!has_id(b, e->res, id, any))
			continue;
		last = e->res;
		vec_push(out, e->res);
	}
	for (size_t i = first, j = out->n; i + 1 < j; i++) {
		struct kres *swap = out->at[i];
		out->at[i] = out->at[--j];
		out->at[j] = swap;
	}
}

void kresmap_by_current_id(struct kbuild *b, struct kresmap *m, const struct kid *id, kres_list *out)
{
	find(b, m, id, false, out);
}

void kresmap_by_any_id(struct kbuild *b, struct kresmap *m, const struct kid *id, kres_list *out)
{
	find(b, m, id, true, out);
}

int kresmap_append(struct kbuild *b, struct kresmap *m, struct kres *r, struct error *err)
{
	struct kid id = kres_id(b, r);
	kres_list same = { 0 };
	kresmap_by_current_id(b, m, &id, &same);
	const struct kres *other = same.n ? same.at[0] : NULL;
	vec_release(&same);
	if (other)
		return error_set(
			err, "%s:%u: %s is there already, from %s:%u; remove one, or give it another name",
			r->file, r->line, kid_text(b->a, &id), other->file, other->line);
	vec_push(&m->list, r);
	add_resource(b, m, r, &id);
	return 0;
}

int kresmap_check_unique(struct kbuild *b, struct kresmap *m, struct error *err)
{
	struct kresmap again = { .indexed = true };
	/* Those that came in were looked at, and nothing was renamed since. */
	if (m->indexed)
		return 0;
	make_room(&again, m->list.n);
	for (size_t i = 0; i < m->list.n; i++) {
		if (kresmap_append(b, &again, m->list.at[i], err)) {
			kresmap_release(&again);
			return -1;
		}
	}
	kresmap_release(m);
	*m = again;
	return 0;
}

void kresmap_drop_gone(struct kresmap *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		if (!r->gone && !kres_is_empty(r))
			m->list.at[n++] = r;
	}
	if (n == m->list.n)
		return;
	m->list.n = n;
	kresmap_touch(m);
}
