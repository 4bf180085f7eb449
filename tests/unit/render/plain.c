/* Plain renders: what is read, what is refused and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "render/render.h"

#define MAP(name) "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\n"

static void render(struct arena *a, const struct render_file *files, size_t n, struct render_output *out)
{
	render_plain(a, &(struct render_input){ .files = files, .n = n }, out);
}

static void render_text(struct arena *a, const char *text, struct render_output *out)
{
	struct render_file *file = arena_new(a, struct render_file);
	*file = (struct render_file){ "app/a.yaml", str_of(text) };
	render(a, file, 1, out);
}

/* The only diagnostic of a file with that text. */
static void check_said(const char *text, size_t objects, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	render_text(&a, text, &out);
	assert_int_equal(out.n, objects);
	assert_int_equal(out.n_diags, 1);
	assert_string_equal(render_diag_text(&a, &out.diags[0]), want);
}

static void objects_know_who_and_where_they_are(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	render_text(
		&a,
		"# c\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\n---\n" MAP(
			"c"),
		&out);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.n_diags, 0);
	const struct render_object *o = &out.objects[0];
	assert_true(str_is(o->group, "apps") && str_is(o->version, "v1") && str_is(o->kind, "Deployment"));
	assert_true(str_is(o->namespace, "shop") && str_is(o->name, "api"));
	assert_string_equal(o->file, "app/a.yaml");
	assert_int_equal(o->line, 2);
	assert_int_equal(out.objects[1].line, 6);
	assert_int_equal(out.objects[1].group.n + out.objects[1].namespace.n, 0);
	struct str json = render_encode(&a, &out.objects[1]);
	assert_string_equal(json.p,
			    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}");
	assert_true(hash_eq(render_hash(&out.objects[1]), hash_of(json)));
}

static void reads_manifests_in_the_order_of_their_paths(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	const struct render_file files[] = {
		{ "app/z.yaml", STR(MAP("z")) },
		{ "app/sub/b.yml", STR(MAP("b")) },
		{ "app/a.json",
		  STR("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}") },
		{ "app/README.md", STR("not: [yaml") },
		{ "app/.hidden.yaml", STR("not: [yaml") },
		{ "app/.github/x.yaml", STR("not: [yaml") },
		{ "app/kustomization.yaml", STR("resources: []") },
	};
	render(&a, files, 7, &out);
	assert_int_equal(out.n, 3);
	assert_true(str_is(out.objects[0].name, "a") && str_is(out.objects[1].name, "b"));
	assert_int_equal(out.n_diags, 1);
	assert_int_equal(out.n_errors, 0);
	assert_string_equal(
		render_diag_text(&a, &out.diags[0]),
		"app/kustomization.yaml: warning: plain manifests are read without Kustomize: this file is "
		"not used");
}

static void an_app_may_live_in_a_hidden_folder(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	const struct render_file files[] = { { ".deploy/a.yaml", STR(MAP("a")) },
					     { ".deploy/.b/b.yaml", STR(MAP("b")) } };
	render_plain(&a, &(struct render_input){ .files = files, .n = 2, .root = ".deploy" }, &out);
	assert_int_equal(out.n, 1);
	render(&a, files, 2, &out);
	assert_int_equal(out.n, 0);
}

static void every_error_of_every_file_is_said(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	const struct render_file files[] = {
		{ "b.yaml", STR("a: [\n---\nkind: X\n---\n" MAP("good") "---\n\"x\n") },
		{ "a.yaml", STR("- 1\n---\n" MAP("yes")) },
	};
	render(&a, files, 2, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.n_errors, 6);
	assert_string_equal(out.diags[0].file, "a.yaml");
	assert_int_equal(out.n_diags, 7);
}

static void names_are_checked(void **state)
{
	check_said("kind: A\nmetadata: {name: x}\n", 0, "app/a.yaml:1:1: error: A x: apiVersion is missing");
	check_said("apiVersion: v1\nmetadata: {name: x}\n", 0, "app/a.yaml:1:1: error: x: kind is missing");
	check_said("apiVersion: v1\nkind: A\n", 0, "app/a.yaml:1:1: error: A: metadata.name is missing");
	check_said("apiVersion: v1\nkind: A\nmetadata: x\n", 0,
		   "app/a.yaml:3:11: error: A: metadata is a text, it must be a map");
	check_said(
		"apiVersion: v1\nkind: A\nmetadata: {generateName: x-}\n", 0,
		"app/a.yaml:3:26: error: A: metadata.generateName would make a new object at every sync: give it a "
		"metadata.name");
	check_said("apiVersion: v1\nkind: A\nmetadata: {name: 12}\n", 0,
		   "app/a.yaml:3:18: error: A: metadata.name is a number, it must be a text: quote it");
	check_said("apiVersion: v1\nkind: A\nmetadata: {name: ..}\n", 0,
		   "app/a.yaml:3:18: error: A ..: metadata.name `..` may not be `.` or `..`");
	check_said("apiVersion: v1\nkind: A\nmetadata: {name: a/b}\n", 0,
		   "app/a.yaml:3:18: error: A a/b: metadata.name `a/b` may not contain `/` or `%`");
	check_said(
		"apiVersion: v1\nkind: A\nmetadata: {name: \"a\\nb\"}\n", 0,
		"app/a.yaml:3:18: error: A a: metadata.name `a` may not contain white space or control characters");
	check_said(
		"apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: A_b}\n", 0,
		"app/a.yaml:3:32: error: A A_b/a: metadata.namespace `A_b` is not a valid name: at most 63 of a-z, 0-9 "
		"and `-`");
	check_said("apiVersion: a/b/c\nkind: A\nmetadata: {name: a}\n", 0,
		   "app/a.yaml:1:13: error: A a: apiVersion `a/b/c` is not of the form v1 or group/v1");
	check_said("apiVersion: v1\nkind: ../A\nmetadata: {name: a}\n", 0,
		   "app/a.yaml:2:7: error: ../A a: kind `../A` is not the name of a kind");
	check_said(
		"12\n", 0,
		"app/a.yaml:1:1: error: an object is a map with apiVersion, kind and metadata; this is a number");
	check_said(
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", 0,
		"app/a.yaml:1: error: this is a Git LFS pointer, not the content: keep manifests out of Git LFS "
		"(`git lfs migrate export` takes them out)");
}

static void names_of_rbac_are_fine(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	render_text(
		&a,
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"system:x\"}\n",
		&out);
	assert_int_equal(out.n, 1);
}

static void the_first_of_two_is_kept(void **state)
{
	check_said(
		MAP("a") "---\n" MAP("b") "---\n" MAP("a") "data: {x: \"2\"}\n", 2,
		"app/a.yaml:9:1: error: ConfigMap a: is there twice: first at app/a.yaml:1, again here; the first is "
		"used, remove one");
	/* The version is not part of who an object is; the namespace is. */
	check_said(
		"apiVersion: x.io/v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: x.io/v2\nkind: A\nmetadata: {name: a}\n"
		"---\napiVersion: x.io/v1\nkind: A\nmetadata: {name: a, namespace: ns}\n",
		2,
		"app/a.yaml:5:1: error: A a: is there twice: first at app/a.yaml:1, again here; the first is used, remove "
		"one");
}

static void lists_are_flattened(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	render_text(
		&a,
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"
		"- kind: ConfigMap\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A, metadata: {name: b}}]}\n",
		&out);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.objects[0].line, 4);
	assert_int_equal(out.n_errors, 2); /* the second item lacks apiVersion and name */
	assert_int_equal(out.diags[0].line, 7);
	cleanup_buf struct buf deep = BUF_INIT;
	for (unsigned i = 0; i < RENDER_LIST_DEPTH_MAX + 1; i++)
		buf_adds(&deep, "{\"kind\":\"List\",\"items\":[");
	for (unsigned i = 0; i < RENDER_LIST_DEPTH_MAX + 1; i++)
		buf_adds(&deep, "]}");
	check_said(
		deep.p, 0,
		"app/a.yaml:1:193: error: List: lists are nested deeper than 8 levels (RENDER_LIST_DEPTH_MAX)");
	render_text(&a, "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n", &out);
	assert_int_equal(out.n, 1);
}

static void caps_are_said(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct render_output out;
	char *large = mem_alloc(RENDER_FILE_MAX + 1);
	struct render_file file = { "large.yaml", { large, RENDER_FILE_MAX + 1 } };
	render(&a, &file, 1, &out);
	assert_int_equal(out.n_errors, 1);
	assert_string_equal(render_diag_text(&a, &out.diags[0]),
			    "large.yaml: error: the file is larger than 16 MiB (RENDER_FILE_MAX): split it");
	free(large);
	for (int i = 0; i < 2000; i++)
		buf_adds(&text, "{}\n---\n");
	render_text(&a, text.p, &out);
	assert_int_equal(out.n_diags, RENDER_DIAGS_MAX);
	assert_int_equal(out.n_errors, 6000);
	assert_string_equal(out.diags[RENDER_DIAGS_MAX - 1].text,
			    "5001 more messages are not shown (RENDER_DIAGS_MAX)");
}

static void too_many_objects_are_said_once(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct render_output out;
	buf_adds(&text, "{\"kind\":\"List\",\"items\":[");
	for (unsigned i = 0; i < RENDER_OBJECTS_MAX + 10; i++)
		buf_printf(&text, "%s{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"n%u\"}}",
			   i ? "," : "", i);
	buf_adds(&text, "]}");
	render_text(&a, text.p, &out);
	assert_int_equal(out.n, RENDER_OBJECTS_MAX);
	assert_int_equal(out.n_errors, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_know_who_and_where_they_are),
		cmocka_unit_test(reads_manifests_in_the_order_of_their_paths),
		cmocka_unit_test(an_app_may_live_in_a_hidden_folder),
		cmocka_unit_test(every_error_of_every_file_is_said),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(names_of_rbac_are_fine),
		cmocka_unit_test(the_first_of_two_is_kept),
		cmocka_unit_test(lists_are_flattened),
		cmocka_unit_test(caps_are_said),
		cmocka_unit_test(too_many_objects_are_said_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
