/* exec.c - programs as renderers: what may run, what is kept, what is said when one fails; KRM functions. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "doc/yaml.h"
#include "operator/exec_cache.h"
#include "operator/exec_render.h"
#include "operator/exec_render.h"

static char place[64], cache[96];
static struct arena arena;

static int setup(void **state)
{
	arena = (struct arena)ARENA_INIT;
	snprintf(place, sizeof(place), "/tmp/capstan-test-exec-XXXXXX");
	if (!mkdtemp(place))
		return -1;
	snprintf(cache, sizeof(cache), "%s/cache", place);
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	arena_release(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return system(command);
}

static const char *const paths[] = { "app/fn.sh", "app/run.sh", "lib/value" };
static struct str texts[] = {
	STR("#!/bin/sh\necho \"# $MARK $1\"; cat\n"),
	STR("#!/bin/sh\necho \"kind: $1\"; cat ../lib/value 2>/dev/null; date +%s%N; echo note >&2\n"),
	STR("value: 1\n"),
};
static struct tree_memory memory = { paths, texts, 3 };

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int render(const struct exec_render *r, const struct exec_spec *spec, struct exec_output *out,
		  struct error *err)
{
	struct render_tree tree = tree_memory(&memory);
	return exec_render(r, &arena, &tree, "app", spec, out, err);
}

static struct exec_render with_cache(void)
{
	return (struct exec_render){
		.any = true, .cache_dir = cache, .scratch = place, .policy = CONFINE_TOLERATE
	};
}

static void output_is_kept_by_what_was_read(void **state)
{
	struct exec_render r = with_cache();
	struct exec_spec spec = { .argv = LIST("./run.sh", "A"), .inputs = LIST("../lib") };
	struct exec_output first, again;
	struct error err = ERROR_INIT;
	assert_int_equal(render(&r, &spec, &first, &err), 0);
	assert_false(first.cached);
	assert_true(str_starts(first.text, STR("kind: A\nvalue: 1\n")));
	assert_int_equal(first.n_warnings, 1);
	assert_string_equal(first.warnings[0], "note");
	assert_int_equal(render(&r, &spec, &again, &err), 0);
	assert_true(again.cached);
	assert_true(str_eq(first.text, again.text)); /* the time in it, too */
	assert_string_equal(again.warnings[0], "note");
	struct str was = texts[2];
	texts[2] = STR("value: 2\n");
	assert_int_equal(render(&r, &spec, &again, &err), 0);
	assert_false(again.cached);
	assert_true(str_starts(again.text, STR("kind: A\nvalue: 2\n")));
	texts[2] = was;
	assert_int_equal(render(&r, &spec, &again, &err), 0);
	assert_true(again.cached);
}

static void only_its_directory_is_there(void **state)
{
	struct exec_render r = with_cache();
	struct exec_spec spec = { .argv = LIST("./run.sh", "A") };
	struct exec_output out;
	struct error err = ERROR_INIT;
	assert_int_equal(render(&r, &spec, &out, &err), 0);
	assert_true(str_starts(out.text, STR("kind: A\n1"))); /* no value, then the time */
}

static void failures_are_not_kept(void **state)
{
	struct exec_render r = with_cache();
	struct exec_spec spec = { .argv = LIST("sh", "-c",
					       "echo out; echo '\033[1mwrong: line 3' >&2; exit 2") };
	struct exec_output out;
	for (int i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;
		assert_int_equal(render(&r, &spec, &out, &err), -1);
		assert_string_equal(err.text, "sh: exit code 2; it says: wrong: line 3");
	}
	assert_int_not_equal(access(cache, F_OK), 0);
}

static void a_replaced_program_runs_again(void **state)
{
	char program[128], other[128], command[400];
	snprintf(program, sizeof(program), "%s/program", place);
	snprintf(other, sizeof(other), "%s/other", place);
	snprintf(
		command, sizeof(command),
		"chmod 755 %s; printf '#!/bin/sh\\necho one\\n' > %s; printf '#!/bin/sh\\necho two\\n' > %s; "
		"chmod 755 %s %s; touch -d @1 %s %s",
		place, program, other, program, other, program, other);
	assert_int_equal(system(command), 0);
	struct exec_render r = with_cache();
	struct exec_spec spec = { .argv = LIST(program) };
	struct exec_output out;
	struct error err = ERROR_INIT;
	if (render(&r, &spec, &out, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(str_is(out.text, "one\n"));
	assert_int_equal(rename(other, program), 0); /* same size, same time of modification */
	assert_int_equal(render(&r, &spec, &out, &err), 0);
	assert_true(str_is(out.text, "two\n"));
	assert_int_equal(render(&r, &spec, &out, &err), 0);
	assert_true(out.cached);
}

static void only_allowed_programs_run(void **state)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf sh = BUF_INIT;
	assert_non_null(confine_find_program("sh", &sh));
	assert_int_equal(exec_allowed(NULL, 0, "sh", &err), -1);
	assert_non_null(strstr(err.text, "`capstan run --allow-exec sh`"));
	assert_int_equal(exec_allowed(LIST("cat", "sh"), 2, "sh", &err), 0);
	assert_int_equal(exec_allowed(LIST("sh"), 1, sh.p, &err), 0);
	assert_int_equal(exec_allowed(LIST(sh.p), 1, "sh", &err), 0);
	assert_int_equal(exec_allowed(LIST("sh"), 1, "/tmp/sh", &err), -1);
	assert_int_equal(exec_allowed(LIST("sh"), 1, "./sh", &err), -1);
	assert_int_equal(exec_allowed(LIST("sh"), 1, "bin/sh", &err), -1);
	assert_int_equal(exec_allowed(LIST("./sh"), 1, "sh", &err), -1);
	assert_int_equal(exec_allowed(LIST("./sh"), 1, "/sh", &err), -1);
	assert_int_equal(exec_allowed(LIST("./run.sh"), 1, "././run.sh", &err), 0);
	assert_int_equal(exec_allowed(LIST("sh"), 1, "", &err), -1);
	struct exec_render r = with_cache();
	r.any = false;
	struct exec_spec spec = { .argv = LIST("./run.sh", "A") };
	struct exec_output out;
	assert_int_equal(render(&r, &spec, &out, &err), -1);
	r.allowed = LIST("./run.sh");
	r.n_allowed = 1;
	assert_int_equal(render(&r, &spec, &out, &err), 0);
}

static void what_confines_is_told(void **state)
{
	struct exec_render r = with_cache();
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	assert_int_equal(exec_render_begin(&r, &text, &err), 0);
	assert_true(str_starts(buf_str(&text), STR("confined by ")));
}

static struct hash key_of(unsigned i)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", i);
	return hash_of(str_of(text));
}

static void cache_is_bounded(void **state)
{
	char block[8192];
	memset(block, 'x', sizeof(block));
	struct exec_cached entry = { { block, sizeof(block) }, STR("e") }, got;
	for (unsigned i = 0; i < 20; i++) {
		exec_cache_put(cache, key_of(i), &entry, 100000);
		assert_true(exec_cache_get(cache, key_of(i), &arena, &got));
		/* The first is used all the time. */
		assert_true(exec_cache_get(cache, key_of(0), &arena, &got));
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	unsigned left = 0;
	for (unsigned i = 0; i < 20; i++)
		left += exec_cache_get(cache, key_of(i), &arena, &got);
	assert_in_range(left, 2, 9);
	assert_true(exec_cache_get(cache, key_of(0), &arena, &got));
	assert_true(exec_cache_get(cache, key_of(19), &arena, &got));
	assert_true(str_eq(got.out, entry.out));
	assert_true(str_is(got.err, "e"));
}

static void damaged_entries_are_none(void **state)
{
	char path[256], hex[HASH_HEX_LEN + 1];
	struct exec_cached entry = { STR("out"), STR("err") }, got;
	exec_cache_put(cache, key_of(1), &entry, 0);
	hash_hex(key_of(1), hex);
	snprintf(path, sizeof(path), "%s/%s", cache, hex);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		exec_cache_put(cache, key_of(1), &entry, 0);
		assert_true(exec_cache_get(cache, key_of(1), &arena, &got));
		int fd = open(path, O_RDWR);
		char c;
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 1;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
		assert_false(exec_cache_get(cache, key_of(1), &arena, &got));
		assert_int_not_equal(access(path, F_OK), 0);
	}
	exec_cache_put(cache, key_of(1), &entry, 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_false(exec_cache_get(cache, key_of(1), &arena, &got));
}

static void caches_of_others_are_not_read(void **state)
{
	struct exec_cached entry = { STR("out"), STR("err") }, got;
	exec_cache_put(cache, key_of(1), &entry, 0);
	assert_true(exec_cache_get(cache, key_of(1), &arena, &got));
	assert_int_equal(chmod(cache, 0777), 0);
	assert_false(exec_cache_get(cache, key_of(1), &arena, &got));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const char *preload = getenv("LD_PRELOAD");
	const struct CMUnitTest tests[] = {
		TEST(output_is_kept_by_what_was_read),
		TEST(only_its_directory_is_there),
		TEST(failures_are_not_kept),
		TEST(a_replaced_program_runs_again),
		TEST(only_allowed_programs_run),
		TEST(what_confines_is_told),
		TEST(cache_is_bounded),
		TEST(damaged_entries_are_none),
		TEST(caches_of_others_are_not_read),
	};
	if (preload && strstr(preload, "vgpreload")) {
		fprintf(stderr,
			"NOT TESTED: valgrind does not know the system calls that confine a program\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
