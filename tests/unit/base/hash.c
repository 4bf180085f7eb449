/* Hashes: stable where they are stored, and parts cannot slide into each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"

static void is_sha256_cut_to_128_bits(void **state)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(hash_of(STR("abc")), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223");
	struct hash back;
	assert_true(hash_from_hex(str_of(hex), &back));
	assert_true(hash_eq(back, hash_of(STR("abc"))));
	assert_false(hash_from_hex(STR("ba78"), &back));
	assert_false(hash_from_hex(STR("zz7816bf8f01cfea414140de5dae2223"), &back));
}

/* The vector of a million letters a, of FIPS 180-2; the others are on either side of hash.c's limit. */
static void a_large_text_is_hashed_as_a_small_one(void **state)
{
	static char million[1000000];
	char hex[HASH_HEX_LEN + 1];
	memset(million, 'a', sizeof(million));
	hash_hex(hash_of((struct str){ million, sizeof(million) }), hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67");
	hash_hex(hash_of((struct str){ million, 262144 }), hex);
	assert_string_equal(hex, "dd3dde87623d9a6b354c68c943d189c8");
	hash_hex(hash_of((struct str){ million, 262145 }), hex);
	assert_string_equal(hex, "c592f4a6b099700b5050ce8bc67367f0");
}

static void parts_are_kept_apart(void **state)
{
	struct str left[] = { STR("a"), STR("bc") }, right[] = { STR("ab"), STR("c") };
	assert_false(hash_eq(hash_parts(left, 2), hash_parts(right, 2)));
	assert_true(hash_eq(hash_parts(left, 2), hash_parts(left, 2)));
	assert_true(hash_is_zero((struct hash){ 0 }));
	assert_false(hash_is_zero(hash_parts(NULL, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_sha256_cut_to_128_bits),
		cmocka_unit_test(a_large_text_is_hashed_as_a_small_one),
		cmocka_unit_test(parts_are_kept_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
