/* Fields by their written paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc/path.h"
#include "doc/yaml.h"

static const char text[] = "metadata:\n  annotations: {example.com/owner: me}\nspec:\n  containers:\n"
			   "  - {name: web, image: a}\n  - {name: job, image: b, ports: [{port: 80}]}\n";

static void check(const char *path, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct node *found = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_parse(&a, str_of(text), &s, NULL), 0);
	if (path_find(s.documents[0].root, str_of(path), &found, &err))
		fail_msg("%s", err.text);
	assert_true(str_is(found->text, want));
}

static void check_error(const char *path, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream s;
	struct node *found = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_parse(&a, str_of(text), &s, NULL), 0);
	assert_int_equal(path_find(s.documents[0].root, str_of(path), &found, &err), -1);
	assert_string_equal(err.text, want);
}

static void every_way_to_write_a_path_leads_there(void **state)
{
	check("spec.containers[1].image", "b");
	check(".spec.containers[0].image", "a");
	check("spec.containers[name=job].image", "b");
	check("spec.containers[name=job].ports[port=80].port", "80");
	check("metadata.annotations[\"example.com/owner\"]", "me");
	check("metadata.annotations[example.com/owner]", "me");
	check("/spec/containers/1/image", "b");
	check("/metadata/annotations/example.com~1owner", "me");
}

static void what_is_not_there_is_told_with_what_is(void **state)
{
	check_error("spec.replicas", "there is no spec.replicas; `spec.` has only: containers");
	check_error("status", "there is no status; the object has only: metadata, spec");
	check_error("spec.containers[7].image",
		    "there is no spec.containers[7].image; `spec.containers` has a list of 2 items");
	check_error(
		"spec.containers[0].image.tag",
		"there is no spec.containers[0].image.tag; `spec.containers[0].image.` has a single value");
	check_error("spec.containers[0", "spec.containers[0: a `[` has no `]`");
	check_error("/nowhere", "there is no /nowhere; the object has only: metadata, spec");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_a_path_leads_there),
		cmocka_unit_test(what_is_not_there_is_told_with_what_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
