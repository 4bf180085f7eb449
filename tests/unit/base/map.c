/* Maps: compared with a plain array over a long random history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/map.h"

enum { KEYS = 300 };

static void behaves_like_an_array(void **state)
{
	static int values[KEYS];
	int *model[KEYS] = { 0 };
	struct map m = MAP_INIT;
	uint32_t seed = 1;
	for (int step = 0; step < 20000; step++) {
		char key[16];
		seed = seed * 1664525 + 1013904223;
		unsigned i = seed >> 8 & 511;
		if (i >= KEYS)
			continue;
		struct str k = { key, (size_t)snprintf(key, sizeof(key), "key-%u", i) };
		if (seed >> 30 == 0) {
			assert_ptr_equal(map_del(&m, k), model[i]);
			model[i] = NULL;
		} else if (seed >> 30 == 1) {
			assert_ptr_equal(map_put(&m, k, &values[i]), model[i]);
			model[i] = &values[i];
		} else {
			assert_ptr_equal(map_get(&m, k), model[i]);
		}
	}
	size_t live = 0;
	for (int i = 0; i < KEYS; i++)
		live += model[i] != NULL;
	assert_int_equal(m.n, live);
	map_release(&m);
}

static void visits_each_once_while_deleting(void **state)
{
	struct map m = MAP_INIT;
	int seen[100] = { 0 };
	for (int i = 0; i < 100; i++) {
		char key[16];
		map_put(&m, (struct str){ key, (size_t)snprintf(key, sizeof(key), "%d", i) }, &seen[i]);
	}
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&m, &i));) {
		++*(int *)e->value;
		map_del(&m, (struct str){ e->key, e->key_n });
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(m.n, 0);
	map_release(&m);
}

static void keys_need_no_terminator(void **state)
{
	struct map m = MAP_INIT;
	int a, b;
	map_put(&m, (struct str){ "xay", 2 }, &a);
	map_put(&m, (struct str){ "xby", 2 }, &b);
	assert_ptr_equal(map_get(&m, STR("xa")), &a);
	assert_ptr_equal(map_get(&m, STR("xb")), &b);
	assert_null(map_get(&m, STR("x")));
	assert_null(map_get(&m, STR("")));
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_an_array),
		cmocka_unit_test(visits_each_once_while_deleting),
		cmocka_unit_test(keys_need_no_terminator),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
