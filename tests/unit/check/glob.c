/* Patterns of allow-lists. */
#include "../cmocka_all.h"

#include "check/parts.h"

static void matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{ "a", "a", true },
		{ "a", "ab", false },
		{ "", "", true },
		{ "*", "", true },
		{ "*", "abc", true },
		{ "*", "a/b", false },
		{ "a*c", "abbc", true },
		{ "a*c", "ac", true },
		{ "a*b*c", "axbxbxc", true },
		{ "a*b", "a/b", false },
		{ "a/*/c", "a/b/c", true },
		{ "a/*/c", "a/b/b/c", false },
		{ "a/**", "a/b/c", true },
		{ "a/**/c", "a/c", true },
		{ "a/**/c", "a/b/d/c", true },
		{ "a/**/c", "a/bc", false },
		{ "**/c", "c", true },
		{ "**/c", "a/b/c", true },
		{ "**/c", "a/bc", false },
		{ "**/*.pem", "a/b/x.pem", true },
		{ "**/*.pem", "x.pem", true },
		{ "**/*.pem", "a/x.pem/y", false },
		{ "**", "a/b", true },
		{ "a?c", "abc", true },
		{ "a?c", "a/c", false },
		{ "Secret/*/db", "Secret/shop/db", true },
		{ "ConfigMap/tls-*", "ConfigMap/tls-ca", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (glob_match(str_of(cases[i].pattern), str_of(cases[i].text)) != cases[i].match)
			fail_msg("%s and %s", cases[i].pattern, cases[i].text);
}

/* With the stars all taken back, this would be 2^60 steps. */
static void many_stars_end(void **state)
{
	cleanup_buf struct buf pattern = BUF_INIT, text = BUF_INIT;
	for (size_t i = 0; i < 60; i++)
		buf_adds(&pattern, i % 2 ? "*a" : "**/a*");
	for (size_t i = 0; i < 4000; i++)
		buf_adds(&text, i % 7 ? "a" : "/");
	buf_adds(&pattern, "b");
	assert_false(glob_match(buf_str(&pattern), buf_str(&text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(many_stars_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
