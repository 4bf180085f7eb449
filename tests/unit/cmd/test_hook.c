/* Parts of the hook: git's lines, and files of a working tree. */
#include "unit/repo/git_fixture.h"

#include <sys/stat.h>

#include "cmd/hook_refs.h"
#include "cmd/hook_worktree.h"
#include "cmd/style.h"
#include "io/file.h"

#define ZEROS "0000000000000000000000000000000000000000"
#define SHA "0123456789abcdef0123456789abcdef01234567"

static void lines_of_git_are_read(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct hook_ref *refs;
	size_t n;
	assert_int_equal(hook_refs_read(&a,
					STR("refs/heads/a/b " SHA " refs/heads/c " ZEROS "\n"
					    "(delete) " ZEROS " refs/heads/gone " SHA "\n"
					    "HEAD^{/a b} " SHA " refs/tags/v1 " SHA "\n"),
					&refs, &n, NULL),
			 0);
	assert_int_equal(n, 3);
	assert_string_equal(refs[0].sha, SHA);
	assert_string_equal(refs[0].old, "");
	assert_string_equal(hook_ref_branch(&refs[0]), "c");
	assert_string_equal(refs[1].sha, "");
	assert_string_equal(refs[1].old, SHA);
	assert_string_equal(refs[2].local, "HEAD^{/a b}");
	assert_null(hook_ref_branch(&refs[2]));
	assert_int_equal(hook_refs_read(&a, STR(""), &refs, &n, NULL), 0);
	assert_int_equal(n, 0);
}

static void other_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"x",
		"a " SHA " b",
		" " SHA " b " SHA,
		"a " SHA "  " SHA,
		"a 0123 b " SHA,
		"a " SHA " b " SHA "0",
		"a " SHA " b 0123456789ABCDEF0123456789ABCDEF01234567",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct hook_ref *refs;
		size_t n;
		if (hook_refs_read(&a, str_of(bad[i]), &refs, &n, &err) == 0)
			fail_msg("%s", bad[i]);
		assert_non_null(strstr(err.text, "line 1 "));
	}
}

static void words_of_a_shell_are_quoted(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	style_quote(&out, "a'b $(c)");
	assert_string_equal(out.p, "'a'\\''b $(c)'");
}

/* --- files of a working tree --- */

static int set_up(void **state)
{
	static struct git_fixture f;
	git_fixture_init(&f, "hook");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct git_fixture *f = *state;
	git_do(f, "rm -rf %s", f->dir);
	return 0;
}

static const char *text_of(struct git_fixture *f, const char *path)
{
	static struct buf text;
	cleanup_buf struct buf whole = BUF_INIT;
	buf_printf(&whole, "%s/%s", f->dir, path);
	buf_release(&text);
	return file_read(whole.p, 1000, &text, NULL) == 0 ? (text.p ? text.p : "") : NULL;
}

static int apply(struct git_fixture *f, const char *path, const char *before, const char *now)
{
	struct rendered_file file = {
		.path = path,
		.was = before != NULL,
		.is = now != NULL,
		.before = str_of(before ? before : ""),
		.now = str_of(now ? now : ""),
	};
	return worktree_apply(f->dir, &file, NULL);
}

static void files_come_change_and_go(void **state)
{
	struct git_fixture *f = *state;
	assert_int_equal(apply(f, "a/b/c", NULL, "1"), WORKTREE_WRITTEN);
	assert_string_equal(text_of(f, "a/b/c"), "1");
	assert_int_equal(apply(f, "a/b/c", NULL, "1"), WORKTREE_SAME);
	assert_int_equal(apply(f, "a/b/c", "1", "2"), WORKTREE_WRITTEN);
	assert_string_equal(text_of(f, "a/b/c"), "2");
	assert_int_equal(apply(f, "a/b/c", "2", NULL), WORKTREE_WRITTEN);
	assert_null(text_of(f, "a/b/c"));
	assert_int_equal(apply(f, "a/b/c", "2", NULL), WORKTREE_SAME);
	assert_int_equal(apply(f, "no/such/c", "2", NULL), WORKTREE_SAME);
	/* One that somebody has removed is made again. */
	assert_int_equal(apply(f, "a/b/c", "2", "3"), WORKTREE_WRITTEN);
	git_do(f, "test -z \"$(ls -A a/b | grep -v '^c$')\"");
}

static void what_somebody_works_on_is_let_be(void **state)
{
	struct git_fixture *f = *state;
	git_do(f, "echo mine >x");
	assert_int_equal(apply(f, "x", NULL, "1"), WORKTREE_BUSY);
	assert_int_equal(apply(f, "x", "0", "1"), WORKTREE_BUSY);
	assert_int_equal(apply(f, "x", "0", NULL), WORKTREE_BUSY);
	assert_string_equal(text_of(f, "x"), "mine\n");
}

static void links_are_not_followed(void **state)
{
	struct git_fixture *f = *state;
	git_do(f, "mkdir out in && ln -s ../out in/dir && ln -s ../out/file in/link && echo o >out/file");
	assert_int_equal(apply(f, "in/dir/new", NULL, "1"), -1);
	assert_int_equal(apply(f, "in/link", NULL, "1"), -1);
	assert_int_equal(apply(f, "out/file/x", NULL, "1"), -1);
	assert_string_equal(text_of(f, "out/file"), "o\n");
	assert_null(text_of(f, "out/new"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_git_are_read),       cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(words_of_a_shell_are_quoted), CASE(files_come_change_and_go),
		CASE(what_somebody_works_on_is_let_be),	       CASE(links_are_not_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
