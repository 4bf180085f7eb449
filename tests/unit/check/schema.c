/* What is known of kinds. */
#include "../cmocka_all.h"

#include "check/schema.h"
#include "doc/yaml.h"

static void say(void *ctx, const struct node *where, const char *text)
{
	if (ctx)
		buf_printf(ctx, "%u: %s\n", where ? where->line : 0, text);
}

static struct node *parse(struct arena *a, const char *text)
{
	struct yaml_stream stream;
	assert_int_equal(yaml_parse(a, str_of(text), &stream, NULL), 0);
	return stream.documents[0].root;
}

static const struct schema *field(const struct schema *s, const char *name)
{
	const struct schema_field *f = schema_field(s, str_of(name), 0xff);
	assert_non_null(f);
	return f->type;
}

static void built_in_kinds_are_known(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct schemas s;
	schemas_init(&s, &a);
	const struct schema_kind *k = schemas_find(&s, STR("apps"), STR("v1"), STR("Deployment"));
	assert_non_null(k);
	assert_true(k->builtin && k->namespaced);
	assert_ptr_equal(k, schemas_find(&s, STR("apps"), STR("v1"), STR("Deployment")));
	const struct schema *spec = field(k->schema, "spec"), *pod = field(field(spec, "template"), "spec");
	assert_int_equal(field(spec, "replicas")->shape, SCHEMA_INT32);
	const struct schema *containers = field(pod, "containers");
	assert_int_equal(containers->shape, SCHEMA_LIST);
	assert_int_equal(containers->n_keys, 1);
	assert_true(str_is(containers->keys[0], "name"));
	assert_int_equal(field(containers->item, "imagePullPolicy")->shape, SCHEMA_ENUM);
	assert_int_equal(field(field(containers->item, "ports")->item, "containerPort")->shape, SCHEMA_INT32);
	assert_int_equal(field(containers->item, "ports")->n_keys, 2);
	assert_int_equal(field(field(containers->item, "resources"), "limits")->item->shape, SCHEMA_QUANTITY);
	assert_null(schema_field(pod, STR("nothing"), 0xff));
	assert_false(schemas_find(&s, STR(""), STR("v1"), STR("Namespace"))->namespaced);
	assert_null(schemas_find(&s, STR("apps"), STR("v1beta1"), STR("Deployment")));
	/* A type that contains itself is unfolded once. */
	k = schemas_find(&s, STR("apiextensions.k8s.io"), STR("v1"), STR("CustomResourceDefinition"));
	const struct schema *props =
		field(field(field(field(k->schema, "spec"), "versions")->item, "schema"), "openAPIV3Schema");
	assert_ptr_equal(field(props, "not"), props);
	schemas_release(&s);
}

static void minors_differ(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct schemas s;
	schemas_init(&s, &a);
	assert_int_equal(schemas_newest() - schemas_oldest(), 3);
	uint8_t newest = 8, oldest = 1;
	const struct schema_kind *k =
		schemas_find(&s, STR("certificates.k8s.io"), STR("v1"), STR("ClusterTrustBundle"));
	assert_true((k->mask & newest) && !(k->mask & oldest));
	const struct schema *pod = field(schemas_find(&s, STR(""), STR("v1"), STR("Pod"))->schema, "spec");
	assert_non_null(schema_field(pod, STR("schedulingGroup"), newest));
	assert_null(schema_field(pod, STR("schedulingGroup"), oldest));
	assert_non_null(schema_field_any(pod, STR("schedulingGroup")));
	assert_string_equal(schemas_other_version(&s, &a, STR("networking.k8s.io"), STR("IPAddress"), newest,
						  STR("v1beta1")),
			    "networking.k8s.io/v1");
	assert_null(
		schemas_other_version(&s, &a, STR("networking.k8s.io"), STR("Nothing"), newest, STR("v1")));
	assert_string_equal(schemas_elsewhere(&a, STR("Deployment"), newest), "apps/v1");
	schemas_release(&s);
}

static void lives_are_known(void **state)
{
	struct schema_life life;
	assert_true(schemas_life(STR("extensions"), STR("v1beta1"), STR("Ingress"), &life));
	assert_int_equal(life.removed, 22);
	assert_true(str_is(life.use, "networking.k8s.io/v1"));
	assert_true(schemas_life(STR("policy"), STR("v1beta1"), STR("PodSecurityPolicy"), &life));
	assert_int_equal(life.removed, 25);
	assert_int_equal(life.use.n, 0);
	assert_true(schemas_life(STR("autoscaling"), STR("v2beta2"), STR("HorizontalPodAutoscaler"), &life));
	assert_int_equal(life.removed, 26);
	assert_false(schemas_life(STR("apps"), STR("v1"), STR("Deployment"), &life));
}

static void groups_and_near_kinds(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct schemas s;
	schemas_init(&s, &a);
	assert_true(schemas_has_group(&s, STR("")) && schemas_has_group(&s, STR("apps")));
	assert_true(schemas_has_group(&s, STR("extensions"))); /* was there once */
	assert_false(schemas_has_group(&s, STR("example.com")));
	assert_true(str_is(schemas_near_kind(&s, STR("apps"), STR("Deploment")), "Deployment"));
	assert_null(schemas_near_kind(&s, STR("apps"), STR("Widget")).p);
	schemas_release(&s);
}

static void definitions_are_learnt(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf said = BUF_INIT;
	struct schemas s;
	schemas_init(&s, &a);
	assert_true(schemas_learn_crd(
		&s,
		parse(&a,
		      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
		      "spec:\n  group: example.com\n  scope: Cluster\n  names: {kind: Widget}\n  versions:\n"
		      "  - name: v1\n    schema:\n      openAPIV3Schema:\n        type: object\n        required: [spec]\n"
		      "        properties:\n          metadata: {type: object}\n          spec: {type: object, properties: {a: {type: string}}}\n"
		      "  - {name: v2}\n"),
		say, &said));
	assert_string_equal(
		said.p,
		"16: the version has no schema of an object: fields of its objects are not checked\n");
	const struct schema_kind *k = schemas_find(&s, STR("example.com"), STR("v1"), STR("Widget"));
	assert_false(k->namespaced || k->builtin);
	assert_int_equal(field(field(k->schema, "metadata"), "labels")->shape,
			 SCHEMA_OBJECT); /* ObjectMeta, whatever it says */
	assert_int_equal(field(k->schema, "apiVersion")->shape, SCHEMA_STRING);
	assert_int_equal(schema_field(k->schema, STR("spec"), 1)->required, 0xff);
	assert_false(field(k->schema, "spec")->open);
	assert_null(schemas_find(&s, STR("example.com"), STR("v2"), STR("Widget"))->schema);
	assert_true(schemas_has_group(&s, STR("example.com")));
	assert_string_equal(schemas_other_version(&s, &a, STR("example.com"), STR("Widget"), 1, STR("v1")),
			    "example.com/v2");
	assert_false(schemas_learn_crd(&s, parse(&a, "kind: ConfigMap\n"), say, NULL));
	schemas_release(&s);
}

#define HEAD "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: "
#define SCHEMA(text) \
	"{group: a.b, names: {kind: K}, versions: [{name: v1, schema: {openAPIV3Schema: " text "}}]}\n"

static void strange_definitions_do_no_harm(void **state)
{
	static const char *const texts[] = {
		HEAD "{versions: 5}\n",
		HEAD "{group: a.b, names: [], versions: [null, 1, {name: []}]}\n",
		HEAD SCHEMA(
			"{type: object, properties: [], required: {a: b}, enum: x, allOf: 5, anyOf: {}, not: [], "
			"additionalProperties: [], x-kubernetes-list-map-keys: {}, minimum: \"1\", maxLength: -5, pattern: 7}"),
		HEAD SCHEMA(
			"{properties: {a: {items: 5}, b: {type: array, items: []}, c: {type: [string]}, d: null}}"),
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		cleanup_buf struct buf said = BUF_INIT;
		struct schemas s;
		schemas_init(&s, &a);
		assert_true(schemas_learn_crd(&s, parse(&a, texts[i]), say, &said));
		schemas_release(&s);
	}
}

static void documents_are_learnt(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct schemas s;
	schemas_init(&s, &a);
	assert_true(schemas_learn_openapi(
		&s,
		parse(&a,
		      "components:\n  schemas:\n    io.x.Node:\n      type: object\n      properties:\n"
		      "        next: {allOf: [{$ref: \"#/components/schemas/io.x.Node\"}], default: {}}\n"
		      "        missing: {$ref: \"#/components/schemas/nowhere\"}\n"
		      "      x-kubernetes-group-version-kind: [{group: x.io, version: v1, kind: Node}]\n"),
		say, NULL));
	const struct schema_kind *k = schemas_find(&s, STR("x.io"), STR("v1"), STR("Node"));
	assert_ptr_equal(field(k->schema, "next"), k->schema);
	assert_int_equal(field(k->schema, "missing")->shape, SCHEMA_ANY);
	assert_false(schemas_learn_openapi(&s, parse(&a, "a: b\n"), say, NULL));
	schemas_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_kinds_are_known), cmocka_unit_test(minors_differ),
		cmocka_unit_test(lives_are_known),	    cmocka_unit_test(groups_and_near_kinds),
		cmocka_unit_test(definitions_are_learnt),   cmocka_unit_test(strange_definitions_do_no_harm),
		cmocka_unit_test(documents_are_learnt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
