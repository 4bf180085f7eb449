/* Rendered objects become items: namespaces, labels, defaults, order, and what is refused. */
#include "unit/cmocka_all.h"

#include "deploy/cluster/kinds.h"
#include "deploy/cluster/prepare.h"

static struct desired *prepare(const char *yaml)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_file file = { "app/x.yaml", str_of(yaml) };
	struct render_input in = { &file, 1, NULL };
	struct render_output out = { 0 };
	struct prepare_options options = { .app_name = "shop",
					   .app_namespace = "team",
					   .target_namespace = "prod" };
	render_plain(&a, &in, &out);
	struct desired *d = desired_new();
	cluster_prepare(&options, &out, d);
	return d;
}

static const char *payload_of(const struct desired *d, const char *key)
{
	const struct desired_item *item = desired_find(d, str_of(key));
	if (!item)
		fail_msg("no item %s", key);
	return item->payload.p;
}

static void expect_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("%s is not in %s", words, text);
}

static void expect_problem(const struct desired *d, uint32_t line, const char *words)
{
	for (size_t i = 0; i < d->n_problems; i++)
		if (d->problems[i].line == line && strstr(d->problems[i].text, words))
			return;
	fail_msg("no problem at line %u with \"%s\"", line, words);
}

static void namespaces_and_labels_are_filled_in(void **state)
{
	struct desired *d =
		prepare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n---\n"
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n");
	assert_int_equal(d->n_errors, 0);
	expect_has(payload_of(d, "/ConfigMap/prod/a"), "\"namespace\":\"prod\"");
	expect_has(payload_of(d, "/ConfigMap/prod/a"),
		   "\"capstan.dev/app\":\"shop\",\"capstan.dev/namespace\":\"team\"");
	payload_of(d, "/ConfigMap/other/a");
	payload_of(d, "/Namespace//other");
	desired_unref(d);
}

static void what_the_server_would_do_is_done_before(void **state)
{
	struct desired *d = prepare(
		"apiVersion: v1\nkind: Service\nmetadata: {name: s, uid: x, creationTimestamp: null}\nspec: {ports: [{port: 80}]}\nstatus: {a: b}\n---\n"
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}\nstringData: {b: hello}\n---\n"
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: x, ports: [{containerPort: 1}]}]}}}}}\n");
	assert_int_equal(d->n_errors, 0);
	expect_has(payload_of(d, "/Service/prod/s"), "\"port\":80,\"protocol\":\"TCP\"");
	assert_null(strstr(payload_of(d, "/Service/prod/s"), "status"));
	assert_null(strstr(payload_of(d, "/Service/prod/s"), "uid"));
	expect_has(payload_of(d, "/Secret/prod/s"), "\"data\":{\"a\":\"YQ==\",\"b\":\"aGVsbG8=\"}");
	assert_null(strstr(payload_of(d, "/Secret/prod/s"), "stringData"));
	expect_has(payload_of(d, "batch/CronJob/prod/c"), "\"containerPort\":1,\"protocol\":\"TCP\"");
	desired_unref(d);
}

static void items_come_in_the_order_of_apply(void **state)
{
	static const char *const order[] = {
		"apiextensions.k8s.io/CustomResourceDefinition//w.e.com",
		"/Namespace//ns",
		"storage.k8s.io/StorageClass//fast",
		"/ServiceAccount/prod/s",
		"/ConfigMap/prod/c",
		"/Service/prod/s",
		"apps/Deployment/prod/d",
		"e.com/W/prod/w",
		"admissionregistration.k8s.io/MutatingWebhookConfiguration//m",
		"admissionregistration.k8s.io/ValidatingWebhookConfiguration//v"
	};
	struct desired *d = prepare(
		"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: v}\n---\n"
		"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: m}\n---\n"
		"apiVersion: e.com/v1\nkind: W\nmetadata: {name: w}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\n---\n"
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
		"metadata: {name: w.e.com}\nspec: {group: e.com, scope: Namespaced, names: {kind: W}}\n");
	assert_int_equal(d->n, sizeof(order) / sizeof(order[0]));
	for (size_t i = 0; i < d->n; i++)
		assert_string_equal(d->items[i].key.p, order[i]);
	desired_unref(d);
}

static void a_definition_beside_it_says_the_scope(void **state)
{
	struct desired *d = prepare(
		"apiVersion: e.com/v1\nkind: W\nmetadata: {name: w}\n---\napiVersion: apiextensions.k8s.io/v1\n"
		"kind: CustomResourceDefinition\nmetadata: {name: w.e.com}\nspec: {group: e.com, scope: Cluster, names: {kind: W}}\n");
	payload_of(d, "e.com/W//w");
	desired_unref(d);
}

/* A server of 1.37 was asked (kubectl api-resources); what the table does not know, the caller's lookup
 * decides. */
static void built_in_kinds_have_their_scope(void **state)
{
	static const struct {
		const char *group, *kind;
		int scope;
	} rows[] = {
		{ "", "Namespace", 0 },
		{ "", "ConfigMap", 1 },
		{ "", "Config", -1 },
		{ "", "Map ", -1 },
		{ "", "", -1 },
		{ "apps", "Deployment", 1 },
		{ "authentication.k8s.io", "TokenReview", 0 },
		{ "authorization.k8s.io", "LocalSubjectAccessReview", 1 },
		{ "networking.k8s.io", "IngressClass", 0 },
		{ "networking.k8s.io", "Ingress", 1 },
		{ "resource.k8s.io", "DeviceTaintRule", 0 },
		{ "resource.k8s.io", "ResourceClaim", 1 },
		{ "storagemigration.k8s.io", "StorageVersionMigration", 0 },
		{ "storage.k8s.io", "KindOfALaterServer", -1 },
		{ "e.com", "Namespace", -1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kind_scope(str_of(rows[i].group), str_of(rows[i].kind)) != rows[i].scope)
			fail_msg("%s/%s", rows[i].group, rows[i].kind);
}

static void subjects_and_nulls_stay_as_written(void **state)
{
	struct desired *d = prepare(
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\n"
		"subjects: [{kind: ServiceAccount, name: x, namespace: other}, {kind: ServiceAccount, name: bob}]\n---\n"
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nulls, labels: null}\ndata: {a: null}\n---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {ports: [{port: 1, protocol: null}, {port: 2, protocol: UDP}]}\n");
	assert_int_equal(d->n_errors, 0);
	expect_has(payload_of(d, "rbac.authorization.k8s.io/RoleBinding/prod/r"),
		   "\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"x\",\"namespace\":\"other\"},"
		   "{\"kind\":\"ServiceAccount\",\"name\":\"bob\"}]");
	expect_has(payload_of(d, "/ConfigMap/prod/nulls"), "\"data\":{\"a\":null}");
	expect_has(payload_of(d, "/Service/prod/p"),
		   "{\"port\":1,\"protocol\":\"TCP\"},{\"port\":2,\"protocol\":\"UDP\"}");
	desired_unref(d);
}

static void many_definitions_cost_a_lookup_each(void **state)
{
	enum { N = 4000 };
	cleanup_buf struct buf yaml = BUF_INIT;
	for (unsigned i = 0; i < N; i++)
		buf_printf(
			&yaml,
			"---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: k%u.e.com}\n"
			"spec: {group: e.com, scope: %s, names: {kind: K%u}}\n---\napiVersion: e.com/v1\nkind: K%u\nmetadata: {name: x}\n",
			i, i % 2 ? "Cluster" : "Namespaced", i, i);
	struct desired *d = prepare(yaml.p);
	assert_int_equal(d->n, 2 * N);
	payload_of(d, "e.com/K3998/prod/x");
	payload_of(d, "e.com/K3999//x");
	desired_unref(d);
}

static void wrong_objects_are_refused_one_by_one(void **state)
{
	struct desired *d =
		prepare("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n  namespace: x\n---\n"
			"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: l\n  labels:\n    a: 1\n---\n"
			"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  k: not base64\n---\n"
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\n---\n"
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice, namespace: prod}\n---\n"
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n");
	expect_problem(d, 1, "cluster-scoped");
	expect_problem(d, 12, "quote it");
	expect_problem(d, 18, "base64");
	expect_problem(d, 24, "there twice");
	assert_int_equal(d->n_errors, 4);
	assert_int_equal(d->n, 2);
	payload_of(d, "/ConfigMap/prod/good");
	for (size_t i = 0; i < d->n_problems; i++)
		assert_null(strstr(d->problems[i].text, "not base64;")
				    ? NULL
				    : strstr(d->problems[i].text, "k: not"));
	desired_unref(d);
}

static void annotations_become_flags(void **state)
{
	struct desired *d = prepare(
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {capstan.dev/prune: disabled, capstan.dev/force: enabled, capstan.dev/reconcile: disabled}}\n");
	assert_int_equal(d->items[0].flags, DESIRED_PRUNE_DISABLED | DESIRED_FORCE | DESIRED_IGNORE);
	desired_unref(d);
}

static void an_object_over_the_cap_is_refused(void **state)
{
	cleanup_buf struct buf yaml = BUF_INIT;
	buf_adds(&yaml, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata:\n  a: ");
	for (size_t i = 0; i < 1600; i++)
		buf_printf(&yaml, "%01024d", 1);
	buf_adds(&yaml, "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n");
	struct desired *d = prepare(yaml.p);
	expect_problem(d, 1, "Split it");
	assert_int_equal(d->n, 1);
	desired_unref(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_and_labels_are_filled_in),
		cmocka_unit_test(what_the_server_would_do_is_done_before),
		cmocka_unit_test(items_come_in_the_order_of_apply),
		cmocka_unit_test(a_definition_beside_it_says_the_scope),
		cmocka_unit_test(built_in_kinds_have_their_scope),
		cmocka_unit_test(subjects_and_nulls_stay_as_written),
		cmocka_unit_test(many_definitions_cost_a_lookup_each),
		cmocka_unit_test(wrong_objects_are_refused_one_by_one),
		cmocka_unit_test(annotations_become_flags),
		cmocka_unit_test(an_object_over_the_cap_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
