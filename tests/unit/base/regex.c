/* Regular expressions: the verdicts are those of Go's regexp package. */
#include "../cmocka_all.h"

#include "base/regex.h"

/* 1: matches; 0: does not; -1: refused. */
static int verdict(struct str pattern, struct str text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct regex *re;
	struct error err = ERROR_INIT;
	if (regex_compile(&a, pattern, &re, &err)) {
		assert_true(err.text[0]);
		return -1;
	}
	return regex_match(re, text);
}

struct example {
	const char *pattern, *text;
	int verdict;
};

static void check(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = verdict(str_of(examples[i].pattern), str_of(examples[i].text));
		if (got != examples[i].verdict)
			fail_msg("%s on %s: %d", examples[i].pattern, examples[i].text, got);
	}
}

#define check_all(examples) check(examples, sizeof(examples) / sizeof(*(examples)))

static void matches_as_go_does(void **state)
{
	static const struct example examples[] = {
		{ "", "", 1 },
		{ "b", "abc", 1 },
		{ "^(?:my.*)$", "myapp", 1 },
		{ "^(?:my.*)$", "notmyapp", 0 },
		{ "^(?:a|b)$", "b", 1 },
		{ "^(?:a|b)$", "ab", 0 },
		{ "^a.c$", "a\nc", 0 },
		{ "(?s)^a.c$", "a\nc", 1 },
		{ "^a$", "a\n", 0 },
		{ "(?m)^a$", "b\na\nc", 1 },
		{ "^a{2,3}$", "aaa", 1 },
		{ "^a{2,3}$", "aaaa", 0 },
		{ "^a{,2}$", "a{,2}", 1 },
		{ "^(?:ab){2}$", "abab", 1 },
		{ "^x*?$", "xxx", 1 },
		{ "^[^a-c]$", "d", 1 },
		{ "^[]a]+$", "]a", 1 },
		{ "^[\\d-z]+$", "5-z", 1 },
		{ "^[[:alpha:]_]+$", "a_B", 1 },
		{ "^[[:^alpha:]]$", "1", 1 },
		{ "^\\w+\\s\\D$", "a_1 x", 1 },
		{ "\\bapi\\b", "my-api-1", 1 },
		{ "\\bapi\\b", "myapi", 0 },
		{ "^(?i)API$", "api", 1 },
		{ "^(?i:A)b$", "aB", 0 },
		{ "^\\x41\\x{42}\\103$", "ABC", 1 },
		{ "^\\Qa.b\\E+$", "a.bb", 1 },
		{ "^\\Qa.b\\E$", "axb", 0 },
		{ "^.$", "\xc3\xa9", 1 },
		{ "^(?P<name>a)(?<other>b)$", "ab", 1 },
		{ "^(?:|a)$", "", 1 },
	};
	check_all(examples);
}

static void refuses_what_go_refuses(void **state)
{
	static const struct example examples[] = {
		{ "*a", "", -1 },	  { "a**", "", -1 },	{ "a++", "", -1 },
		{ "{2}", "", -1 },	  { "(a", "", -1 },	{ "a)", "", -1 },
		{ "[a", "", -1 },	  { "[b-a]", "", -1 },	{ "(?=a)", "", -1 },
		{ "(?!a)", "", -1 },	  { "(?<=a)", "", -1 }, { "(a)\\1", "", -1 },
		{ "a{1001}", "", -1 },	  { "a{3,2}", "", -1 }, { "\\", "", -1 },
		{ "[[:nope:]]", "", -1 }, { "\\y", "", -1 },	{ "(a{40}){40}", "", -1 },
	};
	check_all(examples);
}

/* Patterns that keep other engines busy for ages, or use up their stack. */
static void hostile_patterns_cost_little(void **state)
{
	char text[2001], deep[1001], many[9001];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(verdict(STR("^(a+)+$"), (struct str){ text, sizeof(text) - 1 }), 1);
	text[sizeof(text) - 2] = 'b';
	assert_int_equal(verdict(STR("^(a|aa|a*)*$"), (struct str){ text, sizeof(text) - 1 }), 0);
	assert_int_equal(verdict(STR("((((){999})){999}){999}"), STR("")), -1);
	assert_int_equal(verdict(STR("((((a*)*)*)*)*b"), STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), 0);
	memset(deep, '(', sizeof(deep));
	assert_int_equal(verdict((struct str){ deep, sizeof(deep) }, STR("")), -1);
	memset(many, '|', sizeof(many));
	assert_int_equal(verdict((struct str){ many, sizeof(many) }, STR("")), -1);
	memset(many, 'a', sizeof(many));
	assert_int_equal(verdict((struct str){ many, sizeof(many) }, STR("a")), 0);
}

static void knows_plain_text(void **state)
{
	assert_true(regex_is_literal(STR("my-app_1")));
	assert_false(regex_is_literal(STR("a.b")));
	assert_false(regex_is_literal(STR("a|b")));
}

/* "-": a group that took no part. */
static void finds_what_go_finds(void **state)
{
	static const struct {
		const char *pattern, *text, *groups[4];
	} examples[] = {
		{ "(a|ab)(c|bcd)(d*)", "abcd", { "abcd", "a", "bcd", "" } },
		{ "(a+?)(a*)", "aaa", { "aaa", "a", "aa" } },
		{ "(a*)(a+)", "aaa", { "aaa", "aa", "a" } },
		{ "^v(?P<x>[0-9]+)(?:-(rc))?$", "v12", { "v12", "12", "-" } },
		{ "(a)|(b)", "zb", { "b", "-", "b" } },
		{ "(x*)", "bx", { "", "" } },
		{ "(a(b)?)+", "aba", { "aba", "a", "b" } },
		{ "(?:(a)|b)*", "ab", { "ab", "a" } },
		{ "b+?$", "abb", { "bb" } },
		{ "(\\w+)-(\\w+)$", "a-b-c", { "b-c", "b", "c" } },
		{ "((a){2})", "aaa", { "aa", "aa", "a" } },
		{ "(\xc3\xa9)(.)", "x\xc3\xa9z", { "\xc3\xa9z", "\xc3\xa9", "z" } },
	};
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct regex *re;
		struct str groups[4];
		assert_int_equal(regex_compile_groups(&a, str_of(examples[i].pattern), &re, NULL), 0);
		assert_true(regex_find(re, str_of(examples[i].text), groups, 4));
		for (size_t k = 0; k < 4; k++) {
			const char *want = examples[i].groups[k];
			bool absent = !want || strcmp(want, "-") == 0;
			if (absent ? groups[k].p != NULL : !str_is(groups[k], want))
				fail_msg("%s: group %zu is %.*s", examples[i].pattern, k, STR_ARG(groups[k]));
		}
	}
	cleanup_arena struct arena a = ARENA_INIT;
	struct regex *re;
	struct str group;
	assert_int_equal(regex_compile_groups(&a, STR("(x)(?P<name>y)"), &re, NULL), 0);
	assert_int_equal(regex_groups(re), 2);
	assert_int_equal(regex_group_of(re, STR("name")), 2);
	assert_int_equal(regex_group_of(re, STR("other")), 0);
	assert_false(regex_find(re, STR("xx"), &group, 1));
	struct error err = ERROR_INIT;
	cleanup_buf struct buf many = BUF_INIT;
	for (unsigned i = 0; i <= REGEX_GROUPS_MAX; i++)
		buf_adds(&many, "(a)");
	assert_int_equal(regex_compile_groups(&a, buf_str(&many), &re, &err), -1);
	assert_int_equal(regex_compile(&a, buf_str(&many), &re, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_go_does),		cmocka_unit_test(refuses_what_go_refuses),
		cmocka_unit_test(hostile_patterns_cost_little), cmocka_unit_test(knows_plain_text),
		cmocka_unit_test(finds_what_go_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
