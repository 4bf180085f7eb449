/*
 * Edits in place. Each directory of tests/golden/edit has before.yaml, the changes in `ops` (OPERATION
 * DOCUMENT PATH [KEY] VALUE, with "-" for the root and a value in JSON), and after.yaml, or what the last one
 * is refused with in `error`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/edit.h"
#include "doc/json.h"
#include "doc/yaml.h"

#define CASES SOURCE_ROOT "/tests/golden/edit"

static bool read_file(const char *name, const char *part, struct buf *out)
{
	char path[4096], chunk[4096];
	snprintf(path, sizeof(path), CASES "/%s/%s", name, part);
	FILE *file = fopen(path, "rb");
	if (!file)
		return false;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file));)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

static struct node *value_of(struct arena *a, struct str text)
{
	struct node *n;
	if (json_parse(a, text, true, &n, NULL))
		fail_msg("%.*s is no JSON", STR_ARG(text));
	return n;
}

static int run_op(struct arena *a, struct edit *e, struct str line, struct error *err)
{
	struct str rest, op = str_cut(line, ' ', &rest), document = str_cut(rest, ' ', &rest);
	struct str path = str_cut(rest, ' ', &rest), key = STR("");
	size_t n = document.p[0] == '1';
	if (str_is(path, "-"))
		path = STR("");
	if (str_is(op, "add") || str_is(op, "remove"))
		key = str_cut(rest, ' ', &rest);
	if (str_is(op, "replace"))
		return edit_replace(e, n, path, value_of(a, rest), 0, err);
	if (str_is(op, "append"))
		return edit_append(e, n, path, value_of(a, rest), err);
	if (str_is(op, "add"))
		return edit_add(e, n, path, key, value_of(a, rest), err);
	assert_true(str_is(op, "remove"));
	return edit_remove(e, n, path, key, err);
}

static void run_case(const char *name)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf before = BUF_INIT, ops = BUF_INIT, after = BUF_INIT, want = BUF_INIT;
	struct error err = ERROR_INIT;
	struct edit *e;
	assert_true(read_file(name, "before.yaml", &before) && read_file(name, "ops", &ops));
	bool refused = read_file(name, "error", &want);
	int rc = edit_open(&a, "before.yaml", buf_str(&before), &e, &err);
	for (struct str rest = buf_str(&ops); rest.n && rc == 0;)
		rc = run_op(&a, e, str_cut(rest, '\n', &rest), &err);
	if (refused) {
		if (rc == 0 || !str_eq(str_of(err.text), str_trim(buf_str(&want))))
			fail_msg("%s: not refused like that: %s", name, err.text);
		return;
	}
	if (rc)
		fail_msg("%s: %s", name, err.text);
	assert_true(read_file(name, "after.yaml", &after));
	if (!str_eq(edit_text(e), buf_str(&after)))
		fail_msg("%s:\n%.*s", name, STR_ARG(edit_text(e)));
}

static void what_is_written_is_what_was_asked_for(void **state)
{
	struct dirent **names;
	int n = scandir(CASES, &names, NULL, alphasort), ran = 0;
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			run_case(names[i]->d_name);
			ran++;
		}
		free(names[i]);
	}
	free(names);
	assert_true(ran > 20);
}

static void a_text_that_was_refused_is_as_before(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const char text[] = "a: &x 1\nb: 2\n";
	struct error err = ERROR_INIT;
	struct edit *e;
	assert_int_equal(edit_open(&a, "f", str_of(text), &e, &err), 0);
	assert_int_equal(edit_replace(e, 0, STR("a"), node_string(&a, STR("v")), 0, &err), -1);
	assert_false(edit_changed(e));
	assert_true(str_is(edit_text(e), text));
	assert_int_equal(edit_replace(e, 1, STR("a"), node_string(&a, STR("v")), 0, &err), -1);
	assert_string_equal(err.text, "f: there is no document 2 in it");
}

static void a_text_of_several_lines_goes_when_asked_for(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct edit *e;
	assert_int_equal(edit_open(&a, "f", STR("a: >-\n  x\n  y\n\nb: 2\n"), &e, &err), 0);
	assert_int_equal(edit_replace(e, 0, STR("a"), node_string(&a, STR("v")), EDIT_BLOCK_SCALARS, &err),
			 0);
	assert_true(str_is(edit_text(e), "a: \"v\"\n\nb: 2\n"));
}

static void comments_are_told(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct edit *e;
	assert_int_equal(
		edit_open(&a, "f", STR("a: 1 # one\nb: [2, {c: '#'}] #  two \nc: 3#\nd: |\n  x\n# y\n"), &e,
			  NULL),
		0);
	const struct node *root = edit_root(e, 0), *b = node_get(root, "b");
	assert_true(str_is(edit_comment(e, node_get(root, "a")), "one"));
	assert_true(str_is(edit_comment(e, node_get(node_item(b, 1), "c")), "two"));
	assert_true(str_is(edit_comment(e, node_item(b, 0)), ""));
	assert_true(str_is(edit_comment(e, node_get(root, "c")), ""));
	assert_true(str_is(edit_comment(e, node_get(root, "d")), ""));
}

static void places_count_characters_of_any_length(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT, want = BUF_INIT;
	struct edit *e;
	buf_adds(&text, "\xef\xbb\xbf");
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "k%d: \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\" # \xc3\xb6\n", i);
	buf_add_str(&want, buf_str(&text));
	buf_adds(&text, "z: old");
	buf_adds(&want, "z: new");
	assert_int_equal(edit_open(&a, "f", buf_str(&text), &e, NULL), 0);
	assert_int_equal(edit_replace(e, 0, STR("z"), node_string(&a, STR("new")), 0, NULL), 0);
	assert_true(str_eq(edit_text(e), buf_str(&want)));
}

static void odd_values_come_back_as_they_went_in(void **state)
{
	static const char *const values[] = { "",
					      " ",
					      "- a",
					      "a: b",
					      "a #b",
					      "\t",
					      "\n",
					      "*a",
					      "&a",
					      "!a",
					      "%a",
					      "@a",
					      "`a",
					      "{a",
					      "a]",
					      "0x10",
					      "1e3",
					      "2001-01-01",
					      "~",
					      "null",
					      "NO",
					      "'",
					      "\"",
					      "\\",
					      "a\"b'c",
					      "=",
					      "<<",
					      "...",
					      "---",
					      "1:30",
					      "a:",
					      "\xc2\x85",
					      "\xe2\x80\xa8",
					      "\xef\xbb\xbf\x61",
					      "\x7f",
					      "0o7",
					      "?",
					      "-",
					      ".5" };
	static const char *const texts[] = { "v: x\n", "v: 'x'\n", "v: \"x\"", "{v: x}", "v:\n", "a: 1\nv:" };
	for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			cleanup_arena struct arena a = ARENA_INIT;
			struct error err = ERROR_INIT;
			struct yaml_stream s;
			struct edit *e;
			assert_int_equal(edit_open(&a, "f", str_of(texts[t]), &e, NULL), 0);
			if (edit_replace(e, 0, STR("v"), node_string(&a, str_of(values[i])), 0, &err))
				fail_msg("%s with %s: %s", texts[t], values[i], err.text);
			assert_int_equal(yaml_parse(&a, edit_text(e), &s, NULL), 0);
			assert_true(str_is(node_text(node_get(s.documents[0].root, "v")), values[i]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_was_asked_for),
		cmocka_unit_test(a_text_that_was_refused_is_as_before),
		cmocka_unit_test(a_text_of_several_lines_goes_when_asked_for),
		cmocka_unit_test(comments_are_told),
		cmocka_unit_test(places_count_characters_of_any_length),
		cmocka_unit_test(odd_values_come_back_as_they_went_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
