/* Lines of refs are read strictly, and a branch deploys what its capstan.yaml says. */
#include "unit/cmocka_all.h"

#include "push/receive.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define Z "0000000000000000000000000000000000000000"

static void refs_are_read(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct journal_ref *refs;
	size_t n;
	struct str text =
		STR(Z " " A " refs/heads/main\n" A " " B " refs/tags/v1\n" B " " Z " refs/heads/a/b\n");
	assert_int_equal(receive_read(&a, text, &refs, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(refs[0].old, "");
	assert_string_equal(refs[0].new, A);
	assert_string_equal(receive_branch(&refs[0]), "main");
	assert_null(receive_branch(&refs[1]));
	assert_string_equal(refs[2].new, "");
	assert_string_equal(receive_branch(&refs[2]), "a/b");
}

static void what_is_no_ref_is_refused(void **state)
{
	static const char *const bad[] = {
		"x",
		A " " B,
		A " " B " main",
		A " " B " refs/heads/a b",
		A " " B " refs/heads/\x1b[31m",
		A " " B " refs/heads/../x",
		"AAAA " B " refs/heads/main",
		A " refs/heads/main",
		A " " B " refs/heads/\xff",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct journal_ref *refs;
		size_t n;
		assert_int_equal(receive_read(&a, str_of(bad[i]), &refs, &n, &err), -1);
		assert_true(err.text[0] != '\0');
		assert_null(strchr(err.text, '\x1b'));
	}
}

static void too_many_refs_are_refused(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct journal_ref *refs;
	size_t n;
	for (unsigned i = 0; i < JOURNAL_REFS_MAX; i++)
		buf_printf(&text, Z " " A " refs/heads/b%u\n", i);
	assert_int_equal(receive_read(&a, buf_str(&text), &refs, &n, &err), 0);
	assert_int_equal(n, JOURNAL_REFS_MAX);
	buf_adds(&text, Z " " A " refs/heads/one-more\n");
	assert_int_equal(receive_read(&a, buf_str(&text), &refs, &n, &err), -1);
	assert_non_null(strstr(err.text, "JOURNAL_REFS_MAX"));
}

static void read_environments(struct arena *a, const char *text, struct environments *out)
{
	struct error err = ERROR_INIT;
	environments_read(a, ENVIRONMENTS_FILE, str_of(text), out);
	assert_int_equal(environments_check(out, &err), 0);
}

static void a_branch_deploys_its_environments(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct environments all;
	struct receive_target *targets;
	struct hosted_repo repo = { .namespace = "shop", .name = "web" };
	size_t n;
	read_environments(&a,
			  "environments:\n"
			  "  prod: {branch: main, path: prod, namespace: live}\n"
			  "  test: {branch: main, path: test}\n"
			  "  dev: {branch: dev, path: dev}\n",
			  &all);
	assert_int_equal(receive_targets(&a, &repo, &all, "main", &targets, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(targets[0].app, "web-prod");
	assert_string_equal(targets[0].namespace, "live");
	assert_string_equal(targets[1].app, "web-test");
	assert_string_equal(targets[1].namespace, "shop");
	assert_null(targets[0].deliver);
	assert_int_equal(receive_targets(&a, &repo, &all, "feature", &targets, &n, &err), 0);
	assert_int_equal(n, 0);
}

static void one_environment_is_named_as_the_repository(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct environments all;
	struct receive_target *targets;
	struct hosted_repo repo = { .namespace = "shop", .name = "web" };
	size_t n;
	read_environments(&a, "environments: {prod: {branch: main, path: .}}\n", &all);
	assert_int_equal(receive_targets(&a, &repo, &all, "main", &targets, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(targets[0].app, "web");
}

static void a_name_that_no_app_can_have_is_said(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct environments all;
	struct receive_target *targets;
	char name[64];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	struct hosted_repo repo = { .namespace = "shop", .name = name };
	size_t n;
	read_environments(&a, "environments: {prod: {branch: main, path: a}, dev: {branch: main, path: b}}\n",
			  &all);
	assert_int_equal(receive_targets(&a, &repo, &all, "main", &targets, &n, &err), -1);
	assert_non_null(strstr(err.text, "capstan.yaml:1"));
	assert_non_null(strstr(err.text, "shorter name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refs_are_read),
		cmocka_unit_test(what_is_no_ref_is_refused),
		cmocka_unit_test(too_many_refs_are_refused),
		cmocka_unit_test(a_branch_deploys_its_environments),
		cmocka_unit_test(one_environment_is_named_as_the_repository),
		cmocka_unit_test(a_name_that_no_app_can_have_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
