/*
 * map.h - string keys to pointers; open addressing, seeded per process against hash flooding.
 *
 * Keys are copied; values are borrowed. A put or delete invalidates iterators, except
 * that the entry last returned by map_next() may be deleted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_entry {
	char *key; /* owned, NUL-terminated; NULL: empty slot */
	uint32_t key_n;
	uint32_t hash;
	void *value;
};

struct map {
	struct map_entry *slots;
	size_t cap;  /* a power of two, or 0 */
	size_t n;    /* live entries */
	size_t dead; /* deleted entries that still hold their slot */
};

#define MAP_INIT  \
	{         \
		0 \
	}

void map_release(struct map *m);		    /* values are the caller's */
void *map_get(const struct map *m, struct str key); /* NULL: not there */
struct str map_key(const struct map *m,
		   struct str key); /* the map's own copy; lives until the entry is deleted */
/* Returns the value that was there before, or NULL. value is not NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_del(struct map *m, struct str key); /* returns what was there, or NULL */

/* `for (size_t i = 0; (e = map_next(m, &i));)` visits every entry, in no order. */
struct map_entry *map_next(const struct map *m, size_t *i);
