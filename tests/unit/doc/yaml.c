/* YAML beyond the golden cases: positions, isolation of errors, caps, and out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "doc/json.h"
#include "doc/yaml.h"

static void check_error(const struct yaml_stream *s, size_t i, uint32_t line, uint32_t column)
{
	assert_true(i < s->n_errors);
	assert_int_equal(s->errors[i].line, line);
	assert_int_equal(s->errors[i].column, column);
}

static void places_count_from_the_start_of_the_file(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	assert_int_equal(yaml_parse(&a, STR("# c\n\na: 1\n---\n\n# c\nb:\n  - x\n  -   q: [1,\n   2]\n---\n"),
				    &s, NULL),
			 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.documents[0].line, 3);
	assert_int_equal(s.documents[1].line, 7);
	struct node *b = node_get(s.documents[1].root, "b");
	assert_int_equal(b->line, 8);
	struct node *q = node_get(node_item(b, 1), "q");
	assert_int_equal(q->line, 9);
	assert_int_equal(node_item(q, 1)->line, 10);
	assert_int_equal(node_item(q, 1)->column, 4);
	assert_int_equal(node_item(b, 1)->map.pairs[0].key_line, 9);
}

static void a_bad_document_hides_no_other(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct error err = ERROR_INIT;
	struct str text = STR(
		"a: 1\n---\nb: [\n---\nc: 3\n---\n\tx: 1\n---\nd: yes\n--- {bad: 1}\nbad: 2\n---\ne: 5\n");
	assert_int_equal(yaml_parse(&a, text, &s, &err), -1);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.n_errors, 3);
	check_error(&s, 0, 4, 1);
	check_error(&s, 1, 7, 1);
	check_error(&s, 2, 10, 4);
	assert_true(str_starts(str_of(err.text), STR("4:1: ")));
	assert_non_null(node_get(s.documents[3].root, "e"));
	assert_int_equal(s.n_warnings, 1);
	assert_int_equal(s.warnings[0].line, 9);
	assert_int_equal(s.warnings[0].column, 4);
	assert_string_equal(s.warnings[0].text,
			    "`yes` is read as the boolean true (YAML 1.1); quote it if you mean the string");
}

static void refused_json_hides_no_other(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	assert_int_equal(yaml_parse(&a, STR("{\"a\":1,\n\"a\":2,\n\"b\":3}\n{\"c\":3}\n"), &s, NULL), -1);
	assert_int_equal(s.n, 1);
	check_error(&s, 0, 2, 1);
	assert_int_equal(s.documents[0].line, 4);
}

static void aliases_are_copies(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct yaml_stream s;
	assert_int_equal(yaml_parse(&a, STR("a: &x {k: [1]}\nb: *x\n"), &s, NULL), 0);
	struct node *root = s.documents[0].root;
	node_push(&a, node_at(root, "b.k"), node_int_new(&a, 2));
	node_set(&a, node_get(root, "b"), STR("l"), node_null(&a));
	json_write(&out, root);
	assert_string_equal(out.p, "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1,2],\"l\":null}}");
}

static void aliases_cannot_go_deeper(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct yaml_stream s;
	/* Each line nests the one before it ten levels deeper. */
	buf_adds(&text, "a0: &a0 x\n");
	for (int i = 1; i < 40; i++)
		buf_printf(&text, "a%d: &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i, i - 1);
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_parse(&a, buf_str(&text), &s, &err), -1);
	assert_non_null(strstr(err.text, "nested deeper"));
}

static void messages_are_bounded_and_harmless(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct yaml_stream s;
	for (int i = 0; i < 3000; i++)
		buf_adds(&text, "a: yes\nb: [\n---\n");
	yaml_parse(&a, buf_str(&text), &s, NULL);
	assert_int_equal(s.n_errors, YAML_MESSAGES_MAX);
	assert_int_equal(s.n_warnings, YAML_MESSAGES_MAX);
	yaml_parse(&a, STR("a: !!int \"1\\e[31m\\n2\"\n"), &s, NULL);
	assert_int_equal(s.n_errors, 1);
	assert_null(strpbrk(s.errors[0].text, "\n\x1b"));
}

static void texts_may_hold_any_character(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	assert_int_equal(yaml_parse(&a, STR("a: \"x\\0y\"\n"), &s, NULL), 0);
	assert_true(str_eq(node_text(node_get(s.documents[0].root, "a")), STR("x\0y")));
}

static void empty_files_have_no_documents(void **state)
{
	static const char *const texts[] = { "",     "\n",  "---\n",	    "---\n---\n", "# x",
					     "null", "~\n", "\xef\xbb\xbf", "...\n" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct yaml_stream s;
		int rc = yaml_parse(&a, str_of(texts[i]), &s, NULL);
		if (i < 8)
			assert_int_equal(rc, 0);
		assert_int_equal(s.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_count_from_the_start_of_the_file),
		cmocka_unit_test(a_bad_document_hides_no_other),
		cmocka_unit_test(refused_json_hides_no_other),
		cmocka_unit_test(aliases_are_copies),
		cmocka_unit_test(aliases_cannot_go_deeper),
		cmocka_unit_test(messages_are_bounded_and_harmless),
		cmocka_unit_test(texts_may_hold_any_character),
		cmocka_unit_test(empty_files_have_no_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
