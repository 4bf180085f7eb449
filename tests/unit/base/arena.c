/* Memory of an arena: zeroed, aligned, never moved, all freed at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	for (size_t size = 0; size < 3000; size += 7) {
		char *p = arena_alloc(&a, size);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
}

static void pointers_stay_valid(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *kept[500];
	for (int i = 0; i < 500; i++)
		kept[i] = arena_printf(&a, "number %d", i);
	arena_alloc(&a, 10 << 20);
	for (int i = 0; i < 500; i++) {
		char want[32];
		snprintf(want, sizeof(want), "number %d", i);
		assert_string_equal(kept[i], want);
	}
}

static void usable_after_release(void **state)
{
	struct arena a = ARENA_INIT;
	arena_strdup(&a, "x");
	assert_true(a.used > 0);
	arena_release(&a);
	assert_int_equal(a.used, 0);
	struct str copy = arena_str(&a, STR("again"));
	assert_string_equal(copy.p, "again");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pointers_stay_valid),
		cmocka_unit_test(usable_after_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
