/* Paths, tokens and answers of git over HTTP, as git has them and as others try. */
#include "unit/cmocka_all.h"

#include "push/access.h"
#include "push/git_http_parts.h"

static void routes_of_git(void **state)
{
	static const struct {
		const char *method, *path, *service, *file;
		bool push;
	} good[] = {
		{ "GET", "team/shop.git/info/refs", "git-upload-pack", "info/refs", false },
		{ "GET", "team/shop.git/info/refs", "git-receive-pack", "info/refs", true },
		{ "POST", "team/shop.git/git-upload-pack", NULL, "git-upload-pack", false },
		{ "POST", "team/shop.git/git-receive-pack", NULL, "git-receive-pack", true },
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct git_route route;
		assert_true(git_route_read(good[i].method, good[i].path, good[i].service, &route));
		assert_string_equal(route.key, "team/shop");
		assert_string_equal(route.file, good[i].file);
		assert_int_equal(route.push, good[i].push);
	}
}

static void other_routes(void **state)
{
	static const struct {
		const char *method, *path, *service;
	} bad[] = {
		{ "GET", "team/shop.git/HEAD", NULL },
		{ "GET", "team/shop.git/info/refs", NULL },
		{ "GET", "team/shop.git/info/refs", "git-upload-archive" },
		{ "GET", "team/shop.git/objects/info/packs", NULL },
		{ "GET", "team/shop.git/config", NULL },
		{ "POST", "team/shop.git/info/refs", "git-upload-pack" },
		{ "PUT", "team/shop.git/git-upload-pack", NULL },
		{ "POST", "team/shop.git/git-upload-archive", NULL },
		{ "POST", "team/shop.git/git-receive-pack/", NULL },
		{ "POST", "../shop.git/git-receive-pack", NULL },
		{ "POST", "team/../team/shop.git/git-receive-pack", NULL },
		{ "POST", "/team/shop.git/git-receive-pack", NULL },
		{ "POST", "shop.git/git-receive-pack", NULL },
		{ "POST", "team/shop.git.git/git-receive-packs", NULL },
		{ "POST", "team/shop/git-receive-pack", NULL },
		{ "POST", "team/sh op.git/git-receive-pack", NULL },
		{ "POST", "", NULL },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct git_route route;
		if (git_route_read(bad[i].method, bad[i].path, bad[i].service, &route))
			fail_msg("%s %s", bad[i].method, bad[i].path);
	}
}

static void tokens(void **state)
{
	char out[ACCESS_TOKEN_MAX + 1], longest[ACCESS_TOKEN_MAX + 16] = "Bearer ";
	assert_true(git_token("Basic eDpzZWNyZXQ=", out)); /* x:secret */
	assert_string_equal(out, "secret");
	assert_true(git_token("basic OnNlOmNyZXQ=", out)); /* :se:cret */
	assert_string_equal(out, "se:cret");
	assert_true(git_token("Bearer  secret ", out));
	assert_string_equal(out, "secret");
	static const char *const bad[] = {
		"",	      "Basic",	    "Basic ", "Basic eDo=", "Basic eHNlY3JldA==", "Basic eDpzZWNyZX",
		"Basic ====", "Digest a=b", "Bearer", "Bearer   ",  "Basic eDoAYQ=="
	};
	assert_false(git_token(NULL, out));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (git_token(bad[i], out))
			fail_msg("%s", bad[i]);
	memset(longest + 7, 'a', ACCESS_TOKEN_MAX);
	assert_true(git_token(longest, out));
	longest[7 + ACCESS_TOKEN_MAX] = 'a';
	assert_false(git_token(longest, out));
}

static void heads_of_answers(void **state)
{
	struct cgi_head head;
	struct str text = STR("Expires: never\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\nbody");
	assert_int_equal(cgi_head_read(text, &head), text.n - 4);
	assert_int_equal(head.status, 200);
	assert_int_equal(head.n, 2);
	assert_string_equal(head.headers[1].name, "Content-Type");
	assert_string_equal(head.headers[1].value, "a/b");
	assert_true(cgi_head_read(STR("Status: 403 Forbidden\n\n"), &head) == 23);
	assert_int_equal(head.status, 403);
	assert_true(cgi_head_read(STR("Content-Type: a/b\r\n"), &head) == CGI_MORE);
	assert_true(cgi_head_read(STR(""), &head) == CGI_MORE);
	static const char *const bad[] = { "no head\n\n",   ": x\n\n",	  "Status: 99\n\n",
					   "Status: x\n\n", "A b: c\n\n", "A: b\x01\n\n" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(cgi_head_read(str_of(bad[i]), &head) == CGI_BAD);
	assert_true(cgi_head_read(STR("A:b\nA:b\nA:b\nA:b\nA:b\nA:b\nA:b\nA:b\nA:b\n\n"), &head) == CGI_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_of_git),
		cmocka_unit_test(other_routes),
		cmocka_unit_test(tokens),
		cmocka_unit_test(heads_of_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
