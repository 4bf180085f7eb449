/* Allow-lists: what is read, and what is refused. */
#include "helper.h"

static void refuses(const char *text, const char *want)
{
	struct error err = ERROR_INIT;
	struct check *c = check_new(&(struct check_options){ .minor = 0 });
	assert_int_equal(check_allow_text(c, "allow.yaml", str_of(text), &err), -1);
	assert_string_equal(err.text, want);
	check_free(c);
}

static void entries_are_checked(void **state)
{
	refuses("- rule: token\n  path: a\n",
		"allow.yaml:1: the entry gives no reason: say why it is allowed");
	refuses("- rule: token\n  path: a\n  reason: \"\"\n", "allow.yaml:3: reason must be a text");
	refuses("- path: a\n  reason: b\n", "allow.yaml:1: the entry names no rule");
	refuses("- rule: nope\n  path: a\n  reason: b\n", "allow.yaml:1: there is no rule `nope`");
	refuses("- rule: token\n  reason: b\n",
		"allow.yaml:1: the entry needs a path, an object or a fingerprint; to do without a rule, turn it off");
	refuses("- rule: token\n  paht: a\n  reason: b\n",
		"allow.yaml:2: `paht` is not known; an entry has rule, path, object, fingerprint, reason");
	refuses("- token\n",
		"allow.yaml:1: an entry is a map with rule, reason and path, object or fingerprint");
	refuses("allow: 5\n",
		"allow.yaml:1: an allow-list is a list of entries, or a map that has it as `allow`");
	refuses("a: [\n", "allow.yaml: 2:1: a value is missing before this");
}

#define BAD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\ndat: {}\n"

static size_t allowed(const char *list)
{
	cleanup_checked struct checked k = CHECKED_INIT;
	struct error err = ERROR_INIT;
	k.c = check_new(&(struct check_options){ .minor = 0 });
	if (check_allow_text(k.c, "allow.yaml", str_of(list), &err))
		fail_msg("%s", err.text);
	checked_environment(&k, "", BAD);
	check_finish(k.c, &k.result);
	assert_int_equal(k.result.allowed + k.result.errors, 1);
	assert_int_equal(k.result.notes, !k.result.allowed); /* an entry without use is told */
	return k.result.allowed;
}

static void entries_match_by_all_they_name(void **state)
{
	assert_int_equal(allowed("- {rule: unknown-field, path: a.yaml, reason: r}\n"), 1);
	assert_int_equal(
		allowed("- {rule: unknown-field, path: \"*.yaml\", object: ConfigMap/default/a, reason: r}\n"),
		1);
	assert_int_equal(
		allowed("- {rule: unknown-field, path: \"*.yaml\", object: ConfigMap/default/b, reason: r}\n"),
		0);
	assert_int_equal(allowed("- {rule: unknown-field, path: \"*.yml\", reason: r}\n"), 0);
	assert_int_equal(allowed("- {rule: wrong-type, path: a.yaml, reason: r}\n"), 0);
	assert_int_equal(allowed("- {rule: unknown-field, fingerprint: \"0000000000000000\", reason: r}\n"),
			 0);
}

static void fingerprints_stay_when_lines_move(void **state)
{
	cleanup_checked struct checked one = CHECKED_INIT, two = CHECKED_INIT;
	checked_text(&one, BAD, NULL);
	checked_text(&two, "# a line\n\n" BAD, NULL);
	assert_int_equal(one.result.n, 1);
	assert_string_equal(one.result.findings[0].fingerprint, two.result.findings[0].fingerprint);
	assert_int_equal(strlen(one.result.findings[0].fingerprint), 16);
	cleanup_buf struct buf list = BUF_INIT;
	buf_printf(&list, "- {rule: unknown-field, fingerprint: \"%s\", reason: r}\n",
		   one.result.findings[0].fingerprint);
	assert_int_equal(allowed(list.p), 1);
	buf_clear(&list); /* too few digits tell nothing */
	buf_printf(&list, "- {rule: unknown-field, fingerprint: \"%.4s\", reason: r}\n",
		   one.result.findings[0].fingerprint);
	assert_int_equal(allowed(list.p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_checked),
		cmocka_unit_test(entries_match_by_all_they_name),
		cmocka_unit_test(fingerprints_stay_when_lines_move),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
