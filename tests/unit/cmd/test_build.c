/* `capstan build` and the files of this machine that it reads: commands run in-process on directories that
 * are made for the test. */
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/local_tree.h"
#include "io/confine.h"
#include "unit/cmd/ran.h"

#define SERVICE(name) "apiVersion: v1\nkind: Service\nmetadata:\n  name: " name "\n"

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void check_file(const char *name, const char *want)
{
	char text[4096];
	FILE *file = fopen(path_of(name), "r");
	if (!file)
		fail_msg("%s is not there", name);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, want);
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/capstan-build-XXXXXX");
	assert_non_null(mkdtemp(dir));
	mkdir(path_of("base"), 0755);
	mkdir(path_of("over"), 0755);
	write_text("base/kustomization.yaml", "resources: [a.yaml]\n");
	write_text("base/a.yaml",
		   SERVICE("a") "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n");
	write_text("over/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\n");
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#define BUILD(...) RAN("build", __VA_ARGS__)

/* Takes r's texts. NULL: not looked at. */
static void check(struct ran r, int status, const char *out, const char *err)
{
	if (r.status != status)
		fail_msg("status %d: %s", r.status, r.err);
	if (out)
		assert_string_equal(r.out, out);
	if (err && !strstr(r.err, err))
		fail_msg("no \"%s\" in: %s", err, r.err);
	ran_release(&r);
}

static void objects_are_printed_in_the_order_asked_for(void **state)
{
	static const char namespace[] = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n";
	char legacy[512], none[512];
	snprintf(legacy, sizeof(legacy), "%s---\n%s", namespace, SERVICE("p-a"));
	snprintf(none, sizeof(none), "%s---\n%s", SERVICE("p-a"), namespace);
	check(BUILD(path_of("over")), 0, legacy, NULL);
	check(BUILD(path_of("over"), "--reorder", "none"), 0, none, NULL);
	check(BUILD("--reorder=legacy", path_of("over/../over/")), 0, legacy, NULL);
}

static void output_goes_to_a_file_or_a_directory(void **state)
{
	check(BUILD(path_of("base"), "--reorder=none", "-o", path_of("out.yaml")), 0, "", NULL);
	check_file("out.yaml", SERVICE("a") "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n");
	mkdir(path_of("out"), 0755);
	check(BUILD(path_of("base"), "-o", path_of("out")), 0, "", NULL);
	check_file("out/v1_service_a.yaml", SERVICE("a"));
	check_file("out/v1_namespace_ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n");
	write_text("base/a.yaml", SERVICE("A") "  namespace: x\n---\n" SERVICE("A"));
	check(BUILD(path_of("base"), "-o", path_of("out")), 0, "", NULL);
	check_file("out/x_v1_service_a.yaml", SERVICE("A") "  namespace: x\n");
	check_file("out/default_v1_service_a.yaml", SERVICE("A"));
	write_text("base/a.yaml", SERVICE("../../evil"));
	check(BUILD(path_of("base"), "-o", path_of("out")), 1, "", "its name is none that a file could have");
}

static void failures_are_told_with_their_place(void **state)
{
	write_text("base/a.yaml", "kind: Service\n");
	check(BUILD(path_of("base")), 1, "", "a.yaml:1: Service: metadata.name is missing");
	check(BUILD(path_of("nope")), 1, "", "there is no such directory");
	check(BUILD(path_of("base/a.yaml")), 1, "", "it is a file, a directory is needed");
	check(BUILD(""), 1, "", "is empty");
	check(BUILD("--load-restrictor=none"), 1, "", "LoadRestrictionsRootOnly");
	check(BUILD("a", "b"), 2, "", NULL);
}

static void links_count_as_where_they_lead(void **state)
{
	write_text("a.yaml", SERVICE("out"));
	assert_int_equal(symlink("../a.yaml", path_of("over/l.yaml")), 0);
	assert_int_equal(symlink("base", path_of("b")), 0);
	write_text("over/kustomization.yaml", "resources: [../b, l.yaml]\n");
	check(BUILD(path_of("over")), 1, "", "over/l.yaml: the file is not in or below");
	check(BUILD(path_of("over"), "--load-restrictor", "LoadRestrictionsNone"), 0, NULL, NULL);
	write_text("over/kustomization.yaml", "resources: [l.yaml]\n");
	assert_int_equal(unlink(path_of("a.yaml")), 0);
	check(BUILD(path_of("over")), 1, "", "over/l.yaml: there is no such file");
	assert_int_equal(mkfifo(path_of("over/pipe"), 0600), 0);
	write_text("over/kustomization.yaml", "resources: [pipe]\n");
	check(BUILD(path_of("over")), 1, "", "over/pipe: it is no regular file");
}

static void programs_run_only_when_both_options_say_so(void **state)
{
	write_text("base/kustomization.yaml", "resources: [a.yaml]\ntransformers: [t.yaml]\n");
	write_text("base/a.yaml", SERVICE("a"));
	write_text(
		"base/t.yaml",
		"apiVersion: example.com/v1\nkind: Sed\nmetadata:\n  name: t\n  annotations:\n"
		"    config.kubernetes.io/function: |\n      exec: {path: ./run, args: [b], envs: [C=c]}\n");
	write_text("base/run", "#!/bin/sh\nexec sed \"s/name: a$/name: $1$C$D/\"\n");
	chmod(path_of("base/run"), 0755);
	check(BUILD(path_of("base")), 1, "", "external plugins are disabled");
	check(BUILD(path_of("base"), "--enable-exec"), 1, "", "external plugins are disabled");
	check(BUILD(path_of("base"), "--enable-alpha-plugins"), 1, "", "programs are not run");
	check(BUILD(path_of("base"), "--enable-alpha-plugins", "--enable-exec", "-e", "D=d"), 0,
	      SERVICE("bcd"), NULL);
	write_text("base/run", "#!/bin/sh\nexit 7\n");
	check(BUILD(path_of("base"), "--enable-alpha-plugins", "--enable-exec"), 1, "",
	      "./run ended with status 7");
}

/* The function shows what it can see: a file of ours beside its directory, and a variable of ours. */
static void functions_are_confined_when_asked(void **state)
{
	static const char reads[] =
		"#!/bin/sh\nv=$OURS$(cat '%s' 2>/dev/null)\nexec sed \"s/name: a$/name: a-$D-${v:-none}/\"\n";
	struct confine_report report;
	char script[512];
	if (confine_probe(NULL, &report, NULL) < 0 || !confine_report_suffices(&report)) {
		print_message("this machine cannot confine programs\n");
		skip();
	}
	setenv("OURS", "x", 1);
	write_text("secret", "y");
	snprintf(script, sizeof(script), reads, path_of("secret"));
	mkdir(path_of("lib"), 0755);
	write_text("lib/fn", script);
	chmod(path_of("lib/fn"), 0755);
	write_text("base/kustomization.yaml", "resources: [a.yaml]\ntransformers: [fn.yaml]\n");
	write_text("base/a.yaml", SERVICE("a"));
	write_text("base/fn.yaml", "apiVersion: v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n"
				   "    config.kubernetes.io/function: 'exec: {path: ../lib/fn}'\n");
	check(BUILD(path_of("base"), "--enable-alpha-plugins", "--enable-exec", "-e", "D=d"), 0,
	      SERVICE("a-d-xy"), NULL);
	check(BUILD(path_of("base"), "--enable-alpha-plugins", "--enable-exec", "--confine", "-e", "D=d"), 0,
	      SERVICE("a-d-none"), NULL);
	check(BUILD(path_of("base"), "--confine"), 1, "", "--enable-exec");
	unsetenv("OURS");
}

static void a_tree_lists_and_reads_what_is_there(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct local_tree t;
	struct error err = ERROR_INIT;
	const char **names;
	size_t n;
	struct str text;
	enum tree_kind kind;
	assert_int_equal(local_tree_init(&t, &err), 0);
	const struct render_tree_ops *ops = t.tree.ops;
	const char *base = local_tree_path(&t, path_of("base"));
	assert_int_equal(ops->list(t.tree.ctx, &a, base, &names, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a.yaml");
	assert_string_equal(names[1], "kustomization.yaml");
	assert_int_equal(ops->read(t.tree.ctx, &a, local_tree_path(&t, path_of("base/kustomization.yaml")),
				   &text, &err),
			 0);
	assert_true(str_is(text, "resources: [a.yaml]\n"));
	assert_int_equal(
		ops->find(t.tree.ctx, &a, local_tree_path(&t, path_of("base/a.yaml/x")), &kind, NULL, &err),
		0);
	assert_int_equal(kind, TREE_NONE);
	assert_int_equal(ops->read(t.tree.ctx, &a, base, &text, &err), -1);
	assert_int_equal(ops->list(t.tree.ctx, &a, local_tree_path(&t, path_of("none")), &names, &n, &err),
			 -1);
	local_tree_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects_are_printed_in_the_order_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(output_goes_to_a_file_or_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_told_with_their_place, setup, teardown),
		cmocka_unit_test_setup_teardown(links_count_as_where_they_lead, setup, teardown),
		cmocka_unit_test_setup_teardown(programs_run_only_when_both_options_say_so, setup, teardown),
		cmocka_unit_test_setup_teardown(functions_are_confined_when_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tree_lists_and_reads_what_is_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
