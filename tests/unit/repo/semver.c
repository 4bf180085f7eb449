/* Versions and ranges; rows as Masterminds/semver v3 decides them. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "repo/semver.h"

static void versions_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "1.2.3", true },     { "v1.2.3", true },	{ "1.2", true },
		{ "1", true },	       { "1.2.3-rc.1", true },	{ "1.2.3+b.1", true },
		{ "1.2.3-a+b", true }, { "", false },		{ "v", false },
		{ "1.", false },       { "1.2.3.4", false },	{ "1.2.3-", false },
		{ "a.b.c", false },    { "1.2.3-a..b", false }, { "99999999999999999999.0.0", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct semver v;
		if (semver_parse(str_of(rows[i].text), &v) != rows[i].good)
			fail_msg("%s", rows[i].text);
	}
}

static void order_is_that_of_semver_org(void **state)
{
	static const char *const rising[] = { "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
					      "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
					      "1.0.0-rc.1",  "1.0.0",	      "1.0.1",
					      "1.1.0",	     "2.0.0" };
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
		{ "1.2.3", "1.2.3", true },	    { "=1.2.3", "1.2.4", false },
		{ "!=1.2.3", "1.2.4", true },	    { "!=1.2", "1.2.9", false },
		{ ">1.2", "1.3.0", true },	    { ">1.2", "1.2.5", false },
		{ ">=1.2", "1.2.0", true },	    { "<1.2", "1.1.9", true },
		{ "<1.2", "1.2.0", false },	    { "<=1.2", "1.2.9", true },
		{ "<=1.2.3", "1.2.4", false },	    { "~1.2.3", "1.2.9", true },
		{ "~1.2.3", "1.3.0", false },	    { "~1", "1.9.9", true },
		{ "~1", "2.0.0", false },	    { "^1.2.3", "1.9.0", true },
		{ "^1.2.3", "2.0.0", false },	    { "^0.2.3", "0.2.9", true },
		{ "^0.2.3", "0.3.0", false },	    { "^0.0.3", "0.0.4", false },
		{ "^0.0.3", "0.0.3", true },	    { "1.x", "1.7.0", true },
		{ "1.2.x", "1.3.0", false },	    { "*", "3.1.4", true },
		{ "1.2 - 1.4", "1.4.9", true },	    { "1.2.0 - 1.4.5", "1.4.6", false },
		{ ">=1.0, <2.0", "1.5.0", true },   { ">=1.0 <2.0", "2.0.0", false },
		{ "<1.0 || >=2.0", "2.1.0", true }, { "<1.0 || >=2.0", "1.5.0", false },
		{ ">=1.0.0", "1.1.0-rc.1", false }, { ">=1.0.0-0", "1.1.0-rc.1", true },
		{ "*", "1.0.0-rc.1", false },	    { "~>1.2", "1.2.7", true },
		{ "v1.x", "1.0.1", true },
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
	static const char *const rows[] = { "", "main", ">", ">=1.2 ||", "1.2 -", "feature/x", "^^1" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (semver_is_range(str_of(rows[i])))
			fail_msg("%s", rows[i]);
}

enum { VERSIONS_MAX = 100 };

struct cases {
	char *versions[VERSIONS_MAX];
	size_t n, ranges;
};

static void check_range(const struct cases *c, const char *range, const char *answers)
{
	bool refused = answers[0] == 'E';
	if (semver_is_range(str_of(range)) == refused)
		fail_msg("range [%s]", range);
	for (size_t i = 0; !refused && i < c->n; i++) {
		struct semver v;
		if (answers[i] == '-')
			continue;
		assert_true(semver_parse(str_of(c->versions[i]), &v));
		if (semver_matches(str_of(range), &v) != (answers[i] == '1'))
			fail_msg("range [%s] and version [%s]", range, c->versions[i]);
	}
}

static void answers_are_those_of_the_library(void **state)
{
	struct cases c = { .n = 0 };
	char line[1024];
	FILE *file = fopen(SEMVER_CASES, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		char *text = strchr(line, '\t'), *answer = strrchr(line, '\t');
		if (line[0] == '#' || !text)
			continue;
		*answer = '\0';
		struct semver v;
		if (strncmp(line, "version", 7) == 0) {
			assert_true(c.n < VERSIONS_MAX);
			c.versions[c.n++] = mem_strdup(text + 1);
			if (semver_parse(str_of(text + 1), &v) != (answer[1] == '1'))
				fail_msg("version [%s]", text + 1);
		} else {
			c.ranges++;
			check_range(&c, text + 1, answer + 1);
		}
	}
	fclose(file);
	assert_true(c.n > 50 && c.ranges > 300);
	for (size_t i = 0; i < c.n; i++)
		free(c.versions[i]);
}

static void the_highest_of_many(void **state)
{
	const struct str tags[] = { STR("latest"), STR("v1.0.0"), STR("v1.10.0"),
				    STR("v1.9.0"), STR("1.10"),	  STR("v2.0.0-rc.1") };
	size_t n = sizeof(tags) / sizeof(tags[0]);
	assert_int_equal(semver_best(STR("1.x"), tags, n), 2);
	assert_int_equal(semver_best(STR(">=1"), tags, n), 2);
	assert_int_equal(semver_best(STR(">=1-0"), tags, n), 5);
	assert_true(semver_best(STR("3.x"), tags, n) == SIZE_MAX);
	assert_true(semver_best(STR("no range"), tags, n) == SIZE_MAX);
}

static void lengths_have_an_end(void **state)
{
	char text[SEMVER_TEXT_MAX + 2];
	struct semver v;
	memset(text, '1', sizeof(text));
	memcpy(text, "1.0.0-", 6);
	assert_true(semver_parse((struct str){ text, SEMVER_TEXT_MAX }, &v));
	assert_false(semver_parse((struct str){ text, SEMVER_TEXT_MAX + 1 }, &v));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? ',' : '1';
	assert_false(semver_is_range((struct str){ text, 2 * SEMVER_COMPARATORS_MAX + 1 }));
	assert_true(semver_is_range((struct str){ text, 2 * SEMVER_COMPARATORS_MAX - 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(order_is_that_of_semver_org),
		cmocka_unit_test(ranges_match),
		cmocka_unit_test(malformed_ranges_are_refused),
		cmocka_unit_test(answers_are_those_of_the_library),
		cmocka_unit_test(the_highest_of_many),
		cmocka_unit_test(lengths_have_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
