/*
 * keys.h - finding a key among the pairs of a map that is being built.
 *
 * Short maps are searched one by one; from KEYS_LINEAR pairs on an open-addressed table of
 * positions is kept, so that a map with a million keys costs a million steps, not their square.
 * Room-internal: the parsers use it to refuse duplicate keys.
 */
#pragma once

#include "doc/node.h"

#define KEYS_LINEAR 12

struct keys {
	uint32_t *slots; /* position + 1 in the array of pairs; 0: free */
	size_t cap;	 /* a power of two, or 0 while the map is short */
	size_t n;	 /* keys in slots */
};

#define KEYS_INIT \
	{         \
		0 \
	}
#define cleanup_keys cleanup(keys_release)

void keys_release(struct keys *k);

/*
 * The position of key among the n elements whose struct node_pair lies at the start of every
 * `stride` bytes from `pairs` on, or SIZE_MAX. All n must have been seen by earlier calls or be new
 * at the end; elements are never moved or renamed.
 */
size_t keys_find(struct keys *k, const void *pairs, size_t stride, size_t n, struct str key);
