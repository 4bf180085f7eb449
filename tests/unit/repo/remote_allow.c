/* Which urls a prefix allows; mostly those that it must not. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "repo/remote_allow.h"

static void prefixes_end_where_names_end(void **state)
{
	static const char *const yes[][2] = {
		{ "https://github.com/acme/", "https://github.com/acme/x.git" },
		{ "https://github.com/acme", "https://github.com/acme/x" },
		{ "https://github.com", "https://github.com/acme/x" },
		{ "https://GitHub.com/acme", "HTTPS://github.COM/acme/x" },
		{ "https://github.com/acme/x.git", "https://github.com/acme/x.git" },
		{ "https://github.com/acme/", "https://user:secret@github.com/acme/x" },
		{ "git@github.com:acme/", "git@github.com:acme/x.git" },
		{ "ssh://github.com/acme/", "git@github.com:acme/x.git" },
		{ "git@github.com:acme", "ssh://git@github.com/acme/x.git" },
		{ "/srv/git/", "/srv/git/x" },
		{ "file:///srv/git", "/srv/git/x.git" },
		{ "/srv/git", "file:///srv/git/x" },
	};
	static const char *const no[][2] = {
		{ "https://github.com/acme", "https://github.com/acme-evil/x" },
		{ "https://github.com", "https://github.com.evil.example/x" },
		{ "https://github.com", "https://github.com@evil.example/x" },
		{ "https://github.com", "https://github.com:443@evil.example/x" },
		{ "https://github.com", "https://evil.example?@github.com/x" },
		{ "https://github.com", "https://evil.example#@github.com/x" },
		{ "https://github.com", "https://evil.example\\@github.com/x" },
		{ "https://github.com", "https://a@evil.example@github.com/x" },
		{ "https://github.com", "http://github.com/acme/x" },
		{ "https://github.com/acme/", "https://github.com/acme/../evil/x" },
		{ "https://github.com/acme/", "https://github.com/acme/%2e%2E/evil/x" },
		{ "https://github.com/acme/", "https://github.com/acme/..%2Fevil/x" },
		{ "https://github.com/acme/", "https://github.com/ACME/x" },
		{ "https://github.com/acme/", "/srv/git/x" },
		{ "/srv/git/", "/srv/git/../other/x" },
		{ "/srv/git", "/srv/github/x" },
		{ "", "https://github.com/x" },
		{ "https://", "https://github.com/x" },
		{ "github.com", "https://github.com/x" },
	};
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!remote_allow_matches(yes[i][0], yes[i][1]))
			fail_msg("%s does not allow %s", yes[i][0], yes[i][1]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (remote_allow_matches(no[i][0], no[i][1]))
			fail_msg("%s allows %s", no[i][0], no[i][1]);
}

static void a_bad_prefix_is_told(void **state)
{
	struct error err = ERROR_INIT;
	assert_int_equal(remote_allow_check("https://github.com/acme/", &err), 0);
	assert_int_equal(remote_allow_check("github.com/acme", &err), -1);
	assert_non_null(strstr(err.text, "https://github.com/acme/"));
	assert_int_equal(remote_allow_check("ext::sh", &err), -1);
	assert_int_equal(remote_allow_check("https://h/a?b", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_end_where_names_end),
		cmocka_unit_test(a_bad_prefix_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
