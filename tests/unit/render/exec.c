/* exec.c - what a program reads, by what its output is known, and what is made of what it printed. */
#include "unit/cmocka_all.h"

#include <stdio.h>

#include "doc/origin.h"
#include "render/exec.h"

static const char *const paths[] = {
	".git/config", "app/.git", "app/main.cue", "app/run.sh", "lib/a/x", "lib/b", "other/y",
};
static const struct str texts[] = {
	STR("git"), STR("git"), STR("main"), STR("#!/bin/sh\n"), STR("x"), STR("\177ELF.."), STR("y"),
};

static struct tree_memory memory = { paths, texts, sizeof(paths) / sizeof(paths[0]) };
static const char *const argv[] = { "./run.sh", "a", NULL };

static int setup(void **state)
{
	*state = mem_alloc(sizeof(struct arena));
	return 0;
}

static int teardown(void **state)
{
	arena_release(*state);
	free(*state);
	return 0;
}

static struct exec_tree read_tree(struct arena *a, const char *dir, const char *const *inputs)
{
	struct render_tree tree = tree_memory(&memory);
	struct exec_spec spec = { .argv = argv, .inputs = inputs };
	struct exec_tree out;
	struct error err = ERROR_INIT;
	if (exec_tree_read(a, &tree, dir, &spec, &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static void assert_files(const struct exec_tree *t, const char *const *expected)
{
	for (size_t i = 0; i < t->n; i++) {
		assert_non_null(expected[i]);
		assert_string_equal(t->files[i].path, expected[i]);
	}
	assert_null(expected[t->n]);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void reads_its_directory(void **state)
{
	struct exec_tree t = read_tree(*state, "app", NULL);
	assert_files(&t, LIST("main.cue", "run.sh"));
	assert_string_equal(t.dir, "");
	assert_false(t.files[0].executable);
	assert_true(t.files[1].executable);
	t = read_tree(*state, "", NULL);
	assert_files(&t, LIST("app/main.cue", "app/run.sh", "lib/a/x", "lib/b", "other/y"));
	assert_true(t.files[3].executable);
}

static void reads_what_is_named_beside(void **state)
{
	struct exec_tree t = read_tree(*state, "app", LIST("../lib"));
	assert_files(&t, LIST("app/main.cue", "app/run.sh", "lib/a/x", "lib/b"));
	assert_string_equal(t.dir, "app");
	t = read_tree(*state, "lib/a", LIST("../b", "x", "."));
	assert_files(&t, LIST("a/x", "b"));
	assert_string_equal(t.dir, "a");
	/* The copy reaches as far up as the paths do, so that they lead to the same files there. */
	t = read_tree(*state, "lib/a", LIST("../../lib"));
	assert_files(&t, LIST("lib/a/x", "lib/b"));
	assert_string_equal(t.dir, "lib/a");
	t = read_tree(*state, "lib/a", LIST("y/../../b"));
	assert_files(&t, LIST("a/x", "b"));
	assert_string_equal(t.dir, "a");
}

static void refuses_what_is_not_there(void **state)
{
	struct render_tree tree = tree_memory(&memory);
	struct exec_spec spec = { .argv = argv, .inputs = LIST("../nothing") };
	struct exec_tree out;
	struct error err = ERROR_INIT;
	assert_int_equal(exec_tree_read(*state, &tree, "app", &spec, &out, &err), -1);
	assert_string_equal(err.text, "nothing: there is no such file or directory");
	spec.inputs = LIST("../../x");
	assert_int_equal(exec_tree_read(*state, &tree, "app", &spec, &out, &err), -1);
	assert_string_equal(err.text, "../../x: it leads out of the repository");
	spec.inputs = LIST("/lib");
	assert_int_equal(exec_tree_read(*state, &tree, "app", &spec, &out, &err), -1);
}

/* A directory in itself, as a link can make it. */
static int loop_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		     struct error *err)
{
	*kind = TREE_DIR;
	return 0;
}

static int loop_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	static const char *again[] = { "again" };
	*names = again;
	*n = 1;
	return 0;
}

static int many_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	*n = EXEC_FILES_MAX + 1;
	*names = arena_array(a, const char *, *n);
	for (size_t i = 0; i < *n; i++)
		(*names)[i] = arena_printf(a, "f%zu", i);
	return 0;
}

static int many_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		     struct error *err)
{
	*kind = *path ? TREE_FILE : TREE_DIR;
	return 0;
}

static int large_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	*out = (struct str){ "only the length counts", *(size_t *)ctx };
	return 0;
}

static void assert_refused(struct arena *a, const struct render_tree_ops *ops, size_t size, const char *cap)
{
	struct render_tree tree = { .ops = ops, .ctx = &size };
	struct exec_spec spec = { .argv = argv };
	struct exec_tree out;
	struct error err = ERROR_INIT;
	assert_int_equal(exec_tree_read(a, &tree, "", &spec, &out, &err), -1);
	if (!strstr(err.text, cap))
		fail_msg("%s", err.text);
}

static void trees_are_capped(void **state)
{
	static const struct render_tree_ops loop = { .find = loop_find, .list = loop_list };
	static const struct render_tree_ops many = { .find = many_find,
						     .list = many_list,
						     .read = large_read };
	assert_refused(*state, &loop, 0, "EXEC_DEPTH_MAX");
	assert_refused(*state, &many, 1, "EXEC_FILES_MAX");
	assert_refused(*state, &many, EXEC_TREE_MAX / 2, "EXEC_TREE_MAX");
}

static void key_is_of_all_that_is_read(void **state)
{
	struct exec_file files[] = { { "a", STR("1"), false }, { "b", STR("2"), false } };
	struct exec_tree tree = { files, 2, "" };
	struct exec_spec spec = { .argv = LIST("p", "x"), .env = LIST("A=1") };
	struct hash key = exec_key(&spec, &tree, STR("id")), seen[16];
	size_t n = 0;
	seen[n++] = key;
	assert_true(hash_eq(key, exec_key(&spec, &tree, STR("id"))));
	seen[n++] = exec_key(&spec, &tree, STR("other"));
	spec.argv = LIST("px");
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	spec.argv = LIST("p", "x", "A=1");
	spec.env = NULL;
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	spec.argv = LIST("p", "x");
	spec.env = LIST("A=2");
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	spec.env = LIST("A=1");
	spec.input = STR("in");
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	spec.input = STR("");
	tree.dir = "a";
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	tree.dir = "";
	files[0].data = STR("3");
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	files[0].data = STR("1");
	files[1].path = "c";
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	tree.n = 1;
	seen[n++] = exec_key(&spec, &tree, STR("id"));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(hash_eq(seen[i], seen[k]));
	/* What only limits it changes nothing of what it printed. */
	spec.timeout_ms = 5;
	spec.memory_bytes = 5;
	assert_true(hash_eq(seen[n - 1], exec_key(&spec, &tree, STR("id"))));
}

static void assert_lines(struct arena *a, struct str text, const char *const *expected)
{
	const char **lines;
	size_t n = exec_lines(a, text, &lines);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(expected[i]);
		assert_string_equal(lines[i], expected[i]);
	}
	assert_null(expected[n]);
	assert_null(lines[n]);
}

static void lines_are_fit_to_be_shown(void **state)
{
	struct arena *a = *state;
	assert_lines(a, STR(""), LIST(NULL));
	assert_lines(a, STR("\n\n \n"), LIST(NULL));
	assert_lines(a, STR("one\ntwo"), LIST("one", "two"));
	assert_lines(a, STR("10%\r50%\r100%\r\ndone\n"), LIST("10%", "50%", "100%", "done"));
	assert_lines(a, STR("\033[31mred\033[0m \033]0;title\atext\033c."), LIST("red text."));
	assert_lines(a, STR("a\tb\001c\x7f"), LIST("a b?c?"));
	assert_lines(a, STR("gr\xc3\xbc\xc3\x9f \xff\xc3 \xe2\x82\xac"),
		     LIST("gr\xc3\xbc\xc3\x9f ?? \xe2\x82\xac"));
	assert_lines(a,
		     STR("c1\xc2\x9b"
			 "31m"),
		     LIST("c1??31m"));
	assert_lines(a, STR("end\033["), LIST("end"));
}

static void lines_are_capped(void **state)
{
	cleanup_buf struct buf text = BUF_INIT, line = BUF_INIT;
	const char **lines;
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "line %d\n", i);
	assert_int_equal(exec_lines(*state, buf_str(&text), &lines), EXEC_LINES_MAX);
	assert_string_equal(lines[EXEC_LINES_MAX - 1], "line 999");
	assert_string_equal(lines[0], "line 980");
	for (int i = 0; i < 1000; i++)
		buf_adds(&line, "\xe2\x82\xac");
	assert_int_equal(exec_lines(*state, buf_str(&line), &lines), 1);
	assert_int_equal(strlen(lines[0]), EXEC_LINE_MAX + 3);
	assert_true(str_utf8(str_of(lines[0])));
}

static void output_is_read_as_manifests(void **state)
{
	struct render_output out;
	struct render_input in = { .n = 0 };
	const char *const warnings[] = { "deprecated" };
	render_exec(*state, "output of cue",
		    STR("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\n---\nkind: Secret\n"),
		    warnings, 1, &in, &out);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.objects[0].file, "output of cue");
	assert_int_equal(out.n_errors, 2); /* no apiVersion, no name */
	assert_int_equal(out.n_diags, 3);
	assert_string_equal(render_diag_text(*state, &out.diags[0]),
			    "output of cue: warning: it says: deprecated");
	assert_int_equal(out.diags[1].line, 6);
	render_exec(*state, "output of cue", STR("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[]}"),
		    NULL, 0, &in, &out);
	assert_int_equal(out.n_errors, 0);
	render_exec(*state, "output of cue", STR("Usage: cue [command]\n  bad: [\n"), NULL, 0, &in, &out);
	assert_int_equal(out.n, 0);
	assert_true(out.n_errors > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reads_its_directory), TEST(reads_what_is_named_beside),  TEST(refuses_what_is_not_there),
		TEST(trees_are_capped),	   TEST(key_is_of_all_that_is_read),  TEST(lines_are_fit_to_be_shown),
		TEST(lines_are_capped),	   TEST(output_is_read_as_manifests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
