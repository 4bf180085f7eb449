/* auth.c - headers of fixed credentials, and exec plugins that are little shell scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kube/auth.h"

static struct loop *loop;

static void changed(void *arg)
{
	++*(int *)arg;
	loop_stop(loop);
}

static void fixed_credentials(void **unused)
{
	static const struct {
		struct kube_config config;
		const char *want;
	} cases[] = {
		{ { .token = "t" }, "Bearer t" },
		{ { .username = "user", .password = "pass" }, "Basic dXNlcjpwYXNz" },
		{ { .server = "x" }, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kube_auth *auth = kube_auth_new(loop, &cases[i].config, changed, NULL);
		assert_int_equal(kube_auth_check(auth, NULL), KUBE_AUTH_READY);
		if (cases[i].want)
			assert_string_equal(kube_auth_header(auth), cases[i].want);
		else
			assert_null(kube_auth_header(auth));
		assert_false(kube_auth_rejected(auth));
		kube_auth_free(auth);
	}
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_token_file_is_read_again_after_401(void **unused)
{
	char path[] = "/tmp/capstan-token-XXXXXX";
	close(mkstemp(path));
	put(path, "one\n");
	struct kube_config config = { .token_file = path };
	struct kube_auth *auth = kube_auth_new(loop, &config, changed, NULL);
	struct error err = ERROR_INIT;
	assert_int_equal(kube_auth_check(auth, &err), KUBE_AUTH_READY);
	assert_string_equal(kube_auth_header(auth), "Bearer one");
	put(path, "two\n");
	assert_int_equal(kube_auth_check(auth, &err), KUBE_AUTH_READY);
	assert_string_equal(kube_auth_header(auth), "Bearer one");
	assert_true(kube_auth_rejected(auth));
	assert_int_equal(kube_auth_check(auth, &err), KUBE_AUTH_READY);
	assert_string_equal(kube_auth_header(auth), "Bearer two");
	kube_auth_free(auth);
	unlink(path);
	auth = kube_auth_new(loop, &config, changed, NULL);
	assert_int_equal(kube_auth_check(auth, &err), KUBE_AUTH_FAILED);
	kube_auth_free(auth);
}

#define CREDENTIAL(status)                                                                                    \
	"{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{" status \
	"}}"

static struct kube_exec_plugin plugin_of(const char *script)
{
	static const char *args[3];
	static const char *const env[] = { "WORD=w", NULL };
	args[0] = "-c";
	args[1] = script;
	return (struct kube_exec_plugin){
		.command = "sh",
		.args = args,
		.env = env,
		.api_version = "client.authentication.k8s.io/v1",
		.provide_cluster_info = true,
		.install_hint = "install it",
	};
}

static enum kube_auth_state ask(struct kube_exec_plugin plugin, struct kube_auth **out,
				struct kube_config *config, struct error *err)
{
	static int calls;
	calls = 0;
	*config = (struct kube_config){ .server = "https://s", .exec = &plugin };
	*out = kube_auth_new(loop, config, changed, &calls);
	if (kube_auth_check(*out, err) == KUBE_AUTH_FAILED)
		return KUBE_AUTH_FAILED;
	assert_int_equal(kube_auth_check(*out, err), KUBE_AUTH_WAIT);
	loop_run(loop);
	assert_int_equal(calls, 1);
	return kube_auth_check(*out, err);
}

static void a_plugin_gives_a_token(void **unused)
{
	struct kube_auth *auth;
	struct kube_config config;
	struct error err = ERROR_INIT;
	/* It gets the server's address and its own environment. */
	const char *script =
		"case $KUBERNETES_EXEC_INFO in *https://s*v1*|*v1*https://s*) ;; *) exit 1;; esac\n"
		"printf %s '" CREDENTIAL("\"token\":\"'$WORD'\"") "'";
	if (ask(plugin_of(script), &auth, &config, &err) != KUBE_AUTH_READY)
		fail_msg("%s", err.text);
	assert_string_equal(kube_auth_header(auth), "Bearer w");
	kube_auth_free(auth);
}

static void a_plugin_gives_a_certificate(void **unused)
{
	struct kube_auth *auth;
	struct kube_config config;
	struct str cert, key;
	unsigned generation = 0;
	assert_int_equal(ask(plugin_of("printf %s '" CREDENTIAL(
				     "\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\"") "'"),
			     &auth, &config, NULL),
			 KUBE_AUTH_READY);
	kube_auth_certificate(auth, &cert, &key, &generation);
	assert_true(str_is(cert, "C") && str_is(key, "K"));
	assert_int_equal(generation, 1);
	kube_auth_free(auth);
}

static void an_expired_credential_is_fetched_again(void **unused)
{
	struct kube_auth *auth;
	struct kube_config config;
	assert_int_equal(ask(plugin_of("printf %s '" CREDENTIAL(
				     "\"token\":\"t\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"") "'"),
			     &auth, &config, NULL),
			 KUBE_AUTH_WAIT);
	kube_auth_free(auth);
}

static void plugins_that_fail(void **unused)
{
	static const struct {
		const char *script, *want;
	} cases[] = {
		{ "echo no login >&2; exit 7", "credential plugin sh: exit code 7: no login (install it)" },
		{ "echo nonsense", "its answer is no JSON" },
		{ "echo '{}'", "no ExecCredential" },
		{ "printf %s '" CREDENTIAL("") "'", "neither a token nor a certificate" },
		{ "printf %s '" CREDENTIAL("\"token\":\"a\\nb\"") "'", "line break" },
		{ "printf %s '" CREDENTIAL("\"clientKeyData\":\"a\",\"token\":\"b\"") "'", "needs its key" },
		{ "printf %s '" CREDENTIAL("\"token\":\"b\",\"expirationTimestamp\":\"soon\"") "'",
		  "RFC 3339" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kube_auth *auth;
		struct kube_config config;
		struct error err = ERROR_INIT;
		assert_int_equal(ask(plugin_of(cases[i].script), &auth, &config, &err), KUBE_AUTH_FAILED);
		if (!strstr(err.text, cases[i].want))
			fail_msg("case %zu: \"%s\"", i, err.text);
		kube_auth_free(auth);
	}
	struct kube_auth *auth;
	struct kube_config config;
	struct error err = ERROR_INIT;
	struct kube_exec_plugin missing = plugin_of("");
	missing.command = "no-such-plugin";
	assert_int_equal(ask(missing, &auth, &config, &err), KUBE_AUTH_FAILED);
	assert_string_equal(
		err.text,
		"credential plugin no-such-plugin: no-such-plugin: no such file or directory (install it)");
	kube_auth_free(auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_credentials),
		cmocka_unit_test(a_token_file_is_read_again_after_401),
		cmocka_unit_test(a_plugin_gives_a_token),
		cmocka_unit_test(a_plugin_gives_a_certificate),
		cmocka_unit_test(an_expired_credential_is_fetched_again),
		cmocka_unit_test(plugins_that_fail),
	};
	loop = loop_new();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	loop_free(loop);
	return rc;
}
