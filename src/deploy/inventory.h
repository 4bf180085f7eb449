/*
 * inventory.h - what an app may own, as it is stored: one line an entry, compact, append-friendly.
 *
 * Text form (version line first): "capstan-inventory/1\n" then for each entry
 *     KEY SP VERSION SP DESIRED-HASH SP LIVE-HASH "\n"
 * hashes are 32 hex digits or "-". Keys hold no space. Entries are sorted by key.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define INVENTORY_CHUNKS_MAX 1000

struct inventory_entry {
	struct str key, version;
	struct hash desired; /* hash of what was applied last; zero: may exist, not known to be applied */
	struct hash live;    /* hash of our fields after that apply; zero: not known */
};

struct inventory {
	struct inventory_entry *entries;
	size_t n;
};

void inventory_write(struct buf *out, const struct inventory *inv);
/* Hostile text is refused with the line number; limits: INVENTORY_ENTRIES_MAX entries. All memory from a. */
#define INVENTORY_ENTRIES_MAX 200000
int inventory_read(struct arena *a, struct str text, struct inventory *out, struct error *err);
/* Cuts the text at line ends into chunks of at most `max` bytes (each with the version line). */
void inventory_chunks(struct arena *a, struct str text, size_t max, struct str **chunks, size_t *n);
