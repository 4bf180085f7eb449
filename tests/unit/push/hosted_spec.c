/* Repos with spec.hosted and Gitkube's Remotes, read into the one struct that serves both. */
#include "unit/cmocka_all.h"

#include "doc/yaml.h"
#include "push/gitkube.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqnL9WAcF7+ASlMrIETUcWpSVTaD/1I7x/uvoeNhG6A"
#define HASH "930bbdc51b6aed5c2a5678fd6e28dee7a05e8a4b643cfc0b4427c3efb86c0d94"
#define META "metadata: {namespace: team, name: shop}\nspec:\n"

typedef int read_fn(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err);

static int read_text(struct arena *a, read_fn *read, const char *text, struct hosted_spec *out,
		     struct error *err)
{
	struct yaml_stream stream;
	assert_int_equal(yaml_parse(a, str_of(text), &stream, err), 0);
	return read(a, stream.documents[0].root, out, err);
}

static void a_repo_with_all(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_spec s;
	const char *text = META
		"  hosted:\n"
		"    defaultBranch: trunk\n"
		"    keys:\n"
		"    - {name: ann, key: '" KEY " ann@laptop'}\n"
		"    - {name: bob, key: '" KEY "', right: read}\n"
		"    - {name: cy, key: '" KEY "', right: push, branches: [release/*, 'refs/tags/v*']}\n"
		"    tokens:\n"
		"    - {name: ci, sha256: " HASH ", right: read}\n"
		"    protectedBranches: [trunk, release/**]\n"
		"    maxSize: 20Mi\n"
		"    mirror: {url: 'https://git.example.com/x.git', secretRef: {name: up}}\n"
		"    registry: {url: 'r.example.com:5000/team', secretRef: {name: reg}, insecure: true}\n"
		"    operatorRight: push\n    serviceAccountName: deployer\n";
	assert_int_equal(read_text(&a, hosted_spec_read, text, &s, &err), 0);
	assert_string_equal(s.branch, "trunk");
	assert_int_equal(s.repo.n_keys, 4);
	assert_string_equal(s.repo.keys[0].key, KEY);
	assert_int_equal(s.repo.keys[0].right, HOSTED_PUSH);
	assert_int_equal(s.repo.keys[1].right, HOSTED_READ);
	assert_int_equal(s.repo.keys[2].right, HOSTED_PUSH_BRANCHES);
	assert_string_equal(s.repo.keys[2].branches[1], "refs/tags/v*");
	assert_string_equal(s.repo.keys[3].token_sha256, HASH);
	assert_string_equal(s.repo.keys[3].who, "ci (token)");
	assert_int_equal(s.repo.n_protected, 2);
	assert_int_equal(s.repo.max_bytes, 20 << 20);
	assert_string_equal(s.repo.mirror_url, "https://git.example.com/x.git");
	assert_string_equal(s.mirror_secret, "up");
	assert_string_equal(s.repo.registry.url, "r.example.com:5000/team");
	assert_string_equal(s.registry_secret, "reg");
	assert_true(s.repo.registry.insecure);
	assert_string_equal(s.repo.service_account, "deployer");
	assert_int_equal(s.operator_right, HOSTED_PUSH);
	assert_false(s.repo.remote);
}

static void a_repo_with_nothing(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_spec s;
	assert_int_equal(read_text(&a, hosted_spec_read, META "  hosted: {}\n", &s, &err), 0);
	assert_string_equal(s.branch, "main");
	assert_int_equal(s.repo.n_keys, 0);
	assert_int_equal(s.repo.n_protected, 1);
	assert_string_equal(s.repo.protected[0], "main");
	assert_true(s.repo.max_bytes == HOSTED_SIZE_DEFAULT);
	assert_null(s.repo.registry.url);
	assert_int_equal(s.operator_right, HOSTED_READ);
	assert_int_equal(
		read_text(&a, hosted_spec_read, META "  hosted: {protectedBranches: []}\n", &s, &err), 0);
	assert_int_equal(s.repo.n_protected, 0);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ META "  hosted: {keys: [{name: a, key: x}]}\n", "spec.hosted.keys: [0] (a): key" },
		{ META "  hosted: {keys: [{key: x}]}\n", "name" },
		{ META "  hosted: {keys: [{name: a, key: '" KEY "', right: admin}]}\n", "right" },
		{ META "  hosted: {keys: [{name: a, key: '" KEY "', branches: ['a b']}]}\n", "branches" },
		{ META "  hosted: {tokens: [{name: a, sha256: abc}]}\n", "sha256" },
		{ META "  hosted: {maxSize: much}\n", "maxSize" },
		{ META "  hosted: {maxSize: 99999999Ti}\n", "maxSize" },
		{ META "  hosted: {mirror: {url: 'ftp://x'}}\n", "mirror.url" },
		{ META "  hosted: {mirror: {url: 'http://x/y', secretRef: {name: s}}}\n", "https://" },
		{ "metadata: {namespace: team, name: ../x}\nspec: {hosted: {}}\n", "metadata" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct hosted_spec s;
		assert_int_equal(read_text(&a, hosted_spec_read, bad[i].text, &s, &err), -1);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

/* As in Gitkube's own documentation of a Remote. */
static void a_remote_with_all(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_spec s;
	const char *text =
		"apiVersion: gitkube.sh/v1alpha1\nkind: Remote\n" META "  authorizedKeys:\n  - '" KEY
		" ann@laptop'\n  - ''\n  - '" KEY "'\n"
		"  manifests: {path: ./k8s/}\n"
		"  registry:\n    url: docker.io/user\n    credentials: {secretRef: regsecret}\n"
		"  deployments:\n"
		"  - name: www\n"
		"    containers:\n"
		"    - {name: www, path: example/www, dockerfile: example/www/Dockerfile, buildArgs: [{name: A, value: b=c}]}\n"
		"    - {name: side, path: example/side, dockerfile: docker/Side, noCache: true}\n"
		"  - name: api\n"
		"    containers: [{name: api, path: ./, dockerfile: build/Dockerfile}, {name: x, path: /x}]\n";
	assert_int_equal(read_text(&a, gitkube_read, text, &s, &err), 0);
	assert_true(s.repo.remote);
	assert_string_equal(s.branch, "master");
	assert_int_equal(s.repo.n_keys, 2);
	assert_string_equal(s.repo.keys[0].who, "ann@laptop");
	assert_string_equal(s.repo.keys[1].who, "key-3");
	assert_int_equal(s.repo.keys[1].right, HOSTED_PUSH);
	assert_int_equal(s.repo.n_protected, 0);
	assert_string_equal(s.repo.manifests, "k8s");
	assert_string_equal(s.repo.registry.url, "docker.io/user");
	assert_string_equal(s.registry_secret, "regsecret");
	assert_null(s.registry_key);
	assert_int_equal(s.repo.n_containers, 4);
	assert_string_equal(s.repo.containers[0].deployment, "www");
	assert_string_equal(s.repo.containers[0].path, "example/www");
	assert_string_equal(s.repo.containers[0].dockerfile, "Dockerfile");
	assert_string_equal(s.repo.containers[0].build_args[0], "A=b=c");
	assert_string_equal(s.repo.containers[1].dockerfile, "../../docker/Side");
	assert_true(s.repo.containers[1].no_cache);
	assert_string_equal(s.repo.containers[2].path, ".");
	assert_string_equal(s.repo.containers[2].dockerfile, "build/Dockerfile");
	assert_string_equal(s.repo.containers[3].path, "x");
	assert_string_equal(s.repo.containers[3].dockerfile, "Dockerfile");
}

static void a_remote_with_a_key_of_a_secret(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_spec s;
	const char *text =
		META "  registry: {url: r, credentials: {secretKeyRef: {name: s, key: k, optional: true}}}\n";
	assert_int_equal(read_text(&a, gitkube_read, text, &s, &err), 0);
	assert_string_equal(s.registry_secret, "s");
	assert_string_equal(s.registry_key, "k");
	assert_true(s.registry_optional);
}

static void remotes_that_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ META "  manifests: {path: chart, helm: {release: r}}\n", "spec.manifests.helm" },
		{ META "  manifests: {path: ../x}\n", "leaves the repository" },
		{ META "  authorizedKeys: [what]\n", "authorizedKeys[0]" },
		{ META "  deployments: [{containers: []}]\n", "name" },
		{ META "  deployments: [{name: a, containers: [{path: x}]}]\n", "containers[0]" },
		{ META "  deployments: [{name: a, containers: [{name: b, path: ../..}]}]\n",
		  "leaves the repository" },
		{ META "  deployments: [{name: a, containers: [{name: b, path: x, dockerfile: ../D}]}]\n",
		  "dockerfile" },
		{ META
		  "  deployments: [{name: a, containers: [{name: b, path: x, buildArgs: [{name: A=B}]}]}]\n",
		  "buildArgs" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct hosted_spec s;
		assert_int_equal(read_text(&a, gitkube_read, bad[i].text, &s, &err), -1);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

static void logins(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_registry r = { .url = "r.example.com:5000/team" };
	struct str two =
		STR("{\"auths\":{\"https://index.docker.io/v1/\":{\"username\":\"d\",\"password\":\"p\"},"
		    "\"r.example.com:5000\":{\"auth\":\"dTpwOnE=\"}}}");
	assert_int_equal(registry_login(&a, two, &r, &err), 0);
	assert_string_equal(r.username, "u");
	assert_string_equal(r.password, "p:q");
	r.url = "docker.io/user";
	assert_int_equal(registry_login(&a, two, &r, &err), 0);
	assert_string_equal(r.username, "d");
	r.url = "elsewhere.example.com";
	assert_int_equal(registry_login(&a, two, &r, &err), -1);
	assert_non_null(strstr(err.text, "elsewhere.example.com"));
	assert_int_equal(registry_login(&a, STR("{\"auths\":{\"x\":{\"auth\":\"dTpw\"}}}"), &r, &err), 0);
	assert_string_equal(r.password, "p");
	static const char *const bad[] = { "", "{}", "{\"auths\":{\"x\":{}}}",
					   "{\"auths\":{\"x\":{\"auth\":\"!!\"}}}", "[]" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(registry_login(&a, str_of(bad[i]), &r, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repo_with_all),
		cmocka_unit_test(a_repo_with_nothing),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_remote_with_all),
		cmocka_unit_test(a_remote_with_a_key_of_a_secret),
		cmocka_unit_test(remotes_that_are_refused),
		cmocka_unit_test(logins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
