/* Field specs, paths, images, references and vars on their own. */
#include "kustomize_test.h"

#include "render/kustomize/config.h"
#include "render/kustomize/config_data.h"
#include "render/kustomize/expand.h"
#include "render/kustomize/fieldspec.h"
#include "render/kustomize/gvk.h"
#include "render/kustomize/image.h"
#include "render/kustomize/path.h"

#include "doc/yaml.h"

/* A build that has nothing but its arena. */
static struct kbuild bare(struct arena *a)
{
	static const struct kustomize_options options;
	return (struct kbuild){ .a = a, .options = &options };
}

static struct node *tree_of(struct arena *a, const char *text)
{
	struct yaml_options options = { .dialect = YAML_KYAML };
	struct yaml_stream stream;
	assert_int_equal(yaml_parse_as(a, str_of(text), &options, &stream, NULL), 0);
	return stream.documents[0].root;
}

static void check_tree(const struct node *root, const char *want)
{
	cleanup_buf struct buf text = BUF_INIT;
	yaml_write(&text, root);
	assert_string_equal(text.p, want);
}

/* --- the tables --- */

static size_t count_references(const struct kconfig *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->name_references.n; i++)
		n += c->name_references.at[i].referrers.n;
	return n;
}

static void check_sorted(const kfieldspecs *specs)
{
	for (size_t i = 1; i < specs->n; i++) {
		struct kgvk before = { specs->at[i - 1].group, specs->at[i - 1].version,
				       specs->at[i - 1].kind };
		struct kgvk gvk = { specs->at[i].group, specs->at[i].version, specs->at[i].kind };
		assert_false(kgvk_less(&gvk, &before));
	}
}

static void the_built_in_lists_are_those_of_upstream(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kbuild b = bare(&a);
	struct kconfig c;
	kconfig_default(&b, &c);
	assert_int_equal(count_references(&c), 167);
	assert_int_equal(c.name_references.n, 16);
	assert_int_equal(c.var_reference.n, 72);
	assert_int_equal(c.common_labels.n, 32);
	assert_int_equal(c.template_labels.n, 10);
	assert_int_equal(c.common_annotations.n, 9);
	assert_int_equal(c.images.n, 6);
	assert_int_equal(c.replicas.n, 4);
	assert_int_equal(c.namespace.n, 3);
	check_sorted(&c.common_labels);
	check_sorted(&c.template_labels);
	check_sorted(&c.common_annotations);
	check_sorted(&c.var_reference);
	check_sorted(&c.namespace);
	check_sorted(&c.replicas);
	kconfig_release(&c);
}

static void a_configuration_merged_with_itself_stays_as_it_is(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kbuild b = bare(&a);
	struct kconfig c, same;
	struct error err;
	kconfig_default(&b, &c);
	kconfig_default(&b, &same);
	assert_int_equal(kconfig_merge(&b, &c, &same, &err), 0);
	assert_int_equal(c.common_labels.n, same.common_labels.n);
	assert_int_equal(count_references(&c), count_references(&same));
	assert_memory_equal(c.common_labels.at, same.common_labels.at,
			    c.common_labels.n * sizeof(*c.common_labels.at));
	kconfig_release(&c);
	kconfig_release(&same);
}

/* A wide spec that comes late adds nothing where a narrow one of that path is; the other way round it does.
 */
static void a_spec_is_there_when_one_that_it_selects_is(void **state)
{
	struct kfieldspec narrow = { .kind = STR("Deployment"), .path = STR("a/b") };
	struct kfieldspec wide = { .path = STR("a/b") }, other = { .path = STR("a/c") };
	struct error err;
	kfieldspecs specs = { 0 };
	assert_int_equal(kfieldspecs_add(&specs, &narrow, &err), 0);
	assert_int_equal(kfieldspecs_add(&specs, &wide, &err), 0);
	assert_int_equal(specs.n, 1);
	assert_int_equal(kfieldspecs_add(&specs, &other, &err), 0);
	assert_int_equal(specs.n, 2);
	struct kfieldspec narrower = { .kind = STR("Job"), .path = STR("a/c") };
	assert_int_equal(kfieldspecs_add(&specs, &narrower, &err), 0);
	assert_int_equal(specs.n, 3);
	narrower.create = true;
	assert_int_equal(kfieldspecs_add(&specs, &narrower, &err), -1);
	assert_non_null(strstr(err.text, "create: true"));
	vec_release(&specs);
}

static void kinds_have_an_order(void **state)
{
	struct kgvk namespace = { STR(""), STR("v1"), STR("Namespace") };
	struct kgvk deployment = { STR("apps"), STR("v1"), STR("Deployment") };
	struct kgvk job = { STR("batch"), STR("v1"), STR("Job") }, any = { 0 };
	struct kgvk webhook = { STR("x"), STR("v1"), STR("ValidatingWebhookConfiguration") };
	assert_true(kgvk_less(&namespace, &deployment) && kgvk_less(&deployment, &job));
	assert_true(kgvk_less(&job, &any) && kgvk_less(&any, &webhook));
	assert_false(kgvk_less(&any, &any));
	struct kgvk split = kgvk_of(STR("a/b/c"), STR("K"));
	assert_true(str_is(split.group, "a") && str_is(split.version, "b/c"));
}

/* --- paths --- */

static void check_split(bool smart, const char *text, char delimiter, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf got = BUF_INIT;
	struct kpath path;
	struct error err;
	assert_int_equal(smart ? kpath_split_smart(&a, str_of(text), delimiter, &path, &err)
			       : kpath_split(&a, str_of(text), delimiter, &path, &err),
			 0);
	for (size_t i = 0; i < path.n; i++)
		buf_printf(&got, "%s%.*s", i ? "|" : "", STR_ARG(path.parts[i]));
	assert_string_equal(got.p ? got.p : "", want);
}

static void paths_are_split(void **state)
{
	check_split(false, "a/b/c", '/', "a|b|c");
	check_split(false, "/a/b", '/', "a|b");
	check_split(false, "a//b/", '/', "a||b|");
	check_split(false, "a\\/b/c", '/', "a/b|c");
	check_split(false, "a\\", '/', "a\\");
	check_split(false, "", '/', "");
	check_split(false, "/", '/', "");
	check_split(true, "a.[name=b.c].d", '.', "a|[name=b.c]|d");
	check_split(true, "a.[b.c/d].e", '.', "a|b.c/d|e");
	check_split(true, "a.[b].c", '.', "a|[b]|c");
	check_split(true, "a.[b.c", '.', "a|b.c");
	check_split(true, "a\\.b.c", '.', "a.b|c");
	check_split(true, "[=x.y]", '.', "[=x.y]");
}

static void a_path_has_not_too_many_parts(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kpath path;
	struct error err;
	char text[2 * KPATH_PARTS_MAX + 2];
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(kpath_split(&a, str_of(text), '.', &path, &err), -1);
	text[2 * KPATH_PARTS_MAX - 1] = '\0';
	assert_int_equal(kpath_split(&a, str_of(text), '.', &path, &err), 0);
	assert_int_equal(path.n, KPATH_PARTS_MAX);
}

/* How many nodes of a tree a path leads to, or -1. */
static int count_matches(const char *tree, const char *text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kpath path;
	struct error err;
	struct kmatch how = { .a = &a };
	knode_list found = { 0 };
	assert_int_equal(kpath_split_smart(&a, str_of(text), '.', &path, &err), 0);
	int rc = kpath_match(&how, tree_of(&a, tree), &path, &found, &err);
	int n = (int)found.n;
	vec_release(&found);
	return rc ? -1 : n;
}

static void paths_match_nodes(void **state)
{
	static const char tree[] = "a: [{n: one, v: [1, 2]}, {n: onetwo}, {n: \"7\"}, {x: y}]\n"
				   "s: text\nj: '{\"k\": [1]}'\nnone: null\n";
	assert_int_equal(count_matches(tree, "a"), 1);
	assert_int_equal(count_matches(tree, "a.0.n"), 1);
	assert_int_equal(count_matches(tree, "a.4"), -1);
	assert_int_equal(count_matches(tree, "a.*.n"), 3);
	assert_int_equal(count_matches(tree, "a.[n=one]"), 2);
	assert_int_equal(count_matches(tree, "a.[n=^one$].v.*"), 2);
	assert_int_equal(count_matches(tree, "a.0.v.[=1]"), 1);
	assert_int_equal(count_matches(tree, "a.[n=nobody].v"), 0);
	assert_int_equal(count_matches(tree, "a.[n].v"), -1);
	assert_int_equal(count_matches(tree, "a.[n=(].v"), -1);
	assert_int_equal(count_matches(tree, "a.n"), -1);
	assert_int_equal(count_matches(tree, "nope.x"), 0);
	assert_int_equal(count_matches(tree, "s.x"), -1);
	assert_int_equal(count_matches(tree, "j.k.0"), 1);
	/* What is quoted is matched with its quotes. */
	assert_int_equal(count_matches(tree, "a.[n=7]"), 1);
	assert_int_equal(count_matches(tree, "a.[n=^7]"), 0);
}

/* --- following field specs --- */

static int set_x(void *ctx, struct node *n, struct error *err)
{
	struct kwriter *w = ctx;
	if (kvalue_expect(n, NODE_STRING, err))
		return -1;
	kwrite_scalar(w, n, STR("x"));
	return 0;
}

/* Sets the field of a Thing; want NULL: that fails. */
static void check_field(const char *tree, const char *path, enum kfield_create create, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kbuild b = bare(&a);
	struct kwriter w = { .build = &b };
	struct kfieldspec spec = { .path = str_of(path), .create = create != KFIELD_NEVER };
	struct kfield_walk walk = { &w, create, set_x, &w };
	struct kgvk gvk = { .kind = STR("Thing") };
	struct kfield field;
	struct error err = ERROR_INIT;
	struct node *root = tree_of(&a, tree);
	assert_int_equal(kfield_ready(&a, &spec, &field, &err), 0);
	assert_int_equal(kfield_apply(&walk, &field, &gvk, root, &err), want ? 0 : -1);
	if (want)
		check_tree(root, want);
	else
		assert_true(err.text[0]);
}

static void field_specs_are_followed(void **state)
{
	check_field("a: {b: c}", "a/b", KFIELD_NEVER, "a:\n  b: x\n");
	check_field("a: {b: c}", "a/d", KFIELD_NEVER, "a:\n  b: c\n");
	check_field("a: {b: c}", "a/d/e", KFIELD_STRING, "a:\n  b: c\n  d:\n    e: x\n");
	check_field("a: [{b: c}, {b: d}, {}]", "a/b", KFIELD_NEVER, "a:\n- b: x\n- b: x\n- {}\n");
	check_field("a: [{b: c}, {}]", "a/b", KFIELD_STRING, "a:\n- b: x\n- b: x\n");
	check_field("a: null", "a/b", KFIELD_NEVER, "a: null\n");
	check_field("a: null", "a/b", KFIELD_STRING, "a:\n  b: x\n");
	check_field("a: null", "a[]/b", KFIELD_STRING, "a: []\n");
	check_field("{}", "a[]/b", KFIELD_STRING, "{}\n");
	check_field("a: text", "a/b", KFIELD_NEVER, NULL);
	check_field("a: {b: c}", "a//b", KFIELD_NEVER, NULL);
	check_field("a: {b: c}", "a/0", KFIELD_NEVER, NULL);
	check_field("a: {b: c}", "a/[b=c]", KFIELD_NEVER, NULL);
	check_field("a: {b: c}", "", KFIELD_NEVER, NULL);
	check_field("a: {b: {c: d}}", "a/b", KFIELD_NEVER, NULL);
	check_field("{}", "1", KFIELD_STRING, NULL);
}

/* --- values --- */

static void what_has_no_tag_is_read_anew(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kbuild b = bare(&a);
	struct kwriter w = { .build = &b };
	struct node *n = kvalue_new(&w, NODE_STRING);
	kwrite_scalar(&w, n, STR("12"));
	assert_int_equal(n->type, NODE_INT);
	kwrite_text(&w, n, STR("twelve"));
	assert_int_equal(n->type, NODE_STRING);
	n->style = NODE_DOUBLE_QUOTED;
	kwrite_scalar(&w, n, STR("12"));
	assert_int_equal(n->type, NODE_STRING);
	/* With a tag the type stays. */
	kwrite_string(&w, n, STR("12"));
	n->style = NODE_PLAIN;
	kwrite_text(&w, n, STR("13"));
	assert_int_equal(n->type, NODE_STRING);
}

/* --- images --- */

static void images_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *name, *tag, *digest;
	} cases[] = {
		{ "nginx", "nginx", "", "" },
		{ "nginx:1", "nginx", "1", "" },
		{ "nginx:1@sha256:a", "nginx", "1", "sha256:a" },
		{ "nginx@sha256:a", "nginx", "", "sha256:a" },
		{ "host:5000/a/b", "host:5000/a/b", "", "" },
		{ "host:5000/a/b:2", "host:5000/a/b", "2", "" },
		{ "host:5000/a:2@x", "host:5000/a", "2", "x" },
		{ "/a:1", "/a", "1", "" },
		{ "a@b:c", "a", "", "b:c" },
		{ ":", "", "", "" },
		{ "@", "", "", "" },
		{ "", "", "", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kimage image = kimage_split(str_of(cases[i].text));
		assert_true(str_is(image.name, cases[i].name));
		assert_true(str_is(image.tag, cases[i].tag));
		assert_true(str_is(image.digest, cases[i].digest));
	}
}

/* --- $(VAR) --- */

static bool one_var(void *ctx, struct str name, bool whole, struct str *value)
{
	*value = whole ? STR("<whole>") : STR("<in>");
	return str_is(name, "A");
}

static void check_expand(const char *text, const char *want, const char *want_whole)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str out, whole;
	struct error err;
	assert_int_equal(kexpand(&a, str_of(text), one_var, NULL, &out, &whole, &err), 0);
	assert_true(str_is(out, want));
	assert_true(str_is(whole, want_whole));
}

static void vars_are_expanded(void **state)
{
	check_expand("plain", "plain", "");
	check_expand("$(A)", "<whole>", "A");
	check_expand("x$(A)$(A)", "x<in><in>", "");
	check_expand("$(B)", "$(B)", "B");
	check_expand("$$(A)", "$(A)", "");
	check_expand("$$$(A)", "$<in>", "");
	check_expand("$(A", "$(A", "");
	check_expand("$(A$(A)", "$(A$(A)", "A$(A");
	check_expand("$x $", "$x $", "");
	check_expand("$", "$", "");
	check_expand("", "", "");
}

static bool long_var(void *ctx, struct str name, bool whole, struct str *value)
{
	*value = *(struct str *)ctx;
	return true;
}

static void expansion_has_an_end(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT, open = BUF_INIT;
	struct str out, whole, value;
	struct error err;
	for (int i = 0; i < 20000; i++) {
		buf_adds(&text, "$(A)");
		buf_adds(&open, "$(");
	}
	value = buf_str(&text);
	assert_int_equal(kexpand(&a, buf_str(&text), long_var, &value, &out, &whole, &err), -1);
	assert_non_null(strstr(err.text, "KEXPAND_TEXT_MAX"));
	assert_int_equal(kexpand(&a, buf_str(&open), long_var, &value, &out, &whole, &err), 0);
	assert_int_equal(out.n, open.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_built_in_lists_are_those_of_upstream),
		cmocka_unit_test(a_configuration_merged_with_itself_stays_as_it_is),
		cmocka_unit_test(a_spec_is_there_when_one_that_it_selects_is),
		cmocka_unit_test(kinds_have_an_order),
		cmocka_unit_test(paths_are_split),
		cmocka_unit_test(a_path_has_not_too_many_parts),
		cmocka_unit_test(paths_match_nodes),
		cmocka_unit_test(field_specs_are_followed),
		cmocka_unit_test(what_has_no_tag_is_read_anew),
		cmocka_unit_test(images_are_taken_apart),
		cmocka_unit_test(vars_are_expanded),
		cmocka_unit_test(expansion_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
