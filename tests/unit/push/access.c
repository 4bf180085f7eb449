/* Keys, tokens and rights: who is who, and which refs of a push pass. */
#include "unit/cmocka_all.h"

#include "push/access.h"

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIKqnL9WAcF7+ASlMrIETUcWpSVTaD/1I7x/uvoeNhG6A"
#define ED25519_FINGERPRINT "SHA256:/omcwFET6O8mZ2QM+dEB7ae9p0Untm/3YY3AEP3ATqQ"
#define RSA \
	"AAAAB3NzaC1yc2EAAAADAQABAAABgQDAE4/KrBh+gbhux5uvm6FGtP+DREZn/g3Kc1ZPtLG19AMNiISV7y7xxc8atrMMqoY2lQzpwINvv6/lhKU+rRMrapIULGqD801DV6zYNY115z8nnGZJvpjCUb3spvXfWu+Y+3xbTBJoDWXEPEg1n22jAwoOHWBUITYBoQdoJS4uC3/N2DSC8vv4kBm7UHuemJ5NFzFxcBiNqHXsCbV1d+VZh2u0c9PQccDqxNl6tXYdkUhTonNbHujada0Hz2RccWaBkP5iC8tvBwuCeug54pX5/f93zreVM9Z+YbLFvJpwp0kfIMYtu6ShtI9uZ9fDByxYn2DmOBAUTN7cdmCcG40gVdJX6LWhePhwPnnSVLeCt0jON3FKcCT47eiqIEmDoW/Qed9Trd8tBjA1LN86a1ys/XvGohz5BgXxQH1wv+U8Xc8iWuVZh+FcnkhbMVoookZ3B0ZUEWRagnDpFn0YYXHA8DYZKpFm77N3nbMFABvX+Yt+doNwPHjhQ8RnWoJhosc="
#define RSA_FINGERPRINT "SHA256:ncgqBWQPjQ4Pc5o1aD9mf7mbjF7Ht5qbFFnDaoN5wcg"
/* of "secret-token" */
#define TOKEN_SHA256 "930bbdc51b6aed5c2a5678fd6e28dee7a05e8a4b643cfc0b4427c3efb86c0d94"

static void keys_are_read_as_ssh_keygen_writes_them(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct access_key key;
	assert_int_equal(access_key_read(&a, STR("ssh-ed25519 " ED25519 " dev@example.test\n"), &key, NULL),
			 0);
	assert_string_equal(key.key, "ssh-ed25519 " ED25519);
	assert_string_equal(key.comment, "dev@example.test");
	assert_string_equal(key.fingerprint, ED25519_FINGERPRINT);
	assert_int_equal(access_key_read(&a, STR("  ssh-rsa   " RSA), &key, NULL), 0);
	assert_string_equal(key.comment, "");
	assert_string_equal(key.fingerprint, RSA_FINGERPRINT);
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 AAAA",
		"ssh-ed25519 " RSA,
		"ssh-rsa " ED25519,
		"ssh-dss AAAAB3NzaC1kc3M=",
		"command=\"sh\" ssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 "\nssh-rsa " RSA,
		"ssh-ed25519 " ED25519 "!",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
		"-----BEGIN OPENSSH PRIVATE KEY-----",
	};
	cleanup_arena struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct access_key key;
		struct error err = ERROR_INIT;
		if (access_key_read(&a, str_of(bad[i]), &key, &err) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_true(err.text[0]);
	}
}

static const char *const release[] = { "release/*", "refs/tags/v*" };
static const char *const main_only[] = { "main" };
static const struct hosted_key keys[] = {
	{ .who = "ann", .key = "ssh-ed25519 " ED25519, .right = HOSTED_PUSH },
	{ .who = "bob", .key = "ssh-rsa " RSA, .right = HOSTED_READ },
	{ .who = "ci",
	  .token_sha256 = TOKEN_SHA256,
	  .right = HOSTED_PUSH_BRANCHES,
	  .branches = release,
	  .n_branches = 2 },
	{ .who = "old", .token_sha256 = "", .right = HOSTED_PUSH },
	{ .who = "gone", .key = "ssh-ed25519 damaged", .right = HOSTED_NONE },
};
static const struct hosted_repo repo = {
	.namespace = "team",
	.name = "shop",
	.keys = keys,
	.n_keys = 5,
	.protected = main_only,
	.n_protected = 1,
};

static void people_are_found(void **state)
{
	assert_int_equal(access_by_fingerprint(&repo, ED25519_FINGERPRINT), 0);
	assert_int_equal(access_by_fingerprint(&repo, RSA_FINGERPRINT), 1);
	assert_true(access_by_fingerprint(&repo, "SHA256:none") == ACCESS_NONE);
	assert_true(access_by_fingerprint(&repo, "") == ACCESS_NONE);
	assert_int_equal(access_by_token(&repo, STR("secret-token")), 2);
	assert_true(access_by_token(&repo, STR("secret-tokem")) == ACCESS_NONE);
	assert_true(access_by_token(&repo, STR("")) == ACCESS_NONE);
	assert_true(access_by_token(&repo, STR(TOKEN_SHA256)) == ACCESS_NONE);
}

static bool passes(size_t key, const char *ref, enum access_change change)
{
	struct error err = ERROR_INIT;
	int rc = access_check_ref(&repo, &keys[key], ref, change, &err);
	assert_true(rc == 0 || err.text[0]);
	return rc == 0;
}

static void rights_are_by_branch(void **state)
{
	assert_true(passes(0, "refs/heads/main", ACCESS_FORWARD));
	assert_true(passes(0, "refs/heads/main", ACCESS_CREATE));
	assert_true(passes(0, "refs/heads/x", ACCESS_FORCE));
	assert_true(passes(0, "refs/heads/x", ACCESS_DELETE));
	assert_true(passes(0, "refs/tags/v1", ACCESS_CREATE));
	assert_false(passes(1, "refs/heads/x", ACCESS_CREATE));
	assert_true(passes(2, "refs/heads/release/1", ACCESS_CREATE));
	assert_true(passes(2, "refs/tags/v1", ACCESS_CREATE));
	assert_false(passes(2, "refs/tags/x", ACCESS_CREATE));
	assert_false(passes(2, "refs/heads/v1", ACCESS_CREATE));
	assert_false(passes(2, "refs/heads/release/1/2", ACCESS_CREATE));
	assert_false(passes(2, "refs/heads/main", ACCESS_FORWARD));
	assert_false(passes(4, "refs/heads/x", ACCESS_CREATE));
}

static void protected_branches_only_go_forward(void **state)
{
	assert_false(passes(0, "refs/heads/main", ACCESS_FORCE));
	assert_false(passes(0, "refs/heads/main", ACCESS_DELETE));
	assert_true(passes(0, "refs/tags/main", ACCESS_DELETE));
}

static void other_refs_are_nobodys(void **state)
{
	static const char *const bad[] = {
		"HEAD", "refs/capstan/x", "refs/heads", "refs/pull/1/head", "main", "refs/remotes/a/b", ""
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(passes(0, bad[i], ACCESS_CREATE));
}

static void globs(void **state)
{
	static const struct {
		const char *glob, *text;
		bool fits;
	} cases[] = {
		{ "main", "main", true },
		{ "main", "mainx", false },
		{ "main", "mai", false },
		{ "*", "main", true },
		{ "*", "a/b", false },
		{ "**", "a/b", true },
		{ "a/*", "a/b", true },
		{ "a/*", "a/b/c", false },
		{ "a/**", "a/b/c", true },
		{ "a?c", "abc", true },
		{ "a?c", "a/c", false },
		{ "*/x*y", "a/xby", true },
		{ "**/a*b/c", "x/ab/q/azb/c", true },
		{ "**/a*b/c", "x/a/b/c", false },
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "[a]", "a", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (access_glob(cases[i].glob, cases[i].text) != cases[i].fits)
			fail_msg("%s %s", cases[i].glob, cases[i].text);
	char glob[251], text[1000];
	for (size_t i = 0; i < 250; i++)
		glob[i] = i % 2 ? 'a' : '*';
	glob[250] = '\0';
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 2] = 'b';
	text[sizeof(text) - 1] = '\0';
	assert_false(access_glob(glob, text)); /* at once */
	assert_true(access_glob_ok(STR("release/*")));
	assert_false(access_glob_ok(STR("a b")));
	assert_false(access_glob_ok(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read_as_ssh_keygen_writes_them),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(people_are_found),
		cmocka_unit_test(rights_are_by_branch),
		cmocka_unit_test(protected_branches_only_go_forward),
		cmocka_unit_test(other_refs_are_nobodys),
		cmocka_unit_test(globs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
