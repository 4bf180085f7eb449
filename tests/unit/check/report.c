/* Reports for machines. */
#include "helper.h"

#include "check/report.h"
#include "doc/json.h"

#define BAD \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndat: {}\n---\napiVersion: x.io/v1\nkind: K\nmetadata: {name: b}\n"

static void a_document(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	checked_text(&k, BAD, &(struct check_options){ .minor = 36 });
	struct node *root = report_node(&k.a, &k.result);
	assert_true(str_is(node_text(node_get(root, "kubernetes")), "1.36"));
	struct node *first = node_item(node_get(root, "findings"), 0);
	json_write(&text, node_get(first, "line"));
	assert_string_equal(text.p, "4");
	assert_true(str_is(node_text(node_get(first, "rule")), "unknown-field"));
	assert_true(str_is(node_text(node_get(first, "object")), "ConfigMap a"));
	assert_true(str_is(node_text(node_get(first, "path")), "dat"));
	assert_null(node_get(first, "environments"));
	buf_clear(&text);
	json_write(&text, node_get(root, "summary"));
	assert_string_equal(
		text.p,
		"{\"errors\":1,\"warnings\":1,\"notes\":0,\"allowed\":0,\"objects\":2,\"environments\":1,\"texts\":0}");
}

static const char *text_at(struct arena *a, const struct node *n, const char *path)
{
	struct str text = node_text(node_at(n, path));
	return arena_strndup(a, text.p, text.n);
}

static void sarif(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	struct error err = ERROR_INIT;
	k.c = check_new(&(struct check_options){ .minor = 0 });
	assert_int_equal(
		check_allow_text(k.c, "allow.yaml",
				 STR("- {rule: unknown-kind, path: a.yaml, reason: made elsewhere}\n"), &err),
		0);
	checked_environment(&k, "prod", BAD);
	check_text(k.c, "a dir/\xc3\xbc:1.txt",
		   STR("x: AKI"
		       "AQYLPMN5HHHFPZAM2\n"));
	check_finish(k.c, &k.result);
	struct node *root = report_sarif(&k.a, &k.result, "1.2.3"),
		    *run = node_item(node_get(root, "runs"), 0);
	assert_string_equal(text_at(&k.a, root, "version"), "2.1.0");
	assert_string_equal(text_at(&k.a, run, "tool.driver.version"), "1.2.3");
	const struct node *rules = node_at(run, "tool.driver.rules"), *results = node_get(run, "results");
	assert_int_equal(node_count(rules), 3);
	assert_int_equal(node_count(results), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct node *result = node_item(results, i);
		int64_t index;
		assert_true(node_int(node_get(result, "ruleIndex"), &index));
		/* The index leads to the rule that the result names. */
		assert_true(node_equal(node_get(result, "ruleId"),
				       node_get(node_item(rules, (size_t)index), "id")));
		assert_int_equal(strlen(text_at(&k.a, node_get(result, "partialFingerprints"), "capstan/v1")),
				 16);
	}
	const struct node *cloud = node_item(results, 0), *field = node_item(results, 1),
			  *kind = node_item(results, 2);
	const struct node *place = node_item(node_get(cloud, "locations"), 0);
	assert_string_equal(text_at(&k.a, place, "physicalLocation.artifactLocation.uri"),
			    "a%20dir/%C3%BC%3A1.txt");
	assert_null(node_get(place, "logicalLocations"));
	assert_string_equal(text_at(&k.a, field, "level"), "error");
	assert_string_equal(text_at(&k.a, field, "message.text"),
			    "ConfigMap a: dat: there is no field `dat`; did you mean `data`?");
	assert_null(node_get(field, "suppressions"));
	assert_string_equal(text_at(&k.a, kind, "level"), "warning");
	assert_string_equal(text_at(&k.a, node_item(node_get(kind, "suppressions"), 0), "justification"),
			    "made elsewhere");
	assert_int_equal(node_count(node_at(kind, "properties.environments")), 1);
}

static void nothing_found_is_a_report_too(void **state)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	checked_text(&k, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", NULL);
	struct node *run = node_item(node_get(report_sarif(&k.a, &k.result, "1"), "runs"), 0);
	assert_non_null(node_get(run, "results"));
	assert_int_equal(node_count(node_get(run, "results")), 0);
	assert_int_equal(node_count(node_get(report_node(&k.a, &k.result), "findings")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document),
		cmocka_unit_test(sarif),
		cmocka_unit_test(nothing_found_is_a_report_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
