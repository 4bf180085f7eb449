/* The stored form of an inventory: round trip, chunks, and what is refused. */
#include "unit/cmocka_all.h"

#include <stdio.h>

#include "deploy/inventory.h"

static void what_is_written_reads_back(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct inventory_entry entries[2000];
	struct inventory inv = { entries, 2000 }, back;
	for (size_t i = 0; i < inv.n; i++)
		entries[i] = (struct inventory_entry){
			.key = str_of(arena_printf(&a, "apps/Deployment/ns/app-%04zu", i)),
			.version = STR("v1"),
			.desired = i % 3 ? hash_of(STR("x")) : (struct hash){ { 0 } },
			.live = i % 2 ? hash_of(STR("y")) : (struct hash){ { 0 } }
		};
	inventory_write(&text, &inv);
	assert_int_equal(inventory_read(&a, buf_str(&text), &back, NULL), 0);
	assert_int_equal(back.n, inv.n);
	for (size_t i = 0; i < inv.n; i++) {
		assert_true(str_eq(back.entries[i].key, entries[i].key));
		assert_true(hash_eq(back.entries[i].desired, entries[i].desired) &&
			    hash_eq(back.entries[i].live, entries[i].live));
	}
}

static void chunks_hold_every_entry_once(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct inventory_entry entries[500];
	struct inventory inv = { entries, 500 };
	for (size_t i = 0; i < inv.n; i++)
		entries[i] =
			(struct inventory_entry){ .key = str_of(arena_printf(&a, "/ConfigMap/ns/c-%04zu", i)),
						  .version = STR("v1") };
	inventory_write(&text, &inv);
	struct str *chunks;
	size_t n, total = 0;
	inventory_chunks(&a, buf_str(&text), 1000, &chunks, &n);
	assert_in_range(n, 10, 100);
	for (size_t i = 0; i < n; i++) {
		struct inventory one;
		assert_in_range(chunks[i].n, 1, 1000);
		assert_int_equal(inventory_read(&a, chunks[i], &one, NULL), 0);
		for (size_t k = 0; k < one.n; k++)
			assert_true(str_eq(one.entries[k].key, entries[total++].key));
	}
	assert_int_equal(total, inv.n);
}

static void hostile_text_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "line 1" },
		{ "capstan-inventory/2\n", "line 1" },
		{ "capstan-inventory/1\n/A/n/x v1 - -\nrubbish\n", "line 3" },
		{ "capstan-inventory/1\n/A/n/x v1 zz -\n", "line 2" },
		{ "capstan-inventory/1\n/A/n/x v1 - - \n", "line 2" },
		{ "capstan-inventory/1\n/A/n/x v1 - -\r\n", "line 2" },
		{ "capstan-inventory/1\n/A/n/\xff v1 - -\n", "line 2" },
		{ "capstan-inventory/1\n v1 - -\n", "line 2" },
		{ "capstan-inventory/1\n\n", "line 2" },
		{ "capstan-inventory/1\n/A/n/x v1 00000000000000000000000000000000 -\n", "line 2" },
		{ "capstan-inventory/1\n/A/n/x v1 ABCDEF00000000000000000000000000 -\n", "line 2" },
		{ "capstan-inventory/1\n/A/n/x v1 - -", "cut off" },
		{ "capstan-inventory/1\n/B/n/x v1 - -\n/A/n/x v1 - -\n", "line 3" },
		{ "capstan-inventory/1\n/A/n/x v1 - -\n/A/n/x v1 - -\n", "line 3" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct inventory inv;
		assert_int_equal(inventory_read(&a, str_of(rows[i].text), &inv, &err), -1);
		if (!strstr(err.text, rows[i].words))
			fail_msg("%zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(chunks_hold_every_entry_once),
		cmocka_unit_test(hostile_text_is_refused_with_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
