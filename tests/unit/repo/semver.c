/* Versions and ranges; rows as Masterminds/semver v3 decides them. */
#include "unit/cmocka_all.h"

#include "repo/semver.h"

static void versions_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "1.2.3", true },	{ "v1.2.3", true },   { "1.2", true },	     { "1", true },
		{ "1.2.3-rc.1", true }, { "1.2.3+b.1", true }, { "1.2.3-a+b", true }, { "", false },
		{ "v", false },		{ "1.", false },      { "1.2.3.4", false },   { "1.2.3-", false },
		{ "a.b.c", false },	{ "1.2.3-a..b", false }, { "99999999999999999999.0.0", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct semver v;
		if (semver_parse(str_of(rows[i].text), &v) != rows[i].good)
			fail_msg("%s", rows[i].text);
	}
}

static void order_is_that_of_semver_org(void **state)
{
	static const char *const rising[] = { "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
					      "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0" };
	for (size_t i = 0; i + 1 < sizeof(rising) / sizeof(rising[0]); i++) {
		struct semver a, b;
		assert_true(semver_parse(str_of(rising[i]), &a) && semver_parse(str_of(rising[i + 1]), &b));
		if (semver_compare(&a, &b) >= 0 || semver_compare(&b, &a) <= 0)
			fail_msg("%s < %s", rising[i], rising[i + 1]);
	}
}

static void ranges_match(void **state)
{
	static const struct {
		const char *range, *version;
		bool match;
	} rows[] = {
		{ "1.2.3", "1.2.3", true },	   { "=1.2.3", "1.2.4", false },	{ "!=1.2.3", "1.2.4", true },
		{ "!=1.2", "1.2.9", false },	   { ">1.2", "1.3.0", true },		{ ">1.2", "1.2.5", false },
		{ ">=1.2", "1.2.0", true },	   { "<1.2", "1.1.9", true },		{ "<1.2", "1.2.0", false },
		{ "<=1.2", "1.2.9", true },	   { "<=1.2.3", "1.2.4", false },	{ "~1.2.3", "1.2.9", true },
		{ "~1.2.3", "1.3.0", false },	   { "~1", "1.9.9", true },		{ "~1", "2.0.0", false },
		{ "^1.2.3", "1.9.0", true },	   { "^1.2.3", "2.0.0", false },	{ "^0.2.3", "0.2.9", true },
		{ "^0.2.3", "0.3.0", false },	   { "^0.0.3", "0.0.4", false },	{ "^0.0.3", "0.0.3", true },
		{ "1.x", "1.7.0", true },	   { "1.2.x", "1.3.0", false },		{ "*", "3.1.4", true },
		{ "1.2 - 1.4", "1.4.9", true },	   { "1.2.0 - 1.4.5", "1.4.6", false }, { ">=1.0, <2.0", "1.5.0", true },
		{ ">=1.0 <2.0", "2.0.0", false },  { "<1.0 || >=2.0", "2.1.0", true },	{ "<1.0 || >=2.0", "1.5.0", false },
		{ ">=1.0.0", "1.1.0-rc.1", false }, { ">=1.0.0-0", "1.1.0-rc.1", true }, { "*", "1.0.0-rc.1", false },
		{ "~>1.2", "1.2.7", true },	   { "v1.x", "1.0.1", true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct semver v;
		assert_true(semver_parse(str_of(rows[i].version), &v));
		assert_true(semver_is_range(str_of(rows[i].range)));
		if (semver_matches(str_of(rows[i].range), &v) != rows[i].match)
			fail_msg("%s and %s", rows[i].range, rows[i].version);
	}
}

static void malformed_ranges_are_refused(void **state)
{
	static const char *const rows[] = { "", "main", ">", ">=1.2 ||", "1.2 -", "feature/x", "^^1", "1.x.3" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (semver_is_range(str_of(rows[i])))
			fail_msg("%s", rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(order_is_that_of_semver_org),
		cmocka_unit_test(ranges_match),
		cmocka_unit_test(malformed_ranges_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
