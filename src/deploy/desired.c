/* desired.c - see desired.h. */
#include "deploy/desired.h"

struct desired *desired_new(void)
{
	struct desired *d = mem_alloc(sizeof(*d));
	d->refs = 1;
	return d;
}

struct desired *desired_ref(struct desired *d)
{
	d->refs++;
	return d;
}

void desired_unref(struct desired *d)
{
	if (!d || --d->refs)
		return;
	arena_release(&d->arena);
	free(d);
}

static int compare_items(const void *va, const void *vb)
{
	const struct desired_item *a = va, *b = vb;
	if (a->stage != b->stage)
		return a->stage < b->stage ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->key, b->key);
}

static int compare_by_key(const void *va, const void *vb, void *items)
{
	const struct desired_item *all = items;
	return str_cmp(all[*(const uint32_t *)va].key, all[*(const uint32_t *)vb].key);
}

void desired_seal(struct desired *d)
{
	if (!d->n)
		return;
	qsort(d->items, d->n, sizeof(*d->items), compare_items);
	d->by_key = arena_array(&d->arena, uint32_t, d->n);
	for (size_t i = 0; i < d->n; i++)
		d->by_key[i] = (uint32_t)i;
	qsort_r(d->by_key, d->n, sizeof(*d->by_key), compare_by_key, d->items);
}

const struct desired_item *desired_find(const struct desired *d, struct str key)
{
	size_t low = 0, high = d->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct desired_item *item = &d->items[d->by_key[middle]];
		int order = str_cmp(item->key, key);
		if (order == 0)
			return item;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
