/* Regular expressions from outside. */
#include "../cmocka_all.h"

#include "check/pattern.h"
#include "check/schema.h"

static enum pattern_answer find(const char *source, const char *text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct pattern *p = pattern_new(&a, str_of(source));
	enum pattern_answer answer = pattern_find(p, str_of(text));
	assert_int_equal(pattern_find(p, str_of(text)), answer); /* compiled once, asked twice */
	pattern_release(p);
	return answer;
}

static void reads_what_go_reads(void **state)
{
	assert_int_equal(find("^[a-z]+$", "abc"), PATTERN_YES);
	assert_int_equal(find("^[a-z]+$", "abc\n"), PATTERN_NO); /* $ is the end of the text */
	assert_int_equal(find("b", "abc"), PATTERN_YES);
	assert_int_equal(find("^\\d{2}(?:[a-z]|\\.)?$", "12."), PATTERN_YES);
	assert_int_equal(find("(?i)^ABC$", "abc"), PATTERN_YES);
	assert_int_equal(find("^.$", "\xc3\xbc"), PATTERN_YES);
	assert_int_equal(find("", ""), PATTERN_YES);
}

static void hostile_patterns_end(void **state)
{
	assert_int_equal(find("((", "x"), PATTERN_UNKNOWN);
	assert_int_equal(
		find("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
		PATTERN_UNKNOWN);
	assert_int_not_equal(find("(x{1000}){1000}", "x"), PATTERN_YES);
	assert_int_equal(find("a", "\xff"), PATTERN_UNKNOWN);
	cleanup_buf struct buf longer = BUF_INIT;
	for (size_t i = 0; i <= SCHEMA_PATTERN_MAX; i++)
		buf_addc(&longer, 'a');
	assert_int_equal(find(longer.p, "a"), PATTERN_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_go_reads),
		cmocka_unit_test(hostile_patterns_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
