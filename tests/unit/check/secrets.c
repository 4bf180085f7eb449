/*
 * Secrets in plain text. Those here are made up, and put together only when the test runs, so that no scanner
 * takes this file for a leak.
 */
#include "../cmocka_all.h"

#include <stdio.h>

#include "check/secrets.h"

struct seen {
	size_t n;
	struct secret last;
	char said[512];
};

static void see(void *ctx, const struct secret *s)
{
	struct seen *seen = ctx;
	size_t at = strlen(seen->said);
	seen->n++;
	seen->last = *s;
	snprintf(seen->said + at, sizeof(seen->said) - at, "%s%u:%u %s", at ? "; " : "", s->line, s->column,
		 check_rules[s->rule].id);
}

static struct seen scan(const char *text)
{
	struct seen seen = { .n = 0 };
	secrets_scan(str_of(text), see, &seen);
	return seen;
}

#define RANDOM "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF1hJ2kL3nP5rT7"

static void tokens_are_known_by_their_form(void **state)
{
	static const struct {
		const char *head, *body;
		enum check_rule rule;
	} cases[] = {
		{ "AKI"
		  "A",
		  "QYLPMN5HHHFPZAM2", RULE_CLOUD_KEY },
		{ "ghp"
		  "_",
		  "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF1hJ2", RULE_TOKEN },
		{ "github"
		  "_pat_",
		  RANDOM "_" RANDOM, RULE_TOKEN },
		{ "glpat"
		  "-",
		  "aB3dE5gH7jK9mN1pQ2sT", RULE_TOKEN },
		{ "xoxb"
		  "-",
		  "1234567890-aB3dE5gH7jK9mN1pQ2sT", RULE_TOKEN },
		{ "sk_live"
		  "_",
		  "aB3dE5gH7jK9mN1pQ2sT4vW6", RULE_TOKEN },
		{ "npm"
		  "_",
		  "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF1hJ2", RULE_TOKEN },
		{ "pypi"
		  "-AgE",
		  RANDOM RANDOM, RULE_TOKEN },
		{ "AIz"
		  "a",
		  "SyB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF1h", RULE_CLOUD_KEY },
		{ "AccountKey"
		  "=",
		  RANDOM "/+aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF1hJ2==", RULE_CLOUD_KEY },
		{ "hvs"
		  ".",
		  "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8b", RULE_TOKEN },
		{ "dop_v1"
		  "_",
		  "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea", RULE_CLOUD_KEY },
		{ "AGE-SECRET"
		  "-KEY-1",
		  "QYLPMN5HHHFPZAM2QYLPMN5HHHFPZAM2QYLPMN5HHHFPZAM2QYLPMN5HHH", RULE_PRIVATE_KEY },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		snprintf(text, sizeof(text), "a line\nkey: %s%s # comment\n", cases[i].head, cases[i].body);
		struct seen seen = scan(text);
		if (seen.n != 1 || seen.last.rule != cases[i].rule || seen.last.line != 2 ||
		    seen.last.column != 6)
			fail_msg("%s: %s", cases[i].head, seen.said);
		/* What it is part of is another word. */
		snprintf(text, sizeof(text), "key: x%s%s\n", cases[i].head, cases[i].body);
		seen = scan(text);
		assert_true(seen.n == 0 ||
			    seen.last.rule == RULE_PASSWORD); /* by the name of the key alone */
		/* A letter over and over is an example. */
		memset(strchr(text, 'x') + 1 + strlen(cases[i].head), 'a', strlen(cases[i].body));
		memmove(strchr(text, 'x'), strchr(text, 'x') + 1, strlen(strchr(text, 'x')));
		assert_int_equal(scan(text).n, 0);
	}
}

static void web_tokens_are_three_parts(void **state)
{
	assert_string_equal(
		scan("t: eyJhbGciOiJIUzI1NiJ9eyJ.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWlzLWhlcmUtMTIzNA\n").said,
		"1:4 token");
	assert_int_equal(scan("t: eyJhbGciOiJIUzI1NiJ9eyJ.eyJzdWIiOiIxMjM0In0\n").n, 0);
	assert_int_equal(scan("t: eyJhbGciOiJIUzI1NiJ9eyJ.eyJzdWIiOiIxMjM0In0.x\n").n, 0);
}

#define BEGIN(what) "-----BEGIN " what "-----"
#define BODY "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static void private_keys(void **state)
{
	assert_string_equal(scan("x\n" BEGIN("PRIVATE KEY") "\n" BODY "\n").said, "2:1 private-key");
	assert_string_equal(scan("  k: |\n    " BEGIN("EC PRIVATE KEY") "\n    " BODY "\n").said,
			    "2:5 private-key");
	assert_string_equal(scan("{\"private_key\": \"" BEGIN("PRIVATE KEY") "\\n" BODY "\\n\"}").said,
			    "1:18 private-key");
	assert_string_equal(scan(BEGIN("PGP PRIVATE KEY BLOCK") "\n\nlQdGBF\n").said, "1:1 private-key");
	assert_int_equal(scan(BEGIN("PUBLIC KEY") "\n" BODY "\n").n, 0);
	assert_int_equal(scan(BEGIN("CERTIFICATE") "\n" BODY "\n").n, 0);
	assert_int_equal(scan(BEGIN("ENCRYPTED PRIVATE KEY") "\n" BODY "\n").n, 0);
	assert_int_equal(
		scan(BEGIN("RSA PRIVATE KEY") "\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n" BODY "\n").n, 0);
	assert_int_equal(scan(BEGIN("PRIVATE KEY") "\n...\n").n, 0);
	/* In base64, as in kubeconfigs. */
	assert_string_equal(
		scan("client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVFSUFBQkFnTUVCUVlIQ0FrS0N3d05EZzhRRVJJVEZCVVdGeGdaR2hzY0hSNGZvQW9HQ0NxR1NNNDlBd0VI\n")
			.said,
		"1:18 private-key");
	assert_int_equal(
		scan("ca: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJkekNDQVIyZ0F3SUJBZ0lCQURBS0JnZ3Foa2pPUFFRREFqQWpNU0V3SHdZRFZRUUREQmhyTTNNdGMyVnlkbVZ5TFdOaFFERTM=\n")
			.n,
		0);
}

static void passwords_are_known_by_name_and_value(void **state)
{
	assert_string_equal(scan("db:\n  password: kR7-vq2TzL9pXw4\n").said, "2:13 password");
	assert_string_equal(scan("DB_PASSWORD=kR7-vq2TzL9pXw4\n").said, "1:13 password");
	assert_string_equal(scan("{\"apiKey\": \"kR7-vq2TzL9pXw4\", \"x\": 1}").said, "1:13 password");
	assert_string_equal(scan("secretAccessKey := \"kR7vq2TzL9pXw4kR\"").said, "1:21 password");
	assert_string_equal(scan("url: amqp://shop:kR7vq2TzL9@mq:5672/\n").said, "1:18 password");
	static const char *const none[] = {
		"password: changeme\n",
		"password: correct-horse-battery\n",
		"password: ${PASSWORD}\n",
		"password: {{ .Values.password }}\n",
		"password: ENC[AES256_GCM,data:kR7vq2TzL9pXw4]\n",
		"password: <kR7vq2TzL9pXw4>\n",
		"passwordSecretName: kR7-vq2TzL9pXw4\n",
		"secretName: web-tls-5b8f9c7d6\n",
		"token: web-token-v2\n",
		"checksum/secret: 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e\n",
		"image: registry/kR7-vq2TzL9pXw4\n",
		"tokenPath: /var/run/kR7vq2TzL9pXw4\n",
		"password = node1PrivateKeyFromSomewhere\n",
		"password:\n  kR7-vq2TzL9pXw4: x\n",
		"url: http://localhost:8080/@kR7vq2TzL9\n",
		"url: postgres://postgres:postgres@db/x\n",
		"url: https://user:${PASS}@host/\n",
		"mail: mailto://a@b\n",
	};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (scan(none[i]).n)
			fail_msg("%s: %s", none[i], scan(none[i]).said);
}

static void names_of_passwords(void **state)
{
	static const char *const yes[] = {
		"password", "DB_PASSWORD",	     "dbPassword",    "postgres-password", "API_KEY",
		"apiKey",   "AWS_SECRET_ACCESS_KEY", "client_secret", "authToken",	   "encryption.key"
	};
	static const char *const no[] = { "",	       "passwordFile", "secretRef",
					  "key",       "publicKey",    "tokens",
					  "csrfToken", "bypass",       "PASSWORD_HASH",
					  "monkey",    "secretKeyRef" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!secret_is_named(str_of(yes[i])))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (secret_is_named(str_of(no[i])))
			fail_msg("%s", no[i]);
}

static void identities_do_not_tell_passwords(void **state)
{
	struct seen seen = scan("password: kR7-vq2TzL9pXw4\n");
	assert_true(str_is(secret_identity(&seen.last), "password"));
	seen = scan("key: AKI"
		    "AQYLPMN5HHHFPZAM2\n");
	assert_int_equal(secret_identity(&seen.last).n, 20);
}

/* Each would be the square of a million without the limits on runs. */
static void hostile_texts_end(void **state)
{
	static const char *const parts[] = { "glpat-aB3.",	"eyJhbGciOiJIUzI1NiJ9.",
					     "password: ",	"=",
					     "://a:b",		"-----BEGIN ",
					     "LS0tLS1CRUdJTi+", "password=\"a" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		cleanup_buf struct buf text = BUF_INIT;
		while (text.n < 1000000)
			buf_adds(&text, parts[i]);
		(void)scan(text.p);
	}
	assert_true(secrets_is_binary((struct str){ "a\0b", 3 }));
	assert_false(secrets_is_binary(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_known_by_their_form),
		cmocka_unit_test(web_tokens_are_three_parts),
		cmocka_unit_test(private_keys),
		cmocka_unit_test(passwords_are_known_by_name_and_value),
		cmocka_unit_test(names_of_passwords),
		cmocka_unit_test(identities_do_not_tell_passwords),
		cmocka_unit_test(hostile_texts_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
