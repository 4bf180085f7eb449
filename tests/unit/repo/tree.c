/* Trees of real repositories, friendly and hostile ones made with git's plumbing. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "repo/files.h"
#include "repo/tree.h"

struct fixture {
	char dir[64];
	char git[80];
};

static char *run(const struct fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Runs a shell command in the repository; returns its first line, for the caller to free. */
static char *run(const struct fixture *f, const char *fmt, ...)
{
	cleanup_buf struct buf command = BUF_INIT;
	buf_printf(
		&command,
		"cd %s && export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t; ",
		f->dir);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&command, fmt, ap);
	va_end(ap);
	FILE *pipe = popen(command.p, "r");
	assert_non_null(pipe);
	char line[256] = "";
	if (!fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	assert_int_equal(pclose(pipe), 0);
	line[strcspn(line, "\n")] = '\0';
	return mem_strdup(line);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/capstan-tree-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->git, sizeof(f->git), "%s/.git", f->dir);
	free(run(f, "git init -q -b main ."));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	repo_tree_forget(f->git);
	files_remove(f->dir);
	free(f);
	return 0;
}

static void expect_problem(const struct repo_files *files, const char *path, const char *words)
{
	for (size_t i = 0; i < files->n_problems; i++)
		if (strstr(files->problems[i].path, path) && strstr(files->problems[i].text, words))
			return;
	fail_msg("no problem of %s with \"%s\"", path, words);
}

static void files_below_a_path(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	cleanup_free char *sha = run(
		f,
		"mkdir -p app/sub other && echo one >app/b.yaml && echo two >app/sub/a.yaml && echo x >other/x && "
		"chmod +x app/b.yaml && git add . && git commit -qm c && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, sha, "./app/", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 2);
	assert_string_equal(files.files[0].path, "app/b.yaml");
	assert_int_equal(files.files[0].mode, 0755);
	assert_true(str_is(files.files[0].data, "one\n"));
	assert_string_equal(files.files[1].path, "app/sub/a.yaml");
	assert_int_equal(files.n_problems, 0);
	assert_int_equal(repo_tree_read(f->git, sha, "nowhere", NULL, &a, &files, NULL), 1);
	assert_int_equal(repo_tree_read(f->git, sha, ".", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 3);
	assert_true(repo_tree_has(f->git, sha));
	assert_string_equal(repo_tree_subject(f->git, sha, &a), "c");
}

static void the_hash_is_of_the_path_alone(void **state)
{
	struct fixture *f = *state;
	struct hash before, after, root;
	cleanup_free char *one = run(
		f,
		"mkdir a b && echo 1 >a/f && echo 1 >b/f && git add . && git commit -qm 1 && git rev-parse HEAD");
	cleanup_free char *two = run(f, "echo 2 >b/f && git commit -qam 2 && git rev-parse HEAD");
	assert_int_equal(repo_tree_hash(f->git, one, "a", &before, NULL), 0);
	assert_int_equal(repo_tree_hash(f->git, two, "a", &after, NULL), 0);
	assert_true(hash_eq(before, after));
	assert_int_equal(repo_tree_hash(f->git, one, "b", &before, NULL), 0);
	assert_int_equal(repo_tree_hash(f->git, two, "b", &after, NULL), 0);
	assert_false(hash_eq(before, after));
	assert_int_equal(repo_tree_hash(f->git, two, ".", &root, NULL), 0);
	assert_int_equal(repo_tree_hash(f->git, two, "c", &root, NULL), 1);
}

static void links_are_followed_inside_only(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct hash before, after;
	cleanup_free char *sha = run(
		f,
		"mkdir app lib && echo shared >lib/s.yaml && ln -s ../lib/s.yaml app/in.yaml && ln -s /etc/passwd app/abs && "
		"ln -s ../../x app/out && ln -s loop app/loop && ln -s missing app/gone && ln -s ../lib app/dir && "
		"git add . && git commit -qm c && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, sha, "app", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 2);
	assert_string_equal(files.files[0].path, "app/dir/s.yaml");
	assert_string_equal(files.files[1].path, "app/in.yaml");
	assert_true(str_is(files.files[1].data, "shared\n"));
	expect_problem(&files, "app/abs", "leaves the repository");
	expect_problem(&files, "app/out", "leaves the repository");
	expect_problem(&files, "app/loop", "circles");
	expect_problem(&files, "app/gone", "not there");
	/* What a link points to is read, so it is part of the hash. */
	cleanup_free char *changed =
		run(f, "echo other >lib/s.yaml && git commit -qam d && git rev-parse HEAD");
	assert_int_equal(repo_tree_hash(f->git, sha, "app", &before, NULL), 0);
	assert_int_equal(repo_tree_hash(f->git, changed, "app", &after, NULL), 0);
	assert_false(hash_eq(before, after));
}

static void hostile_names_are_problems(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	cleanup_free char *sha = run(
		f,
		"B=$(echo x | git hash-object -w --stdin); mk() { printf '%%b' \"$1\" | git mktree -z --missing; }; "
		"T=$(printf '100644 blob %%s\\tx\\0' $B | git mktree -z); "
		"R=$(python3 - $B $T <<'P'\nimport sys, subprocess, binascii\n"
		"b, t = (binascii.unhexlify(x) for x in sys.argv[1:])\n"
		"e = [(b'100644', b'..', b), (b'40000', b'.GIT', t), (b'100644', b'a\\\\b', b), (b'100644', b'c\\x1b[31m', b), (b'100644', b'ok.yaml', b), (b'160000', b'sub', b), (b'100644', b'\\xff', b)]\n"
		"body = b''.join(m + b' ' + n + b'\\0' + o for m, n, o in sorted(e, key=lambda x: x[1]))\n"
		"print(subprocess.run(['git', 'hash-object', '-w', '--literally', '-t', 'tree', '--stdin'], input=body, capture_output=True, check=True).stdout.decode())\nP\n); "
		"git commit-tree $R -m hostile");
	assert_int_equal(repo_tree_read(f->git, sha, ".", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 1);
	assert_string_equal(files.files[0].path, "ok.yaml");
	expect_problem(&files, "..", "not allowed");
	expect_problem(&files, ".GIT", "not allowed");
	expect_problem(&files, "a\\b", "not allowed");
	expect_problem(&files, "c?[31m", "not allowed");
	expect_problem(&files, "sub", "submodule");
	assert_int_equal(files.n_problems, 6);
}

static void nesting_has_an_end(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	cleanup_free char *sha = run(
		f,
		"d=.; for i in $(seq 80); do d=$d/n; done; mkdir -p $d && echo x >$d/f && echo y >top && git add . && "
		"git commit -qm deep && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, sha, ".", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 1);
	expect_problem(&files, "n/n", "nested");
}

static void a_directory_of_this_machine(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	free(run(
		f,
		"mkdir -p d/sub d/.hidden && echo 1 >d/a.yaml && echo 2 >d/sub/b.yaml && echo 3 >d/.hidden/c && ln -s /etc/passwd d/out"));
	cleanup_buf struct buf dir = BUF_INIT;
	buf_printf(&dir, "%s/d", f->dir);
	assert_int_equal(repo_dir_read(dir.p, NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 2);
	expect_problem(&files, "/out", "leaves the directory");
	struct error err = ERROR_INIT;
	assert_int_equal(repo_dir_read("/nonexistent", NULL, &a, &files, &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_below_a_path, setup, teardown),
		cmocka_unit_test_setup_teardown(the_hash_is_of_the_path_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_followed_inside_only, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names_are_problems, setup, teardown),
		cmocka_unit_test_setup_teardown(nesting_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_of_this_machine, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
