/* Failed logins: so many, then one in a while; others are not hurt. */
#include "unit/cmocka_all.h"

#include <stdlib.h>

#include "base/mem.h"
#include "push/limiter.h"

static void many_failures_and_then_none(void **state)
{
	struct limiter *l = mem_alloc(sizeof(*l));
	uint64_t bad = limiter_key("192.0.2.1", "team/shop"), other = limiter_key("192.0.2.2", "team/shop");
	int64_t now = 1000000;
	for (unsigned i = 0; i < LIMITER_FAILURES; i++) {
		assert_false(limiter_reached(l, bad, now));
		limiter_failed(l, bad, now);
	}
	assert_true(limiter_reached(l, bad, now));
	assert_false(limiter_reached(l, other, now));
	assert_false(limiter_reached(l, limiter_key("192.0.2.1", "team/web"), now));
	assert_true(limiter_reached(l, bad, now + LIMITER_REFILL_MS - 1));
	assert_false(limiter_reached(l, bad, now + LIMITER_REFILL_MS));
	limiter_failed(l, bad, now + LIMITER_REFILL_MS);
	assert_true(limiter_reached(l, bad, now + LIMITER_REFILL_MS));
	assert_false(limiter_reached(l, bad, now + LIMITER_REFILL_MS * (LIMITER_FAILURES + 2)));
	free(l);
}

static void a_flood_of_others_takes_no_more_room(void **state)
{
	struct limiter *l = mem_alloc(sizeof(*l));
	for (uint64_t key = 1; key < 100000; key++)
		limiter_failed(l, key, (int64_t)key);
	size_t kept = 0;
	for (uint64_t key = 1; key < 100000; key++)
		for (size_t i = 0; i < LIMITER_ENTRIES; i++)
			kept += l->entries[i].key == key && l->entries[i].failures == 1;
	assert_int_equal(kept, LIMITER_ENTRIES);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_failures_and_then_none),
		cmocka_unit_test(a_flood_of_others_takes_no_more_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
