/* Commits made of files: what changes, what stays, what cannot be; and what a push's answer means. */
#include "unit/repo/git_fixture.h"

#include "repo/commit.h"
#include "repo/remote.h"
#include "repo/tree.h"

struct fixture {
	struct git_fixture git;
	char sha[SHA_HEX_MAX + 1];
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "commit");
	git_do(&f->git, "git init -q -b main .");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	repo_tree_forget(f->git.git);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

/* "path=text;path=text", borrowed from memory that the test keeps. */
static size_t read_files(char *text, struct commit_file *files)
{
	size_t n = 0;
	for (char *one = strtok(text, ";"); one; one = strtok(NULL, ";")) {
		char *is = strchr(one, '=');
		*is = '\0';
		files[n++] = (struct commit_file){ .path = one, .data = str_of(is + 1) };
	}
	return n;
}

static int make_in(struct fixture *f, const char *dir, const char *parent, const char *files,
		   bool (*goes)(const char *path), struct error *err)
{
	struct commit_file list[16];
	cleanup_free char *copy = mem_strdup(files);
	struct commit_spec spec = {
		.dir = dir,
		.files = list,
		.n = read_files(copy, list),
		.goes = goes,
		.subject = "rendered",
		.when_ms = 1700000000000,
	};
	return commit_make(f->git.git, parent, &spec, f->sha, err);
}

static void make(struct fixture *f, const char *parent, const char *files, int expected)
{
	struct error err = ERROR_INIT;
	int rc = make_in(f, "", parent, files, NULL, &err);
	if (rc != expected)
		fail_msg("%d: %s", rc, err.text);
}

static void expect_tree(struct fixture *f, const char *files)
{
	cleanup_free char *found = git_run(&f->git, "git ls-tree -r --name-only %s | tr '\\n' ' '", f->sha);
	assert_string_equal(found, files);
}

static void commits_follow_files(void **state)
{
	struct fixture *f = *state;
	make(f, NULL, "a/x=1;a/y=2;b=3", 0);
	expect_tree(f, "a/x a/y b ");
	cleanup_free char *first = mem_strdup(f->sha);
	/* The same again is no commit, in any order. */
	make(f, first, "b=3;a/y=2;a/x=1", 1);
	assert_string_equal(f->sha, first);
	/* What is not among the files goes; a file may become a directory and back. */
	make(f, first, "a=1;b/c=2", 0);
	expect_tree(f, "a b/c ");
	cleanup_free char *parent = git_run(&f->git, "git rev-parse %s^", f->sha);
	assert_string_equal(parent, first);
	git_do(&f->git, "git fsck --strict");
	make(f, f->sha, "a/x=1;a/y=2;b=3", 0);
	cleanup_free char *tree = git_run(&f->git, "git rev-parse %s^{tree}", f->sha);
	cleanup_free char *first_tree = git_run(&f->git, "git rev-parse %s^{tree}", first);
	assert_string_equal(tree, first_tree);
}

static void nothing_is_written_when_nothing_changes(void **state)
{
	struct fixture *f = *state;
	make(f, NULL, "a/x=1", 0);
	cleanup_free char *before = git_run(&f->git, "find .git/objects -type f | wc -l");
	make(f, f->sha, "a/x=1", 1);
	cleanup_free char *after = git_run(&f->git, "find .git/objects -type f | wc -l");
	assert_string_equal(before, after);
}

static bool is_yaml(const char *path)
{
	return str_ends(str_of(path), STR(".yaml"));
}

static void only_its_directory_is_touched(void **state)
{
	struct fixture *f = *state;
	make(f, NULL, "README=r;apps/a/x.yaml=1;apps/a/OWNERS=me;apps/ab/x.yaml=1;apps/b/x.yaml=1", 0);
	assert_int_equal(make_in(f, "apps/a", f->sha, "y.yaml=2", NULL, NULL), 0);
	expect_tree(f, "README apps/a/y.yaml apps/ab/x.yaml apps/b/x.yaml ");
	make(f, NULL, "README=r;x.yaml=1;ci/deep.yaml=1", 0);
	assert_int_equal(make_in(f, "", f->sha, "y.yaml=2", is_yaml, NULL), 0);
	expect_tree(f, "README y.yaml ");
}

static void no_files_delete_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	make(f, NULL, "a=1", 0);
	assert_int_equal(make_in(f, "", f->sha, "", NULL, &err), -1);
	assert_non_null(strstr(err.text, "nothing is deleted"));
	struct commit_spec spec = { .dir = "", .may_be_empty = true, .subject = "empty" };
	char sha[SHA_HEX_MAX + 1];
	assert_int_equal(commit_make(f->git.git, f->sha, &spec, sha, &err), 0);
	assert_int_equal(commit_make(f->git.git, NULL, &spec, sha, &err), 1);
	assert_string_equal(sha, "");
}

static void names_that_cannot_be(void **state)
{
	static const char *const bad[] = { "../x=1", "/x=1",	"a//b=1", ".git/config=1", "a/.GIT/x=1",
					   "a/=1",   "a\x1b=1", "a\\b=1", "a/./b=1",	   "git~1=1" };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (make_in(f, "", NULL, bad[i], NULL, &err) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(make_in(f, "..", NULL, "x=1", NULL, &err), -1);
	assert_int_equal(make_in(f, "", NULL, "x=1;x=2", NULL, &err), -1);
	assert_non_null(strstr(err.text, "twice"));
	assert_int_equal(make_in(f, "", NULL, "a/b/c=1;a=2", NULL, &err), -1);
	assert_non_null(strstr(err.text, "a file and a directory"));
	assert_int_equal(make_in(f, "", "1111111111111111111111111111111111111111", "x=1", NULL, &err), -1);
}

static void messages_have_trailers_and_no_tricks(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct commit_trailer trailers[] = { { "Source-Commit", "abc" },
					     { "Capstan-Environment", "prod\nSource-Commit: fake" } };
	struct commit_spec spec = { .subject = "prod:\x1b[31m red\nSecond: x",
				    .body = "one\r\ntwo",
				    .trailers = trailers,
				    .n_trailers = 2 };
	commit_message(&spec, &text);
	assert_string_equal(text.p, "prod:?[31m red Second: x\n\none\ntwo\n\nSource-Commit: abc\n"
				    "Capstan-Environment: prod Source-Commit: fake\n");
	struct fixture *f = *state;
	make(f, NULL, "a=1", 0);
	cleanup_free char *who = git_run(&f->git, "git log -1 --format='%%an <%%ae> %%at %%s' %s", f->sha);
	assert_string_equal(who, "Capstan <capstan@localhost> 1700000000 rendered");
}

static void branches_have_names(void **state)
{
	static const char *const good[] = { "main", "rendered/prod", "env-1.2" };
	static const char *const bad[] = { "",	   "-x",     "a..b",	   "a b", "a.lock", "a/.b",
					   "HEAD", "refs/x", "a\x1b[31mb", "x/",  "@{u}",   "a:b" };
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (commit_check_branch(good[i], &err) != 0)
			fail_msg("%s: %s", good[i], err.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (commit_check_branch(bad[i], &err) == 0)
			fail_msg("%s", bad[i]);
	assert_null(strchr(err.text, '\x1b'));
}

static void what_a_push_says(void **state)
{
	static const struct {
		const char *out;
		enum push_outcome outcome;
	} cases[] = {
		{ "To u\n*\t1:refs/heads/b\t[new branch]\nDone\n", PUSH_DONE },
		{ "To u\n \t1:refs/heads/b\t1..2\nDone\n", PUSH_DONE },
		{ "To u\n=\t1:refs/heads/b\t[up to date]\nDone\n", PUSH_DONE },
		{ "To u\n!\t1:refs/heads/b\t[rejected] (fetch first)\nDone\n", PUSH_RACED },
		{ "To u\n!\t1:refs/heads/b\t[rejected] (non-fast-forward)\n", PUSH_RACED },
		{ "To u\n!\t1:refs/heads/b\t[remote rejected] (cannot lock ref 'refs/heads/b': is at 1 but expected 2)\n",
		  PUSH_RACED },
		{ "To u\n!\t1:refs/heads/b\t[remote rejected] (pre-receive hook declined)\n", PUSH_REFUSED },
		{ "To u\n!\t1:refs/heads/b\t[remote rejected] (protected branch hook declined)\n",
		  PUSH_REFUSED },
		{ "fatal: no\n", PUSH_FAILED },
		{ "", PUSH_FAILED },
	};
	struct str reason;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (push_read(str_of(cases[i].out), &reason) != cases[i].outcome)
			fail_msg("%s", cases[i].out);
	push_read(str_of(cases[6].out), &reason);
	assert_true(str_is(reason, "[remote rejected] (pre-receive hook declined)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commits_follow_files, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_written_when_nothing_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(only_its_directory_is_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(no_files_delete_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_cannot_be, setup, teardown),
		cmocka_unit_test_setup_teardown(messages_have_trailers_and_no_tricks, setup, teardown),
		cmocka_unit_test(branches_have_names),
		cmocka_unit_test(what_a_push_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
