/* Which tag a policy takes, and what it refuses to guess. */
#include "../cmocka_all.h"

#include "registry/image_policy.h"

#define TAGS_MAX 12

struct example {
	struct image_policy policy;
	const char *tags[TAGS_MAX];
	const char *want; /* the tag, or what the error has in it */
	bool fails;
};

static int take(const struct example *e, struct arena *a, struct str *out, struct error *err)
{
	struct str tags[TAGS_MAX];
	struct image_candidate *candidates;
	size_t n = 0, n_candidates, chosen;
	while (n < TAGS_MAX && e->tags[n]) {
		tags[n] = str_of(e->tags[n]);
		n++;
	}
	if (image_policy_check(&e->policy, err) < 0 ||
	    image_policy_filter(a, &e->policy, tags, n, &candidates, &n_candidates, err) < 0 ||
	    image_policy_choose(&e->policy, candidates, n_candidates, &chosen, err) < 0)
		return -1;
	*out = candidates[chosen].tag;
	return 0;
}

static void check(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct str got = STR("");
		int rc = take(&examples[i], &a, &got, &err);
		bool good = examples[i].fails ? rc < 0 && strstr(err.text, examples[i].want)
					      : rc == 0 && str_is(got, examples[i].want);
		if (!good)
			fail_msg("case %zu: wanted %s, got %.*s, error %s", i, examples[i].want, STR_ARG(got),
				 err.text);
	}
}

#define check_all(examples) check(examples, sizeof(examples) / sizeof(*(examples)))
#define SEMVER(text)                                            \
	{                                                       \
		.kind = IMAGE_POLICY_SEMVER, .range = STR(text) \
	}

static void versions(void **unused)
{
	static const struct example examples[] = {
		{ SEMVER(">=1.0.0"),
		  { "1.0.0", "v1.10.0", "1.9.0", "latest", "2.0.0-rc.1" },
		  "v1.10.0",
		  false },
		{ SEMVER("1.x"), { "1.2.3", "2.0.0", "1.4" }, "1.2.3", false },
		{ SEMVER(">=2.0.0-0"), { "2.0.0-rc.1", "1.0.0" }, "2.0.0-rc.1", false },
		{ SEMVER(">=1.0.0"), { "1.0.0", "v1.0.0" }, "v1.0.0 are equally late", true },
		{ SEMVER(">=1.0.0"), { "1.0.0", "v1.0.0", "1.0.1" }, "1.0.1", false },
		{ SEMVER(">=3"), { "1.0.0", "latest" }, "none of the 2 tags", true },
		{ SEMVER(">=3"), { NULL }, "no tag passes", true },
		{ SEMVER("newest"), { "1.0.0" }, "is no range", true },
		{ { .kind = IMAGE_POLICY_SEMVER,
		    .range = STR("*"),
		    .filter = STR("^web-(.*)$"),
		    .extract = STR("$1") },
		  { "web-1.2.0", "web-1.10.0", "job-9.0.0", "9.9.9" },
		  "web-1.10.0",
		  false },
		{ { .kind = IMAGE_POLICY_SEMVER, .range = STR("*"), .exclude = STR("^9") },
		  { "1.0.0", "9.0.0" },
		  "1.0.0",
		  false },
	};
	check_all(examples);
}

static void numbers(void **unused)
{
	static const struct example examples[] = {
		{ { .kind = IMAGE_POLICY_NUMERICAL }, { "9", "10", "latest", "1.5" }, "10", false },
		{ { .kind = IMAGE_POLICY_NUMERICAL, .lowest = true },
		  { "9", "10", "1.5", "1.25" },
		  "1.25",
		  false },
		{ { .kind = IMAGE_POLICY_NUMERICAL },
		  { "18446744073709551616", "18446744073709551615" },
		  "18446744073709551616",
		  false },
		{ { .kind = IMAGE_POLICY_NUMERICAL }, { "7", "07" }, "ambiguous", true },
		{ { .kind = IMAGE_POLICY_NUMERICAL }, { "1.50", "1.5" }, "ambiguous", true },
		{ { .kind = IMAGE_POLICY_NUMERICAL }, { "a", "1.", ".5" }, "is a number", true },
		{ { .kind = IMAGE_POLICY_NUMERICAL,
		    .filter = STR("^main-[a-f0-9]+-(?P<ts>[0-9]+)"),
		    .extract = STR("${ts}") },
		  { "main-abc123-1700000001", "main-ffffff-1700000002", "dev-aaaaaa-1800000000" },
		  "main-ffffff-1700000002",
		  false },
		{ { .kind = IMAGE_POLICY_NUMERICAL, .filter = STR("^v(.+?)-(.*)$"), .extract = STR("$2") },
		  { "v1-2-1", "v3-10", "v3-9" },
		  "v3-10",
		  false },
	};
	check_all(examples);
}

static void letters(void **unused)
{
	static const struct example examples[] = {
		{ { .kind = IMAGE_POLICY_ALPHABETICAL }, { "b", "a", "c" }, "c", false },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .lowest = true }, { "b", "a", "c" }, "a", false },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .filter = STR("^(.)"), .extract = STR("$1") },
		  { "c1", "c2" },
		  "ambiguous",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .filter = STR("(") },
		  { "a" },
		  "filter.pattern",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .exclude = STR("[") },
		  { "a" },
		  "filter.exclude",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .filter = STR("a"), .extract = STR("$1") },
		  { "a" },
		  "no group 1",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .filter = STR("(a)"), .extract = STR("$x") },
		  { "a" },
		  "no group x",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .filter = STR("(a)"), .extract = STR("$-") },
		  { "a" },
		  "behind a $",
		  true },
		{ { .kind = IMAGE_POLICY_ALPHABETICAL, .extract = STR("$1") },
		  { "a" },
		  "wants a filter.pattern",
		  true },
	};
	check_all(examples);
}

static void times(void **unused)
{
	struct image_policy policy = { .kind = IMAGE_POLICY_TIME };
	struct image_candidate c[] = { { STR("a"), STR("a"), 10 },
				       { STR("b"), STR("b"), 30 },
				       { STR("c"), STR("c"), 20 } };
	struct error err = ERROR_INIT;
	size_t chosen;
	assert_int_equal(image_policy_choose(&policy, c, 3, &chosen, &err), 0);
	assert_int_equal(chosen, 1);
	c[2].created_ms = 30;
	assert_int_equal(image_policy_choose(&policy, c, 3, &chosen, &err), -1);
	assert_non_null(strstr(err.text, "tags b and c are equally late"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(numbers),
		cmocka_unit_test(letters),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
