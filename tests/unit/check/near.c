/* Names that were probably meant. */
#include "../cmocka_all.h"

#include "check/near.h"

static const char *nearest(const char *typed)
{
	static const char *const names[] = { "replicas", "selector", "strategy",       "template",
					     "ip",	 "image",    "imagePullPolicy" };
	struct near near = near_start(str_of(typed));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		near_try(&near, str_of(names[i]));
	return near.best.p;
}

static void finds_what_was_meant(void **state)
{
	assert_string_equal(nearest("replica"), "replicas");
	assert_string_equal(nearest("relpicas"), "replicas");
	assert_string_equal(nearest("Selector"), "selector");
	assert_string_equal(nearest("imagepullpolicy"), "imagePullPolicy");
	assert_string_equal(nearest("imgae"), "image");
	assert_string_equal(nearest("IP"), "ip");
}

static void leaves_what_is_far(void **state)
{
	assert_null(nearest("volumes"));
	assert_null(nearest(""));
	assert_null(nearest("xy"));
	assert_null(nearest("strategicTemplate"));
	char longer[NEAR_LENGTH_MAX + 2];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(nearest(longer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_meant),
		cmocka_unit_test(leaves_what_is_far),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
