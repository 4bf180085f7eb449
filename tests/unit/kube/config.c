/* config.c - kubectl's loading rules as cases; files live in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "kube/config.h"

#define HEAD \
	"apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: 'https://h:6443/'}}]\n"

static char dir[] = "/tmp/capstan-config-XXXXXX";

static const char *path_of(const char *name)
{
	static char text[4][256];
	static int at;
	char *p = text[at++ % 4];
	snprintf(p, sizeof(text[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int parse(struct arena *a, const char *text, struct kube_config *out, struct error *err)
{
	return kube_config_parse(a, str_of(text), dir, NULL, out, err);
}

static void everything(void **unused)
{
	static const char text[] =
		"current-context: other\n"
		"contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: ns}\n"
		"clusters:\n- name: k\n  cluster:\n    server: https://h:6443/p//\n    certificate-authority-data: Q0E=\n"
		"    tls-server-name: name\n    proxy-url: http://p:1\n"
		"users:\n- name: u\n  user:\n    client-certificate-data: Q0VS\n    client-key: key.pem\n    as: someone\n"
		"    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: ./bin/login\n"
		"      args: [a, b c]\n      env: [{name: X, value: '1'}]\n      provideClusterInfo: true\n"
		"      interactiveMode: IfAvailable\n      installHint: get it\n";
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config c;
	struct error err = ERROR_INIT;
	put("key.pem", "KEY");
	assert_int_equal(kube_config_parse(&a, str_of(text), dir, "c", &c, &err), 0);
	assert_string_equal(c.server, "https://h:6443/p");
	assert_string_equal(c.context, "c");
	assert_string_equal(c.namespace, "ns");
	assert_true(str_is(c.ca_pem, "CA") && str_is(c.cert_pem, "CER") && str_is(c.key_pem, "KEY"));
	assert_string_equal(c.tls_server_name, "name");
	assert_string_equal(c.proxy_url, "http://p:1");
	assert_string_equal(c.impersonate, "someone");
	assert_string_equal(c.exec->command, path_of("./bin/login"));
	assert_string_equal(c.exec->args[1], "b c");
	assert_null(c.exec->args[2]);
	assert_string_equal(c.exec->env[0], "X=1");
	assert_true(c.exec->provide_cluster_info);
	assert_string_equal(c.exec->install_hint, "get it");
}

static void defaults(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config c;
	assert_int_equal(parse(&a,
			       "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
			       "clusters: [{name: k, cluster: {server: 'localhost:8080'}}]\n",
			       &c, NULL),
			 0);
	assert_string_equal(c.server, "http://localhost:8080");
	assert_string_equal(c.namespace, "default");
	assert_null(c.token);
	assert_null(c.exec);
	assert_false(c.insecure);
}

static void a_token_wins_over_a_plugin(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config c;
	assert_int_equal(parse(&a, HEAD CLUSTER "users: [{name: u, user: {token: t, exec: {command: x}}}]\n",
			       &c, NULL),
			 0);
	assert_string_equal(c.token, "t");
	assert_null(c.exec);
}

static const struct {
	const char *text, *want; /* a part of the message */
} errors[] = {
	{ "", "no current-context" },
	{ "[]", "no kubeconfig" },
	{ "kind: Pod", "kind is Pod" },
	{ "a: b: c", ":" },
	{ "contexts: []", "no current-context" },
	{ "current-context: x", "no context is named \"x\"" },
	{ HEAD, "no cluster is named \"k\"" },
	{ HEAD CLUSTER, "no user is named \"u\"" },
	{ HEAD "clusters: [{name: k, cluster: {}}]", "has no server" },
	{ HEAD "clusters: [{name: k, cluster: {server: s, certificate-authority-data: '!'}}]",
	  "is not base64" },
	{ HEAD "clusters: [{name: k, cluster: {server: s, certificate-authority: none.pem}}]",
	  "none.pem: No such file" },
	{ HEAD "clusters: [{name: k, cluster: {server: s, certificate-authority: .}}]", "not a file" },
	{ HEAD "clusters: [{name: k, cluster: {server: s, certificate-authority-data: Q0E=, "
	       "insecure-skip-tls-verify: true}}]",
	  "exclude each other" },
	{ HEAD "clusters: [{name: k, cluster: {server: \"a\\nb\"}}]\nusers: [{name: u, user: {}}]",
	  "line break" },
	{ HEAD CLUSTER "users: [{name: u, user: {client-key-data: Q0E=}}]", "must be given together" },
	{ HEAD CLUSTER "users: [{name: u, user: {auth-provider: {name: gcp}}}]", "auth-provider \"gcp\"" },
	{ HEAD CLUSTER "users: [{name: u, user: {as: x, as-groups: [g]}}]", "as-groups" },
	{ HEAD CLUSTER "users: [{name: u, user: {token: \"a\\nb\"}}]", "line break" },
	{ HEAD CLUSTER "users: [{name: u, user: {token: 12}}]", "token must be a string" },
	{ HEAD CLUSTER "users: [{name: u, user: {exec: {}}}]", "no command" },
	{ HEAD CLUSTER "users: [{name: u, user: {exec: {command: x}}}]", "apiVersion must be" },
	{ HEAD CLUSTER
	  "users: [{name: u, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
	  "interactiveMode: Always}}}]",
	  "wants a terminal" },
	{ HEAD CLUSTER
	  "users: [{name: u, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
	  "env: [{value: v}]}}}]",
	  "without a proper name" },
};

static void messages(void **unused)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct kube_config c;
		struct error err = ERROR_INIT;
		assert_int_equal(parse(&a, errors[i].text, &c, &err), -1);
		if (!strstr(err.text, errors[i].want))
			fail_msg("case %zu: \"%s\" is not in \"%s\"", i, errors[i].want, err.text);
	}
}

static int load(struct arena *a, const char *kubeconfig, const char *context, struct kube_config *out,
		struct error *err)
{
	struct kube_config_options o = { .kubeconfig = kubeconfig, .context = context };
	return kube_config_load(a, &o, out, err);
}

static void several_files(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config c;
	struct error err = ERROR_INIT;
	char list[1024];
	mkdir(path_of("sub"), 0700);
	put("one",
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: 'https://one'}}]\n");
	put("sub/two", HEAD CLUSTER "users: [{name: u, user: {tokenFile: tok}}]\n");
	snprintf(list, sizeof(list), "%s::%s:%s", path_of("none"), path_of("one"), path_of("sub/two"));
	setenv("KUBECONFIG", list, 1);
	assert_int_equal(load(&a, NULL, NULL, &c, &err), 0);
	assert_string_equal(c.server, "https://one"); /* the first that has it wins */
	assert_string_equal(c.namespace, "default");
	assert_string_equal(c.token_file, path_of("sub/tok")); /* beside its own file */
	assert_int_equal(load(&a, NULL, "none", &c, &err), -1);
	assert_non_null(strstr(err.text, "no context is named \"none\""));
	/* --kubeconfig wins over the list, and must exist. */
	assert_int_equal(load(&a, path_of("sub/two"), NULL, &c, &err), 0);
	assert_string_equal(c.server, "https://h:6443");
	assert_int_equal(load(&a, path_of("none"), NULL, &c, &err), -1);
	assert_non_null(strstr(err.text, "none: No such file"));
	put("one", "a: [");
	assert_int_equal(load(&a, NULL, NULL, &c, &err), -1);
	assert_non_null(strstr(err.text, path_of("one")));
}

static void nothing_there(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config c;
	struct error err = ERROR_INIT;
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("HOME", dir, 1);
	assert_int_equal(load(&a, NULL, NULL, &c, &err), -1);
	assert_non_null(strstr(err.text, "there is no ~/.kube/config"));
	mkdir(path_of(".kube"), 0700);
	put(".kube/config", HEAD CLUSTER "users: [{name: u, user: {}}]\n");
	assert_int_equal(load(&a, NULL, NULL, &c, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(defaults),
		cmocka_unit_test(a_token_wins_over_a_plugin),
		cmocka_unit_test(messages),
		cmocka_unit_test(several_files),
		cmocka_unit_test(nothing_there),
	};
	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	char command[64];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 || rc;
}
