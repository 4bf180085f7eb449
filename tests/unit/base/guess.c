/* What a mistyped name is guessed to be. */
#include "../cmocka_all.h"

#include "base/guess.h"

static const char *guessed(const char *typed)
{
	static const char *const names[] = { "branch", "path", "namespace", "context", "env" };
	struct guess g = guess_start(str_of(typed));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		guess_try(&g, str_of(names[i]));
	return g.best.p ? g.best.p : "";
}

static void slips_are_seen(void **state)
{
	assert_string_equal(guessed("brnach"), "branch");
	assert_string_equal(guessed("pathh"), "path");
	assert_string_equal(guessed("ptah"), "path");
	assert_string_equal(guessed("nmspace"), "namespace");
	assert_string_equal(guessed("name"), "namespace"); /* its beginning */
	assert_string_equal(guessed("evn"), "env");
}

static void what_is_too_far_is_not_guessed(void **state)
{
	assert_string_equal(guessed(""), "");
	assert_string_equal(guessed("xyz"), "");
	assert_string_equal(guessed("eab"), "");
	assert_string_equal(guessed("a-name-that-is-so-long-that-nobody-would-compare-it-with-anything-else"),
			    "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_seen),
		cmocka_unit_test(what_is_too_far_is_not_guessed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
