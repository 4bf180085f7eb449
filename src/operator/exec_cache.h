/*
 * exec_cache.h - what programs printed, on disk, by the hash of all they read: a render that has been made is
 * not made again, by this process or another. May be lost or removed at any time.
 *
 * One file an entry, written whole and renamed; any number of processes may use one directory at a time. Over
 * its bounds the entries that were not used for longest go.
 */
#pragma once

#include "base/arena.h"
#include "base/hash.h"

#define EXEC_CACHE_BYTES (512ull << 20) /* when the caller names no bound */
#define EXEC_CACHE_ENTRIES_MAX 4096u

struct exec_cached {
	struct str out, err; /* stdout; stderr's tail */
};

/* false: it is not there, or damaged. Memory from a. */
bool exec_cache_get(const char *dir, struct hash key, struct arena *a, struct exec_cached *out);

/* Best effort: a cache that cannot be written is none. bytes_max 0: EXEC_CACHE_BYTES. */
void exec_cache_put(const char *dir, struct hash key, const struct exec_cached *entry, uint64_t bytes_max);
