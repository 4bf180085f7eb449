/* base_logins.c - which files a remote base is asked for with. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "operator/base_logins.h"

static char place[64];

static void put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", place, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	static const char *const dirs[] = { "one", "two" };
	char path[256];
	strcpy(place, "/tmp/capstan-logins-XXXXXX");
	assert_non_null(mkdtemp(place));
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", place, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", place);
	return system(command);
}

static const char *login(const char *prefix, const char *dir)
{
	static char texts[4][256];
	static unsigned next;
	char *text = texts[next++ % 4];
	snprintf(text, sizeof(texts[0]), "%s=%s/%s", prefix, place, dir);
	return text;
}

static void the_longest_prefix_counts(void **state)
{
	const char *texts[] = { login("https://git.example/acme/", "one"),
				login("https://git.example/acme/shop", "two") };
	struct base_logins *l;
	struct error err = ERROR_INIT;
	int rc;
	put("one/username", "reader\n");
	put("one/password", " with spaces \n");
	put("one/ca.crt", "PEM\n");
	put("two/identity", "KEY\n");
	assert_int_equal(base_logins_new(texts, 2, &l, &err), 0);
	const struct remote_credentials *c = base_logins_find(l, "https://git.example/acme/x.git", &rc, &err);
	assert_true(c && str_is(c->username, "reader") && str_is(c->password, " with spaces "));
	assert_true(str_is(c->ca_crt, "PEM\n") && c->identity.n == 0 && c->bearer_token.n == 0);
	c = base_logins_find(l, "https://git.example/acme/shop", &rc, &err);
	assert_true(c && str_is(c->identity, "KEY\n") && c->username.n == 0);
	assert_null(base_logins_find(l, "https://git.example/acme-x/y", &rc, &err));
	assert_int_equal(rc, 0);
	assert_null(base_logins_find(l, "https://other.example/acme/x", &rc, &err));
	/* A Secret that is changed counts the next time. */
	put("one/password", "newer");
	c = base_logins_find(l, "https://git.example/acme/x.git", &rc, &err);
	assert_true(c && str_is(c->password, "newer"));
	base_logins_free(l);
}

static void what_is_wrong_is_told(void **state)
{
	const struct {
		const char *text, *want;
	} wrong[] = {
		{ "https://git.example/acme/", "URL=DIR" },
		{ "=/etc", "URL=DIR" },
		{ "https://git.example/acme/=relative", "URL=DIR" },
		{ login("https://git.example/acme/", "three"), "no such directory" },
		{ login("acme", "one"), "acme" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct base_logins *l;
		struct error err = ERROR_INIT;
		assert_int_equal(base_logins_new(&wrong[i].text, 1, &l, &err), -1);
		assert_null(l);
		if (!strstr(err.text, wrong[i].want))
			fail_msg("no \"%s\" in: %s", wrong[i].want, err.text);
	}
	base_logins_free(NULL);
}

static void a_file_too_large_is_no_login(void **state)
{
	const char *texts[] = { login("https://git.example/", "one") };
	struct base_logins *l;
	struct error err = ERROR_INIT;
	int rc;
	char *large = malloc(BASE_LOGINS_FILE_MAX + 2);
	assert_non_null(large);
	memset(large, 'x', BASE_LOGINS_FILE_MAX + 1);
	large[BASE_LOGINS_FILE_MAX + 1] = '\0';
	put("one/password", large);
	free(large);
	assert_int_equal(base_logins_new(texts, 1, &l, &err), 0);
	assert_null(base_logins_find(l, "https://git.example/x", &rc, &err));
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.text, "one/password"));
	base_logins_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_prefix_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_too_large_is_no_login, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
