/* The live hash: what changes it, and what must not. */
#include "unit/cmocka_all.h"

#include "deploy/cluster/live.h"
#include "doc/json.h"

/* A Deployment as a server answers after an apply, shortened; %s are replicas, image, label, status and a
 * second manager. */
static const char form[] =
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"resourceVersion\":\"%s\","
	"\"labels\":{\"a.b/c\":\"1\"%s},\"managedFields\":[{\"manager\":\"capstan\",\"operation\":\"Apply\",\"fieldsV1\":{"
	"\"f:metadata\":{\"f:labels\":{\"f:a.b/c\":{}}},\"f:spec\":{%s\"f:template\":{\"f:spec\":{\"f:containers\":{"
	"\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{},\"f:ports\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":"
	"{\".\":{},\"f:containerPort\":{}}}}},\"f:tolerations\":{}}}},\"f:finalizers\":{\"v:\\\"x\\\"\":{}}}},"
	"{\"manager\":\"other\",\"operation\":\"Update\",\"subresource\":\"status\",\"fieldsV1\":{\"f:status\":{}}}]},"
	"\"finalizers\":[\"x\"],\"spec\":{\"replicas\":%s,\"template\":{\"spec\":{\"containers\":[%s{\"name\":\"c\",\"image\":\"%s\","
	"\"ports\":[{\"containerPort\":80,\"protocol\":\"TCP\"%s}]}]}}},\"status\":{\"n\":%s}}";

struct deployment {
	const char *version, *label, *owned, *replicas, *sidecar, *image, *port, *status;
};

static const struct deployment plain = { "1", "", "\"f:replicas\":{},", "2", "", "img:1", "", "0" };

static struct hash hash_of_deployment(struct deployment d)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *object;
	char *text = arena_printf(&a, form, d.version, d.label, d.owned, d.replicas, d.sidecar, d.image,
				  d.port, d.status);
	if (json_parse(&a, str_of(text), true, &object, &err) != 0)
		fail_msg("%s", err.text);
	return fields_hash(object, "capstan");
}

static void what_others_own_does_not_count(void **state)
{
	struct hash before = hash_of_deployment(plain);
	struct deployment d = plain;
	assert_false(hash_is_zero(before));
	d.version = "99";
	d.status = "7";
	d.label = ",\"theirs\":\"x\"";
	d.sidecar = "{\"name\":\"injected\",\"image\":\"side\"},";
	d.port = ",\"name\":\"http\"";
	assert_true(hash_eq(before, hash_of_deployment(d)));
	d = plain;
	d.owned = "";
	struct hash without = hash_of_deployment(d);
	d.replicas = "9";
	assert_true(hash_eq(without, hash_of_deployment(d)));
}

static void what_we_own_counts(void **state)
{
	struct hash before = hash_of_deployment(plain);
	struct deployment d = plain;
	d.replicas = "3";
	assert_false(hash_eq(before, hash_of_deployment(d)));
	d = plain;
	d.image = "img:2";
	assert_false(hash_eq(before, hash_of_deployment(d)));
	d = plain;
	d.owned = ""; /* taken from us by force: fewer fields */
	assert_false(hash_eq(before, hash_of_deployment(d)));
}

static void an_object_that_is_not_ours_has_no_hash(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *object;
	assert_int_equal(
		json_parse(
			&a,
			STR("{\"metadata\":{\"managedFields\":[{\"manager\":\"capstan\",\"operation\":\"Update\",\"fieldsV1\":{\"f:a\":{}}}]},\"a\":1}"),
			true, &object, NULL),
		0);
	assert_true(hash_is_zero(fields_hash(object, "capstan")));
}

static void hostile_fields_are_survived(void **state)
{
	static const char *const rows[] = { "[]",
					    "1",
					    "{\"f:\":[]}",
					    "{\"k:{\":{}}",
					    "{\"i:-1\":{},\"i:9999999999\":{},\"v:x\":{}}",
					    "{\"f:metadata\":null}" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct node *object;
		char *text = arena_printf(
			&a,
			"{\"metadata\":{\"managedFields\":[{\"manager\":\"capstan\",\"operation\":\"Apply\",\"fieldsV1\":%s}]}}",
			rows[i]);
		assert_int_equal(json_parse(&a, str_of(text), true, &object, NULL), 0);
		fields_hash(object, "capstan");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_own_does_not_count),
		cmocka_unit_test(what_we_own_counts),
		cmocka_unit_test(an_object_that_is_not_ours_has_no_hash),
		cmocka_unit_test(hostile_fields_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
