/* Names of files for objects: stable, apart from one another on every file system, and never a way out. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "operator/hydrate.h"
#include "doc/yaml.h"

static struct render_object object(const char *group, const char *kind, const char *namespace,
				   const char *name)
{
	return (struct render_object){ .group = str_of(group),
				       .version = STR("v1"),
				       .kind = str_of(kind),
				       .namespace = str_of(namespace),
				       .name = str_of(name),
				       .file = "deploy/a.yaml",
				       .line = 3 };
}

static void names_that_people_read(void **state)
{
	static const char *const cases[][5] = {
		{ "", "Service", "shop", "web", "shop/Service-web.yaml" },
		{ "apps", "Deployment", "shop", "web", "shop/Deployment-web.yaml" },
		{ "networking.k8s.io", "Ingress", "shop", "web.example.com",
		  "shop/Ingress-web.example.com.yaml" },
		{ "cert-manager.io", "Certificate", "shop", "web",
		  "shop/Certificate.cert-manager.io-web.yaml" },
		{ "events.k8s.io", "Event", "shop", "e", "shop/Event.events.k8s.io-e.yaml" },
		{ "", "Namespace", "", "shop", "_cluster/Namespace-shop.yaml" },
		{ "", "ConfigMap", "", "c", "target/ConfigMap-c.yaml" },
		{ "example.com", "Thing", "", "t", "target/Thing.example.com-t.yaml" },
		/* What is no DNS name keeps what can be read of it, and a hash. */
		{ "rbac.authorization.k8s.io", "ClusterRole", "", "system:node",
		  "_cluster/ClusterRole-system_node-c3a6d94a2e.yaml" },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct render_object o = object(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
		char *path = hydrate_path(&a, &o, "target");
		if (i + 1 < sizeof(cases) / sizeof(cases[0]))
			assert_string_equal(path, cases[i][4]);
		else
			assert_int_equal(
				strncmp(path, cases[i][4], strlen("_cluster/ClusterRole-system_node-")), 0);
		assert_true(hydrate_is_ours(path));
	}
	struct render_object o = object("", "ConfigMap", "", "c");
	assert_string_equal(hydrate_path(&a, &o, NULL), "_none/ConfigMap-c.yaml");
}

static void hostile_names_stay_inside(void **state)
{
	static const char *const names[] = { "../../etc/passwd", "..", ".",   "a/b", "a\\b",	      "a\nb",
					     "\xff\xfe",	 "A",  "a:b", "a b", "\xe2\x80\xaex", "" };
	cleanup_arena struct arena a = ARENA_INIT;
	char lengthy[5000];
	memset(lengthy, 'x', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		const char *name = i < sizeof(names) / sizeof(names[0]) ? names[i] : lengthy;
		struct render_object all[] = { object("", "Thing", "ns", name),
					       object(name, "Thing", "ns", "x"), object("", name, "ns", "x"),
					       object("", "Thing", name, "x") };
		for (size_t k = 0; k < 4; k++) {
			const char *path = hydrate_path(&a, &all[k], NULL), *slash = strchr(path, '/');
			assert_non_null(slash);
			assert_ptr_equal(slash, strrchr(path, '/'));
			assert_true(path[0] != '.' && slash[1] != '.');
			assert_true(strlen(path) <= 2 * HYDRATE_NAME_MAX + 10);
			for (const char *c = path; *c; c++)
				assert_true(*c > ' ' && *c < 0x7f && !strchr("\\:*?\"<>|", *c));
		}
	}
	struct render_object device = object("", "Thing", "aux", "x");
	assert_int_equal(strncmp(hydrate_path(&a, &device, NULL), "aux-", 4), 0);
}

/* Objects with a root each; the files that they become. */
static int files_of(struct arena *a, struct render_object *objects, size_t n, bool secrets,
		    struct commit_file **files, struct error *err)
{
	struct hydrate_options options = { .namespace = "target", .secrets = secrets };
	size_t n_files;
	for (size_t i = 0; i < n; i++) {
		if (objects[i].root)
			continue;
		objects[i].root = node_map(a);
		node_set(a, objects[i].root, STR("kind"), node_string(a, objects[i].kind));
	}
	int rc = hydrate_files(a, objects, n, &options, files, &n_files, err);
	assert_int_equal(n_files, n);
	return rc;
}

static void names_that_meet_get_a_hash(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_file *files;
	struct error err = ERROR_INIT;
	struct render_object objects[] = {
		object("my-group.io", "Kind", "ns", "web"), /* Kind.my-group.io-web */
		object("my", "Kind", "ns", "group.io-web"), /* the same */
		object("x.io", "Foo", "ns", "a"),
		object("x.io", "FOO", "ns", "a"), /* by its capitals */
		object("x.io", "Bar", "ns", "a"),
	};
	if (files_of(&a, objects, 5, false, &files, &err) != 0)
		fail_msg("%s", err.text);
	unsigned hashed = 0;
	for (size_t i = 0; i < 5; i++) {
		hashed += strcmp(files[i].path, "ns/Bar.x.io-a.yaml") != 0;
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(strcasecmp(files[i].path, files[k].path), 0);
		assert_true(hydrate_is_ours(files[i].path));
	}
	assert_int_equal(hashed, 4);
	struct render_object twice[] = { object("", "ConfigMap", "ns", "a"),
					 object("", "ConfigMap", "ns", "a") };
	assert_int_equal(files_of(&a, twice, 2, false, &files, &err), -1);
	assert_non_null(strstr(err.text, "deploy/a.yaml:3"));
}

static void order_does_not_matter(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_file *one, *two;
	struct render_object objects[] = { object("", "ConfigMap", "b", "x"),
					   object("", "ConfigMap", "a", "x"),
					   object("", "Secret", "a", "x") };
	struct render_object turned[] = { objects[2], objects[1], objects[0] };
	assert_int_equal(files_of(&a, objects, 3, false, &one, NULL), 0);
	assert_int_equal(files_of(&a, turned, 3, false, &two, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(one[i].path, two[i].path);
		assert_true(str_eq(one[i].data, two[i].data));
	}
	assert_true(str_is(one[0].data, "kind: ConfigMap\n"));
}

static void secrets_are_not_written_by_accident(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_file *files;
	struct error err = ERROR_INIT;
	struct yaml_stream stream;
	struct render_object o = object("", "Secret", "ns", "key");
	assert_int_equal(
		yaml_parse(&a, STR("kind: Secret\nstringData: {password: hunter2}\n"), &stream, NULL), 0);
	o.root = stream.documents[0].root;
	assert_int_equal(files_of(&a, &o, 1, false, &files, &err), -1);
	assert_non_null(strstr(err.text, "Secret ns/key (deploy/a.yaml:3)"));
	assert_null(strstr(err.text, "hunter2"));
	assert_int_equal(files_of(&a, &o, 1, true, &files, &err), 0);
}

/* What SOPS encrypted may be seen; a key `sops` beside plain values makes them no secret. */
static void encrypted_secrets_pass(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "data: {x: 'ENC[AES256_GCM,data:a,type:str]', y: ''}\nsops: {mac: x}\n", 0 },
		{ "stringData: {x: 'ENC[AES256_GCM,data:a,type:str]'}\nsops: {mac: x}\n", 0 },
		{ "data: {x: 'ENC[a]'}\n", -1 },
		{ "data: {x: 'ENC[a]', y: aHVudGVyMg==}\nsops: {mac: x}\n", -1 },
		{ "data: {x: 'ENC[a]'}\nstringData: {x: hunter2}\nsops: {mac: x}\n", -1 },
		{ "stringData: {x: 5}\nsops: {mac: x}\n", -1 },
		{ "stringData: {x: {y: hunter2}}\nsops: {mac: x}\n", -1 },
		{ "type: Opaque\n", 0 },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_file *files;
	struct yaml_stream stream;
	struct render_object o = object("", "Secret", "ns", "key");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		assert_int_equal(yaml_parse(&a, str_of(cases[i].text), &stream, NULL), 0);
		o.root = stream.documents[0].root;
		if (files_of(&a, &o, 1, false, &files, &err) != cases[i].rc)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void what_is_not_ours_stays(void **state)
{
	static const char *const others[] = {
		"README.md",	  "CODEOWNERS", ".github/ci-x.yaml",	   "a/b/c-d.yaml",
		"docs/readme.md", "x-y.yaml",	"shop/kustomization.yaml", "Docs/a-b.yaml",
		"shop/-x.yaml"
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (hydrate_is_ours(others[i]))
			fail_msg("%s", others[i]);
}

static void messages_name_the_source(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct commit_spec spec = { 0 };
	struct hydrate_source source = { "environment", "prod", "0123456789abcdef0123456789abcdef01234567",
					 "a new port" };
	hydrate_message(&a, &source, &spec);
	commit_message(&spec, &text);
	assert_string_equal(text.p, "Render prod at 0123456789ab: a new port\n\n"
				    "Source-Commit: 0123456789abcdef0123456789abcdef01234567\n"
				    "Capstan-Environment: prod\n");
	source = (struct hydrate_source){ "app", "shop/web", "0123456789abcdef0123456789abcdef01234567",
					  NULL };
	hydrate_message(&a, &source, &spec);
	buf_clear(&text);
	commit_message(&spec, &text);
	assert_non_null(strstr(text.p, "\nCapstan-App: shop/web\n"));
	char lengthy[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
	source.subject = lengthy;
	hydrate_message(&a, &source, &spec);
	assert_true(strlen(spec.subject) <= 100 && str_utf8(str_of(spec.subject)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_people_read),
		cmocka_unit_test(hostile_names_stay_inside),
		cmocka_unit_test(names_that_meet_get_a_hash),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(secrets_are_not_written_by_accident),
		cmocka_unit_test(encrypted_secrets_pass),
		cmocka_unit_test(what_is_not_ours_stays),
		cmocka_unit_test(messages_name_the_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
