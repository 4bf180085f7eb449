/* Fields of an object and where they come from, as errors of an apply look them up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deploy/places.h"
#include "doc/yaml.h"

static struct node *read_one(struct arena *a, const char *text, uint32_t origin)
{
	struct yaml_stream s;
	struct yaml_options options = { .dialect = YAML_KYAML, .origin = origin };
	assert_int_equal(yaml_parse_as(a, str_of(text), &options, &s, NULL), 0);
	return s.documents[0].root;
}

static void check(struct str places, const char *message, const char *file, uint32_t line, const char *step)
{
	struct place_found found = { .line = 0 };
	bool there = places_find(places, str_of(message), &found);
	assert_int_equal(there, file != NULL);
	if (!file)
		return;
	assert_true(str_is(found.file, file));
	assert_int_equal(found.line, line);
	assert_true(str_is(found.step, step));
}

static void the_patch_that_set_a_field_is_found_by_the_words_of_the_server(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct origins o = { 0 };
	struct node *root = read_one(
		&a, "spec:\n  replicas: 1\n  template:\n    x:\n    - image: a\nmetadata:\n  name: n\n",
		origin_file(&o, "base.yaml"));
	struct node *spec = node_get(root, "spec"), *replicas = node_get(spec, "replicas");
	struct node *image = node_get(node_item(node_at(spec, "template.x"), 0), "image");
	struct node *name = node_at(root, "metadata.name");
	replicas->origin = origin_step(&o, "patch.yaml", "patch 1 of k.yaml", replicas);
	replicas->line = 7;
	image->origin = origin_step(&o, "k.yaml", "images of k.yaml", image);
	name->origin = origin_step(&o, "k.yaml", "namePrefix of k.yaml", name);
	struct str places = places_of(&a, &o, root);
	check(places, "Deployment \"n\" is invalid: spec.replicas: Invalid value: -1", "patch.yaml", 7,
	      "patch 1 of k.yaml");
	check(places, "invalid: spec.template.x[0].image: Required value", "k.yaml", 5, "images of k.yaml");
	check(places, "failed to create typed patch object: .spec.replicas: expected numeric", "patch.yaml",
	      7, "patch 1 of k.yaml");
	check(places, "invalid: spec.replicasMax: Required value", NULL, 0, NULL);
	check(places, "invalid: metadata.name: Invalid value", NULL, 0, NULL);
	check(places, "", NULL, 0, NULL);
	origins_release(&o);
}

static void a_key_that_would_break_the_lines_is_left_out(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct origins o = { 0 };
	uint32_t patched = origin_step(&o, "p.yaml", "patch 1", NULL);
	struct node *root =
		read_one(&a, "spec:\n  \"a\\tb\\nspec.x\\tevil\": 1\n  b: 1\n", origin_file(&o, "b.yaml"));
	struct node *spec = node_get(root, "spec");
	spec->map.pairs[0].value->origin = patched;
	spec->map.pairs[1].value->origin = patched;
	struct str places = places_of(&a, &o, root);
	check(places, "spec.b: bad", "p.yaml", 3, "patch 1");
	check(places, "spec.x: bad", NULL, 0, NULL);
	origins_release(&o);
}

static void nothing_is_kept_where_no_step_was(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct origins o = { 0 };
	struct node *root = read_one(&a, "spec: {a: 1}\n", origin_file(&o, "b.yaml"));
	assert_int_equal(places_of(&a, &o, root).n, 0);
	assert_int_equal(places_of(&a, NULL, root).n, 0);
	origins_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_patch_that_set_a_field_is_found_by_the_words_of_the_server),
		cmocka_unit_test(a_key_that_would_break_the_lines_is_left_out),
		cmocka_unit_test(nothing_is_kept_where_no_step_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
