/* keys.c - see keys.h; the table catches up with the array at each search. */
#include "doc/keys.h"

static struct str key_at(const void *pairs, size_t stride, size_t i)
{
	return ((const struct node_pair *)((const char *)pairs + i * stride))->key;
}

void keys_release(struct keys *k)
{
	free(k->slots);
	*k = (struct keys)KEYS_INIT;
}

static void insert(struct keys *k, struct str key, size_t position)
{
	size_t at = hash_fast(key) & (k->cap - 1);
	while (k->slots[at])
		at = (at + 1) & (k->cap - 1);
	k->slots[at] = (uint32_t)position + 1;
}

static void catch_up(struct keys *k, const void *pairs, size_t stride, size_t n)
{
	if (k->cap < n * 2) {
		size_t cap = k->cap ? k->cap : 64;
		while (cap < n * 4)
			cap *= 2;
		free(k->slots);
		k->slots = mem_alloc(cap * sizeof(*k->slots));
		k->cap = cap;
		k->n = 0;
	}
	for (; k->n < n; k->n++)
		insert(k, key_at(pairs, stride, k->n), k->n);
}

size_t keys_find(struct keys *k, const void *pairs, size_t stride, size_t n, struct str key)
{
	if (n < KEYS_LINEAR) {
		for (size_t i = 0; i < n; i++)
			if (str_eq(key_at(pairs, stride, i), key))
				return i;
		return SIZE_MAX;
	}
	catch_up(k, pairs, stride, n);
	for (size_t at = hash_fast(key) & (k->cap - 1); k->slots[at]; at = (at + 1) & (k->cap - 1)) {
		size_t position = k->slots[at] - 1;
		if (str_eq(key_at(pairs, stride, position), key))
			return position;
	}
	return SIZE_MAX;
}
