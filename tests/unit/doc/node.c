/* The tree: lookups that chain, writers, comparison and copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc/json.h"

static struct node *parse(struct arena *a, const char *text)
{
	struct node *n = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(a, str_of(text), true, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

static void lookups_take_what_is_not_there(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *n =
		parse(&a, "{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"n\":12,\"l\":[1,2],\"t\":true}");
	int64_t value;
	assert_true(str_is(node_text(node_at(n, "metadata.labels.app")), "x"));
	assert_null(node_at(n, "metadata.nothing.app"));
	assert_null(node_at(n, "n.x"));
	assert_null(node_get(NULL, "x"));
	assert_null(node_item(node_get(n, "l"), 2));
	assert_int_equal(node_text(NULL).n, 0);
	assert_true(node_int(node_get(n, "n"), &value) && value == 12);
	assert_false(node_int(node_get(n, "l"), &value));
	assert_true(node_bool(node_get(n, "t"), false));
	assert_true(node_bool(node_get(n, "n"), true));
	assert_int_equal(node_count(node_get(n, "l")), 2);
	assert_int_equal(node_count(node_get(n, "n")), 0);
	assert_int_equal(node_count(NULL), 0);
}

static void writers_replace_append_and_delete(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *map = node_map(&a), *list = node_seq(&a);
	for (int i = 0; i < 10; i++)
		node_push(&a, list, node_int_new(&a, i - 5));
	node_set(&a, map, STR("b"), node_string(&a, STR("1")));
	node_set(&a, map, STR("a"), list);
	node_set(&a, map, STR("b"), node_bool_new(&a, false));
	node_set(&a, map, STR("c"), node_null(&a));
	assert_true(node_del(map, STR("c")));
	assert_false(node_del(map, STR("c")));
	json_write(&text, map);
	assert_string_equal(text.p, "{\"b\":false,\"a\":[-5,-4,-3,-2,-1,0,1,2,3,4]}");
}

static void equality_ignores_the_order_of_keys(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *x = parse(&a, "{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{}}");
	assert_true(node_equal(x, parse(&a, "{\"c\":{},\"b\":[true,null,\"x\"],\"a\":1}")));
	assert_false(node_equal(x, parse(&a, "{\"c\":{},\"b\":[true,null,\"x\"],\"a\":2}")));
	assert_false(node_equal(x, parse(&a, "{\"c\":{},\"b\":[null,true,\"x\"],\"a\":1}")));
	assert_false(node_equal(x, parse(&a, "{\"a\":1,\"b\":[true,null,\"x\"]}")));
	assert_false(node_equal(parse(&a, "1"), parse(&a, "1.0")));
	assert_false(node_equal(parse(&a, "{}"), parse(&a, "[]")));
	assert_false(node_equal(x, NULL));
}

static void a_clone_shares_nothing(void **state)
{
	cleanup_arena struct arena b = ARENA_INIT;
	struct arena a = ARENA_INIT;
	struct node *copy = node_clone(&b, parse(&a, "{\"a\":[{\"b\":\"text\"}],\"n\":1}"));
	arena_release(&a);
	assert_true(node_equal(copy, parse(&b, "{\"a\":[{\"b\":\"text\"}],\"n\":1}")));
	assert_int_equal(node_get(copy, "n")->line, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_take_what_is_not_there),
		cmocka_unit_test(writers_replace_append_and_delete),
		cmocka_unit_test(equality_ignores_the_order_of_keys),
		cmocka_unit_test(a_clone_shares_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
