/* YAML as kustomize reads it, and what it prints for that. The expected texts are those of kustomize 5.8.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc/origin.h"
#include "doc/yaml.h"

static struct node *read_one(struct arena *a, const char *text)
{
	struct yaml_stream s;
	struct error err = ERROR_INIT;
	struct yaml_options options = { .dialect = YAML_KYAML, .origin = 7 };
	if (yaml_parse_as(a, str_of(text), &options, &s, &err))
		fail_msg("%s", err.text);
	assert_int_equal(s.n, 1);
	return s.documents[0].root;
}

static void check_printed(const char *text, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct node *root = read_one(&a, text);
	assert_int_equal(yaml_settle_printed(&a, root, &err), 0);
	yaml_write(&out, root);
	assert_string_equal(out.p, want);
}

static void old_booleans_are_texts(void **state)
{
	check_printed("y: yes\non: off\nt: True\nq: \"yes\"\n",
		      "\"on\": \"off\"\nq: \"yes\"\nt: true\n\"y\": \"yes\"\n");
}

static void integers_of_every_base_come_out_decimal(void **state)
{
	check_printed("a: 0777\nb: 0o17\nc: 0x1F\nd: 0b11\ne: 1_000\nf: +5\ng: -0\nh: 18446744073709551615\n",
		      "a: 511\nb: 15\nc: 31\nd: 3\ne: 1000\nf: 5\ng: 0\nh: 18446744073709551615\n");
}

static void other_numbers_become_doubles(void **state)
{
	check_printed("a: 1.0\nb: 1e3\nc: 1e21\nd: 18446744073709551616\ne: 0.1000000000000000055\nf: .5\n",
		      "a: 1\nb: 1000\nc: 1e+21\nd: 1.8446744073709552e+19\ne: 0.1\nf: 0.5\n");
}

static void times_become_rfc3339(void **state)
{
	check_printed("a: 2020-01-01\nb: 2001-12-14t21:59:43.10-05:00\nc: \"2020-01-01\"\n",
		      "a: \"2020-01-01T00:00:00Z\"\nb: \"2001-12-14T21:59:43.1-05:00\"\nc: \"2020-01-01\"\n");
}

static void a_merge_never_replaces_a_key_that_is_written_out(void **state)
{
	check_printed("m: &m {a: 1, b: 1}\nx: {a: 2, <<: *m}\ny:\n  <<: *m\n  a: 3\n",
		      "m:\n  a: 1\n  b: 1\nx:\n  a: 2\n  b: 1\n\"y\":\n  a: 3\n  b: 1\n");
}

static void a_key_that_is_no_text_is_refused_with_its_place(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct error err = ERROR_INIT;
	struct yaml_options options = { .dialect = YAML_KYAML };
	assert_int_equal(yaml_parse_as(&a, STR("a:\n  1: b\n"), &options, &s, &err), -1);
	assert_true(str_starts(str_of(err.text), STR("2:3: ")));
}

/* go-yaml doubles the line break before a line that is indented more. */
static void folded_texts_are_those_of_go_yaml_once_more(void **state)
{
	check_printed("a: >\n  x\n    y\n  z\nb: >-\n  x\n  y\n", "a: |\n  x\n\n    y\n  z\nb: x y\n");
	check_printed("a: >\n  {\n    b\n  }\n", "a: |\n  {\n\n    b\n  }\n");
	check_printed("a: >+\n  x\n\nb: c\n", "a: |+\n  x\n\n\nb: c\n");
}

/* JSON holds them as they are, and YAML that reads it takes the one for a line break, the others for
 * mistakes. */
static void characters_that_json_does_not_escape(void **state)
{
	check_printed("a: \"b \\N c\\N\\Nd\"\n", "a: |-\n  b c\n  d\n");
	static const char *const texts[] = { "a: \"b\\x7f\"\n", "a: \"b\\x90\"\n", "a: \"b\\uFFFE\"\n" };
	static const char *const wants[] = { "U+007F", "U+0090", "U+FFFE" };
	for (size_t i = 0; i < 3; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		assert_int_equal(yaml_settle_printed(&a, read_one(&a, texts[i]), &err), -1);
		assert_non_null(strstr(err.text, wants[i]));
	}
}

static void a_byte_order_mark_makes_a_text_unreadable(void **state)
{
	check_printed("a: \"\\uFEFFb\\n\"\nc: \"d\\uFEFF\"\n", "a: \"\\uFEFF\\x62\\n\"\nc: \"d\\uFEFF\"\n");
}

static void a_text_may_end_without_a_line_break(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct yaml_options options = { .dialect = YAML_KUBECTL, .as_it_ends = true };
	assert_int_equal(yaml_parse_as(&a, STR("a: |\n  b"), &options, &s, NULL), 0);
	assert_string_equal(node_text(node_get(s.documents[0].root, "a")).p, "b");
	assert_int_equal(yaml_parse_as(&a, STR("a: |\n  b\n"), &options, &s, NULL), 0);
	assert_string_equal(node_text(node_get(s.documents[0].root, "a")).p, "b\n");
	assert_int_equal(yaml_parse(&a, STR("a: |\n  b"), &s, NULL), 0);
	assert_string_equal(node_text(node_get(s.documents[0].root, "a")).p, "b\n");
}

static void the_last_of_equal_keys_may_count(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct yaml_options options = { .dialect = YAML_KUBECTL, .twice = YAML_TWICE_LAST };
	assert_int_equal(yaml_parse_as(&a, STR("a: 1\nb: 2\na: {c: 3}\n"), &options, &s, NULL), 0);
	const struct node *root = s.documents[0].root;
	assert_int_equal(root->map.n, 2);
	assert_int_equal(node_get(root, "a")->type, NODE_MAP);
	assert_int_equal(s.n_warnings, 1);
	assert_int_equal(s.warnings[0].line, 3);
	assert_string_equal(s.warnings[0].text,
			    "the key `a` is there twice: what line 1 says is not used; keep one of them");
}

static void texts_stay_as_written_until_they_are_settled(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *root = read_one(&a, "a: 0x10\nb: 'x'\nc: True\nd: ~\n");
	struct node *number = node_get(root, "a");
	assert_int_equal(number->type, NODE_INT);
	assert_true(str_is(number->text, "0x10"));
	assert_int_equal(node_get(root, "b")->style, NODE_SINGLE_QUOTED);
	assert_true(str_is(node_get(root, "c")->text, "True"));
	assert_int_equal(number->origin, 7);
	number->text = STR("nine");
	assert_int_equal(yaml_settle(&a, root, &err), -1);
	assert_non_null(strstr(err.text, "a: `nine`"));
}

static void a_scalar_without_a_tag_is_what_its_text_is(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	assert_int_equal(yaml_kyaml_scalar(&a, STR("3"))->type, NODE_INT);
	assert_int_equal(yaml_kyaml_scalar(&a, STR("yes"))->type, NODE_STRING);
	assert_int_equal(yaml_kyaml_scalar(&a, STR("false"))->type, NODE_BOOL);
	assert_int_equal(yaml_kyaml_scalar(&a, STR("2020-01-01"))->style, NODE_TIMESTAMP);
}

static void the_way_of_a_value_can_be_walked_back(void **state)
{
	struct origins o = { 0 };
	struct node first = { .line = 3, .column = 5, .origin = origin_file(&o, "base.yaml") };
	assert_int_equal(first.origin, origin_file(&o, "base.yaml"));
	struct node second = { .line = 9, .origin = origin_step(&o, "patch.yaml", "patch 1", &first) };
	const struct origin *last = origin_get(&o, second.origin);
	assert_string_equal(last->step, "patch 1");
	assert_int_equal(last->before_line, 3);
	assert_string_equal(origin_get(&o, last->before)->file, "base.yaml");
	assert_string_equal(origin_file_of(&o, &second, "?"), "patch.yaml");
	assert_int_equal(origin_step(NULL, "patch.yaml", "patch 1", &first), 0);
	assert_null(origin_get(&o, 0));
	origins_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_booleans_are_texts),
		cmocka_unit_test(integers_of_every_base_come_out_decimal),
		cmocka_unit_test(other_numbers_become_doubles),
		cmocka_unit_test(times_become_rfc3339),
		cmocka_unit_test(a_merge_never_replaces_a_key_that_is_written_out),
		cmocka_unit_test(a_key_that_is_no_text_is_refused_with_its_place),
		cmocka_unit_test(folded_texts_are_those_of_go_yaml_once_more),
		cmocka_unit_test(characters_that_json_does_not_escape),
		cmocka_unit_test(a_byte_order_mark_makes_a_text_unreadable),
		cmocka_unit_test(a_text_may_end_without_a_line_break),
		cmocka_unit_test(the_last_of_equal_keys_may_count),
		cmocka_unit_test(texts_stay_as_written_until_they_are_settled),
		cmocka_unit_test(a_scalar_without_a_tag_is_what_its_text_is),
		cmocka_unit_test(the_way_of_a_value_can_be_walked_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
