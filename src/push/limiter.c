/* limiter.c - see limiter.h. A key has eight places, found by its low bits; no list, no allocation. */
#include "push/limiter.h"

#include "base/hash.h"

enum { PLACES = 8 };

uint64_t limiter_key(const char *who, const char *where)
{
	struct buf text = BUF_INIT;
	buf_printf(&text, "%s %s", who, where);
	uint64_t key = hash_fast(buf_str(&text));
	buf_release(&text);
	return key ? key : 1;
}

static size_t first_place(uint64_t key)
{
	return (size_t)(key % (LIMITER_ENTRIES / PLACES)) * PLACES;
}

/* Failures that still count. */
static unsigned left(const struct limiter_entry *e, int64_t now_ms)
{
	int64_t forgiven = (now_ms - e->at_ms) / LIMITER_REFILL_MS;
	return forgiven >= e->failures ? 0 : e->failures - (unsigned)forgiven;
}

bool limiter_reached(const struct limiter *l, uint64_t key, int64_t now_ms)
{
	const struct limiter_entry *e = l->entries + first_place(key);
	for (size_t i = 0; i < PLACES; i++)
		if (e[i].key == key)
			return left(&e[i], now_ms) >= LIMITER_FAILURES;
	return false;
}

void limiter_failed(struct limiter *l, uint64_t key, int64_t now_ms)
{
	struct limiter_entry *e = l->entries + first_place(key), *place = e;
	for (size_t i = 0; i < PLACES; i++) {
		if (e[i].key == key) {
			place = &e[i];
			break;
		}
		if (e[i].at_ms < place->at_ms)
			place = &e[i];
	}
	unsigned before = place->key == key ? left(place, now_ms) : 0;
	*place = (struct limiter_entry){
		.key = key,
		.at_ms = now_ms,
		.failures = before < LIMITER_FAILURES ? before + 1 : before,
	};
}
