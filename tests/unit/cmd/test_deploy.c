/* Which urls are of one repository, and what can be a commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cmd/await.h"
#include "cmd/deploy_repo.h"

static void urls_of_one_repository_are_the_same(void **state)
{
	static const struct {
		const char *url, *identity;
	} cases[] = {
		{ "https://git.example.com/acme/config.git", "git.example.com/acme/config" },
		{ "https://ci:secret@Git.Example.com:8443/acme/config/", "git.example.com/acme/config" },
		{ "ssh://git@git.example.com:2222/acme/config.git", "git.example.com/acme/config" },
		{ "git@git.example.com:acme/config.git", "git.example.com/acme/config" },
		{ "git.example.com:/acme/config", "git.example.com/acme/config" },
		{ "ssh://[2001:DB8::1]/Acme/config", "[2001:db8::1]/Acme/config" },
		{ "ssh://git@[2001:db8::1]:2222/acme/config.git", "[2001:db8::1]/acme/config" },
		{ "https://ci:se@cret@[::1]:8443/acme/config", "[::1]/acme/config" },
		{ "git@[2001:db8::1]:acme/config.git", "[2001:db8::1]/acme/config" },
		{ "https://[::1/acme/config", "[/acme/config" },
		{ "git@git.example.com:acme/co@nfig", "git.example.com/acme/co@nfig" },
		{ "file:///srv/config.git", "/srv/config" },
		{ "/srv/config.git/", "/srv/config" },
		{ "https://git.example.com", "git.example.com/" },
		{ "", "/" },
		{ "://", "/" },
		{ "a:", "a/" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		assert_string_equal(deploy_repo_identity(&a, cases[i].url), cases[i].identity);
	}
}

static void a_revision_is_a_commit_or_its_beginning(void **state)
{
	static const char *const good[] = { "0123456", "0123456789abcdef0123456789abcdef01234567" };
	static const char *const bad[] = { "", "012345", "main", "0123456G", "v1.2.3", "HEAD" };
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(await_check_revision(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(await_check_revision(bad[i], &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_of_one_repository_are_the_same),
		cmocka_unit_test(a_revision_is_a_commit_or_its_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
