/* Numbers: Go's spelling where it says the same, the literal's digits where it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "doc/number.h"

static void check(const char *literal, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node n = { 0 };
	assert_true(number_set(&a, &n, str_of(literal)));
	assert_string_equal(n.text.p, want);
	assert_int_equal(n.type, number_is_integer(n.text) ? NODE_INT : NODE_FLOAT);
}

static void as_kubectl_sends_them(void **state)
{
	check("1.0", "1");
	check("-1.50", "-1.5");
	check(".5", "0.5");
	check("5.", "5");
	check("+007", "7");
	check("1e3", "1000");
	check("1e20", "100000000000000000000");
	check("1e21", "1e+21");
	check("0.000001", "0.000001");
	check("0.0000001", "1e-7");
	check("1.25e-10", "1.25e-10");
	check("-0.0", "0");
	check("0.30000000000000004", "0.30000000000000004");
	check("5e-324", "5e-324");
	check("1.7976931348623157e308", "1.7976931348623157e+308");
}

static void without_losing_a_digit(void **state)
{
	check("9223372036854775807", "9223372036854775807");
	check("18446744073709551615", "18446744073709551615");
	check("00123456789012345678901234567890", "123456789012345678901234567890");
	check("0.1000000000000000055", "0.1000000000000000055");
	check("-.10000000000000000001", "-0.10000000000000000001");
	check("9007199254740993.0", "9007199254740993.0");
	check("1e-400", "1e-400");
}

static void too_large_is_none(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node n = { 0 };
	assert_false(number_set(&a, &n, STR("1e309")));
	assert_false(number_set(&a, &n, STR("-1e99999999999999999999")));
}

static void names_of_keys(void **state)
{
	char text[NUMBER_TEXT_MAX];
	const struct {
		double value;
		const char *want;
	} cases[] = {
		{ 1.5, "1.5" },	      { 0.1, "0.1" },
		{ 1e5, "100000" },    { 1e6, "1e+06" },
		{ 1e21, "1e+21" },    { 1e-4, "0.0001" },
		{ 1e-5, "1e-05" },    { 123456789.125, "1.2345679e+08" },
		{ HUGE_VAL, "+Inf" }, { -HUGE_VAL, "-Inf" },
		{ 1e200, "+Inf" },    { -2.5, "-2.5" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		number_shortest_g(cases[i].value, 32, text);
		assert_string_equal(text, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_kubectl_sends_them),
		cmocka_unit_test(without_losing_a_digit),
		cmocka_unit_test(too_large_is_none),
		cmocka_unit_test(names_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
