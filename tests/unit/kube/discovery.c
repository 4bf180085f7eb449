/* discovery.c - both forms of discovery documents, and documents that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/vec.h"
#include "doc/json.h"
#include "kube/discovery_parse.h"

struct table {
	struct kube_kinds *kinds;
	struct kube_paths paths;
};

static void take(struct table *t, size_t at, const char *text, const struct kube_kinds *before)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *body;
	assert_int_equal(json_parse(&a, str_of(text), true, &body, &err), 0);
	kube_kinds_read(t->kinds, &t->paths, at, body, before);
}

static struct table table_new(void)
{
	struct table t = { .kinds = kube_kinds_new() };
	kube_paths_add(&t.paths, "/api", "", "", false);
	kube_paths_add(&t.paths, "/apis", "", "", false);
	return t;
}

static void table_release(struct table *t)
{
	kube_kinds_free(t->kinds);
	arena_release(&t->paths.arena);
	vec_release(&t->paths);
}

static const struct kube_resource *find(const struct table *t, const char *group, const char *version,
					const char *kind)
{
	return kube_kinds_find(t->kinds, str_of(group), str_of(version), str_of(kind));
}

static const char aggregated[] =
	"{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":\"example.com\"},\"versions\":["
	"{\"version\":\"v2\",\"freshness\":\"Current\",\"resources\":["
	"{\"resource\":\"things\",\"responseKind\":{\"kind\":\"Thing\"},\"scope\":\"Namespaced\",\"verbs\":[\"get\","
	"\"watch\"],\"subresources\":[{\"subresource\":\"status\"}]},"
	"{\"resource\":\"noverbs\",\"responseKind\":{\"kind\":\"NoVerb\"},\"scope\":\"Cluster\"},"
	"{\"resource\":\"nokinds\"}]},"
	"{\"version\":\"v1\",\"resources\":["
	"{\"resource\":\"things\",\"responseKind\":{\"kind\":\"Thing\"},\"scope\":\"Namespaced\"},"
	"{\"resource\":\"olds\",\"responseKind\":{\"kind\":\"Old\"},\"scope\":\"Namespaced\"}]}]}]}";

static void the_aggregated_form(void **unused)
{
	struct table t = table_new();
	take(&t, 1, aggregated, NULL);
	const struct kube_resource *r = find(&t, "example.com", "", "Thing");
	assert_non_null(r);
	assert_true(str_is(r->version, "v2") && str_is(r->plural, "things"));
	assert_true(r->namespaced && r->watchable && r->has_status && r->preferred);
	r = find(&t, "example.com", "v1", "Thing");
	assert_non_null(r);
	assert_false(r->preferred || r->watchable || r->has_status);
	r = find(&t, "example.com", "", "Old");
	assert_true(r && str_is(r->version, "v1") && r->preferred);
	r = find(&t, "example.com", "", "NoVerb");
	assert_true(r && !r->namespaced);
	assert_null(find(&t, "example.com", "v3", "Thing"));
	assert_null(find(&t, "", "", "Thing"));
	assert_int_equal(t.paths.n, 2);
	table_release(&t);
}

static void a_stale_group_keeps_what_was_known(void **unused)
{
	static const char stale[] =
		"{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":\"example.com\"},\"versions\":["
		"{\"version\":\"v1\",\"freshness\":\"Stale\"}]}]}";
	struct table before = table_new(), t = table_new();
	take(&before, 1, aggregated, NULL);
	take(&t, 1, stale, before.kinds);
	table_release(&before);
	assert_non_null(find(&t, "example.com", "v1", "Thing"));
	assert_null(find(&t, "example.com", "v2", "Thing"));
	table_release(&t);
}

static void the_older_form(void **unused)
{
	struct table t = table_new();
	take(&t, 0, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}", NULL);
	take(&t, 1,
	     "{\"kind\":\"APIGroupList\",\"groups\":[{\"name\":\"g\",\"versions\":[{\"version\":\"v1\"},"
	     "{\"version\":\"v2\"}],\"preferredVersion\":{\"version\":\"v2\"}}]}",
	     NULL);
	assert_int_equal(t.paths.n, 5);
	assert_string_equal(t.paths.at[2].path, "/api/v1");
	assert_string_equal(t.paths.at[3].path, "/apis/g/v2");
	assert_string_equal(t.paths.at[4].path, "/apis/g/v1");
	take(&t, 2,
	     "{\"kind\":\"APIResourceList\",\"resources\":["
	     "{\"name\":\"pods/status\",\"kind\":\"Pod\",\"namespaced\":true},"
	     "{\"name\":\"pods\",\"kind\":\"Pod\",\"namespaced\":true,\"verbs\":[\"watch\"]},"
	     "{\"name\":\"pods/eviction\",\"kind\":\"Eviction\",\"namespaced\":true}]}",
	     NULL);
	const struct kube_resource *r = find(&t, "", "v1", "Pod");
	assert_true(r && r->has_status && r->namespaced && r->watchable && str_is(r->plural, "pods"));
	assert_null(find(&t, "", "v1", "Eviction"));
	table_release(&t);
}

static void odd_documents_do_no_harm(void **unused)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"null",
		"{\"kind\":\"APIGroupDiscoveryList\"}",
		"{\"kind\":\"APIGroupDiscoveryList\",\"items\":[1,null,{\"versions\":[{\"resources\":[{\"resource\":1}]}]}]}",
		"{\"kind\":\"APIGroupList\",\"groups\":[{}]}",
		"{\"kind\":\"APIVersions\",\"versions\":[{}]}",
		"{\"kind\":\"APIResourceList\",\"resources\":[{\"name\":\"/status\"},{\"kind\":\"X\"}]}",
	};
	struct table t = table_new();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		take(&t, 0, cases[i], NULL);
	assert_null(find(&t, "", "", "X"));
	table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_aggregated_form),
		cmocka_unit_test(a_stale_group_keeps_what_was_known),
		cmocka_unit_test(the_older_form),
		cmocka_unit_test(odd_documents_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
