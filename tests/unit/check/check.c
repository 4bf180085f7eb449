/* The check as a whole: severities, environments, places through transformers, caps. */
#include "helper.h"

#include "doc/yaml.h"

#define MAP(name) "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\n"

static void severities_can_be_chosen(void **state)
{
	static const char text[] = MAP("a") "dat: {}\n---\n" MAP("b") "data: {a: 1}\n";
	enum check_severity severities[RULE_COUNT];
	for (size_t i = 0; i < RULE_COUNT; i++)
		severities[i] = check_rules[i].severity;
	severities[RULE_UNKNOWN_FIELD] = CHECK_OFF;
	severities[RULE_WRONG_TYPE] = CHECK_NOTE;
	cleanup_checked struct checked usual = CHECKED_INIT, chosen = CHECKED_INIT;
	checked_text(&usual, text, NULL);
	assert_string_equal(checked_said(&usual), "4 unknown-field error; 9 wrong-type error");
	assert_int_equal(usual.result.errors, 2);
	checked_text(&chosen, text, &(struct check_options){ .severities = severities });
	assert_string_equal(checked_said(&chosen), "9 wrong-type note");
	assert_int_equal(chosen.result.errors, 0);
}

static void rules_have_names_and_words(void **state)
{
	for (size_t i = 0; i < RULE_COUNT; i++) {
		assert_non_null(check_rules[i].id);
		assert_true(check_rules[i].summary[0] && check_rules[i].help[0]);
		assert_true(check_rules[i].severity != CHECK_OFF);
		assert_int_equal(check_rule_find(str_of(check_rules[i].id)), i);
	}
	assert_int_equal(check_rule_find(STR("nope")), RULE_COUNT);
	enum check_severity severity;
	assert_true(check_severity_find(STR("warning"), &severity) && severity == CHECK_WARNING);
	assert_false(check_severity_find(STR("grave"), &severity));
}

static void versions_outside_are_checked_by_the_nearest(void **state)
{
	cleanup_checked struct checked old = CHECKED_INIT, later = CHECKED_INIT;
	checked_text(&old, MAP("a"), &(struct check_options){ .minor = 20 });
	assert_int_equal(old.result.minor, check_oldest_minor());
	assert_int_equal(old.result.wanted_minor, 20);
	checked_text(&later, MAP("a"), &(struct check_options){ .minor = 99 });
	assert_int_equal(later.result.minor, check_newest_minor());
}

/* A value that a patch put into an object of another file is found in the file of the patch. */
static void places_are_those_of_the_values(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	struct origins origins = { 0 };
	struct yaml_stream base, patch;
	struct yaml_options options = { .dialect = YAML_KUBECTL,
					.origin = origin_file(&origins, "base/map.yaml") };
	assert_int_equal(yaml_parse_as(&k.a, STR(MAP("a")), &options, &base, NULL), 0);
	options.origin =
		origin_step(&origins, "overlay/patch.yaml", "patch 1 of overlay/kustomization.yaml", NULL);
	assert_int_equal(yaml_parse_as(&k.a, STR("\n\ndata:\n  a: 5\n"), &options, &patch, NULL), 0);
	struct node *root = base.documents[0].root;
	node_set(&k.a, root, STR("data"), node_get(patch.documents[0].root, "data"));
	node_set(&k.a, root, STR("made"), node_bool_new(&k.a, true));
	struct render_object object = { .group = STR(""),
					.version = STR("v1"),
					.kind = STR("ConfigMap"),
					.namespace = STR(""),
					.name = STR("a"),
					.file = "base/map.yaml",
					.line = 1,
					.root = root };
	k.c = check_new(&(struct check_options){ .minor = 0 });
	check_environment(k.c, &(struct check_environment){
				       .name = "", .objects = &object, .n = 1, .origins = &origins });
	check_finish(k.c, &k.result);
	assert_int_equal(k.result.n, 2);
	/* What has no place is told at its object. */
	assert_string_equal(k.result.findings[0].file, "base/map.yaml");
	assert_int_equal(k.result.findings[0].line, 1);
	assert_string_equal(k.result.findings[0].path, "made");
	assert_string_equal(k.result.findings[1].file, "overlay/patch.yaml");
	assert_int_equal(k.result.findings[1].line, 4);
	assert_int_equal(k.result.findings[1].column, 6);
	origins_release(&origins);
}

static void environments_share_findings(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	k.c = check_new(&(struct check_options){ .minor = 0 });
	checked_environment(&k, "staging", MAP("a") "dat: {}\n");
	checked_environment(&k, "prod", MAP("a") "dat: {}\n");
	checked_environment(&k, "test", MAP("a") "date: {}\n");
	check_finish(k.c, &k.result);
	assert_int_equal(k.result.n, 2);
	assert_int_equal(k.result.environments, 3);
	assert_int_equal(k.result.findings[0].n_environments, 2);
	assert_string_equal(k.result.findings[0].environments[0], "staging");
	assert_string_equal(k.result.findings[0].environments[1], "prod");
	assert_int_equal(k.result.findings[1].n_environments, 1);
}

static void definitions_of_one_are_known_to_all(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	struct render_output out;
	struct render_file file = {
		"crd.yaml",
		STR("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ws.example.com}\n"
		    "spec: {group: example.com, scope: Namespaced, names: {kind: W, plural: ws}, versions: [{name: v1, served: true, "
		    "storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n")
	};
	cleanup_arena struct arena gone = ARENA_INIT;
	render_plain(&gone, &(struct render_input){ .files = &file, .n = 1 }, &out);
	k.c = check_new(&(struct check_options){ .minor = 0 });
	check_definitions(k.c, &(struct check_environment){ .objects = out.objects, .n = out.n });
	arena_release(&gone); /* what was learnt stays */
	checked_environment(&k, "a",
			    "apiVersion: example.com/v1\nkind: W\nmetadata: {name: w, lables: {}}\n");
	check_finish(k.c, &k.result);
	assert_string_equal(checked_said(&k), "3 unknown-field error");
}

static void schema_files_that_are_none_are_refused(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	struct error err = ERROR_INIT;
	k.c = check_new(&(struct check_options){ .minor = 0 });
	assert_int_equal(check_schema(k.c, "s.yaml", STR(MAP("a")), &err), -1);
	assert_string_equal(err.text,
			    "s.yaml: holds neither a CustomResourceDefinition nor an OpenAPI document");
	assert_int_equal(check_schema(k.c, "s.yaml", STR("a: ["), &err), -1);
	assert_true(str_starts(str_of(err.text), STR("s.yaml: ")));
}

static void values_of_secrets_are_never_said(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	static const char text[] =
		"apiVersion: v1\nkind: Secret\nmetadata: {name: hunter2name}\nstringData: {a: 987654321, hunter2key: hunter2value}\n"
		"data: {b: hunter2data}\ntype: [hunter2type]\n";
	k.c = check_new(&(struct check_options){ .minor = 0 });
	checked_environment(&k, "", text);
	check_text(k.c, "a.yaml", STR("password: kR7-hunter2-vq2TzL9\nurl: https://u:hunter2hunter2@h/\n"));
	check_finish(k.c, &k.result);
	assert_true(k.result.n >= 5);
	for (size_t i = 0; i < k.result.n; i++) {
		const struct check_finding *f = &k.result.findings[i];
		static const char *const values[] = { "987654321",   "hunter2value", "hunter2data",
						      "hunter2type", "hunter2-vq",   "hunter2hunter2" };
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
			assert_null(strstr(f->text, values[v]));
	}
}

static void findings_are_capped(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	buf_adds(&text, MAP("a") "data:\n");
	for (size_t i = 0; i < CHECK_FINDINGS_MAX + 7; i++)
		buf_printf(&text, "  k%zu: 1\n", i);
	checked_text(&k, text.p, NULL);
	assert_int_equal(k.result.n, CHECK_FINDINGS_MAX);
	assert_int_equal(k.result.dropped, 7);
	assert_int_equal(k.result.errors, CHECK_FINDINGS_MAX + 7);
}

/* Alternatives within alternatives: each level doubles the work without the limit on steps. */
static void deep_alternatives_end(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	cleanup_buf struct buf schema = BUF_INIT;
	struct error err = ERROR_INIT;
	buf_adds(
		&schema,
		"{\"definitions\": {\"a\": {\"anyOf\": [{\"$ref\": \"a\"}, {\"$ref\": \"a\"}]}, \"K\": {\"type\": \"object\", "
		"\"properties\": {\"apiVersion\": {}, \"kind\": {}, \"metadata\": {}, \"spec\": {\"$ref\": \"a\"}}, "
		"\"x-kubernetes-group-version-kind\": [{\"group\": \"x.io\", \"version\": \"v1\", \"kind\": \"K\"}]}}}");
	k.c = check_new(&(struct check_options){ .minor = 0 });
	assert_int_equal(check_schema(k.c, "s.json", buf_str(&schema), &err), 0);
	checked_environment(&k, "", "apiVersion: x.io/v1\nkind: K\nmetadata: {name: a}\nspec: {a: b}\n");
	check_finish(k.c, &k.result);
	assert_string_equal(checked_said(&k), "1 bad-schema warning");
}

#define TOKEN(end) "eyJhbGciOiJIUzI1NiJ9eyJ.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWlzLWhlcmUtMTIz" end "\n"

static const char *token_fingerprint(struct checked *k, const char *text, size_t which)
{
	k->c = check_new(&(struct check_options){ .minor = 0 });
	check_text(k->c, "b.txt", str_of(text));
	check_finish(k->c, &k->result);
	assert_true(k->result.n > which && k->result.findings[which].rule == RULE_TOKEN);
	assert_int_equal(k->result.findings[which].severity, CHECK_WARNING);
	return k->result.findings[which].fingerprint;
}

/* Who allows one token by its fingerprint has allowed no other, and not its line. */
static void a_token_is_known_by_its_value(void **state)
{
	cleanup_checked struct checked one = CHECKED_INIT, moved = CHECKED_INIT, other = CHECKED_INIT;
	const char *print = token_fingerprint(&one, "t: " TOKEN("NA"), 0);
	assert_string_equal(print, token_fingerprint(&moved, "a: 1\nt: " TOKEN("NB") "u: " TOKEN("NA"), 1));
	assert_string_not_equal(print, moved.result.findings[0].fingerprint);
	assert_string_not_equal(print, token_fingerprint(&other, "t: " TOKEN("NB"), 0));
}

/* In a Secret it is as grave as elsewhere. */
static void a_token_in_a_secret_is_as_grave(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	checked_text(&k, "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  t: " TOKEN("NA"),
		     NULL);
	assert_string_equal(checked_said(&k), "5 plaintext-secret warning; 5 token warning");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(severities_can_be_chosen),
		cmocka_unit_test(rules_have_names_and_words),
		cmocka_unit_test(versions_outside_are_checked_by_the_nearest),
		cmocka_unit_test(places_are_those_of_the_values),
		cmocka_unit_test(environments_share_findings),
		cmocka_unit_test(definitions_of_one_are_known_to_all),
		cmocka_unit_test(schema_files_that_are_none_are_refused),
		cmocka_unit_test(values_of_secrets_are_never_said),
		cmocka_unit_test(findings_are_capped),
		cmocka_unit_test(deep_alternatives_end),
		cmocka_unit_test(a_token_is_known_by_its_value),
		cmocka_unit_test(a_token_in_a_secret_is_as_grave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
