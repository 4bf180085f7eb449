/* semver.c - see semver.h. Every comparator is turned into a half-open interval [from, to) or a bound. */
#include "repo/semver.h"

enum { COMPARATORS_MAX = 32 };

/* --- versions --- */

static bool read_number(struct str *text, uint64_t *out)
{
	size_t n = 0;
	*out = 0;
	for (; n < text->n && text->p[n] >= '0' && text->p[n] <= '9'; n++) {
		if (n >= 18)
			return false;
		*out = *out * 10 + (uint64_t)(text->p[n] - '0');
	}
	*text = str_from(*text, n);
	return n > 0;
}

static bool is_identifier(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
		if (!fine || (c == '.' && (i + 1 == text.n || text.p[i + 1] == '.')))
			return false;
	}
	return text.n > 0 && text.p[0] != '.';
}

static bool read_suffix(struct str text, struct semver *out)
{
	struct str build, before = str_cut(text, '+', &build);
	if (before.n != text.n && !is_identifier(build))
		return false;
	if (!before.n)
		return true;
	out->prerelease = str_from(before, 1);
	return before.p[0] == '-' && is_identifier(out->prerelease);
}

bool semver_parse(struct str text, struct semver *out)
{
	*out = (struct semver){ .prerelease = { "", 0 } };
	uint64_t *numbers[] = { &out->major, &out->minor, &out->patch };
	if (text.n > SEMVER_TEXT_MAX)
		return false;
	if (text.n && (text.p[0] == 'v' || text.p[0] == 'V'))
		text = str_from(text, 1);
	for (unsigned i = 0; i < 3; i++) {
		if (i > 0) {
			if (!text.n || text.p[0] != '.')
				break;
			text = str_from(text, 1);
		}
		if (!read_number(&text, numbers[i]))
			return false;
		out->given = i + 1;
	}
	return read_suffix(text, out);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static int compare_identifiers(struct str a, struct str b)
{
	bool na = all_digits(a), nb = all_digits(b);
	if (na && nb && a.n != b.n)
		return a.n < b.n ? -1 : 1;
	if (na != nb)
		return na ? -1 : 1;
	return str_cmp(a, b);
}

static int compare_prereleases(struct str a, struct str b)
{
	if (!a.n || !b.n)
		return (a.n == 0) - (b.n == 0); /* a release is higher than its prereleases */
	while (a.n && b.n) {
		struct str ia = str_cut(a, '.', &a), ib = str_cut(b, '.', &b);
		int order = compare_identifiers(ia, ib);
		if (order)
			return order;
	}
	return (a.n > 0) - (b.n > 0);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	int order = compare_numbers(a->major, b->major);
	order = order ? order : compare_numbers(a->minor, b->minor);
	order = order ? order : compare_numbers(a->patch, b->patch);
	return order ? order : compare_prereleases(a->prerelease, b->prerelease);
}

/* --- ranges --- */

struct comparator {
	char op[3];
	struct semver version; /* given says how much of it counts; 0: a wildcard */
};

static bool is_wildcard(struct str s)
{
	return s.n == 1 && (s.p[0] == 'x' || s.p[0] == 'X' || s.p[0] == '*');
}

/* "1.2.x" is "1.2" with two numbers given; "*" has none. */
static bool read_partial(struct str text, struct semver *out)
{
	struct str head = text, rest = text;
	unsigned dots = 0;
	while (rest.n) {
		struct str part = str_cut(rest, '.', &rest);
		if (is_wildcard(part) || (dots == 0 && part.n == 2 && part.p[0] == 'v' && is_wildcard(str_from(part, 1)))) {
			head.n = dots ? (size_t)(part.p - text.p) - 1 : 0;
			*out = (struct semver){ .prerelease = { "", 0 } };
			while (rest.n) /* only wildcards may follow */
				if (!is_wildcard(str_cut(rest, '.', &rest)))
					return false;
			return !head.n || (semver_parse(head, out) && !out->prerelease.n);
		}
		dots++;
		if (dots > 3)
			break;
	}
	return semver_parse(text, out);
}

static struct semver bump(const struct semver *v, unsigned which)
{
	struct semver up = { .prerelease = { "", 0 }, .given = 3 };
	up.major = v->major + (which == 1);
	up.minor = which == 1 ? 0 : v->minor + (which == 2);
	up.patch = which <= 2 ? 0 : v->patch + 1;
	return up;
}

/* Which number a caret holds fixed: the first that is not zero. */
static unsigned caret_number(const struct semver *v)
{
	if (v->major > 0 || v->given == 1)
		return 1;
	if (v->minor > 0 || v->given == 2)
		return 2;
	return 3;
}

static bool between(const struct semver *v, const struct semver *from, struct semver to)
{
	return semver_compare(v, from) >= 0 && semver_compare(v, &to) < 0;
}

static bool within_given(const struct comparator *c, const struct semver *v)
{
	if (c->version.given == 3)
		return semver_compare(v, &c->version) == 0;
	return between(v, &c->version, bump(&c->version, c->version.given));
}

static bool satisfies(const struct comparator *c, const struct semver *v)
{
	const struct semver *w = &c->version;
	if (v->prerelease.n && !w->prerelease.n)
		return false;
	if (w->given == 0)
		return strcmp(c->op, "!=") != 0 && strcmp(c->op, ">") != 0 && strcmp(c->op, "<") != 0;
	if (strcmp(c->op, "") == 0 || strcmp(c->op, "=") == 0)
		return within_given(c, v);
	if (strcmp(c->op, "!=") == 0)
		return !within_given(c, v);
	if (strcmp(c->op, ">=") == 0)
		return semver_compare(v, w) >= 0;
	if (strcmp(c->op, "<") == 0)
		return semver_compare(v, w) < 0;
	if (strcmp(c->op, ">") == 0)
		return semver_compare(v, w) > 0 && (w->given == 3 || !within_given(c, v));
	if (strcmp(c->op, "<=") == 0)
		return semver_compare(v, w) <= 0 || (w->given < 3 && within_given(c, v));
	if (strcmp(c->op, "~") == 0)
		return between(v, w, bump(w, w->given == 1 ? 1 : 2));
	return between(v, w, bump(w, caret_number(w)));
}

static struct str skip_spaces(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == ','))
		s = str_from(s, 1);
	return s;
}

static struct str take_word(struct str *text)
{
	size_t n = 0;
	while (n < text->n && text->p[n] != ' ' && text->p[n] != '\t' && text->p[n] != ',')
		n++;
	struct str word = { text->p, n };
	*text = str_from(*text, n);
	return word;
}

static bool read_op(struct str *text, char op[3])
{
	static const char *const ops[] = { "!=", ">=", "=>", "<=", "=<", "~>", ">", "<", "=", "~", "^" };
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!str_starts(*text, str_of(ops[i])))
			continue;
		const char *name = strcmp(ops[i], "=>") == 0 ? ">=" : strcmp(ops[i], "=<") == 0 ? "<=" : ops[i];
		strcpy(op, strcmp(name, "~>") == 0 ? "~" : name);
		*text = str_from(*text, strlen(ops[i]));
		return true;
	}
	op[0] = '\0';
	return false;
}

/* One AND group into comparators; false: malformed. */
static bool read_group(struct str text, struct comparator *out, size_t *n)
{
	*n = 0;
	for (text = skip_spaces(text); text.n; text = skip_spaces(text)) {
		struct comparator *c = &out[*n];
		if (*n + 2 > COMPARATORS_MAX)
			return false;
		read_op(&text, c->op);
		text = skip_spaces(text);
		if (!read_partial(take_word(&text), &c->version))
			return false;
		(*n)++;
		struct str rest = skip_spaces(text);
		if (c->op[0] || !str_starts(rest, STR("- ")))
			continue;
		/* "A - B": from A up to and with B. */
		strcpy(c->op, ">=");
		rest = skip_spaces(str_from(rest, 2));
		strcpy(out[*n].op, "<=");
		if (!read_partial(take_word(&rest), &out[*n].version))
			return false;
		(*n)++;
		text = rest;
	}
	return *n > 0;
}

/* Calls for every OR group; with v NULL only the form is judged. */
static bool judge(struct str range, const struct semver *v)
{
	bool matched = false;
	if (range.n > SEMVER_TEXT_MAX)
		return false;
	while (true) {
		const char *bar = memmem(range.p, range.n, "||", 2);
		struct str group = { range.p, bar ? (size_t)(bar - range.p) : range.n };
		struct comparator list[COMPARATORS_MAX + 1];
		size_t n;
		if (!read_group(group, list, &n))
			return false;
		bool all = true;
		for (size_t i = 0; v && all && i < n; i++)
			all = satisfies(&list[i], v);
		matched = matched || all;
		if (!bar)
			return matched;
		range = str_from(range, group.n + 2);
	}
}

bool semver_is_range(struct str text)
{
	return judge(text, NULL);
}

bool semver_matches(struct str range, const struct semver *version)
{
	return judge(range, version);
}
