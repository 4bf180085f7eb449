/* Texts that have a form. */
#include "../cmocka_all.h"

#include "check/values.h"

static void quantities(void **state)
{
	static const char *const good[] = { "0",   "1",	   "-5",   "+5",  "500m", "1.5Gi", ".5",   "5.",
					    "1e3", "1E-3", "1e+9", "2Ei", "1E",	  "100n",  " 5Gi " };
	static const char *const bad[] = { "",	   ".",	 "m",	"1GB",	"1 Gi", "1.2.3",
					   "1ee3", "1e", "0x1", "1Mib", "--1",	"1e3Ki" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(value_is_quantity(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_is_quantity(str_of(bad[i])));
}

static void times(void **state)
{
	assert_true(value_is_time(STR("2026-01-02T03:04:05Z")));
	assert_true(value_is_time(STR("2026-01-02T03:04:05.123456789+01:30")));
	assert_false(value_is_time(STR("2026-01-02T03:04:05")));
	assert_false(value_is_time(STR("2026-01-02 03:04:05Z")));
	assert_false(value_is_time(STR("2026-13-02T03:04:05Z")));
	assert_false(value_is_time(STR("2026-01-02T24:04:05Z")));
	assert_false(value_is_time(STR("2026-01-02T03:04:05.Z")));
	assert_false(value_is_time(STR("")));
	assert_true(value_is_date(STR("2026-01-31")));
	assert_false(value_is_date(STR("2026-01-32")));
}

static void base64(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = { { "", "" },
		      { "YQ==", "a" },
		      { "YWI=", "ab" },
		      { "YWJj", "abc" },
		      { "YWJj\nYWJj\n", "abcabc" },
		      { "YQ", NULL },
		      { "YQ=", NULL },
		      { "Y===", NULL },
		      { "YQ==YQ==", NULL },
		      { "Y Q=", NULL },
		      { "YQ==x", NULL },
		      { "a-_=", NULL },
		      { "=", NULL },
		      { "====", NULL } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str out = value_decode(&a, str_of(cases[i].in));
		if (cases[i].out)
			assert_true(str_is(out, cases[i].out));
		else
			assert_true(out.n == SIZE_MAX);
		assert_int_equal(value_is_base64(str_of(cases[i].in)), cases[i].out != NULL);
	}
}

static void formats(void **state)
{
	assert_true(value_has_format(FORMAT_IPV4, STR("10.0.0.1")));
	assert_false(value_has_format(FORMAT_IPV4, STR("10.0.0.256")));
	assert_true(value_has_format(FORMAT_IPV6, STR("::1")));
	assert_false(value_has_format(FORMAT_IPV6, STR("10.0.0.1")));
	assert_true(value_has_format(FORMAT_UUID, STR("123e4567-e89b-12d3-a456-426614174000")));
	assert_false(value_has_format(FORMAT_UUID, STR("123e4567-e89b-12d3-a456-42661417400g")));
	assert_true(value_has_format(FORMAT_NONE, STR("anything")));
	assert_int_equal(value_length(STR("gr\xc3\xbc\xc3\x9f")), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities),
		cmocka_unit_test(times),
		cmocka_unit_test(base64),
		cmocka_unit_test(formats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
