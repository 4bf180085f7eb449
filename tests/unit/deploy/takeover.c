/* Fields of kubectl become ours in one patch. */
#include "unit/cmocka_all.h"

#include "deploy/cluster/live.h"
#include "doc/json.h"

static struct node *parse(struct arena *a, const char *text)
{
	struct node *n;
	struct error err = ERROR_INIT;
	if (json_parse(a, str_of(text), true, &n, &err) != 0)
		fail_msg("%s", err.text);
	return n;
}

static void kubectl_is_folded_into_us(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf patch = BUF_INIT;
	struct node *object = parse(
		&a,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"7\","
		"\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\"},\"managedFields\":["
		"{\"manager\":\"kubectl-client-side-apply\",\"operation\":\"Update\",\"fieldsV1\":{\"f:data\":{\"f:old\":{},\"f:both\":{}},"
		"\"f:metadata\":{\"f:annotations\":{\"f:kubectl.kubernetes.io/last-applied-configuration\":{}}}}},"
		"{\"manager\":\"capstan\",\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"fieldsV1\":{\"f:data\":{\"f:both\":{}}}},"
		"{\"manager\":\"kubectl\",\"operation\":\"Update\",\"subresource\":\"scale\",\"fieldsV1\":{\"f:spec\":{}}},"
		"{\"manager\":\"controller\",\"operation\":\"Update\",\"fieldsV1\":{\"f:x\":{}}}]}}");
	assert_true(takeover_needed(object));
	takeover_patch(&a, object, &patch);
	struct node *steps = parse(&a, patch.p);
	assert_int_equal(node_count(steps), 3);
	assert_true(str_is(node_text(node_get(node_item(steps, 0), "value")), "7"));
	const struct node *list = node_get(node_item(steps, 1), "value");
	assert_int_equal(node_count(list), 3); /* ours, scale, controller */
	const struct node *ours = node_item(list, node_count(list) - 1);
	assert_true(str_is(node_text(node_get(ours, "manager")), "capstan"));
	assert_non_null(node_at(ours, "fieldsV1.f:data.f:old"));
	assert_non_null(node_at(ours, "fieldsV1.f:data.f:both"));
	assert_int_equal(node_count(node_at(ours, "fieldsV1.f:metadata.f:annotations")), 0);
	assert_true(str_is(node_text(node_get(node_item(steps, 2), "op")), "remove"));
}

static void nothing_is_owned_that_nobody_owned(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf patch = BUF_INIT;
	struct node *object = parse(
		&a,
		"{\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\",\"managedFields\":["
		"{\"manager\":\"kubectl-client-side-apply\",\"operation\":\"Update\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":"
		"{\"f:kubectl.kubernetes.io/last-applied-configuration\":{}}},\"f:spec\":{\"f:emptyDir\":{\"f:sizeLimit\":{}}}}},"
		"{\"manager\":\"capstan\",\"operation\":\"Apply\",\"fieldsV1\":{\"f:spec\":{\"f:emptyDir\":{}}}}]}}");
	takeover_patch(&a, object, &patch);
	const struct node *fields =
		node_get(node_item(node_get(node_item(parse(&a, patch.p), 1), "value"), 0), "fieldsV1");
	assert_null(node_get(fields, "f:metadata")); /* an empty f:annotations would be all annotations */
	const struct node *dir = node_at(fields, "f:spec.f:emptyDir");
	assert_int_equal(node_count(dir), 2);
	assert_non_null(node_get(dir, "."));
	assert_non_null(node_get(dir, "f:sizeLimit"));
}

static void others_are_left_alone(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *object = parse(
		&a,
		"{\"metadata\":{\"managedFields\":[{\"manager\":\"hpa\",\"operation\":\"Update\",\"fieldsV1\":{}},"
		"{\"manager\":\"kubectl\",\"operation\":\"Update\",\"subresource\":\"status\",\"fieldsV1\":{}}]}}");
	assert_false(takeover_needed(object));
	assert_false(takeover_needed(parse(&a, "{}")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(kubectl_is_folded_into_us),
					    cmocka_unit_test(nothing_is_owned_that_nobody_owned),
					    cmocka_unit_test(others_are_left_alone) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
