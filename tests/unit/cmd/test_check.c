/* `capstan check` as people call it: exit status, formats, options; run in-process in a directory of its own.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"
#include "unit/cmd/ran.h"

#define CHECK(...) RAN("check", __VA_ARGS__)

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

/* Directories: good, bad (an error), poor (a warning), secret (a key in a file that is no manifest). */
static int make_directories(void **state)
{
	static char place[] = "/tmp/capstan-check-XXXXXX";
	if (!mkdtemp(place) || chdir(place) != 0)
		return -1;
	*state = place;
	mkdir("good", 0755);
	mkdir("bad", 0755);
	mkdir("poor", 0755);
	mkdir("secret", 0755);
	write_file("good/a.yaml", MAP);
	write_file("bad/a.yaml", MAP "dat: {}\n");
	write_file("poor/a.yaml",
		   "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {siez: 1}\n");
	write_file("secret/notes.txt", "key: AKI"
				       "AQYLPMN5HHHFPZAM2\n");
	write_file(
		"crd.yaml",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
		"spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, "
		"served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
		"properties: {size: {type: integer}}}}}}}]}\n");
	write_file("allow.yaml", "- {rule: unknown-field, path: bad/*, reason: known}\n");
	write_file("no-reason.yaml", "- {rule: unknown-field, path: bad/*}\n");
	return 0;
}

static int remove_directories(void **state)
{
	static const char *const paths[] = {
		"good/a.yaml", "bad/a.yaml", "poor/a.yaml",    "secret/notes.txt",
		"crd.yaml",    "allow.yaml", "no-reason.yaml", "good",
		"bad",	       "poor",	     "secret"
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		remove(paths[i]);
	return chdir("/") == 0 ? rmdir(*state) : -1;
}

static void the_exit_status_tells_how_it_is(void **state)
{
	cleanup_ran struct ran good = CHECK("good"), bad = CHECK("bad"), poor = CHECK("poor");
	cleanup_ran struct ran strict = CHECK("--strict", "poor"), none = CHECK("nowhere"),
			       secret = CHECK("secret");
	assert_int_equal(good.status, EXIT_OK);
	assert_has(good.out, "0 errors, 0 warnings, 0 notes in 1 object, for Kubernetes 1.");
	assert_int_equal(bad.status, EXIT_DIFFERS);
	assert_has(
		bad.out,
		"bad/a.yaml\n  4:1     error   unknown-field  ConfigMap a  dat\n          there is no field `dat`; did you mean `data`?\n");
	assert_int_equal(poor.status, EXIT_OK);
	assert_int_equal(strict.status, EXIT_DIFFERS);
	assert_int_equal(none.status, EXIT_TROUBLE);
	assert_has(none.err, "capstan: check: there is no directory nowhere");
	assert_string_equal(none.out, "");
	assert_int_equal(secret.status, EXIT_DIFFERS);
	assert_has(secret.out, "cloud-key");
	assert_null(strstr(secret.out, "QYLPMN5HHHFPZAM2"));
}

static void formats_are_documents(void **state)
{
	static const char *const formats[] = { "json", "sarif" };
	for (size_t i = 0; i < 2; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		cleanup_ran struct ran r = CHECK("-o", formats[i], "bad");
		struct node *root;
		assert_int_equal(r.status, EXIT_DIFFERS);
		assert_int_equal(json_parse(&a, str_of(r.out), true, &root, NULL), 0);
		assert_non_null(node_get(root, i ? "runs" : "findings"));
	}
	cleanup_ran struct ran yaml = CHECK("-o", "yaml", "bad");
	assert_has(yaml.out, "  rule: unknown-field\n");
}

static void directories_are_environments(void **state)
{
	cleanup_ran struct ran r = CHECK("good", "bad");
	assert_has(r.out, "unknown-field  ConfigMap a  dat (bad)\n");
	assert_has(r.out, "in 2 objects of 2 environments");
}

static void options_are_read(void **state)
{
	cleanup_ran struct ran off = CHECK("--rule", "unknown-field=off", "bad"),
			       allowed = CHECK("--allow=allow.yaml", "bad");
	cleanup_ran struct ran schema = CHECK("--schema", "crd.yaml", "poor"),
			       old = CHECK("--kubernetes-version", "v1.20.3", "good");
	assert_int_equal(off.status, EXIT_OK);
	assert_int_equal(allowed.status, EXIT_OK);
	assert_has(allowed.out, "; 1 allowed");
	assert_int_equal(schema.status, EXIT_DIFFERS);
	assert_has(schema.out, "there is no field `siez`; did you mean `size`?");
	assert_has(old.out, "for Kubernetes 1.20 by the schemas of 1.");
}

/* Apps and Repos are checked with no definition at hand. */
static void own_kinds_are_known(void **state)
{
	mkdir("own", 0755);
	write_file(
		"own/app.yaml",
		"apiVersion: capstan.dev/v1alpha1\nkind: App\nmetadata: {name: a}\nspec: {source: {repo: r, paht: x}}\n");
	cleanup_ran struct ran r = CHECK("own");
	assert_int_equal(r.status, EXIT_DIFFERS);
	assert_has(r.out, "there is no field `paht`; did you mean `path`?");
	assert_null(strstr(r.out, "unknown-kind"));
	remove("own/app.yaml");
	rmdir("own");
}

static void bad_options_are_told(void **state)
{
	static const struct {
		const char *option, *value, *said;
	} cases[] = {
		{ "--rule", "nope=off", "check: --rule: there is no rule `nope`" },
		{ "--rule", "token=grave",
		  "check: --rule: token=grave: it takes off, note, warning or error" },
		{ "--kubernetes-version", "newest",
		  "check: --kubernetes-version: newest is none; it is of the form 1." },
		{ "--kubernetes-version", "2.1", "check: --kubernetes-version: 2.1 is none" },
		{ "--allow", "no-reason.yaml", "check: no-reason.yaml:1: the entry gives no reason" },
		{ "--allow", "nowhere.yaml", "check: nowhere.yaml" },
		{ "--schema", "allow.yaml",
		  "check: allow.yaml: holds neither a CustomResourceDefinition nor an OpenAPI document" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_ran struct ran r = CHECK(cases[i].option, cases[i].value, "good");
		assert_int_equal(r.status, EXIT_TROUBLE);
		assert_has(r.err, cases[i].said);
		assert_string_equal(r.out, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_tells_how_it_is),
		cmocka_unit_test(formats_are_documents),
		cmocka_unit_test(directories_are_environments),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(own_kinds_are_known),
		cmocka_unit_test(bad_options_are_told),
	};
	return cmocka_run_group_tests(tests, make_directories, remove_directories);
}
