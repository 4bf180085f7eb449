/* Boxes: the spec goes there and back; lines of output are fit to be shown. What a box holds is tests/e2e's.
 */
#include "../cmocka_all.h"

#include "push/box_parts.h"

static void the_spec_comes_back(void **state)
{
	static const char *const argv[] = { "/bin/x", "", "\"q\"\n", NULL }, *const env[] = { "A=b", NULL };
	static const struct box_bind binds[] = { { "/a", "/b", true }, { "/c", "/d", false } };
	static const struct box_file files[] = { { "/f", { "\0\xff\x01\n", 4 } }, { "/e", { "", 0 } } };
	const struct box box = { .argv = argv,
				 .env = env,
				 .dir = "/w",
				 .binds = binds,
				 .n_binds = 2,
				 .files = files,
				 .n_files = 2,
				 .overlay = "/b",
				 .network = BOX_EGRESS,
				 .memory_bytes = 1ull << 40,
				 .disk_bytes = 7,
				 .cpus_milli = 1500,
				 .pids_max = 9 };
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct box back;
	box_write(&box, &text);
	assert_int_equal(box_read(&a, buf_str(&text), &back, &err), 0);
	assert_string_equal(back.argv[0], "/bin/x");
	assert_string_equal(back.argv[1], "");
	assert_string_equal(back.argv[2], "\"q\"\n");
	assert_null(back.argv[3]);
	assert_string_equal(back.env[0], "A=b");
	assert_string_equal(back.dir, "/w");
	assert_int_equal(back.n_binds, 2);
	assert_true(back.binds[0].write && !back.binds[1].write);
	assert_string_equal(back.binds[1].to, "/d");
	assert_true(str_eq(back.files[0].data, files[0].data) && back.files[1].data.n == 0);
	assert_true(back.network == BOX_EGRESS && back.memory_bytes == 1ull << 40 && back.disk_bytes == 7);
	assert_true(back.cpus_milli == 1500 && back.pids_max == 9);
	assert_int_equal(box_read(&a, STR("{}"), &back, &err), -1);
	assert_int_equal(box_read(&a, STR("["), &back, &err), -1);
}

static void check_line(const char *text, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	box_clean_line(str_of(text), &out);
	assert_string_equal(out.n ? out.p : "", want);
}

static void lines_are_clean(void **state)
{
	check_line("plain", "plain");
	check_line("\033[1;31mred\033[0m", "red");
	check_line("\033]0;title\atext", "text");
	check_line("\033", "");
	check_line("a\tb\x01\x7f"
		   "c",
		   "a bc");
	check_line("50%\r100%\r", "100%");
	check_line("gr\xc3\xbc\xc3\x9f"
		   "e",
		   "gr\xc3\xbc\xc3\x9f"
		   "e");
	check_line("a\xff\xc3", "a??");
	check_line("a\xc2\x9b"
		   "31m",
		   "a31m"); /* CSI as one character */
	check_line("end   ", "end");
	cleanup_buf struct buf long_one = BUF_INIT, out = BUF_INIT;
	for (unsigned i = 0; i < 3 * BOX_LINE_MAX; i++)
		buf_addc(&long_one, 'x');
	box_clean_line(buf_str(&long_one), &out);
	assert_int_equal(out.n, BOX_LINE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_spec_comes_back),
		cmocka_unit_test(lines_are_clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
