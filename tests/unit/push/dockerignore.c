/* .dockerignore as Docker's matcher reads it. */
#include "../cmocka_all.h"

#include "base/clock.h"
#include "push/dockerignore.h"

static bool drops(const char *text, const char *path)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerignore d;
	assert_int_equal(dockerignore_read(&a, ".dockerignore", str_of(text), &d, &err), 0);
	return dockerignore_drops(&d, path);
}

static void patterns_match_from_the_root(void **state)
{
	assert_true(drops("a", "a"));
	assert_true(drops("a", "a/b/c"));
	assert_false(drops("a", "b/a"));
	assert_false(drops("a", "ab"));
	assert_true(drops("/a/b/", "a/b"));
	assert_true(drops("./a/../b", "b"));
	assert_false(drops("../b", "b"));
	assert_true(drops("*.md", "README.md"));
	assert_false(drops("*.md", "docs/README.md"));
	assert_true(drops("*/temp*", "a/temporary.txt"));
	assert_false(drops("*/temp*", "a/b/temporary.txt"));
	assert_true(drops("temp?", "tempa"));
	assert_false(drops("temp?", "temp"));
	assert_false(drops("a?b", "a/b"));
}

static void two_stars_cross_directories(void **state)
{
	assert_true(drops("**/*.go", "a.go"));
	assert_true(drops("**/*.go", "a/b/c.go"));
	assert_true(drops("a/**/z", "a/z"));
	assert_true(drops("a/**/z", "a/b/c/z"));
	assert_false(drops("a/**/z", "b/z"));
	assert_true(drops("a/**", "a/b"));
	assert_true(drops("**", "x/y"));
}

static void classes_and_escapes(void **state)
{
	assert_true(drops("[a-c]x", "bx"));
	assert_false(drops("[a-c]x", "dx"));
	assert_true(drops("[^a-c]x", "dx"));
	assert_false(drops("[^a]", "/"));
	assert_true(drops("\\*", "*"));
	assert_false(drops("\\*", "a"));
	assert_false(drops("[a", "a"));
}

static void the_last_match_decides(void **state)
{
	assert_false(drops("*.md\n!README.md\n", "README.md"));
	assert_true(drops("*.md\n!README.md\n", "x.md"));
	assert_true(drops("!README.md\n*.md\n", "README.md"));
	assert_false(drops("a\n!a/b\n", "a/b/c"));
	assert_true(drops("# a comment\n\n  a  \r\n", "a"));
	assert_false(drops("#a\n", "#a"));
	assert_true(drops("\xef\xbb\xbf"
			  "a\n",
			  "a"));
}

static void directories_are_passed_over_when_nothing_of_them_is_kept(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerignore d;
	assert_int_equal(dockerignore_read(&a, "x", STR("node_modules\n"), &d, &err), 0);
	assert_true(dockerignore_drops_all(&d, "node_modules"));
	assert_int_equal(dockerignore_read(&a, "x", STR("node_modules\n!node_modules/keep\n"), &d, &err), 0);
	assert_true(dockerignore_drops(&d, "node_modules"));
	assert_false(dockerignore_drops_all(&d, "node_modules"));
}

static void many_stars_end_soon(void **state)
{
	cleanup_buf struct buf pattern = BUF_INIT, path = BUF_INIT;
	for (int i = 0; i < 300; i++)
		buf_adds(&pattern, i % 2 ? "**/" : "*a");
	for (int i = 0; i < 3000; i++)
		buf_adds(&path, i % 9 ? "a" : "/");
	int64_t began = clock_mono_ms();
	(void)drops(pattern.p, path.p + 1);
	assert_true(clock_mono_ms() - began < 5000);
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerignore d;
	buf_clear(&pattern);
	for (unsigned i = 0; i <= DOCKERIGNORE_PATTERN_MAX; i++)
		buf_addc(&pattern, 'a');
	assert_int_equal(dockerignore_read(&a, ".dockerignore", buf_str(&pattern), &d, &err), -1);
	assert_string_equal(
		err.text,
		".dockerignore:1: the pattern is longer than 1024 bytes (DOCKERIGNORE_PATTERN_MAX)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_from_the_root),
		cmocka_unit_test(two_stars_cross_directories),
		cmocka_unit_test(classes_and_escapes),
		cmocka_unit_test(the_last_match_decides),
		cmocka_unit_test(directories_are_passed_over_when_nothing_of_them_is_kept),
		cmocka_unit_test(many_stars_end_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
