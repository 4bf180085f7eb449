/* Errors: what is said first stands last, and a long message is cut, not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

#include <string.h>

static void wraps_from_the_outside_in(void **state)
{
	struct error err = ERROR_INIT;
	assert_int_equal(error_set(&err, "%d spec.replicas", 422), -1);
	assert_int_equal(error_wrap(&err, "apply %s", "web/api"), -1);
	error_wrap(&err, "sync shop");
	assert_string_equal(err.text, "sync shop: apply web/api: 422 spec.replicas");
}

static void cuts_what_is_too_long(void **state)
{
	struct error err = ERROR_INIT;
	char text[ERROR_TEXT_MAX * 2];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, "%s", text);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_string_equal(err.text + ERROR_TEXT_MAX - 4, "...");
	error_wrap(&err, "outer");
	assert_int_equal(strncmp(err.text, "outer: xxx", 10), 0);
	assert_true(strlen(err.text) < ERROR_TEXT_MAX);
}

static void takes_null(void **state)
{
	assert_int_equal(error_set(NULL, "x"), -1);
	assert_int_equal(error_wrap(NULL, "x"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_from_the_outside_in),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(takes_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
