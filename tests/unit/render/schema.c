/* What OpenAPI says of kinds, and selectors of labels. */
#include "../cmocka_all.h"

#include "doc/yaml.h"
#include "render/kustomize/labels.h"
#include "render/kustomize/schema.h"

#define BUILD(b)                                   \
	cleanup_arena struct arena a = ARENA_INIT; \
	struct kbuild b = { .a = &a };             \
	b.schema = kschema_new(&b)

static const struct kschema_type *field(const struct kschema_type *t, const char *path)
{
	for (struct str rest = str_of(path); t && rest.n;) {
		struct str name = str_cut(rest, '/', &rest);
		t = str_is(name, "[]") ? kschema_items(t) : kschema_field(t, name);
	}
	return t;
}

static void check_keys(const struct kschema_type *t, const char *strategy, const char *want)
{
	struct str keys[KSCHEMA_KEYS_MAX];
	cleanup_buf struct buf got = BUF_INIT;
	assert_non_null(t);
	for (size_t i = 0, n = kschema_merge_keys(t, keys); i < n; i++)
		buf_printf(&got, "%s%.*s", i ? "," : "", STR_ARG(keys[i]));
	assert_true(str_is(kschema_patch_strategy(t), strategy));
	assert_true(str_is(buf_str(&got), want));
}

static void built_in_kinds_are_known(void **state)
{
	BUILD(b);
	const struct kschema_type *t = kschema_kind(b.schema, STR("apps"), STR("v1"), STR("Deployment"));
	check_keys(field(t, "spec/template/spec/containers"), "merge", "name");
	check_keys(field(t, "spec/template/spec/containers/[]/ports"), "merge", "containerPort,protocol");
	check_keys(field(t, "spec/template/spec/volumes"), "merge,retainKeys", "name");
	check_keys(field(t, "spec/template/spec/tolerations"), "", "");
	check_keys(field(t, "metadata/finalizers"), "merge", "");
	assert_non_null(field(t, "metadata/labels/anything"));
	assert_null(field(t, "spec/nothing"));
	assert_null(field(t, "spec/replicas/[]"));
	assert_null(kschema_kind(b.schema, STR("apps"), STR("v2"), STR("Deployment")));
	assert_null(kschema_kind(b.schema, STR("storage.k8s.io"), STR("v1alpha1"), STR("VolumeAttachment")));
	assert_non_null(
		kschema_kind(b.schema, STR("kustomize.config.k8s.io"), STR("v1beta1"), STR("Kustomization")));
}

static void scopes_are_known(void **state)
{
	BUILD(b);
	assert_int_equal(kschema_scope(b.schema, STR(""), STR("v1"), STR("Namespace")), KSCOPE_CLUSTER);
	assert_int_equal(kschema_scope(b.schema, STR(""), STR("v1"), STR("Pod")), KSCOPE_NAMESPACED);
	assert_int_equal(kschema_scope(b.schema, STR("example.com"), STR("v1"), STR("Foo")), KSCOPE_UNKNOWN);
	assert_int_equal(kschema_scope(b.schema, STR(""), STR("v1"), STR("")), KSCOPE_UNKNOWN);
}

static const char document[] =
	"definitions:\n"
	"  my.Foo:\n"
	"    properties:\n"
	"      spec: {$ref: '#/definitions/my.Spec'}\n"
	"      loop: {$ref: '#/definitions/my.Loop'}\n"
	"      pod: {$ref: '#/definitions/io.k8s.api.core.v1.PodSpec'}\n"
	"    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Foo}]\n"
	"  my.Loop: {$ref: '#/definitions/my.Loop'}\n"
	"  io.k8s.api.core.v1.Container:\n"
	"    properties:\n"
	"      args: {type: array, items: {type: string}, x-kubernetes-patch-strategy: merge}\n"
	"  my.Spec:\n"
	"    properties:\n"
	"      list:\n"
	"        type: array\n"
	"        items: {$ref: '#/definitions/my.Foo'}\n"
	"        x-kubernetes-patch-strategy: merge\n"
	"        x-kubernetes-patch-merge-key: id\n"
	"        x-kubernetes-list-map-keys: [id, zone]\n"
	"      untyped: {items: {type: string}}\n"
	"      map: {additionalProperties: {type: array, items: {}}}\n"
	"paths:\n"
	"  /apis/example.com/v1/foos: {get: {x-kubernetes-group-version-kind: &foo {group: example.com, version: v1, kind: Foo}}}\n"
	"  /apis/example.com/v1/namespaces/{namespace}/foos: {get: {x-kubernetes-group-version-kind: *foo}}\n";

static void set_document(struct kbuild *b)
{
	struct yaml_stream stream;
	struct error err = ERROR_INIT;
	if (yaml_parse(b->a, str_of(document), &stream, &err) ||
	    kschema_set(b, stream.documents[0].root, &err))
		fail_msg("%s", err.text);
}

static void a_document_takes_the_place_of_what_is_built_in(void **state)
{
	BUILD(b);
	set_document(&b);
	const struct kschema_type *t = kschema_kind(b.schema, STR("example.com"), STR("v1"), STR("Foo"));
	check_keys(field(t, "spec/list"), "merge", "id,zone");
	check_keys(field(t, "spec/list/[]/spec/list"), "merge", "id,zone");
	assert_non_null(field(t, "spec/map/any/[]"));
	assert_null(field(t, "spec/untyped/[]"));
	assert_null(field(t, "loop"));
	assert_null(field(t, "pod"));
	assert_null(kschema_kind(b.schema, STR("apps"), STR("v1"), STR("Deployment")));
	assert_int_equal(kschema_scope(b.schema, STR("example.com"), STR("v1"), STR("Foo")),
			 KSCOPE_NAMESPACED);
	assert_int_equal(kschema_scope(b.schema, STR(""), STR("v1"), STR("Node")), KSCOPE_CLUSTER);
	/* The first choice counts. */
	assert_int_equal(kschema_set_version(&b, STR("v0"), NULL), 0);
}

static void a_late_document_stands_beside_what_is_built_in(void **state)
{
	BUILD(b);
	assert_non_null(kschema_kind(b.schema, STR("apps"), STR("v1"), STR("Deployment")));
	set_document(&b);
	const struct kschema_type *t = kschema_kind(b.schema, STR("apps"), STR("v1"), STR("Deployment"));
	check_keys(field(t, "spec/template/spec/containers"), "merge", "name");
	/* A definition of the document counts, also from inside of a built-in one. */
	check_keys(field(t, "spec/template/spec/containers/[]/args"), "merge", "");
	assert_null(field(t, "spec/template/spec/containers/[]/env"));
	t = kschema_kind(b.schema, STR("example.com"), STR("v1"), STR("Foo"));
	check_keys(field(t, "pod/volumes"), "merge,retainKeys", "name");
}

static void what_is_built_in_counts_where_it_was_asked_for_first(void **state)
{
	BUILD(b);
	kschema_scope(b.schema, STR("example.com"), STR("v1"), STR("Foo"));
	set_document(&b);
	const struct kschema_type *t = kschema_kind(b.schema, STR("apps"), STR("v1"), STR("Deployment"));
	check_keys(field(t, "spec/template/spec/containers/[]/env"), "merge", "name");
	assert_non_null(kschema_kind(b.schema, STR("example.com"), STR("v1"), STR("Foo")));
}

static void other_documents_are_refused(void **state)
{
	BUILD(b);
	struct yaml_stream stream;
	struct error err = ERROR_INIT;
	assert_int_equal(yaml_parse(&a, STR("definitions: [a]"), &stream, &err), 0);
	assert_int_equal(kschema_set(&b, stream.documents[0].root, &err), -1);
	assert_int_equal(kschema_set_version(&b, STR("v1.20.4"), &err), -1);
	assert_non_null(strstr(err.text, "v1.20.4"));
	assert_int_equal(kschema_set_version(&b, STR("v1.21.2"), &err), 0);
}

/* --- labels --- */

static int fits(const char *selector, const char *labels)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream stream;
	struct klabel_selector *s;
	struct error err = ERROR_INIT;
	if (klabels_parse(&a, str_of(selector), &s, &err)) {
		assert_true(err.text[0]);
		return -1;
	}
	assert_int_equal(yaml_parse(&a, str_of(labels), &stream, NULL), 0);
	return klabels_fit(s, stream.documents[0].root);
}

static void label_selectors_fit_as_kubernetes_says(void **state)
{
	static const struct {
		const char *selector;
		int fits; /* {a: x, w: '5', in: in, e: ""} */
	} examples[] = {
		{ "", 1 },
		{ " ", 1 },
		{ "a", 1 },
		{ "b", 0 },
		{ "!a", 0 },
		{ "! b", 1 },
		{ "a=x", 1 },
		{ "a == x , w!=6", 1 },
		{ "b!=x", 1 },
		{ "a!=x", 0 },
		{ "a in (x, y)", 1 },
		{ "a in(y)", 0 },
		{ "a notin (y)", 1 },
		{ "b notin (y)", 1 },
		{ "b in ()", 0 },
		{ "e in ()", 1 },
		{ "e in (,y)", 1 },
		{ "e=", 1 },
		{ "a=,a", 0 },
		{ "in in (in)", 1 },
		{ "in", 1 },
		{ "w>4,w<6", 1 },
		{ "w>5", 0 },
		{ "a>1", 0 },
		{ "b>1", 0 },
		{ "example.com/role", 0 },
		{ "a>x", -1 },
		{ "a=", 0 },
		{ ",a", -1 },
		{ "a,", -1 },
		{ "a b", -1 },
		{ "!a=x", -1 },
		{ "a in x", -1 },
		{ "a in (x", -1 },
		{ "a in (x y)", -1 },
		{ "a=b=c", -1 },
		{ "a=x!", -1 },
		{ "-a", -1 },
		{ "a/b/c", -1 },
		{ "/a", -1 },
		{ "Example.com/a", -1 },
		{ "a=b_", -1 },
		{ "a===x", -1 },
		{ "(a)", -1 },
	};
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		int got = fits(examples[i].selector, "{a: x, w: '5', in: in, e: ''}");
		if (got != examples[i].fits)
			fail_msg("%s: %d", examples[i].selector, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_kinds_are_known),
		cmocka_unit_test(scopes_are_known),
		cmocka_unit_test(a_document_takes_the_place_of_what_is_built_in),
		cmocka_unit_test(a_late_document_stands_beside_what_is_built_in),
		cmocka_unit_test(what_is_built_in_counts_where_it_was_asked_for_first),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(label_selectors_fit_as_kubernetes_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
