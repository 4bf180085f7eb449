/* map.c - linear probing; deleted slots keep a marker until the next rehash. */
#include "base/map.h"

#include "base/hash.h"

static char deleted_marker; /* its address stands for "was deleted" */

static bool is_live(const struct map_entry *e)
{
	return e->key && e->key != &deleted_marker;
}

static struct map_entry *find(const struct map *m, struct str key, uint32_t hash)
{
	if (!m->cap)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_entry *e = &m->slots[i];
		if (!e->key)
			return NULL;
		if (is_live(e) && e->hash == hash && str_eq((struct str){ e->key, e->key_n }, key))
			return e;
	}
}

static struct map_entry *free_slot(struct map *m, uint32_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1))
		if (!is_live(&m->slots[i]))
			return &m->slots[i];
}

static void rehash(struct map *m)
{
	struct map old = *m;
	size_t cap = 16;
	while (cap < old.n * 2 + 2)
		cap *= 2;
	*m = (struct map){ .slots = mem_alloc(cap * sizeof(*m->slots)), .cap = cap, .n = old.n };
	for (size_t i = 0; i < old.cap; i++)
		if (is_live(&old.slots[i]))
			*free_slot(m, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		if (is_live(&m->slots[i]))
			free(m->slots[i].key);
	free(m->slots);
	*m = (struct map)MAP_INIT;
}

void *map_get(const struct map *m, struct str key)
{
	struct map_entry *e = find(m, key, (uint32_t)hash_fast(key));
	return e ? e->value : NULL;
}

struct str map_key(const struct map *m, struct str key)
{
	struct map_entry *e = find(m, key, (uint32_t)hash_fast(key));
	return e ? (struct str){ e->key, e->key_n } : (struct str){ "", 0 };
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint32_t hash = (uint32_t)hash_fast(key);
	struct map_entry *e = find(m, key, hash);
	if (e) {
		void *before = e->value;
		e->value = value;
		return before;
	}
	if ((m->n + m->dead + 1) * 4 > m->cap * 3) {
		rehash(m);
		m->dead = 0;
	}
	e = free_slot(m, hash);
	if (e->key)
		m->dead--;
	*e = (struct map_entry){ mem_strndup(key.p ? key.p : "", key.n), (uint32_t)key.n, hash, value };
	m->n++;
	return NULL;
}

void *map_del(struct map *m, struct str key)
{
	struct map_entry *e = find(m, key, (uint32_t)hash_fast(key));
	if (!e)
		return NULL;
	void *value = e->value;
	free(e->key);
	*e = (struct map_entry){ .key = &deleted_marker };
	m->n--;
	m->dead++;
	return value;
}

struct map_entry *map_next(const struct map *m, size_t *i)
{
	while (*i < m->cap) {
		struct map_entry *e = &m->slots[(*i)++];
		if (is_live(e))
			return e;
	}
	return NULL;
}
