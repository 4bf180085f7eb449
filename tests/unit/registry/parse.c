/* What registries say, read. */
#include "../cmocka_all.h"

#include "registry/credentials.h"

static void places(void **unused)
{
	static const struct {
		const char *image, *host, *name, *path;
	} cases[] = {
		{ "nginx", "registry-1.docker.io", "docker.io", "library/nginx" },
		{ "team/app", "registry-1.docker.io", "docker.io", "team/app" },
		{ "docker.io/nginx", "registry-1.docker.io", "docker.io", "library/nginx" },
		{ "localhost/app", "localhost", "localhost", "app" },
		{ "registry:5000/a/b", "registry:5000", "registry:5000", "a/b" },
		{ "ghcr.io/o/app", "ghcr.io", "ghcr.io", "o/app" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct registry_place p;
		assert_int_equal(registry_place_read(&a, str_of(cases[i].image), &p, NULL), 0);
		assert_string_equal(p.host, cases[i].host);
		assert_string_equal(p.name, cases[i].name);
		assert_string_equal(p.path, cases[i].path);
	}
	static const char *const wrong[] = { "",	"UPPER", "a/../b",	 "a b",
					     "nginx:1", "-x",	 "a/b@sha256:1", "a//b" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct registry_place p;
		assert_int_equal(registry_place_read(&a, str_of(wrong[i]), &p, NULL), -1);
	}
}

static void challenges(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct registry_challenge c;
	assert_int_equal(
		registry_challenge_read(
			&a,
			STR("Bearer realm=\"https://auth.example.com/t?x=1,2\",service=\"r\\\"s\",scope=\"repository:a:pull,push\""),
			&c),
		0);
	assert_int_equal(c.scheme, REGISTRY_AUTH_BEARER);
	assert_string_equal(c.realm, "https://auth.example.com/t?x=1,2");
	assert_string_equal(c.service, "r\"s");
	assert_string_equal(c.scope, "repository:a:pull,push");
	assert_int_equal(registry_challenge_read(&a, STR("basic realm=x, bearer realm=\"https://y\""), &c),
			 0);
	assert_int_equal(c.scheme, REGISTRY_AUTH_BEARER);
	assert_int_equal(registry_challenge_read(&a, STR("Negotiate abc, Basic"), &c), 0);
	assert_int_equal(c.scheme, REGISTRY_AUTH_BASIC);
	static const char *const none[] = { "",	  "Bearer",	     "Negotiate", ",,,",
					    "\"", "Bearer realm=\"", "=",	  "Digest realm=\"x\"" };
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(registry_challenge_read(&a, str_of(none[i]), &c), 1);
	/* A line break in a value would become one of ours. */
	assert_int_equal(registry_challenge_read(&a, STR("Bearer realm=\"https://x\r\ny\""), &c), 1);
}

static const char *next_of(struct arena *a, const char *header, int *rc)
{
	const char *next = NULL;
	struct error err = ERROR_INIT;
	*rc = registry_link_next(a, str_of(header), "https://r.example.com/v2/app/tags/list?n=2", &next,
				 &err);
	return next;
}

static void links(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	int rc;
	assert_string_equal(next_of(&a, "</v2/app/tags/list?last=b&n=2>; rel=\"next\"", &rc),
			    "https://r.example.com/v2/app/tags/list?last=b&n=2");
	assert_string_equal(next_of(&a, "<https://r.example.com:443/x>; title=a; rel=next", &rc),
			    "https://r.example.com:443/x");
	assert_string_equal(next_of(&a, "</p>; rel=prev, <?last=b>;rel=next", &rc),
			    "https://r.example.com/v2/app/tags/list?last=b");
	assert_null(next_of(&a, "", &rc));
	assert_int_equal(rc, 0);
	assert_null(next_of(&a, "</x>; rel=\"last\"", &rc));
	static const char *const bad[] = { "<https://evil.example.com/x>; rel=next",
					   "<http://r.example.com/x>; rel=next",
					   "<//evil.example.com/>; rel=next",
					   "<ftp://r.example.com/>; rel=next",
					   "<>; rel=next",
					   "<https://r.example.com@evil.example.com/>; rel=next" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		next_of(&a, bad[i], &rc);
		assert_int_equal(rc, -1);
	}
}

static void bodies(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct registry_tags tags = { 0 };
	struct registry_manifest m;
	struct registry_token t;
	int64_t created;
	assert_int_equal(
		registry_tags_read(&a, STR("{\"name\":\"x\",\"tags\":[\"v1\",\"v2\"]}"), &tags, NULL), 0);
	assert_int_equal(registry_tags_read(&a, STR("{\"tags\":null}"), &tags, NULL), 0);
	assert_int_equal(tags.n, 2);
	assert_int_equal(registry_tags_read(&a, STR("{\"tags\":[\"a b\"]}"), &tags, NULL), -1);
	assert_int_equal(registry_tags_read(&a, STR("{\"tags\":[\"../x\"]}"), &tags, NULL), -1);
	assert_int_equal(registry_tags_read(&a, STR("[]"), &tags, NULL), -1);

	assert_int_equal(
		registry_token_read(&a, STR("{\"access_token\":\"abc\",\"expires_in\":300}"), &t, NULL), 0);
	assert_string_equal(t.token, "abc");
	assert_int_equal(t.ttl_s, 300);
	assert_int_equal(registry_token_read(&a, STR("{\"token\":\"abc\"}"), &t, NULL), 0);
	assert_int_equal(t.ttl_s, REGISTRY_TOKEN_TTL_S);
	assert_int_equal(registry_token_read(&a, STR("{\"token\":\"a\\r\\nb\"}"), &t, NULL), -1);

#define ONE "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	assert_int_equal(registry_manifest_read(&a, STR("{\"config\":{\"digest\":\"" ONE "\"}}"), &m, NULL),
			 0);
	assert_string_equal(m.config, ONE);
	assert_int_equal(
		registry_manifest_read(
			&a,
			STR("{\"manifests\":[{\"digest\":\"" ONE
			    "\",\"platform\":{\"os\":\"unknown\"}},{\"digest\":\"" ONE
			    "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}},{\"digest\":\"" TWO
			    "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}"),
			&m, NULL),
		0);
	assert_string_equal(m.child, TWO);
	assert_int_equal(registry_manifest_read(&a, STR("{\"manifests\":[]}"), &m, NULL), -1);
	assert_int_equal(registry_manifest_read(&a, STR("{\"config\":{\"digest\":\"../../x\"}}"), &m, NULL),
			 -1);

	assert_int_equal(
		registry_created_read(STR("{\"created\":\"2026-01-02T03:04:05.678901Z\"}"), &created, NULL),
		0);
	assert_int_equal(created, 1767323045678);
	assert_int_equal(
		registry_created_read(STR("{\"created\":\"2026-01-02T03:04:05+01:00\"}"), &created, NULL), 0);
	assert_int_equal(created, 1767319445000);
	assert_int_equal(registry_created_read(STR("{\"created\":\"yesterday\"}"), &created, NULL), -1);

	assert_string_equal(
		registry_error_read(&a, STR("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\\nway\"}]}")),
		"no way");
	assert_string_equal(registry_error_read(&a, STR("<html>")), "");
	char digest[REGISTRY_DIGEST_LEN + 1];
	registry_digest(STR(""), digest);
	assert_string_equal(digest,
			    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(registry_is_digest(str_of(digest)));
}

static int login(struct arena *a, const char *config, const char *image, bool any, struct registry_login *out)
{
	struct registry_place place;
	struct error err = ERROR_INIT;
	assert_int_equal(registry_place_read(a, str_of(image), &place, NULL), 0);
	int rc = registry_login_read(a, str_of(config), &place, any, out, &err);
	assert_null(strstr(err.text, "secret"));
	return rc;
}

static void credentials(void **unused)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct registry_login l;
	static const char config[] =
		"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"aHViOnNlY3JldA==\"},"
		"\"r.example.com\":{\"username\":\"u\",\"password\":\"secret\"},"
		"\"r.example.com/team\":{\"auth\":\"dGVhbTpzZTpjcmV0\"},"
		"\"token.example.com\":{\"auth\":\"eA==\",\"identitytoken\":\"secret\"}},"
		"\"credHelpers\":{\"1.dkr.ecr.eu-west-1.amazonaws.com\":\"ecr-login\",\"x.example.com\":\"pass\"},"
		"\"credsStore\":\"desktop\"}";
	assert_int_equal(login(&a, config, "nginx", false, &l), 0);
	assert_string_equal(l.username, "hub");
	assert_string_equal(l.password, "secret");
	assert_int_equal(login(&a, config, "r.example.com/other", false, &l), 0);
	assert_string_equal(l.username, "u");
	assert_int_equal(login(&a, config, "r.example.com/teams", false, &l), 0);
	assert_string_equal(l.username, "u");
	assert_int_equal(login(&a, config, "r.example.com/team/app", false, &l), 0);
	assert_string_equal(l.username, "team");
	assert_string_equal(l.password, "se:cret");
	assert_int_equal(login(&a, config, "token.example.com/app", false, &l), 0);
	assert_string_equal(l.identity_token, "secret");
	assert_int_equal(login(&a, config, "1.dkr.ecr.eu-west-1.amazonaws.com/app", false, &l), 0);
	assert_string_equal(l.helper, "ecr-login");
	assert_int_equal(login(&a, config, "x.example.com/app", false, &l), -1);
	assert_int_equal(login(&a, config, "x.example.com/app", true, &l), 0);
	assert_int_equal(login(&a, config, "y.example.com/app", false, &l), 1);
	assert_int_equal(login(&a, config, "y.example.com/app", true, &l), 0);
	assert_string_equal(l.helper, "desktop");
	assert_int_equal(
		login(&a, "{\"credHelpers\":{\"y.example.com\":\"../sh\"}}", "y.example.com/app", true, &l),
		-1);
	assert_int_equal(login(&a, "{\"auths\":{\"y.example.com\":{\"auth\":\"secret\"}}}",
			       "y.example.com/app", true, &l),
			 -1);
	assert_int_equal(login(&a, "secret", "y.example.com/app", true, &l), -1);
	assert_string_equal(registry_cloud_helper("eu-docker.pkg.dev"), "gcr");
	assert_string_equal(registry_cloud_helper("me.azurecr.io"), "acr-env");
	assert_null(registry_cloud_helper("amazonaws.com.example.com"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places), cmocka_unit_test(challenges),	 cmocka_unit_test(links),
		cmocka_unit_test(bodies), cmocka_unit_test(credentials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
