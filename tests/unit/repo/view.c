/* Looks into commits path by path: what is there, what is not, what may not be, and what it costs. */
#include "unit/repo/git_fixture.h"

#include "repo/tree.h"
#include "repo/view.h"

struct fixture {
	struct git_fixture git;
	struct arena arena;
	struct repo_view *view;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "view");
	git_do(&f->git, "git init -q -b main .");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	repo_view_close(f->view);
	arena_release(&f->arena);
	repo_tree_forget(f->git.git);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static void open_view(struct fixture *f, const char *sha)
{
	struct error err = ERROR_INIT;
	repo_view_close(f->view);
	f->view = repo_view_open(f->git.git, sha, &err);
	if (!f->view)
		fail_msg("%s", err.text);
}

/* Commits what command makes, and opens it. */
static void commit(struct fixture *f, const char *command)
{
	cleanup_free char *sha =
		git_run(&f->git, "%s && git add -A . && git commit -qm c && git rev-parse HEAD", command);
	open_view(f, sha);
}

static struct view_entry find(struct fixture *f, const char *path)
{
	struct view_entry e;
	struct error err = ERROR_INIT;
	if (repo_view_find(f->view, &f->arena, path, &e, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	return e;
}

static void expect_refused(struct fixture *f, const char *path, const char *words)
{
	struct view_entry e;
	struct error err = ERROR_INIT;
	assert_int_equal(repo_view_find(f->view, &f->arena, path, &e, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("%s: %s", path, err.text);
}

static void files_directories_and_nothing(void **state)
{
	struct fixture *f = *state;
	struct str text;
	const char **names;
	size_t n;
	commit(f,
	       "mkdir -p app/sub app.d && echo one >app/b.yaml && echo two >app/sub/a && echo x >app.d/x && "
	       "echo run >app/run && chmod +x app/run && echo top >top");
	assert_int_equal(find(f, "").kind, VIEW_DIR);
	assert_int_equal(find(f, "app").kind, VIEW_DIR);
	assert_int_equal(find(f, "app/b.yaml").kind, VIEW_FILE);
	assert_int_equal(find(f, "app/b.yaml").mode, 0644);
	assert_int_equal(find(f, "app/run").mode, 0755);
	assert_int_equal(find(f, "app/nowhere").kind, VIEW_NONE);
	assert_int_equal(find(f, "no/where/at/all").kind, VIEW_NONE);
	assert_int_equal(find(f, "top/below").kind, VIEW_NONE);
	assert_string_equal(find(f, "app/sub/a").real, "app/sub/a");
	assert_false(find(f, "app/sub/a").links);
	assert_int_equal(repo_view_read(f->view, &f->arena, "app/sub/a", &text, NULL), 0);
	assert_true(str_is(text, "two\n"));
	assert_int_equal(repo_view_list(f->view, &f->arena, "", &names, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "app");
	assert_string_equal(names[1], "app.d");
	assert_string_equal(names[2], "top");
}

static void what_is_no_file_is_said(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct str text;
	const char **names;
	size_t n;
	commit(f, "mkdir app && echo one >app/b");
	assert_int_equal(repo_view_read(f->view, &f->arena, "app", &text, &err), -1);
	assert_string_equal(err.text, "app: is a directory, not a file");
	assert_int_equal(repo_view_read(f->view, &f->arena, "app/c", &text, &err), -1);
	assert_string_equal(err.text, "app/c: there is no such file");
	assert_int_equal(repo_view_list(f->view, &f->arena, "app/b", &names, &n, &err), -1);
	assert_string_equal(err.text, "app/b: there is no such directory");
	expect_refused(f, "../x", "no clean path");
	expect_refused(f, "/etc/passwd", "no clean path");
	expect_refused(f, "app/./b", "no clean path");
	expect_refused(f, "app/", "no clean path");
	assert_null(repo_view_open(f->git.git, "1111111111111111111111111111111111111111", &err));
	assert_non_null(strstr(err.text, "1111111"));
}

static void links_are_followed_inside_only(void **state)
{
	struct fixture *f = *state;
	struct str text;
	commit(f, "mkdir -p app lib/deep && echo shared >lib/deep/s && ln -s ../lib/deep/s app/in && "
		  "ln -s /etc/passwd app/abs && ln -s ../../x app/out && ln -s loop app/loop && "
		  "ln -s missing app/gone && ln -s ../lib app/dir && ln -s .. app/up && "
		  "ln -s ../app/dir/deep lib/again");
	struct view_entry e = find(f, "app/in");
	assert_int_equal(e.kind, VIEW_FILE);
	assert_string_equal(e.real, "lib/deep/s");
	assert_true(e.links);
	assert_string_equal(find(f, "app/dir/deep/s").real, "lib/deep/s");
	assert_string_equal(find(f, "app/dir/deep").real, "lib/deep");
	assert_string_equal(find(f, "lib/again/s").real, "lib/deep/s");
	assert_string_equal(find(f, "app/up/app/up/lib/deep/s").real, "lib/deep/s");
	assert_string_equal(find(f, "app/up").real, "");
	assert_int_equal(repo_view_read(f->view, &f->arena, "app/dir/again/s", &text, NULL), 0);
	assert_true(str_is(text, "shared\n"));
	assert_int_equal(find(f, "app/gone").kind, VIEW_NONE);
	assert_true(find(f, "app/gone").links);
	assert_int_equal(find(f, "app/dir/nothing").kind, VIEW_NONE);
	expect_refused(f, "app/abs", "leaves the repository");
	expect_refused(f, "app/out", "leaves the repository");
	expect_refused(f, "app/out/below", "leaves the repository");
	expect_refused(f, "app/loop", "circles");
}

static void hostile_names_are_refused(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	const char **names;
	size_t n;
	cleanup_free char *sha = git_run(
		&f->git,
		"B=$(echo x | git hash-object -w --stdin); T=$(printf '100644 blob %%s\\tx\\0' $B | git mktree -z); "
		"R=$(python3 - $B $T <<'P'\nimport sys, subprocess, binascii\n"
		"b, t = (binascii.unhexlify(x) for x in sys.argv[1:])\n"
		"e = [(b'40000', b'.GIT', t), (b'100644', b'a\\\\b', b), (b'100644', b'ok', b), (b'160000', b'sub', b)]\n"
		"body = b''.join(m + b' ' + n + b'\\0' + o for m, n, o in sorted(e, key=lambda x: x[1]))\n"
		"print(subprocess.run(['git', 'hash-object', '-w', '--literally', '-t', 'tree', '--stdin'], input=body, capture_output=True, check=True).stdout.decode())\nP\n); "
		"git commit-tree $R -m hostile");
	open_view(f, sha);
	assert_int_equal(find(f, "ok").kind, VIEW_FILE);
	assert_int_equal(find(f, ".git/config").kind, VIEW_NONE);
	expect_refused(f, ".GIT/x", "not allowed");
	expect_refused(f, "a\\b", "not allowed");
	expect_refused(f, "sub/x", "submodule");
	assert_int_equal(repo_view_list(f->view, &f->arena, "", &names, &n, &err), -1);
	assert_non_null(strstr(err.text, "not allowed"));
}

static void depth_and_length_have_an_end(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf deep = BUF_INIT, lengthy = BUF_INIT;
	commit(f, "echo x >f");
	for (unsigned i = 0; i < 1000; i++)
		buf_adds(&deep, i ? "/d" : "d");
	expect_refused(f, deep.p, "nested more than");
	while (lengthy.n <= VIEW_PATH_MAX)
		buf_adds(&lengthy, "directory");
	expect_refused(f, lengthy.p, "longer than");
}

static void many_looks_read_few_directories(void **state)
{
	struct fixture *f = *state;
	char path[64];
	commit(f,
	       "mkdir -p base && echo b >base/kustomization.yaml && for i in $(seq 200); do mkdir -p apps/a$i && "
	       "echo k >apps/a$i/kustomization.yaml; done");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 1; i <= 200; i++) {
			snprintf(path, sizeof(path), "apps/a%u", i);
			assert_int_equal(find(f, path).kind, VIEW_DIR);
			assert_int_equal(find(f, "base/kustomization.yaml").kind, VIEW_FILE);
		}
	}
	assert_int_equal(repo_view_loads(f->view), 3); /* the root, apps, base */
}

static void a_clean_up_meanwhile_is_survived(void **state)
{
	struct fixture *f = *state;
	struct str text;
	commit(f, "mkdir a b && echo 1 >a/f && echo 2 >b/f");
	assert_int_equal(find(f, "a/f").kind, VIEW_FILE);
	/* Loose objects become a pack that the open handle has not seen. */
	git_do(&f->git, "git gc -q --prune=now");
	assert_int_equal(find(f, "b/f").kind, VIEW_FILE);
	assert_int_equal(repo_view_read(f->view, &f->arena, "b/f", &text, NULL), 0);
	assert_true(str_is(text, "2\n"));
}

static void a_damaged_mirror_is_marked(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct view_entry e;
	struct str text;
	commit(f, "mkdir a && echo 1 >a/f");
	git_do(&f->git, "rm .git/objects/$(git rev-parse HEAD:a/f | sed 's,^..,&/,')");
	assert_int_equal(repo_view_find(f->view, &f->arena, "a/f", &e, &err), 0);
	assert_int_equal(repo_view_read(f->view, &f->arena, "a/f", &text, &err), -1);
	assert_non_null(strstr(err.text, "missing in the mirror"));
	git_do(&f->git, "test ! -e .git/capstan-damaged"); /* it has an index: it is somebody's */
	git_do(&f->git, "rm .git/index");
	assert_int_equal(repo_view_read(f->view, &f->arena, "a/f", &text, &err), -1);
	git_do(&f->git, "test -e .git/capstan-damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_directories_and_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_followed_inside_only, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_and_length_have_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(many_looks_read_few_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clean_up_meanwhile_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_mirror_is_marked, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
