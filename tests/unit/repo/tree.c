/* Trees of real repositories, friendly and hostile ones made with git's plumbing. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "repo/commit_info.h"
#include "repo/files.h"
#include "repo/name.h"
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

static void links_start_where_they_really_lie(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct hash one, two;
	cleanup_free char *sha = run(
		f,
		"mkdir -p app lib/deep other v1/in && echo o >other/o && echo w >app/other && echo x >v1/in/x && "
		"ln -s ../../other/o lib/deep/o && ln -s ../lib app/lib && ln -s v1 current && ln -s ../current/in app/in && "
		"ln -s app alias && git add . && git commit -qm c && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, sha, "app", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n_problems, 0);
	assert_int_equal(files.n, 3);
	assert_string_equal(files.files[0].path,
			    "app/in/x"); /* through a link in the middle of a link's text */
	assert_string_equal(files.files[1].path, "app/lib/deep/o");
	assert_true(str_is(files.files[1].data, "o\n"));
	/* A path that a person gives may go through links too. */
	assert_int_equal(repo_tree_read(f->git, sha, "alias/lib/deep", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 1);
	assert_int_equal(repo_tree_hash(f->git, sha, "alias/lib", &one, NULL), 0);
	assert_int_equal(repo_tree_hash(f->git, sha, "app/../lib", &two, NULL), 0);
	assert_int_equal(repo_tree_read(f->git, sha, "../app", NULL, &a, &files, NULL), 1);
	assert_int_equal(repo_tree_read(f->git, sha, "app/other/x", NULL, &a, &files, NULL), 1);
}

static void what_unfolds_without_end_is_stopped(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct hash hash;
	cleanup_free char *trees = run(
		f,
		"T=$(git mktree </dev/null); for i in 1 2 3 4 5 6 7 8 9; do "
		"T=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf \"040000 tree $T\\td$n\\n\"; done | git mktree); done; "
		"git commit-tree $T -m bomb");
	assert_int_equal(repo_tree_read(f->git, trees, ".", NULL, &a, &files, NULL), 0);
	expect_problem(&files, "d0", "400000 entries");
	assert_int_equal(repo_tree_hash(f->git, trees, "d0", &hash, NULL), 0);
	/* Each directory links twice to the next one: 2^40 paths. */
	cleanup_free char *links = run(
		f,
		"for i in $(seq 10 50); do mkdir d$i; for n in a b c; do ln -s ../d$((i+1)) d$i/$n; done; done; "
		"ln -s . a-self; ln -s ../d10 d10/me; git add . && git commit -qm links && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, links, ".", NULL, &a, &files, NULL), 0);
	expect_problem(&files, "a-self", "circles");
	assert_int_equal(repo_dir_read(f->dir, NULL, &a, &files, NULL), 0);
	expect_problem(&files, "a-self", "circles");
}

static void large_files_are_not_unpacked(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	cleanup_free char *sha = run(
		f,
		"mkdir d && head -c 17000000 /dev/zero >d/big && echo x >d/small && git add . && git commit -qm c && git rev-parse HEAD");
	assert_int_equal(repo_tree_read(f->git, sha, "d", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n, 1);
	expect_problem(&files, "d/big", "16 MiB");
	assert_true(a.used < 1u << 20);
}

static void missing_objects_mark_the_mirror(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct error err = ERROR_INIT;
	cleanup_free char *sha = run(
		f,
		"mkdir d && echo gone >d/f && git add . && git commit -qm c && B=$(git rev-parse HEAD:d/f) && "
		"rm -f .git/objects/$(echo $B | cut -c1-2)/$(echo $B | cut -c3-) && git rev-parse HEAD && "
		"rm .git/index"); /* as a mirror is */
	assert_int_equal(repo_tree_read(f->git, sha, "d", NULL, &a, &files, &err), -1);
	assert_non_null(strstr(err.text, "d/f"));
	free(run(f, "test -e .git/capstan-damaged && rm .git/capstan-damaged && T=$(git rev-parse HEAD:d) && "
		    "rm -f .git/objects/$(echo $T | cut -c1-2)/$(echo $T | cut -c3-)"));
	assert_int_equal(repo_tree_read(f->git, sha, "d", NULL, &a, &files, &err), -1);
	free(run(f, "test -e .git/capstan-damaged"));
}

static void names_that_are_git_s_own(void **state)
{
	static const char *const bad[] = { "",		".",	    "..",
					   ".git",	".GiT",	    ".git.",
					   ".git ",	".git . .", ".git::$INDEX_ALLOCATION",
					   "GIT~1",	"git~1",    ".g\u200cit",
					   "a\u202eb",	"a\\b",	    "a/b",
					   "a\tb",	"a\x7f",    "\xff",
					   "a\xc2\x85", "\ufeffx" };
	static const char *const good[] = { "a",   ".gitignore", ".gitattributes",	  "git",
					    "...", "..a",	 "\u00fcml\u00e4ut.yaml", "a b",
					    "a:b", "git~10",	 "\u65e5\u672c" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (name_is_safe(str_of(bad[i])))
			fail_msg("%s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!name_is_safe(str_of(good[i])))
			fail_msg("%s", good[i]);
	cleanup_arena struct arena a = ARENA_INIT;
	assert_string_equal(name_printable(&a, STR("a\x1b[1m\u202e.")), "a?[1m???.");
	assert_string_equal(name_printable(&a, STR("\xff\n\u00fc")), "????");
}

static void commits_say_who_and_why(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_info info;
	struct error err = ERROR_INIT;
	cleanup_free char *sha = run(
		f,
		"GIT_COMMITTER_DATE='1700000000 +0100' git commit -q --allow-empty --date='1600000000 +0000' "
		"--author='Eve <eve@x>' -m \"$(printf 'first \\033[31mline\\n\\nmore')\" && git rev-parse HEAD");
	assert_int_equal(commit_info_read(f->git, sha, &a, &info, &err), 0);
	assert_string_equal(info.subject, "first ?[31mline");
	assert_string_equal(info.message, "first ?[31mline\n\nmore\n");
	assert_string_equal(info.author, "Eve");
	assert_string_equal(info.email, "eve@x");
	assert_int_equal(info.author_ms, 1600000000000);
	assert_int_equal(info.commit_ms, 1700000000000);
	assert_int_equal(
		commit_info_read(f->git, "1111111111111111111111111111111111111111", &a, &info, &err), -1);
}

/* 1,000 apps of one repository are read one after the other; the aim is 150 ms. */
static void a_thousand_directories_are_read_fast(void **state)
{
	struct fixture *f = *state;
	struct repo_files files;
	struct hash hash;
	cleanup_free char *sha = run(
		f,
		"for i in $(seq 1000); do mkdir -p apps/app$i; for n in a b c d; do echo \"$i $n\" >apps/app$i/$n.yaml; done; done; "
		"git add . && git commit -qm c && git repack -adq && git rev-parse HEAD");
	int64_t best_read = INT64_MAX, best_hash = INT64_MAX;
	for (unsigned round = 0; round < 3; round++) {
		int64_t start = clock_mono_ms();
		for (unsigned i = 1; i <= 1000; i++) {
			cleanup_arena struct arena a = ARENA_INIT;
			assert_int_equal(
				repo_tree_hash(f->git, sha, arena_printf(&a, "apps/app%u", i), &hash, NULL),
				0);
		}
		int64_t middle = clock_mono_ms();
		for (unsigned i = 1; i <= 1000; i++) {
			cleanup_arena struct arena a = ARENA_INIT;
			assert_int_equal(repo_tree_read(f->git, sha, arena_printf(&a, "apps/app%u", i), NULL,
							&a, &files, NULL),
					 0);
			assert_int_equal(files.n, 4);
		}
		int64_t end = clock_mono_ms();
		best_hash = middle - start < best_hash ? middle - start : best_hash;
		best_read = end - middle < best_read ? end - middle : best_read;
	}
	print_message("1000 directories: hashes %lld ms, files %lld ms\n", (long long)best_hash,
		      (long long)best_read);
	if (!getenv("VALGRIND") &&
	    best_read > 2000) /* sanitizers and busy machines are slow; this finds the quadratic */
		fail_msg("files of 1000 directories took %lld ms", (long long)best_read);
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
		cmocka_unit_test_setup_teardown(links_start_where_they_really_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(what_unfolds_without_end_is_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(large_files_are_not_unpacked, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_objects_mark_the_mirror, setup, teardown),
		cmocka_unit_test_setup_teardown(commits_say_who_and_why, setup, teardown),
		cmocka_unit_test_setup_teardown(a_thousand_directories_are_read_fast, setup, teardown),
		cmocka_unit_test(names_that_are_git_s_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
