/* Keys, the set of desired items, and what is read of a live object. */
#include "unit/cmocka_all.h"

#include "deploy/cluster/live.h"
#include "deploy/desired.h"
#include "doc/json.h"

static void a_key_is_one_text_and_back(void **state)
{
	static const struct {
		const char *text, *display;
	} rows[] = {
		{ "apps/Deployment/web/api", "Deployment web/api" },
		{ "/ConfigMap/web/conf", "ConfigMap web/conf" },
		{ "/Namespace//web", "Namespace web" },
		{ "rbac.authorization.k8s.io/ClusterRole//system:x", "ClusterRole system:x" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct key k;
		assert_true(key_split(str_of(rows[i].text), &k));
		assert_string_equal(key_text(&a, k), rows[i].text);
		assert_string_equal(key_display(&a, str_of(rows[i].text)), rows[i].display);
	}
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const rows[] = { "", "/", "a/b", "a/b/c", "a//ns/x", "a/K/ns/", "a/K/ns/x/y" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key k;
		if (key_split(str_of(rows[i]), &k))
			fail_msg("%s", rows[i]);
	}
	cleanup_arena struct arena a = ARENA_INIT;
	assert_string_equal(key_display(&a, STR("etc/app.conf")), "etc/app.conf"); /* a file's path */
}

static void items_are_sorted_and_found(void **state)
{
	enum { N = 1000 };
	struct desired *d = desired_new();
	d->items = arena_array(&d->arena, struct desired_item, N);
	for (unsigned i = 0; i < N; i++) {
		unsigned at = i * 7919 % N;
		d->items[i].key = str_of(arena_printf(&d->arena, "/ConfigMap/ns/c%03u", at));
		d->items[i].stage = (uint16_t)(at % 3);
		d->items[i].rank = (uint16_t)(at % 7);
	}
	d->n = N;
	desired_seal(d);
	for (size_t i = 1; i < d->n; i++) {
		const struct desired_item *x = &d->items[i - 1], *y = &d->items[i];
		assert_true(x->stage < y->stage || (x->stage == y->stage && x->rank <= y->rank));
		if (x->stage == y->stage && x->rank == y->rank)
			assert_true(str_cmp(x->key, y->key) < 0);
	}
	for (size_t i = 0; i < d->n; i++)
		assert_ptr_equal(desired_find(d, d->items[i].key), &d->items[i]);
	assert_null(desired_find(d, STR("/ConfigMap/ns/c1000")));
	assert_null(desired_find(d, STR("")));
	assert_ptr_equal(desired_ref(d), d);
	desired_unref(d);
	desired_unref(d);
	desired_unref(NULL);
}

static void nothing_desired_is_fine(void **state)
{
	struct desired *d = desired_new();
	desired_seal(d);
	assert_null(desired_find(d, STR("x")));
	desired_unref(d);
}

static bool read_live(struct arena *a, const char *json, struct live *out)
{
	struct node *object;
	assert_int_equal(json_parse(a, str_of(json), true, &object, NULL), 0);
	return live_read(a, object, STR("apps"), STR("Deployment"), 0, out);
}

static void a_live_object_says_whose_it_is(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct live live;
	assert_true(read_live(
		&a,
		"{\"apiVersion\":\"e.com/v1beta1\",\"kind\":\"W\",\"metadata\":{\"name\":\"x\",\"namespace\":\"n\",\"uid\":\"u\","
		"\"resourceVersion\":\"18446744073\",\"generation\":3,\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
		"\"labels\":{\"capstan.dev/app\":\"shop\",\"capstan.dev/namespace\":\"team\"},"
		"\"annotations\":{\"capstan.dev/prune\":\"disabled\"}}}",
		&live));
	assert_true(str_is(live.key, "e.com/W/n/x") && str_is(live.version, "v1beta1") &&
		    str_is(live.uid, "u"));
	assert_true(live.resource_version == 18446744073 && live.generation == 3);
	assert_true(str_is(live.owner_app, "shop") && str_is(live.owner_namespace, "team"));
	assert_true(live.deleting && live.prune_disabled && hash_is_zero(live.hash));
	assert_int_equal(live.health.health, HEALTH_TERMINATING);
}

static void an_item_of_a_list_has_the_kind_of_the_list(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct live live;
	assert_true(read_live(
		&a, "{\"metadata\":{\"name\":\"x\",\"namespace\":\"n\",\"resourceVersion\":\"no number\"}}",
		&live));
	assert_true(str_is(live.key, "apps/Deployment/n/x") && live.resource_version == 0);
	assert_true(read_live(
		&a,
		"{\"metadata\":{\"name\":\"x\",\"generation\":1},\"spec\":{\"replicas\":3},\"status\":"
		"{\"observedGeneration\":1,\"replicas\":1}}",
		&live));
	assert_int_equal(live.health.health, HEALTH_PROGRESSING);
	assert_string_equal(live.health.message, "1 of 3 replicas created");
	assert_true(read_live(
		&a, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"x\"}}", &live));
	assert_true(str_is(live.key, "/Namespace//x") && str_is(live.version, "v1"));
	assert_false(read_live(&a, "{\"kind\":\"W\",\"metadata\":{}}", &live));
	assert_false(read_live(&a, "[]", &live));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_one_text_and_back),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(items_are_sorted_and_found),
		cmocka_unit_test(nothing_desired_is_fine),
		cmocka_unit_test(a_live_object_says_whose_it_is),
		cmocka_unit_test(an_item_of_a_list_has_the_kind_of_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
