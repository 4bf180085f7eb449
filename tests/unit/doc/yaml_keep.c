/* YAML that is read, changed and written as go-yaml v3 does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc/yaml.h"
#include "doc/yaml_keep.h"

static void check_same(const char *text, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct yaml_keep *keep;
	struct node *root;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_keep_read(&a, str_of(text), &keep, &root, &err), 0);
	assert_int_equal(yaml_keep_write(keep, root, &out, &err), 0);
	assert_string_equal(out.p, want ? want : text);
}

static void a_text_keeps_its_looks(void **state)
{
	check_same("b: 1\na: \"two\"\nc: 'three'\n", NULL);
	check_same("a: {b: [1, \"2\"], c: {}}\n", NULL);
	check_same("a:\n    - b\n    -   c\n", "a:\n- b\n- c\n");
	check_same("a: |\n  one\n  two\nb: >-\n  x\n", NULL);
	check_same("a: &x 1\nb: *x\n", NULL);
	check_same("a: !!str 5\nb: !mine {c: d}\n", NULL);
	check_same("\"k\": ~\n'l':\nm: null\n", NULL);
	check_same("{a: 1, b: 2,}\n", "{a: 1, b: 2}\n");
	check_same("a: 1 # comment\n", "a: 1\n");
	check_same("--- text\n", "text\n");
}

static void new_nodes_are_plain(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct yaml_keep *keep;
	struct node *root, *list = node_seq(&a);
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_keep_read(&a, STR("a: {b: c}\n"), &keep, &root, &err), 0);
	node_push(&a, list, node_string(&a, STR("12")));
	node_push(&a, list, yaml_kyaml_scalar(&a, STR("12")));
	node_push(&a, list, node_int_new(&a, 12));
	node_set(&a, root, STR("new"), list);
	node_get(root, "a")->map.pairs[0].value->text = STR("5");
	assert_int_equal(yaml_keep_write(keep, root, &out, &err), 0);
	assert_string_equal(out.p, "a: {b: \"5\"}\nnew:\n- \"12\"\n- 12\n- 12\n");
}

static void a_tag_says_what_a_text_no_longer_does(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct yaml_keep *keep;
	struct node *root;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_keep_read(&a, STR("a: 1\n"), &keep, &root, &err), 0);
	node_get(root, "a")->text = STR("x");
	assert_int_equal(yaml_keep_write(keep, root, &out, &err), 0);
	assert_string_equal(out.p, "a: !!int x\n");
}

static void check_read(const char *text, int want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_keep *keep;
	struct node *root;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_keep_read(&a, str_of(text), &keep, &root, &err), want);
	assert_true(want < 0 ? err.text[0] != '\0' : !err.text[0]);
}

static void what_cannot_be_read_is_said(void **state)
{
	cleanup_buf struct buf deep = BUF_INIT;
	for (int i = 0; i < NODE_DEPTH_MAX + 1; i++)
		buf_addc(&deep, '[');
	check_read("", 1);
	check_read(" \n# nothing\n", 1);
	check_read("a: [\n", -1);
	check_read("{a: 1}: b\n", -1);
	check_read("a: !!int x\n", -1);
	check_read(deep.p, -1);
	check_read("a: 1\n---\n: [\n", 0);
}

static void comments_are_seen(void **state)
{
	assert_true(yaml_keep_has_comments(STR("a: 1 # x\n")));
	assert_true(yaml_keep_has_comments(STR("# \xc3\xa9\na: \xc3\xa9\n")));
	assert_true(yaml_keep_has_comments(STR("a: \xc3\xa9\xc3\xa9\xc3\xa9 # x\n")));
	assert_true(yaml_keep_has_comments(STR("a: 1\n# x\n")));
	assert_false(yaml_keep_has_comments(STR("a: x#y\nb: \"# z\"\nc: '#'\n")));
	assert_false(yaml_keep_has_comments(STR("a: |\n  # text\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_keeps_its_looks),
		cmocka_unit_test(new_nodes_are_plain),
		cmocka_unit_test(a_tag_says_what_a_text_no_longer_does),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(comments_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
