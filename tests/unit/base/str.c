/* Slices and buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void compares_bytes(void **state)
{
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR(""), (struct str){ NULL, 0 }), 0);
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")));
}

static void cuts(void **state)
{
	struct str rest, first = str_cut(STR("apps/v1"), '/', &rest);
	assert_true(str_is(first, "apps"));
	assert_true(str_is(rest, "v1"));
	first = str_cut(STR("v1"), '/', &rest);
	assert_true(str_is(first, "v1"));
	assert_int_equal(rest.n, 0);
	assert_true(str_is(str_trim(STR(" \t x y \r\n")), "x y"));
	assert_true(str_is(str_from(STR("abc"), 9), ""));
	assert_true(str_find(STR("abc"), 'c', 3) == SIZE_MAX);
}

static void reads_numbers_that_fit(void **state)
{
	int64_t n;
	assert_true(str_int64(STR("-9223372036854775808"), &n) && n == INT64_MIN);
	assert_true(str_int64(STR("9223372036854775807"), &n) && n == INT64_MAX);
	assert_false(str_int64(STR("9223372036854775808"), &n));
	assert_false(str_int64(STR("1 "), &n));
	assert_false(str_int64(STR(""), &n));
	assert_false(str_int64(STR("-"), &n));
}

static void knows_utf8(void **state)
{
	assert_true(str_utf8(STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80")));
	assert_false(str_utf8(STR("\xc3")));
	assert_false(str_utf8(STR("\xc0\x80")));	 /* overlong */
	assert_false(str_utf8(STR("\xed\xa0\x80")));	 /* surrogate */
	assert_false(str_utf8(STR("\xf4\x90\x80\x80"))); /* over U+10FFFF */
	assert_false(str_utf8(STR("\xff")));
}

static void buffers_grow(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	assert_int_equal(buf_str(&b).n, 0);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(b.n, 3890);
	assert_true(str_ends(buf_str(&b), STR("998,999,")));
	assert_int_equal(b.p[b.n], '\0');
	buf_clear(&b);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_bytes),	  cmocka_unit_test(cuts),
		cmocka_unit_test(reads_numbers_that_fit), cmocka_unit_test(knows_utf8),
		cmocka_unit_test(buffers_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
