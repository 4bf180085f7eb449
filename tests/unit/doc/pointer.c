/* JSON pointers: the examples of RFC 6901, section 5, and what is no pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc/json.h"
#include "doc/pointer.h"

static void examples_of_the_rfc(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *n;
	const char *text =
		"{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
		"\"k\\\"l\":6,\" \":7,\"m~n\":8}";
	assert_int_equal(json_parse(&a, str_of(text), true, &n, NULL), 0);
	assert_ptr_equal(pointer_get(n, STR("")), n);
	assert_true(str_is(node_text(pointer_get(n, STR("/foo/0"))), "bar"));
	const char *const numbers[] = {
		"/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", "/k\"l", "/ ", "/m~0n"
	};
	for (int64_t i = 0, value; i < 9; i++) {
		assert_true(node_int(pointer_get(n, str_of(numbers[i])), &value));
		assert_int_equal(value, i);
	}
	assert_null(pointer_get(n, STR("/foo/2")));
	assert_null(pointer_get(n, STR("/foo/-")));
	assert_null(pointer_get(n, STR("/foo/01")));
	assert_null(pointer_get(n, STR("/foo/0/x")));
	assert_null(pointer_get(n, STR("foo")));
	assert_null(pointer_get(NULL, STR("/x")));
}

static void checks_and_escapes(void **state)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	assert_int_equal(pointer_check(STR("/a~0~1/b"), &err), 0);
	assert_int_equal(pointer_check(STR("a"), &err), -1);
	assert_int_equal(pointer_check(STR("/a~2"), &err), -1);
	assert_int_equal(pointer_check(STR("/a~"), &err), -1);
	pointer_add(&b, STR("metadata"));
	pointer_add(&b, STR("x.io/a~b"));
	assert_string_equal(b.p, "/metadata/x.io~1a~0b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_rfc),
		cmocka_unit_test(checks_and_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
