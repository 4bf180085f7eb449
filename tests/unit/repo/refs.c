/* What a revision means, given what ls-remote said. */
#include "unit/cmocka_all.h"

#include "repo/refs.h"

#define A "1111111111111111111111111111111111111111"
#define B "2222222222222222222222222222222222222222"
#define C "3333333333333333333333333333333333333333"
#define D "4444444444444444444444444444444444444444"

#define LONG "5555555555555555555555555555555555555555555555555555555555555555"
#define A2 "1111111111111111111111111111111111111112"

static const char listing[] =
	A "\tHEAD\n" A "\trefs/heads/main\n" B "\trefs/heads/1.x\n" C "\trefs/tags/v1.2.0\n" D
	  "\trefs/tags/v1.2.0^{}\n" B "\trefs/tags/v1.3.0-rc.1\n" A "\trefs/tags/v1.1.0\n" B
	  "\trefs/heads/bad..name\n";

static void expect(const struct refs *refs, const char *revision, const char *sha, const char *display)
{
	struct resolved out;
	struct error err = ERROR_INIT;
	if (refs_resolve(refs, revision, &out, &err) != 0)
		fail_msg("%s: %s", revision, err.text);
	assert_string_equal(out.sha, sha);
	assert_string_equal(out.display, display);
}

static void revisions_resolve_in_order(void **state)
{
	struct refs refs;
	struct error err = ERROR_INIT;
	assert_int_equal(refs_parse(str_of(listing), &refs, &err), 0);
	expect(&refs, "main", A, "main@sha1:" A);
	expect(&refs, "", A, "HEAD@sha1:" A);
	expect(&refs, "HEAD", A, "HEAD@sha1:" A);
	expect(&refs, "refs/heads/main", A, "refs/heads/main@sha1:" A);
	expect(&refs, "1.x", B, "1.x@sha1:" B); /* a branch of this name wins over the range */
	expect(&refs, "semver:1.x", D, "v1.2.0@sha1:" D);
	expect(&refs, "v1.2.0", D, "v1.2.0@sha1:" D); /* an annotated tag is its commit */
	expect(&refs, ">=1.0.0", D, "v1.2.0@sha1:" D);
	expect(&refs, C, C, "sha1:" C);
	expect(&refs, "4444444", D, "4444444@sha1:" D);
	expect(&refs, LONG, LONG, "sha256:" LONG);
	refs_release(&refs);
}

static void what_is_not_there_is_said(void **state)
{
	struct refs refs;
	struct resolved out;
	struct error err = ERROR_INIT;
	assert_int_equal(refs_parse(str_of(listing), &refs, &err), 0);
	assert_int_equal(refs_resolve(&refs, "gone", &out, &err), -1);
	assert_non_null(strstr(err.text, "gone"));
	assert_int_equal(refs_resolve(&refs, ">=9", &out, &err), -1);
	assert_int_equal(refs_resolve(&refs, "bad..name", &out, &err), -1);
	assert_int_equal(refs_resolve(&refs, "semver:main", &out, &err), -1);
	assert_non_null(strstr(err.text, "no version range"));
	char far_too_long[400];
	memset(far_too_long, 'a', sizeof(far_too_long));
	far_too_long[399] = '\0';
	assert_int_equal(refs_resolve(&refs, far_too_long, &out, &err), -1);
	refs_release(&refs);
	assert_int_equal(refs_parse(STR(""), &refs, &err), 0);
	assert_int_equal(refs_resolve(&refs, "HEAD", &out, &err), -1);
	assert_non_null(strstr(err.text, "default branch"));
	refs_release(&refs);
}

static void an_abbreviation_names_one_commit(void **state)
{
	struct refs refs;
	struct resolved out;
	struct error err = ERROR_INIT;
	assert_int_equal(
		refs_parse(STR(A "\trefs/heads/a\n" A2 "\trefs/heads/b\n" A "\trefs/heads/c\n"), &refs, &err),
		0);
	assert_int_equal(refs_resolve(&refs, "11111111", &out, &err), -1);
	assert_non_null(strstr(err.text, "write more"));
	assert_int_equal(refs_resolve(&refs, A2, &out, &err), 0);
	refs_release(&refs);
}

static void a_malformed_listing_is_refused(void **state)
{
	struct refs refs;
	struct error err = ERROR_INIT;
	assert_int_equal(refs_parse(STR("not a ref\n"), &refs, &err), -1);
	assert_non_null(strstr(err.text, "line 1"));
	assert_int_equal(refs_parse(STR(A " refs/heads/main\n"), &refs, &err), -1);
}

static void equal_listings_have_equal_hashes(void **state)
{
	struct refs one, two;
	assert_int_equal(refs_parse(str_of(listing), &one, NULL), 0);
	assert_int_equal(refs_parse(str_of(listing), &two, NULL), 0);
	assert_true(hash_eq(one.hash, two.hash));
	refs_release(&two);
	assert_int_equal(refs_parse(STR(B "\tHEAD\n"), &two, NULL), 0);
	assert_false(hash_eq(one.hash, two.hash));
	refs_release(&one);
	refs_release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revisions_resolve_in_order),
		cmocka_unit_test(what_is_not_there_is_said),
		cmocka_unit_test(an_abbreviation_names_one_commit),
		cmocka_unit_test(a_malformed_listing_is_refused),
		cmocka_unit_test(equal_listings_have_equal_hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
