/* Substitution in objects: types, places, what is left alone, secrets, caps. The grammar has golden cases. */
#include "../cmocka_all.h"

#include "doc/json.h"
#include "render/substitute.h"

#define HEAD(kind, name) "apiVersion: v1\nkind: " kind "\nmetadata:\n  name: " name "\n"

struct value {
	const char *name, *text;
	bool secret;
};

static const struct value usual[] = {
	{ "REGION", "eu", false },	{ "N", "3", false },	     { "TOKEN", "hunter2", true },
	{ "QUOTE", "\"", false },	{ "EMPTY", "", false },	     { "MAP", "a: b", false },
	{ "NOTE", "# b", false },	{ "ANCHOR", "&a b", false }, { "TWO", "\"a\" \"b\"", false },
	{ "DOCUMENT", "--- a", false }, { "LIST", "[1]", false },    { NULL, NULL, false },
};

/* A render, and what substitution makes of it. */
struct made {
	struct arena a;
	struct substitute_values values;
	struct origins origins;
	struct render_output before, out;
};

static void make_with(struct made *m, const char *text, const struct value *values, bool lenient)
{
	*m = (struct made){ .values = { .a = &m->a } };
	for (; values->name; values++)
		assert_int_equal(substitute_add(&m->values, str_of(values->name), str_of(values->text),
						"test", values->secret, NULL),
				 0);
	struct render_file file = { "app/a.yaml", str_of(text) };
	render_plain(&m->a, &(struct render_input){ .files = &file, .n = 1, .templates = true }, &m->before);
	render_substitute(&m->a, &m->before,
			  &(struct substitute_options){
				  .values = &m->values, .lenient = lenient, .origins = &m->origins },
			  &m->out);
}

static void make(struct made *m, const char *text)
{
	make_with(m, text, usual, false);
}

static void release(struct made *m)
{
	substitute_values_release(&m->values);
	origins_release(&m->origins);
	arena_release(&m->a);
}

static const char *object_json(struct made *m, size_t i)
{
	return render_encode(&m->a, &m->out.objects[i]).p;
}

/* All diagnostics, a line each. */
static char *said(struct made *m)
{
	cleanup_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < m->out.n_diags; i++)
		buf_printf(&text, "%s\n", render_diag_text(&m->a, &m->out.diags[i]));
	return arena_strndup(&m->a, text.p ? text.p : "", text.n);
}

static void check_spec(const char *spec, const char *want)
{
	struct made m;
	cleanup_buf struct buf text = BUF_INIT, got = BUF_INIT;
	buf_printf(&text, "apiVersion: v1\nkind: X\nmetadata: {name: x}\n%s\n", spec);
	make(&m, text.p);
	if (m.out.n != 1 || m.out.n_errors)
		fail_msg("%s: %s", spec, said(&m));
	json_write(&got, node_get(m.out.objects[0].root, "spec"));
	assert_string_equal(got.p, want);
	release(&m);
}

static void a_plain_text_is_read_again(void **state)
{
	check_spec("spec: ${N}", "3");
	check_spec("spec: 1${N}.5", "13.5");
	check_spec("spec: ${EMPTY}", "null");
	check_spec("spec: ${X:=true}", "true");
	check_spec("spec: ${X:=off}", "false");
	check_spec("spec: a-${N}", "\"a-3\"");
	check_spec("spec: [a, '${N}']", "[\"a\",\"3\"]");
	check_spec("spec: ${X:=.inf}", "\".inf\"");
}

static void a_quoted_text_stays_a_text(void **state)
{
	check_spec("spec: \"${N}\"", "\"3\"");
	check_spec("spec: '${EMPTY}'", "\"\"");
	check_spec("spec: |\n  ${N}", "\"3\\n\"");
	check_spec("spec: >-\n  ${N}\n  ${N}", "\"3 3\"");
	check_spec("spec: {\"a\": \"${N}\"}", "{\"a\":\"3\"}");
	check_spec("spec: ${QUOTE}${N}${QUOTE}", "\"3\"");
}

static void values_do_not_change_the_structure(void **state)
{
	check_spec("spec: ${MAP}", "\"a: b\"");
	check_spec("spec: ${NOTE}", "\"# b\"");
	check_spec("spec: ${ANCHOR}", "\"&a b\"");
	check_spec("spec: ${TWO}", "\"\\\"a\\\" \\\"b\\\"\"");
	check_spec("spec: ${DOCUMENT}", "\"--- a\"");
	struct made m;
	make(&m, HEAD("X", "x") "spec: ${LIST}\n");
	assert_string_equal(
		object_json(&m, 0),
		"{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"x\"},\"spec\":\"[1]\"}");
	assert_string_equal(
		said(&m),
		"app/a.yaml:5:7: warning: X x: substitution of LIST reads as a list or a map, and becomes a "
		"text: values do not change the structure of an object\n");
	release(&m);
}

static void what_no_expression_is_stays(void **state)
{
	check_spec("spec: $REGION $(REGION) $ 5$", "\"$REGION $(REGION) $ 5$\"");
	check_spec("spec: $${REGION} $$$${N}", "\"${REGION} $${N}\"");
	struct made m;
	make(&m, HEAD("X", "x") "spec: {a: [1, {b: $x}]}\n---\n" HEAD("X", "w") "a: {b: 1}\nc: ${N}\n");
	assert_ptr_equal(m.out.objects[0].root, m.before.objects[0].root);
	assert_ptr_not_equal(m.out.objects[1].root, m.before.objects[1].root);
	assert_ptr_equal(node_get(m.out.objects[1].root, "a"), node_get(m.before.objects[1].root, "a"));
	assert_true(node_is_string(node_get(m.before.objects[1].root, "c"))); /* the render is as it was */
	release(&m);
}

static void objects_opt_out(void **state)
{
	static const char *const ways[] = {
		"annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}",
		"labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}",
		"annotations: {capstan.dev/substitute: disabled}",
		"labels: {capstan.dev/substitute: disabled}",
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct made m;
		cleanup_buf struct buf text = BUF_INIT;
		buf_printf(&text, "apiVersion: v1\nkind: X\nmetadata: {name: x, %s}\nspec: ${nope} ${ $$\n",
			   ways[i]);
		make(&m, text.p);
		assert_string_equal(said(&m), "");
		assert_string_equal(node_text(node_get(m.out.objects[0].root, "spec")).p, "${nope} ${ $$");
		release(&m);
	}
	struct made m;
	make(&m,
	     "apiVersion: v1\nkind: X\nmetadata: {name: x, labels: {capstan.dev/substitute: enabled}}\ns: ${N}\n");
	assert_int_equal(node_get(m.out.objects[0].root, "s")->type, NODE_INT);
	release(&m);
}

static void every_unset_variable_is_told_with_its_place(void **state)
{
	struct made m;
	make(&m,
	     HEAD("ConfigMap", "one") "data:\n  a: x ${A} ${B:-d}\n  ${C}: v\n  \"b\": \"é${A}\"\n"
				      "  c: |\n    line\n    ${D^^} ${E}\n---\n" HEAD(
					      "X", "two") "a:\n- ${F}\n---\n" HEAD("X", "three") "a: ${N}\n");
#define UNSET(v)                                                                    \
	": the variable " v " is not set: give it a value, or a default as in ${" v \
	":=x}; write $${ where a "                                                  \
	"literal ${ is meant\n"
	assert_string_equal(
		said(&m),
		"app/a.yaml:6:8: error: ConfigMap one: `${A}`" UNSET("A") "app/a.yaml:7: error: ConfigMap one: `${C}`" UNSET("C") "app/a.yaml:8:10: error: ConfigMap one: `${A}`" UNSET("A") "app/a.yaml:11: error: ConfigMap one: `${D^^}`" UNSET(
			"D") "app/a.yaml:11: error: ConfigMap one: `${E}`" UNSET("E") "app/a.yaml:18:3: error: X two: `${F}`" UNSET("F"));
	assert_int_equal(m.out.n_errors, 6);
	assert_int_equal(m.out.n, 1); /* only the one without an error is given on */
	assert_true(str_is(m.out.objects[0].name, "three"));
	release(&m);
}

static void lenient_makes_unset_empty(void **state)
{
	struct made m;
	make_with(&m, HEAD("X", "x") "a: ${A}\nb: \"${A}\"\nc: x${A}\nd: ${A:-4}\n", usual, true);
	assert_string_equal(said(&m), "");
	assert_string_equal(object_json(&m, 0),
			    "{\"a\":null,\"apiVersion\":\"v1\",\"b\":\"\",\"c\":\"x\",\"d\":4,\"kind\":\"X\","
			    "\"metadata\":{\"name\":\"x\"}}");
	release(&m);
}

static void bad_grammar_is_told_with_its_place(void **state)
{
	struct made m;
	make(&m, HEAD("X", "x") "a: ok ${REGION} and ${a b}\nb: ${REGION\nc: ${X:?say \"who\"}\n");
	assert_int_equal(m.out.n, 0);
	assert_string_equal(
		said(&m),
		"app/a.yaml:5:21: error: X x: `${a b}`: behind the name of the variable (letters, digits and _) "
		"a } or an operator is missing; write $${ where a literal ${ is meant\n"
		"app/a.yaml:6:4: error: X x: `${REGION`: behind the name of the variable (letters, digits and "
		"_) a } or an operator is missing; write $${ where a literal ${ is meant\n"
		"app/a.yaml:7:4: error: X x: `${X:?say \"who\"}`: the variable X is not set: say \"who\"\n");
	release(&m);
}

static void names_are_checked_after_substitution(void **state)
{
	struct made m;
	make(&m, HEAD("ConfigMap", "a-${REGION/e/}") "---\n" HEAD("ConfigMap", "a-u") "---\n" HEAD(
			 "ConfigMap", "${X:=a/b}"));
	assert_int_equal(m.before.n, 3);
	assert_int_equal(m.before.n_errors, 0);
	assert_int_equal(m.out.n, 1);
	assert_true(str_is(m.out.objects[0].name, "a-u"));
	assert_string_equal(
		said(&m),
		"app/a.yaml:6:1: error: ConfigMap a-u: is there twice: first at app/a.yaml:1, again here; the "
		"first is used, remove one\n"
		"app/a.yaml:14:9: error: ConfigMap a/b: metadata.name `a/b` may not contain `/` or `%`\n");
	release(&m);
}

static void secret_values_are_never_said(void **state)
{
	static const struct value values[] = { { "TOKEN", "hunter2/", true },
					       { "N", "hunter2", true },
					       { NULL, NULL, false } };
	struct made m;
	make_with(
		&m,
		HEAD("ConfigMap", "${TOKEN}") "---\n" HEAD("ConfigMap", "a") "data:\n  x-${N}: 1\n  x-hunter2: 2\n---\n" HEAD(
			"ConfigMap",
			"b") "data:\n  a: ${TOKEN:?w} ${TOKEN:0:-1} ${N}\n  b: ${TOKEN#${nope}}\n  c: ${N#${TOKEN\n"
			     "---\n" HEAD("${TOKEN}x", "b") "---\n" HEAD("X", "b") "a: ${Q:=[${N}]}\n",
		values, false);
	if (m.out.n_errors != 6)
		fail_msg("%s", said(&m));
	assert_null(strstr(said(&m), "hunter2/"));
	assert_null(strstr(said(&m), ": hunter2"));
	assert_non_null(
		strstr(said(&m), "ConfigMap ${TOKEN}: after substitution with a value of a Secret its"));
	release(&m);
}

static void keys_are_substituted(void **state)
{
	struct made m;
	make(&m, HEAD("X", "x") "a:\n  ${REGION}-x:\n    ${N}: ${N}\n  z: 1\n---\n" HEAD(
			 "X", "w") "a:\n"
				   "  ${REGION}: 1\n  eu: 2\n---\n" HEAD("X", "z") "a:\n  ${EMPTY}: 1\n");
	assert_int_equal(m.out.n, 1);
	assert_string_equal(object_json(&m, 0),
			    "{\"a\":{\"eu-x\":{\"3\":3},\"z\":1},\"apiVersion\":\"v1\",\"kind\":\"X\","
			    "\"metadata\":{\"name\":\"x\"}}");
	assert_string_equal(
		said(&m),
		"app/a.yaml:16: error: X w: the key `eu` is, after substitution, there twice in its map\n"
		"app/a.yaml:23: error: X z: a key is empty after substitution\n");
	release(&m);
}

static void a_substituted_value_knows_what_made_it(void **state)
{
	struct made m;
	make(&m, HEAD("X", "x") "a: ${REGION}\nb: \"${N}-${REGION}-${N}\"\n");
	const struct node *a = node_get(m.out.objects[0].root, "a"),
			  *b = node_get(m.out.objects[0].root, "b");
	assert_string_equal(origin_get(&m.origins, a->origin)->step, "substitution of REGION");
	assert_string_equal(origin_get(&m.origins, b->origin)->step, "substitution of N, REGION");
	assert_string_equal(origin_get(&m.origins, a->origin)->file, "app/a.yaml");
	assert_int_equal(origin_get(&m.origins, a->origin)->before_line, 5);
	assert_int_equal(a->line, 5);
	assert_int_equal(a->column, 4);
	assert_int_equal(b->style, NODE_DOUBLE_QUOTED);
	release(&m);
}

static void later_values_win_and_lose_their_line_breaks(void **state)
{
	static const struct value values[] = { { "A", "first", false },
					       { "A", "a\nb\n", false },
					       { NULL, NULL, false } };
	struct made m;
	make_with(&m, HEAD("X", "x") "a: '${A}'\n", values, false);
	assert_true(str_is(node_text(node_get(m.out.objects[0].root, "a")), "ab"));
	release(&m);
}

static void bad_values_are_refused_without_being_said(void **state)
{
	static const char *const names[] = { "", "1a", "a-b", "a.b", "é", "a b" };
	cleanup_arena struct arena a = ARENA_INIT;
	struct substitute_values values = { .a = &a };
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
			substitute_add(&values, str_of(names[i]), STR("v"), "ConfigMap c", false, &err), -1);
	assert_int_equal(substitute_add(&values, STR("a-b"), STR("v"), "ConfigMap c", false, &err), -1);
	assert_string_equal(
		err.text, "ConfigMap c: `a-b` cannot be a variable: names have letters, digits and _, and do "
			  "not begin with a digit");
	assert_int_equal(substitute_add(&values, STR("A"), STR("x\xff"), "Secret s", true, &err), -1);
	assert_string_equal(err.text, "Secret s: the value of A is not UTF-8 text");
	struct str large = { arena_alloc(&a, SUBSTITUTE_VALUE_MAX + 1), SUBSTITUTE_VALUE_MAX + 1 };
	assert_int_equal(substitute_add(&values, STR("A"), large, "Secret s", true, &err), -1);
	assert_int_equal(substitute_add(&values, STR("_a1"), STR(""), "Secret s", true, &err), 0);
	assert_int_equal(values.by_name.n, 1);
	substitute_values_release(&values);
}

static void objects_of_the_cluster_give_values(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct substitute_values values = { .a = &a };
	struct error err = ERROR_INIT;
	struct node *map, *secret;
	assert_int_equal(
		json_parse(&a, STR("{\"data\":{\"A\":\"1\",\"bad.key\":\"2\",\"C\":\"3\",\"7\":\"x\"}}"),
			   true, &map, &err),
		0);
	assert_int_equal(
		json_parse(&a, STR("{\"data\":{\"A\":\"aGk=\",\"B\":\"eCE=\",\"D\":\"!\",\"E\":\"/w==\"}}"),
			   true, &secret, &err),
		0);
	assert_int_equal(substitute_add_object(&values, map, "ConfigMap c", false, &err), -1);
	assert_non_null(strstr(err.text, "`bad.key` cannot be"));
	assert_non_null(strstr(err.text, "`7` cannot be"));
	assert_int_equal(substitute_add_object(&values, secret, "Secret s", true, &err), -1);
	assert_string_equal(
		err.text,
		"Secret s: the value of D is not base64; Secret s: the value of E is not UTF-8 text");
	assert_int_equal(values.by_name.n, 3);
	const struct substitute_value *v = map_get(&values.by_name, STR("A"));
	assert_true(str_is(v->text, "hi") && v->secret);
	v = map_get(&values.by_name, STR("C"));
	assert_true(str_is(v->text, "3") && !v->secret);
	assert_int_equal(substitute_add_object(&values, NULL, "ConfigMap gone", false, &err), 0);
	substitute_values_release(&values);
}

/* A text of n times `part`, as an object's field. */
static void make_long(struct made *m, const char *part, size_t n, const struct value *values)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_adds(&text, HEAD("X", "x") "a: '");
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, part);
	buf_adds(&text, "'\nb: ${A#*x*x*x*x*y}\nc: ok\n");
	make_with(m, text.p, values, false);
}

static void what_explodes_is_stopped(void **state)
{
	char *large = mem_alloc(100001);
	memset(large, 'x', 100000);
	const struct value values[] = { { "A", large, false }, { "E", "", false }, { NULL, NULL, false } };
	struct made m;
	make_long(&m, "${A}", 11, values);
	assert_non_null(strstr(said(&m), "SUBSTITUTE_SCALAR_MAX"));
	release(&m);
	make_long(&m, "${A//x/${A}}", 1, values);
	assert_non_null(strstr(said(&m), "SUBSTITUTE_SCALAR_MAX"));
	release(&m);
	make_long(&m, "${E/${A#*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*y}/}", 1000, values);
	assert_non_null(strstr(said(&m), "SUBSTITUTE_WORK_MAX"));
	assert_int_equal(m.out.n_errors, 1); /* said once, not for every text that follows */
	assert_int_equal(m.out.n, 0);
	release(&m);
	make_long(&m, "${A:-", 40, values);
	assert_non_null(strstr(said(&m), "nested deeper than 16 (SUBSTITUTE_DEPTH_MAX)"));
	release(&m);
	free(large);
}

static void the_total_is_limited(void **state)
{
	char *large = mem_alloc(1000001);
	cleanup_buf struct buf text = BUF_INIT;
	memset(large, 'x', 1000000);
	const struct value values[] = { { "A", large, false }, { NULL, NULL, false } };
	buf_adds(&text, HEAD("X", "x") "a:\n");
	for (int i = 0; i < 100; i++)
		buf_adds(&text, "- ${A}\n");
	struct made m;
	make_with(&m, text.p, values, false);
	assert_string_equal(said(&m),
			    "app/a.yaml:73:3: error: X x: substituted texts are larger than 64 MiB in all "
			    "(SUBSTITUTE_TOTAL_MAX)\n");
	assert_int_equal(m.out.n, 0);
	release(&m);
	free(large);
}

static void earlier_messages_are_kept(void **state)
{
	struct made m;
	make(&m, "kind: X\n---\n" HEAD("X", "x") "a: ${nope}\n");
	assert_int_equal(m.out.n_errors, m.before.n_errors + 1);
	assert_int_equal(m.out.n_diags, m.before.n_diags + 1);
	release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_text_is_read_again),
		cmocka_unit_test(a_quoted_text_stays_a_text),
		cmocka_unit_test(values_do_not_change_the_structure),
		cmocka_unit_test(what_no_expression_is_stays),
		cmocka_unit_test(objects_opt_out),
		cmocka_unit_test(every_unset_variable_is_told_with_its_place),
		cmocka_unit_test(lenient_makes_unset_empty),
		cmocka_unit_test(bad_grammar_is_told_with_its_place),
		cmocka_unit_test(names_are_checked_after_substitution),
		cmocka_unit_test(secret_values_are_never_said),
		cmocka_unit_test(keys_are_substituted),
		cmocka_unit_test(a_substituted_value_knows_what_made_it),
		cmocka_unit_test(later_values_win_and_lose_their_line_breaks),
		cmocka_unit_test(bad_values_are_refused_without_being_said),
		cmocka_unit_test(objects_of_the_cluster_give_values),
		cmocka_unit_test(what_explodes_is_stopped),
		cmocka_unit_test(the_total_is_limited),
		cmocka_unit_test(earlier_messages_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
