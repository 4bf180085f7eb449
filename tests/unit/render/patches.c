/* Patches: what is refused and how it is said, where values come from, and what the engines promise each
 * other. */
#include "kustomize_test.h"

#include "doc/yaml.h"
#include "render/kustomize/strategic.h"

#define RES                                                                                                  \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n" \
	"    spec:\n      containers:\n      - name: web\n        image: web:1\n"
#define HEAD "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"

static void refused(const char *kustomization, const char *patch, const char *want)
{
	const struct test_file files[] = {
		{ "kustomization.yaml", kustomization },
		{ "res.yaml", RES },
		{ "p.yaml", patch },
		{ NULL, NULL },
	};
	check_fails(files, "", want);
}

#define ONE "resources: [res.yaml]\npatches:\n- path: p.yaml\n"
#define AT "  target: {kind: Deployment}\n"

static void messages_name_the_place(void **state)
{
	refused(ONE, HEAD "spec:\n  template: none\n",
		"p.yaml:1: the patch does not fit Deployment.v1.apps/web.[noNs] (res.yaml:1): spec: template: line 6: "
		"the patch has a plain value where the resource has a map (line 8)");
	refused(ONE, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\n",
		"p.yaml:1: no resource is Deployment.v1.apps/other.[noNs]: the patch has nothing to change; correct "
		"its apiVersion, kind, name or namespace, or give it a target");
	refused(ONE AT, "- op: test\n  path: /kind\n  value: Deployment\n- op: remove\n  path: /spec/x\n",
		"p.yaml:4: `remove` of \"/spec/x\" does not fit Deployment.v1.apps/web.[noNs] (res.yaml:1): there is "
		"nothing to remove");
	refused(ONE "  target: {name: '*'}\n", HEAD,
		"kustomization.yaml:4: name: `^(?:*)$` is no regular expression: a repetition (* + ?) has nothing "
		"before it");
	refused("resources: [res.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n\n    - op: add\n"
		"      path: /x/y\n",
		"",
		"kustomization.yaml:6: `add` of \"/x/y\" does not fit Deployment.v1.apps/web.[noNs] (res.yaml:1): the "
		"resource has no such path");
}

/* The name of a step, and the line of the patch that a value has now. */
static void check_origin(const struct origins *o, const struct node *n, const char *file, const char *step,
			 uint32_t line)
{
	const struct origin *origin = origin_get(o, n->origin);
	assert_non_null(origin);
	assert_string_equal(origin->file, file);
	assert_int_equal(n->line, line);
	if (step)
		assert_string_equal(origin->step, step);
	else
		assert_null(origin->step);
}

static void values_know_the_patch_that_set_them(void **state)
{
	const struct test_file files[] = {
		{ "kustomization.yaml",
		  "resources: [res.yaml]\npatches:\n- path: p.yaml\n- path: j.yaml\n" AT },
		{ "res.yaml", RES },
		{ "p.yaml",
		  HEAD "spec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      - name: web\n"
		       "        image: web:2\n        tty: true\n" },
		{ "j.yaml", "- op: replace\n  path: /spec/replicas\n  value: 3\n" },
		{ NULL, NULL },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct origins o = { 0 };
	struct kustomize_options options = { .origins = &o };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	assert_non_null(test_build(&a, files, "", &options, &result, &err));
	const struct node *root = result.objects[0].root;
	const struct node *container = node_item(node_at(root, "spec.template.spec.containers"), 0);
	const struct node *replicas = node_at(root, "spec.replicas");
	check_origin(&o, node_get(container, "image"), "p.yaml", "patch 1 of kustomization.yaml", 11);
	check_origin(&o, node_get(container, "tty"), "p.yaml", "patch 1 of kustomization.yaml", 12);
	check_origin(&o, node_get(container, "name"), "res.yaml", NULL, 10); /* the patch says the same */
	check_origin(&o, node_at(root, "metadata.name"), "res.yaml", NULL, 4);
	check_origin(&o, replicas, "j.yaml", "patch 2 of kustomization.yaml", 3);
	/* What it was before, and before that. */
	const struct origin *origin = origin_get(&o, replicas->origin);
	assert_int_equal(origin->before_line, 6);
	origin = origin_get(&o, origin->before);
	assert_string_equal(origin->file, "p.yaml");
	assert_int_equal(origin->before_line, 6);
	assert_string_equal(origin_get(&o, origin->before)->file, "res.yaml");
	origins_release(&o);
}

/* --- lists: the short way comes to the same as the literal one --- */

static struct node *parse(struct arena *a, const char *text)
{
	struct yaml_stream stream;
	const struct yaml_options options = { .dialect = YAML_KYAML };
	assert_int_equal(yaml_parse_as(a, str_of(text), &options, &stream, NULL), 0);
	return stream.documents[0].root;
}

static const char *merged_text(struct arena *a, const char *resource, const char *patch, bool literal)
{
	struct kbuild b = { .a = a };
	struct error err = ERROR_INIT;
	struct merge m = { .b = &b, .scratch = a, .err = &err, .literal = literal };
	struct merged merged;
	cleanup_buf struct buf text = BUF_INIT;
	b.schema = kschema_new(&b);
	if (merge_walk(&m, NULL, parse(a, resource), parse(a, patch), &merged))
		return arena_strdup(a, err.text);
	if (merged.node)
		yaml_write(&text, merged.node);
	return arena_str(a, buf_str(&text)).p;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* A Pod whose lists have up to 60 elements, most of them with keys of their own. */
static const char *random_pod(struct arena *a, uint32_t *seed)
{
	struct buf text = BUF_INIT;
	bool protocol = next_random(seed) % 2;
	buf_adds(&text, "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    env:\n");
	for (uint32_t i = 0, n = 1 + next_random(seed) % 60; i < n; i++)
		buf_printf(&text, "    - {name: v%u, %s: %u}\n", i * 7 % 61,
			   next_random(seed) % 9 ? "value" : "$patch: delete, x", next_random(seed) % 5);
	buf_adds(&text, "    ports:\n");
	for (uint32_t i = 0, n = 1 + next_random(seed) % 60; i < n; i++) {
		buf_printf(&text, "    - {containerPort: %u, hostPort: %u", i * 11 % 61,
			   next_random(seed) % 5);
		if (protocol)
			buf_printf(&text, ", protocol: %s", next_random(seed) % 2 ? "TCP" : "UDP");
		buf_adds(&text, "}\n");
	}
	const char *z = arena_str(a, buf_str(&text)).p;
	buf_release(&text);
	return z;
}

static void long_lists_merge_as_short_ones_do(void **state)
{
	for (uint32_t seed = 1; seed <= 200; seed++) {
		cleanup_arena struct arena a = ARENA_INIT;
		uint32_t random = seed;
		const char *resource = random_pod(&a, &random), *patch = random_pod(&a, &random);
		assert_string_equal(merged_text(&a, resource, patch, false),
				    merged_text(&a, resource, patch, true));
	}
}

static void a_long_list_with_elements_alike_is_refused(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	buf_adds(&text, "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n");
	for (uint32_t i = 0; i <= KPATCH_IRREGULAR_MAX; i++)
		buf_adds(&text, "  - name: a\n");
	const char *resource = arena_str(&a, buf_str(&text)).p;
	buf_release(&text);
	const char *said = merged_text(&a, resource, "spec: {}", false);
	assert_non_null(strstr(said, "KPATCH_IRREGULAR_MAX"));
}

/* --- JSON patches that would take long, or grow without end --- */

static void json_patches_are_bounded(void **state)
{
	struct buf many = BUF_INIT, deep = BUF_INIT;
	for (unsigned i = 0; i <= KPATCH_OPERATIONS_MAX; i++)
		buf_adds(&many, "- {op: add, path: /x, value: 1}\n");
	refused(ONE AT, many.p,
		"kustomization.yaml:3: the patch cannot be read: p.yaml:1: the JSON patch has more than 20000 operations "
		"(KPATCH_OPERATIONS_MAX)");
	for (unsigned i = 0; i < 260; i++)
		buf_adds(&deep, "- {op: copy, from: /spec, path: /spec/again}\n");
	refused(ONE AT, deep.p,
		"p.yaml:250: `copy` of \"/spec/again\" does not fit Deployment.v1.apps/web.[noNs] (res.yaml:1): it would be "
		"nested deeper than 256 levels");
	buf_release(&many);
	buf_release(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_name_the_place),
		cmocka_unit_test(values_know_the_patch_that_set_them),
		cmocka_unit_test(long_lists_merge_as_short_ones_do),
		cmocka_unit_test(a_long_list_with_elements_alike_is_refused),
		cmocka_unit_test(json_patches_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
