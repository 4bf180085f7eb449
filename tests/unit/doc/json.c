/* JSON in and out: positions, refusals, exact numbers, Go's escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "doc/json.h"

static struct node *parse(struct arena *a, struct str text, bool strict)
{
	struct node *n = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(a, text, strict, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

static void check_refused(struct str text, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *n;
	assert_int_equal(json_parse(&a, text, true, &n, &err), -1);
	if (!str_starts(str_of(err.text), str_of(want)))
		fail_msg("%s: not %s", err.text, want);
}

static void numbers_keep_their_text(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	const char *text = "[1,-0,1.0,1e3,18446744073709551615,0.1000000000000000055,1E-7]";
	struct node *n = parse(&a, str_of(text), true);
	assert_int_equal(node_item(n, 0)->type, NODE_INT);
	assert_int_equal(node_item(n, 2)->type, NODE_FLOAT);
	json_write(&out, n);
	assert_string_equal(out.p, text);
}

static void every_value_has_its_place(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *n = parse(&a, STR("{\n  \"a\" :\n    [true,\n {}, \"x\\\"y\"],\n\t\"b\": null }"), true);
	assert_int_equal(n->line, 1);
	assert_int_equal(node_get(n, "a")->line, 3);
	assert_int_equal(node_get(n, "a")->column, 5);
	assert_int_equal(node_item(node_get(n, "a"), 1)->line, 4);
	assert_int_equal(node_item(node_get(n, "a"), 2)->column, 6);
	assert_int_equal(n->map.pairs[0].key_line, 2);
	assert_int_equal(n->map.pairs[1].key_line, 5);
	assert_int_equal(node_get(n, "b")->column, 7);
}

static void duplicate_keys(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	check_refused(STR("{\"a\":1,\n\"a\":2}"), "2:1: the key `a` is there twice: on line 1 and on line 2");
	check_refused(STR("{\"\\u0061\":1,\"a\":2}"), "1:13: the key `a`");
	struct node *n = parse(&a, STR("{\"a\":1,\"b\":0,\"a\":2}"), false);
	assert_int_equal(n->map.n, 2);
	assert_true(str_is(node_get(n, "a")->text, "2"));
}

static void many_keys_are_no_square(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	buf_addc(&text, '{');
	for (int i = 0; i < 200000; i++)
		buf_printf(&text, "%s\"key%d\":%d", i ? "," : "", i, i);
	buf_adds(&text, "}");
	assert_int_equal(parse(&a, buf_str(&text), true)->map.n, 200000);
	text.n--;
	buf_adds(&text, ",\"key777\":1}");
	check_refused(buf_str(&text), "1:");
}

static void refusals_name_the_place(void **state)
{
	check_refused(STR(""), "1:1: not valid JSON: the text is empty");
	check_refused(STR("  "), "1:");
	check_refused(STR("{} x"), "1:4: ");
	check_refused(STR("{\n\"a\": tru}"), "2:");
	check_refused(STR("[1,]"), "1:");
	check_refused(STR("\"\xff\""), "1:");
	check_refused(STR("\"\\ud83d\""), "1:");
	check_refused(STR("[NaN]"), "1:");
	check_refused(STR("[01]"), "1:");
}

static void depth_is_capped(void **state)
{
	char text[4096];
	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	check_refused((struct str){ text, sizeof(text) }, "1:257: nested deeper than 256 levels");
}

static void writes_as_go_does(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	json_write_string(&out, (struct str){ "<&>\"\\/\b\f\n\r\t\x01\x7f\0\xe2\x80\xa8\xc3\xbc", 19 });
	assert_string_equal(out.p, "\"<&>\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\\u0000\\u2028\xc3\xbc\"");
	struct node *n = parse(&a, STR("{\"b\":{\"z\":1,\"y\":[]},\"a\":{},\"B\":[1,{\"x\":2}]}"), true);
	buf_clear(&out);
	json_write_sorted(&out, n);
	assert_string_equal(out.p, "{\"B\":[1,{\"x\":2}],\"a\":{},\"b\":{\"y\":[],\"z\":1}}");
	buf_clear(&out);
	json_write_pretty(&out, n);
	assert_string_equal(
		out.p, "{\n  \"B\": [\n    1,\n    {\n      \"x\": 2\n    }\n  ],\n  \"a\": {},\n  \"b\": {\n"
		       "    \"y\": [],\n    \"z\": 1\n  }\n}\n");
}

static void the_hash_ignores_the_order_of_keys(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct hash x = json_hash(parse(&a, STR("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}"), true));
	assert_true(hash_eq(x, json_hash(parse(&a, STR("{\"b\":{\"d\":3,\"c\":2},\"a\":1}"), true))));
	assert_false(hash_eq(x, json_hash(parse(&a, STR("{\"b\":{\"d\":3,\"c\":2},\"a\":\"1\"}"), true))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_their_text),
		cmocka_unit_test(every_value_has_its_place),
		cmocka_unit_test(duplicate_keys),
		cmocka_unit_test(many_keys_are_no_square),
		cmocka_unit_test(refusals_name_the_place),
		cmocka_unit_test(depth_is_capped),
		cmocka_unit_test(writes_as_go_does),
		cmocka_unit_test(the_hash_ignores_the_order_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
