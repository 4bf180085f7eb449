/* Options, commands, help and exit codes: commands run in-process, with their output in memory. */
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "unit/cmd/ran.h"

/* --- options --- */

struct fields {
	bool all, force;
	const char *name, *format;
	int64_t timeout, count;
};

static const char *const formats[] = { "json", "yaml", NULL };

static const struct option_def defs[] = {
	{ .name = "all", .letter = 'A', .kind = OPTION_FLAG, .offset = offsetof(struct fields, all) },
	{ .name = "force", .letter = 'f', .kind = OPTION_FLAG, .offset = offsetof(struct fields, force) },
	{ .name = "name",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  .offset = offsetof(struct fields, name) },
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPTION_CHOICE,
	  .value = "FORMAT",
	  .choices = formats,
	  .offset = offsetof(struct fields, format) },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  .value = "TIME",
	  .offset = offsetof(struct fields, timeout) },
	{ .name = "count", .kind = OPTION_COUNT, .value = "N", .offset = offsetof(struct fields, count) },
};

struct parse_case {
	const char *args[8];
	struct fields wanted;
	const char *operands; /* joined by a comma */
	const char *error;    /* part of it; NULL: works */
};

static const struct parse_case parse_cases[] = {
	{ { "--name=x" }, { .name = "x" }, "", NULL },
	{ { "--name", "x" }, { .name = "x" }, "", NULL },
	{ { "-nx" }, { .name = "x" }, "", NULL },
	{ { "-n", "x" }, { .name = "x" }, "", NULL },
	{ { "-n=x" }, { .name = "x" }, "", NULL },
	{ { "--name=" }, { .name = "" }, "", NULL },
	{ { "--name=a=b" }, { .name = "a=b" }, "", NULL },
	{ { "-Af", "-nx", "op" }, { .all = true, .force = true, .name = "x" }, "op", NULL },
	{ { "-Anx" }, { .all = true, .name = "x" }, "", NULL },
	{ { "--all=false" }, { .all = false }, "", NULL },
	{ { "--all=true" }, { .all = true }, "", NULL },
	{ { "a", "--all", "b" }, { .all = true }, "a,b", NULL },
	{ { "--", "--all", "-n" }, { .all = false }, "--all,-n", NULL },
	{ { "-" }, { .all = false }, "-", NULL },
	{ { "--name", "--" }, { .name = "--" }, "", NULL },
	{ { "-o", "json" }, { .format = "json" }, "", NULL },
	{ { "--timeout=1m30s" }, { .timeout = 90000 }, "", NULL },
	{ { "--timeout=0" }, { .timeout = 0 }, "", NULL },
	{ { "--count=12" }, { .count = 12 }, "", NULL },
	{ { "--nmae=x" }, { 0 }, "", "unknown option --nmae; did you mean --name?" },
	{ { "--tiemout=1s" }, { 0 }, "", "did you mean --timeout?" },
	{ { "--outp", "x" }, { 0 }, "", "unknown option --outp; did you mean --output?" },
	{ { "--zzzzzz" }, { 0 }, "", "unknown option --zzzzzz" },
	{ { "-x" }, { 0 }, "", "unknown option -x" },
	{ { "-name" }, { 0 }, "", NULL }, /* -n with the value "ame" */
	{ { "-timeout" }, { 0 }, "", "unknown option -timeout; did you mean --timeout?" },
	{ { "--name" }, { 0 }, "", "--name needs a value: --name=NAME" },
	{ { "-n" }, { 0 }, "", "--name needs a value" },
	{ { "-o", "xml" }, { 0 }, "", "--output: \"xml\" is not one of json, yaml" },
	{ { "--timeout=fast" }, { 0 }, "", "is not a duration" },
	{ { "--timeout=-5s" }, { 0 }, "", "is not a duration" },
	{ { "--count=-1" }, { 0 }, "", "is not a whole number" },
	{ { "--count=99999999999999999999" }, { 0 }, "", "is not a whole number" },
	{ { "--all=maybe" }, { 0 }, "", "is not true or false" },
	{ { "--=x" }, { 0 }, "", "unknown option --" },
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_parse(const struct parse_case *c)
{
	struct fields got = { 0 };
	const char *words[8];
	struct operands operands = { .at = words };
	struct option_target target = { .own = &got };
	struct error err = ERROR_INIT;
	int argc = 0;
	while (c->args[argc])
		argc++;
	int rc = option_parse(defs, 6, argc, c->args, &target, &operands, &err);
	if (c->error) {
		assert_int_equal(rc, -1);
		assert_has(err.text, c->error);
		return;
	}
	if (strcmp(c->args[0], "-name") == 0) {
		assert_string_equal(got.name, "ame");
		return;
	}
	cleanup_buf struct buf joined = BUF_INIT;
	for (size_t i = 0; i < operands.n; i++)
		buf_printf(&joined, "%s%s", i ? "," : "", words[i]);
	if (rc != 0 || got.all != c->wanted.all || got.force != c->wanted.force ||
	    !same_text(got.name, c->wanted.name) || !same_text(got.format, c->wanted.format) ||
	    got.timeout != c->wanted.timeout || got.count != c->wanted.count ||
	    !str_is(buf_str(&joined), c->operands))
		fail_msg("%s ...: %s", c->args[0], err.text);
}

static void options_are_read(void **state)
{
	for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++)
		check_parse(&parse_cases[i]);
}

static void the_nearest_name_is_found(void **state)
{
	static const char *const names[] = { "install", "uninstall", "run",    "render",
					     "diff",	"sync",	     "status", "suspend" };
	static const char *const cases[][2] = {
		{ "statsu", "status" },
		{ "synk", "sync" },
		{ "dif", "diff" },
		{ "rneder", "render" },
		{ "suspned", "suspend" },
		{ "instal", "install" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "r", NULL },
		{ "rum", "run" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = option_nearest(cases[i][0], names, 8);
		if (!same_text(got, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], got ? got : "nothing");
	}
}

/* --- commands --- */

static void version_is_told(void **state)
{
	struct ran r = RAN("version");
	assert_int_equal(r.status, EXIT_OK);
	assert_string_equal(r.out, "capstan " CAPSTAN_VERSION "\n");
	ran_release(&r);
	r = RAN("--version");
	assert_string_equal(r.out, "capstan " CAPSTAN_VERSION "\n");
	ran_release(&r);
	r = RAN("version", "-o", "json");
	assert_has(r.out, "\"version\": \"" CAPSTAN_VERSION "\"");
	ran_release(&r);
	r = RAN("version", "-o=yaml");
	assert_string_equal(r.out, "version: " CAPSTAN_VERSION "\n");
	ran_release(&r);
}

static void wrong_usage_exits_with_2(void **state)
{
	static const struct {
		const char *args[4], *err;
	} cases[] = {
		{ { "verzion" }, "capstan: unknown command \"verzion\"; did you mean \"version\"?" },
		{ { "xyzzy" }, "capstan: unknown command \"xyzzy\"\n" },
		{ { "version", "now" }, "capstan version: takes no operands, but got \"now\"" },
		{ { "version", "--colour=never" }, "capstan version: unknown option --colour" },
		{ { "render" }, "capstan: DIR, --env or --all is missing" },
		{ { "render", "a", "b" }, "one operand too many: \"b\"" },
		{ { "--frob", "version" }, "unknown option --frob" },
		{ { "completion", "tcsh" }, "there are bash, zsh and fish" },
		{ { "help", "syn" }, "unknown command" },
		{ { "render", "/nonexistent/dir" }, "/nonexistent/dir" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ran r = ran_as("capstan", cases[i].args);
		assert_int_equal(r.status, EXIT_TROUBLE);
		assert_string_equal(r.out, "");
		assert_has(r.err, cases[i].err);
		ran_release(&r);
	}
	struct ran r = ran_as("capstan", (const char *const[]){ NULL });
	assert_int_equal(r.status, EXIT_TROUBLE);
	assert_has(r.err, "Usage: capstan COMMAND");
	ran_release(&r);
}

static void help_is_the_same_wherever_asked(void **state)
{
	struct ran a = RAN("help", "render"), b = RAN("render", "--help"), c = RAN("render", "-h", "x", "y");
	assert_int_equal(a.status, EXIT_OK);
	assert_string_equal(a.out, b.out);
	assert_string_equal(a.out, c.out);
	assert_has(a.out, "Usage: capstan render [OPTION...] DIR");
	assert_has(a.out, "-n, --namespace=NAMESPACE");
	ran_release(&a);
	ran_release(&b);
	ran_release(&c);
	a = RAN("--help");
	b = RAN("help");
	assert_int_equal(a.status, EXIT_OK);
	assert_string_equal(a.out, b.out);
	assert_null(strstr(a.out, "\n  docs"));
	ran_release(&a);
	ran_release(&b);
}

static void a_plugin_speaks_of_kubectl(void **state)
{
	struct ran r =
		ran_as("/usr/local/bin/kubectl-capstan", (const char *const[]){ "help", "render", NULL });
	assert_has(r.out, "Usage: kubectl capstan render");
	ran_release(&r);
	r = ran_as("kubectl-capstan", (const char *const[]){ "verzion", NULL });
	assert_has(r.err, "kubectl capstan: unknown command");
	ran_release(&r);
}

static void common_options_may_come_first(void **state)
{
	struct ran r = RAN("-o", "json", "version");
	assert_int_equal(r.status, EXIT_OK);
	assert_has(r.out, "\"version\"");
	ran_release(&r);
	r = RAN("-n", "version", "version"); /* an option the command does not take */
	assert_int_equal(r.status, EXIT_TROUBLE);
	ran_release(&r);
}

static void check_table(const struct command *c)
{
	struct option_def all[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, all);
	assert_true(c->name && c->summary && c->help && c->operands && c->run);
	assert_true(c->summary[strlen(c->summary) - 1] != '.');
	assert_true(strlen(c->summary) <= 64);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(all[i].help);
		assert_true((all[i].kind == OPTION_FLAG) == (all[i].value == NULL));
		assert_true((all[i].kind == OPTION_CHOICE) == (all[i].choices != NULL));
		for (size_t j = 0; j < i; j++)
			if (strcmp(all[i].name, all[j].name) == 0 ||
			    (all[i].letter && all[i].letter == all[j].letter))
				fail_msg("%s: --%s and --%s clash", c->name, all[i].name, all[j].name);
	}
}

static void tables_are_sound(void **state)
{
	for (size_t i = 0; commands[i]; i++)
		check_table(commands[i]);
}

static void names_from_directories(void **state)
{
	static const char *const cases[][2] = {
		{ "./shop", "shop" }, { "/srv/My Shop_2/", "my-shop-2" }, { "/", "app" }, { ".", "app" },
		{ "a/--x--", "x" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[COMMAND_APP_NAME_MAX];
		command_app_name(cases[i][0], name);
		assert_string_equal(name, cases[i][1]);
	}
}

/* --- render --- */

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/capstan-cmd-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char secret[] = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: web}\n"
			     "stringData: {password: hunter2}\ndata: {token: aHVudGVyMg==}\n";

static void render_prints_objects(void **state)
{
	put("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n");
	put("a.yaml", "# two\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n");
	struct ran r = RAN("render", dir, "-n", "web");
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, EXIT_OK);
	char source[128];
	snprintf(source, sizeof(source), "# Source: %s/a.yaml:3\n", dir);
	assert_has(r.out, source);
	assert_has(r.out, "namespace: web");
	assert_true(strstr(r.out, "kind: Namespace") < strstr(r.out, "kind: ConfigMap"));
	ran_release(&r);
	r = RAN("render", dir, "-o", "json");
	assert_has(r.out, "\"kind\": \"List\"");
	ran_release(&r);
}

static void render_never_shows_secrets(void **state)
{
	put("s.yaml", secret);
	static const char *const outputs[] = { "yaml", "json" };
	for (size_t i = 0; i < 2; i++) {
		struct ran r = RAN("render", dir, "-o", outputs[i]);
		assert_int_equal(r.status, EXIT_OK);
		assert_null(strstr(r.out, "hunter2"));
		assert_null(strstr(r.out, "aHVudGVyMg"));
		assert_has(r.out, "(hidden: 7 bytes)");
		ran_release(&r);
	}
}

static void render_tells_all_errors_at_once(void **state)
{
	put("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
	put("b.yaml", "a: [\n");
	put("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine}\n");
	struct ran r = RAN("render", dir);
	assert_int_equal(r.status, EXIT_TROUBLE);
	assert_string_equal(r.out, "");
	assert_has(r.err, "a.yaml:");
	assert_has(r.err, "b.yaml:");
	assert_has(r.err, ": error: ");
	ran_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(the_nearest_name_is_found),
		cmocka_unit_test(version_is_told),
		cmocka_unit_test(wrong_usage_exits_with_2),
		cmocka_unit_test(help_is_the_same_wherever_asked),
		cmocka_unit_test(a_plugin_speaks_of_kubectl),
		cmocka_unit_test(common_options_may_come_first),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(names_from_directories),
		cmocka_unit_test_setup_teardown(render_prints_objects, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(render_never_shows_secrets, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(render_tells_all_errors_at_once, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
