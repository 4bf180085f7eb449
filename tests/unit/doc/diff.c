/* Unified diffs: as diff -u prints them, and applying one gives the new text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "doc/diff.h"

static void check(const char *a, const char *b, unsigned context, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	diff_unified(&out, str_of(a), str_of(b), &(struct diff_options){ .context = context });
	assert_string_equal(out.n ? out.p : "", want);
}

static void as_diff_prints_them(void **state)
{
	check("a\nb\n", "a\nb\n", 3, "");
	check("a\nb\nc\n", "a\nx\nc\n", 3, "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	check("", "a\n", 3, "@@ -0,0 +1 @@\n+a\n");
	check("a\n", "", 3, "@@ -1 +0,0 @@\n-a\n");
	check("a\n", "a", 3, "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
	check("1\n2\n3\n4\n5\n6\n7\n", "1\nx\n3\n4\n5\ny\n7\n", 1,
	      "@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n@@ -5,3 +5,3 @@\n 5\n-6\n+y\n 7\n");
	check("1\n2\n3\n4\n5\n6\n", "1\nx\n3\n4\ny\n6\n", 1,
	      "@@ -1,6 +1,6 @@\n 1\n-2\n+x\n 3\n 4\n-5\n+y\n 6\n");
	check("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 0,
	      "@@ -1,2 +0,0 @@\n-a\n-b\n@@ -3,0 +2 @@\n+b\n@@ -6 +4,0 @@\n-b\n@@ -7,0 +6 @@\n+c\n");
}

static void labels_and_colours(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct diff_options options = {
		.old_label = "cluster", .new_label = "git", .context = 3, .colour = true
	};
	diff_unified(&out, STR("a\n"), STR("b\n"), &options);
	assert_string_equal(out.p, "--- cluster\n+++ git\n\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-a\x1b[0m\n"
				   "\x1b[32m+b\x1b[0m\n");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void random_lines(struct buf *out, uint32_t *seed, unsigned lines, unsigned words)
{
	buf_clear(out);
	for (unsigned i = 0; i < lines; i++)
		buf_printf(out, "w%u\n", next_random(seed) % words);
}

/* With all the context, the lines without '-' are the new text and those without '+' the old one. */
static void check_applies(struct str a, struct str b)
{
	cleanup_buf struct buf out = BUF_INIT, left = BUF_INIT, right = BUF_INIT;
	diff_unified(&out, a, b, &(struct diff_options){ .context = 1000000 });
	struct str rest = buf_str(&out);
	if (rest.n == 0) {
		assert_true(str_eq(a, b));
		return;
	}
	str_cut(rest, '\n', &rest);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		if (line.p[0] != '+')
			buf_printf(&left, "%.*s\n", (int)line.n - 1, line.p + 1);
		if (line.p[0] != '-')
			buf_printf(&right, "%.*s\n", (int)line.n - 1, line.p + 1);
	}
	assert_true(str_eq(buf_str(&left), a));
	assert_true(str_eq(buf_str(&right), b));
}

static void random_texts_apply(void **state)
{
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;
	uint32_t seed = 7;
	for (int i = 0; i < 500; i++) {
		random_lines(&a, &seed, next_random(&seed) % 40, 1 + next_random(&seed) % 10);
		random_lines(&b, &seed, next_random(&seed) % 40, 1 + next_random(&seed) % 10);
		check_applies(buf_str(&a), buf_str(&b));
	}
}

static void far_apart_is_bounded(void **state)
{
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;
	uint32_t seed = 9;
	random_lines(&a, &seed, 20000, 60000);
	random_lines(&b, &seed, 20000, 60000);
	check_applies(buf_str(&a), buf_str(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_diff_prints_them),
		cmocka_unit_test(labels_and_colours),
		cmocka_unit_test(random_texts_apply),
		cmocka_unit_test(far_apart_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
