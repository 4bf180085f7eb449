/* Bytes as hexadecimal digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/hex.h"

static void every_byte_is_written_and_read(void **state)
{
	for (int byte = 0; byte < 256; byte++) {
		unsigned char b = (unsigned char)byte;
		char text[3], want[3];
		hex_write(&b, 1, text);
		snprintf(want, sizeof(want), "%02x", (unsigned)byte);
		assert_string_equal(text, want);
		assert_int_equal(hex_value(text[0]) << 4 | hex_value(text[1]), byte);
		assert_true(hex_is(str_of(text)));
	}
}

static void what_is_a_digit(void **state)
{
	for (int c = -128; c < 128; c++) {
		static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
		const char *low = c > 0 ? strchr(lower, c) : NULL, *up = c > 0 ? strchr(upper, c) : NULL;
		int value = low ? (int)(low - lower) : -1;
		assert_int_equal(hex_lower((char)c), value);
		assert_int_equal(hex_value((char)c), up ? (int)(up - upper) : value);
	}
	assert_true(hex_is(STR("")));
	assert_false(hex_is(STR("0A")));
	assert_false(hex_is(STR("0g")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_written_and_read),
		cmocka_unit_test(what_is_a_digit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
