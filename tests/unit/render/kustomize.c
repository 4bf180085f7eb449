/* Kustomize builds as a whole: what belongs together, what is refused and how it is said. */
#include "kustomize_test.h"

#include "doc/yaml.h"

#define SERVICE(name) "apiVersion: v1\nkind: Service\nmetadata:\n  name: " name "\n"

static void bases_and_their_overlay(void **state)
{
	const struct test_file files[] = {
		{ "base/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: b-\n" },
		{ "base/a.yaml", SERVICE("a") },
		{ "over/kustomization.yaml",
		  "resources: [../base, c.yaml]\nnamespace: prod\nnameSuffix: -o\n" },
		{ "over/c.yaml", SERVICE("c") },
		{ NULL, NULL },
	};
	check_build(files, "over",
		    "apiVersion: v1\nkind: Service\nmetadata:\n  name: b-a-o\n  namespace: prod\n---\n"
		    "apiVersion: v1\nkind: Service\nmetadata:\n  name: c-o\n  namespace: prod\n");
}

static void generated_names_end_in_a_hash_and_references_follow(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", "resources: [pod.yaml]\nnamePrefix: p-\nconfigMapGenerator:\n"
					"- {name: cm, literals: [a=b], envs: [x.env], files: [k=x.env]}\n" },
		{ "x.env", "# none\nA=1\n  B=2 \nC\n=skipped\n" },
		{ "pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  volumes:\n"
			      "  - {name: v, configMap: {name: cm}}\n" },
		{ NULL, NULL },
	};
	check_build(
		files, "",
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p-pod\nspec:\n  volumes:\n  - configMap:\n"
		"      name: p-cm-bd5c2c8g58\n    name: v\n---\n"
		"apiVersion: v1\ndata:\n  A: \"1\"\n  B: '2 '\n  C: \"\"\n  a: b\n"
		"  k: \"# none\\nA=1\\n  B=2 \\nC\\n=skipped\\n\"\nkind: ConfigMap\nmetadata:\n  name: p-cm-bd5c2c8g58\n");
}

static void a_generator_merges_into_what_is_there(void **state)
{
	const struct test_file files[] = {
		{ "base/kustomization.yaml", "configMapGenerator:\n- name: cm\n  literals: [a=1, b=2]\n"
					     "  options: {labels: {l: base, m: base}}\n" },
		{ "over/kustomization.yaml",
		  "resources: [../base]\ngeneratorOptions: {disableNameSuffixHash: true}\n"
		  "configMapGenerator:\n- name: cm\n  behavior: merge\n  literals: [b=3]\n"
		  "  options: {labels: {l: over}}\n" },
		{ NULL, NULL },
	};
	check_build(files, "over",
		    "apiVersion: v1\ndata:\n  a: \"1\"\n  b: \"3\"\nkind: ConfigMap\nmetadata:\n  labels:\n"
		    "    l: over\n    m: base\n  name: cm\n");
	const struct test_file alone[] = {
		{ "kustomization.yaml", "configMapGenerator:\n- {name: cm, behavior: merge}\n" },
		{ NULL, NULL },
	};
	check_fails(
		alone, "",
		"kustomization.yaml:2: there is no ConfigMap.v1.[noGrp]/cm.[noNs] to merge with or to replace; "
		"leave `behavior` out to make it");
}

static void components_change_what_is_there(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", "resources: [a.yaml]\ncomponents: [c]\n" },
		{ "a.yaml", SERVICE("a") },
		{ "c/kustomization.yaml",
		  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n" },
		{ NULL, NULL },
	};
	check_build(files, "", SERVICE("c-a"));
	const struct test_file wrong[] = {
		{ "kustomization.yaml", "resources: [c]\n" },
		{ "c/kustomization.yaml", "kind: Component\nnamePrefix: c-\n" },
		{ NULL, NULL },
	};
	check_fails(
		wrong, "",
		"kustomization.yaml:1: c/kustomization.yaml: it is a Component and is listed in `resources`: "
		"move it to `components`");
}

static void files_outside_are_refused(void **state)
{
	const struct test_file files[] = {
		{ "app/kustomization.yaml", "resources:\n- ../a.yaml\n" },
		{ "a.yaml", SERVICE("a") },
		{ NULL, NULL },
	};
	check_fails(
		files, "app",
		"app/kustomization.yaml:2: a.yaml: the file is not in or below app; move it there, or allow it "
		"with --load-restrictor LoadRestrictionsNone");
	cleanup_arena struct arena a = ARENA_INIT;
	struct kustomize_options options = { .unrestricted = true };
	struct kustomize_result result;
	assert_string_equal(test_build(&a, files, "app", &options, &result, NULL), SERVICE("a"));
	const struct test_file out[] = {
		{ "app/kustomization.yaml", "resources:\n- ../../a.yaml\n" },
		{ NULL, NULL },
	};
	check_fails(out, "app", "app/kustomization.yaml:2: ../../a.yaml: it is outside of the repository");
}

static void cycles_are_refused(void **state)
{
	const struct test_file files[] = {
		{ "a/kustomization.yaml", "resources: [../b]\n" },
		{ "b/kustomization.yaml", "resources: [../a]\n" },
		{ NULL, NULL },
	};
	check_fails(
		files, "a",
		"a/kustomization.yaml:1: b/kustomization.yaml:1: a: cycle: it is, or contains, a, which refers "
		"to it");
	const struct test_file parent[] = {
		{ "kustomization.yaml", "resources: [a]\n" },
		{ "a/kustomization.yaml", "components: [..]\n" },
		{ NULL, NULL },
	};
	check_fails(
		parent, "",
		"kustomization.yaml:1: a/kustomization.yaml:1: .: cycle: it is, or contains, a, which refers to "
		"it");
}

static void kustomizations_are_read_strictly(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "kustomization.yaml: the kustomization is empty" },
		{ "kind: Kustomization\nnamePrefix: ''\n", "kustomization.yaml: the kustomization is empty" },
		{ "resources: []\nfoo: 1\n", "kustomization.yaml:2: `foo` is no field of a kustomization" },
		{ "images:\n- {name: a, tag: b}\n", "kustomization.yaml:2: `tag` is no field of images.0" },
		{ "namePrefix: 12\n",
		  "kustomization.yaml:1: namePrefix is a number, it must be a text: quote it" },
		{ "labels:\n- pairs:\n    a: true\n",
		  "kustomization.yaml:3: labels.0.pairs.a is a boolean, it must be a text: quote it" },
		{ "replicas: [{name: a, count: '3'}]\n",
		  "kustomization.yaml:1: replicas.0.count is a text, it must be a whole number" },
		{ "resources: a.yaml\n", "kustomization.yaml:1: resources is a text, it must be a list" },
		{ "kind: Foo\nresources: []\n",
		  "kustomization.yaml:1: kind should be Kustomization or Component" },
		{ "apiVersion: v1\nresources: []\n",
		  "kustomization.yaml:1: apiVersion for Kustomization should be kustomize.config.k8s.io/v1beta1" },
		{ "helmCharts: [{name: a}]\n",
		  "kustomization.yaml:1: helmCharts: must specify --enable-helm" },
		{ "resources: [nope]\n", "kustomization.yaml:1: nope: there is no such file or directory" },
		{ "resources: ['https://example.com/a.yaml']\n",
		  "kustomization.yaml:1: https://example.com/a.yaml: single files are not read from web servers; "
		  "copy it into the repository, or refer to a directory of a git repository (URL//DIR?ref=TAG)" },
		{ "resources: ['https://example.com/org/repo?ref=v1']\n",
		  "kustomization.yaml:1: https://example.com/org/repo?ref=v1: remote bases cannot be read here" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct test_file files[] = { { "kustomization.yaml", cases[i].text }, { NULL, NULL } };
		check_fails(files, "", cases[i].want);
	}
	const struct test_file two[] = {
		{ "kustomization.yaml", "resources: []\n" },
		{ "Kustomization", "resources: []\n" },
		{ NULL, NULL },
	};
	check_fails(two, "", ".: it has both kustomization.yaml and Kustomization; keep one");
	const struct test_file none[] = { { "a/b", "" }, { NULL, NULL } };
	check_fails(none, "a",
		    "a: there is no kustomization.yaml (or kustomization.yml, Kustomization) in it");
}

static void old_fields_are_used_and_warned_of(void **state)
{
	const struct test_file files[] = {
		{ "over/kustomization.yaml", "bases:\n- ../base\ncommonLabels: {a: b}\nnamePrefix: x-\n"
					     "namePrefix: y-\n" },
		{ "base/kustomization.yaml", "resources: [a.yaml]\n" },
		{ "base/a.yaml", SERVICE("a") },
		{ NULL, NULL },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE };
	struct kustomize_result result;
	assert_non_null(test_build(&a, files, "over", &options, &result, NULL));
	assert_int_equal(result.n_warnings, 3);
	assert_string_equal(
		result.warnings[0],
		"over/kustomization.yaml:5: the key `namePrefix` is there twice: what line 4 says is not "
		"used; keep one of them");
	assert_string_equal(result.warnings[1],
			    "over/kustomization.yaml:2: `bases` is deprecated: use `resources`");
	assert_string_equal(result.warnings[2],
			    "over/kustomization.yaml:3: `commonLabels` is deprecated: use `labels`");
	assert_string_equal(result.objects[0].name.p, "y-a");
}

static void lists_come_apart_at_the_end_of_their_file(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", "resources: [a.yaml]\n" },
		{ "a.yaml",
		  "apiVersion: v1\nkind: ServiceList\nitems:\n- apiVersion: v1\n  kind: Service\n"
		  "  metadata: {name: a}\n  spec: {x: 1.0, y: yes}\n---\n# nothing\n---\n" SERVICE("b") },
		{ NULL, NULL },
	};
	check_build(files, "", SERVICE("b") "---\n" SERVICE("a") "spec:\n  x: 1\n  \"y\": \"yes\"\n");
	const struct test_file nameless[] = {
		{ "kustomization.yaml", "resources: [a.yaml]\n" },
		{ "a.yaml", "kind: Service\n---\n{}\n" },
		{ NULL, NULL },
	};
	check_fails(nameless, "", "kustomization.yaml:1: a.yaml:1: Service: metadata.name is missing");
}

static void what_is_there_twice_is_refused(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", "resources: [a.yaml, b.yaml]\n" },
		{ "a.yaml", SERVICE("a") },
		{ "b.yaml", SERVICE("a") "  namespace: default\n" },
		{ NULL, NULL },
	};
	check_fails(
		files, "",
		"kustomization.yaml:1: b.yaml:1: Service.v1.[noGrp]/a.default is there already, from a.yaml:1; "
		"remove one, or give it another name");
}

static void build_metadata_is_annotated(void **state)
{
	const struct test_file files[] = {
		{ "base/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: b-\n" },
		{ "base/a.yaml", SERVICE("a") },
		{ "over/kustomization.yaml",
		  "resources: [../base]\nbuildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]\n"
		  "transformers:\n- |\n  apiVersion: builtin\n  kind: SuffixTransformer\n"
		  "  metadata: {name: s}\n  suffix: -s\n  fieldSpecs: [{path: metadata/name}]\n" },
		{ NULL, NULL },
	};
	check_build(files, "over",
		    "apiVersion: v1\nkind: Service\nmetadata:\n  annotations:\n"
		    "    alpha.config.kubernetes.io/transformations: |\n"
		    "      - configuredIn: ../base/kustomization.yaml\n        configuredBy:\n"
		    "          apiVersion: builtin\n          kind: PrefixTransformer\n"
		    "      - configuredIn: kustomization.yaml\n        configuredBy:\n"
		    "          apiVersion: builtin\n          kind: SuffixTransformer\n          name: s\n"
		    "    config.kubernetes.io/origin: |\n      path: ../base/a.yaml\n"
		    "  labels:\n    app.kubernetes.io/managed-by: kustomize-v5.8.1\n  name: b-a-s\n");
}

static void plugins_that_are_not_built_in_are_refused(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", "resources: [a.yaml]\ntransformers: [t.yaml]\n" },
		{ "a.yaml", SERVICE("a") },
		{ "t.yaml", "apiVersion: example.com/v1\nkind: Mine\nmetadata: {name: m}\n" },
		{ NULL, NULL },
	};
	check_fails(
		files, "",
		"t.yaml:1: Mine: external plugins are disabled: it is no plugin that is built in, and programs "
		"are not run");
}

/* A program that names every object `run`, and leaves out what is called `drop`. */
static int run_program(void *ctx, struct arena *a, const char *dir, const struct node *function,
		       struct str input, struct str *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct yaml_stream stream;
	assert_string_equal(dir, "app");
	assert_string_equal(node_text(node_get(function, "path")).p, "./prog");
	assert_int_equal(yaml_parse(a, input, &stream, err), 0);
	struct node *root = stream.documents[0].root, *items = node_get(root, "items");
	assert_string_equal(node_text(node_at(root, "functionConfig.kind")).p, "Mine");
	struct node *kept = node_seq(a);
	for (size_t i = 0; i < node_count(items); i++) {
		struct node *metadata = node_get(node_item(items, i), "metadata");
		if (str_is(node_text(node_get(metadata, "name")), "drop"))
			continue;
		node_set(a, metadata, STR("name"), node_string(a, STR("run")));
		node_push(a, kept, node_item(items, i));
	}
	node_set(a, root, STR("items"), kept);
	yaml_write(&text, root);
	*out = arena_str(a, buf_str(&text));
	return 0;
}

static void programs_run_when_the_caller_has_a_way(void **state)
{
	const struct test_file files[] = {
		{ "app/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\ntransformers: [t.yaml]\n" },
		{ "app/a.yaml", SERVICE("a") },
		{ "app/t.yaml",
		  "apiVersion: example.com/v1\nkind: Mine\nmetadata:\n  name: m\n  annotations:\n"
		  "    config.kubernetes.io/function: |\n      exec: {path: ./prog}\n" },
		{ NULL, NULL },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct kustomize_options options = { .exec = run_program };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	const char *got = test_build(&a, files, "app", &options, &result, &err);
	assert_string_equal(err.text, "");
	assert_string_equal(got, SERVICE("run"));
}

/* --- remote bases --- */

struct remote {
	struct render_tree_ops ops;
	const struct render_tree_ops *memory;
	struct render_tree files;
	bool here;
	unsigned asked;
};

static struct remote *remote_now; /* of the running test; the tree's ctx is that of the files */

static int open_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		       struct error *err)
{
	remote_now->asked++;
	assert_string_equal(url, "https://example.com/org/repo");
	assert_string_equal(ref, "v1");
	assert_false(submodules);
	*out = remote_now->files;
	out->prefix = "repo@v1//";
	return remote_now->here ? 0 : 1;
}

static void missing_remotes_are_all_asked_for_in_one_pass(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml",
		  "resources:\n- https://example.com/org/repo//base?ref=v1&submodules=false\n- sub\n"
		  "patches:\n- {patch: '{}', target: {name: nobody}}\n" },
		{ "sub/kustomization.yaml",
		  "resources:\n- https://example.com/org/repo//other?ref=v1&submodules=0\n" },
		{ NULL, NULL },
	};
	const struct test_file theirs[] = {
		{ "base/kustomization.yaml", "resources: [../a]\n" },
		{ "a/kustomization.yaml", "resources: [a.yaml]\n" },
		{ "a/a.yaml", SERVICE("a") },
		{ "other/kustomization.yaml", "resources: [b.yaml]\n" },
		{ "other/b.yaml", "kind: Service\n" },
		{ NULL, NULL },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_tree tree = test_tree(&a, files);
	struct remote remote = { .ops = *tree.ops, .files = test_tree(&a, theirs) };
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	remote.ops.remote = open_remote;
	tree.ops = &remote.ops;
	remote_now = &remote;
	assert_int_equal(kustomize_build(&a, &tree, "", &options, &result, &err), 1);
	assert_int_equal(remote.asked, 2);
	remote.here = true;
	assert_int_equal(kustomize_build(&a, &tree, "", &options, &result, &err), -1);
	assert_string_equal(
		err.text,
		"kustomization.yaml:3: sub/kustomization.yaml:2: repo@v1//other/kustomization.yaml:1: "
		"repo@v1//other/b.yaml:1: Service: metadata.name is missing");
	assert_int_equal(
		kustomize_build_remote(&a, &tree, "https://example.com/org/repo//base?ref=v1&submodules=f",
				       &options, &result, &err),
		0);
	assert_int_equal(result.n, 1);
	assert_string_equal(result.objects[0].file, "repo@v1//a/a.yaml");
}

/* --- an overlay of the caller's --- */

static void the_caller_may_lay_something_over_it(void **state)
{
	const struct test_file files[] = {
		{ "app/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\n" },
		{ "app/a.yaml", SERVICE("a") },
		{ NULL, NULL },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct yaml_stream stream;
	struct kustomize_options options = { .overlay_name = "App shop" };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	yaml_parse(&a, STR("namePrefix: o-\nnamespace: prod\n"), &stream, NULL);
	options.overlay = stream.documents[0].root;
	assert_string_equal(test_build(&a, files, "app", &options, &result, NULL),
			    "apiVersion: v1\nkind: Service\nmetadata:\n  name: o-p-a\n  namespace: prod\n");
	yaml_parse(&a, STR("\nnope: 1\n"), &stream, NULL);
	options.overlay = stream.documents[0].root;
	assert_null(test_build(&a, files, "app", &options, &result, &err));
	assert_string_equal(err.text, "App shop:2: `nope` is no field of a kustomization");
}

/* --- caps --- */

static void bases_nest_only_so_deep(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	enum { DEPTH = KUSTOMIZE_DEPTH_MAX + 1 };
	struct tree_memory memory = { .n = DEPTH };
	const char **paths = arena_array(&a, const char *, DEPTH);
	struct str *texts = arena_array(&a, struct str, DEPTH);
	for (unsigned i = 0; i < DEPTH; i++) {
		paths[i] = arena_printf(&a, "d%03u/kustomization.yaml", i);
		texts[i] = str_of(arena_printf(&a, "resources: [../d%03u]\n", i + 1));
	}
	memory.paths = paths;
	memory.texts = texts;
	struct render_tree tree = tree_memory(&memory);
	struct kustomize_options options = { 0 };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	assert_int_equal(kustomize_build(&a, &tree, "d000", &options, &result, &err), -1);
	assert_non_null(strstr(err.text, "bases are nested deeper than 64 levels (KUSTOMIZE_DEPTH_MAX)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bases_and_their_overlay),
		cmocka_unit_test(generated_names_end_in_a_hash_and_references_follow),
		cmocka_unit_test(a_generator_merges_into_what_is_there),
		cmocka_unit_test(components_change_what_is_there),
		cmocka_unit_test(files_outside_are_refused),
		cmocka_unit_test(cycles_are_refused),
		cmocka_unit_test(kustomizations_are_read_strictly),
		cmocka_unit_test(old_fields_are_used_and_warned_of),
		cmocka_unit_test(lists_come_apart_at_the_end_of_their_file),
		cmocka_unit_test(what_is_there_twice_is_refused),
		cmocka_unit_test(build_metadata_is_annotated),
		cmocka_unit_test(plugins_that_are_not_built_in_are_refused),
		cmocka_unit_test(programs_run_when_the_caller_has_a_way),
		cmocka_unit_test(missing_remotes_are_all_asked_for_in_one_pass),
		cmocka_unit_test(the_caller_may_lay_something_over_it),
		cmocka_unit_test(bases_nest_only_so_deep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
