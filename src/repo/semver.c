/*
 * semver.c - see semver.h.
 *
 * A range is parsed once into comparators and then asked of many tags. What a wildcard means differs by
 * operator and is not always what one would guess ("!=*" excludes 0.0.0 only): the rules are those of the
 * library that users' ranges were written for, and tests/unit/repo/semver_cases.txt holds its answers.
 */
#include "repo/semver.h"

/* --- words --- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static struct str skip_spaces(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s = str_from(s, 1);
	return s;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_identifier_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

static bool read_number(struct str digits, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < digits.n; i++)
		if (!is_digit(digits.p[i]) || __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(digits.p[i] - '0'), out))
			return false;
	return digits.n > 0;
}

/* --- versions --- */

/* Takes "a.b-c.1" from the front: identifiers with dots between them, none of them empty. */
static bool take_identifiers(struct str *text, struct str *out)
{
	size_t n = 0;
	while (n < text->n &&
	       (is_identifier_char(text->p[n]) || (text->p[n] == '.' && n > 0 && text->p[n - 1] != '.' &&
						   n + 1 < text->n && is_identifier_char(text->p[n + 1]))))
		n++;
	*out = (struct str){ text->p, n };
	*text = str_from(*text, n);
	return n > 0;
}

/* semver.org 2.0, 9: numeric identifiers have no leading zero. */
static bool has_leading_zero(struct str prerelease)
{
	while (prerelease.n) {
		struct str part = str_cut(prerelease, '.', &prerelease);
		if (part.n > 1 && part.p[0] == '0' && all_digits(part))
			return true;
	}
	return false;
}

/* Takes "-prerelease" and "+build", both optional. What is malformed is left standing. */
static bool take_suffix(struct str *text, struct str *prerelease)
{
	struct str build;
	*prerelease = STR("");
	if (text->n > 1 && text->p[0] == '-' && is_identifier_char(text->p[1])) {
		*text = str_from(*text, 1);
		take_identifiers(text, prerelease);
	}
	if (text->n > 1 && text->p[0] == '+' && is_identifier_char(text->p[1])) {
		*text = str_from(*text, 1);
		take_identifiers(text, &build);
	}
	return !has_leading_zero(*prerelease);
}

static bool is_part_char(char c)
{
	return is_digit(c) || c == 'x' || c == 'X' || c == '*';
}

/* Takes up to three parts with dots between them; returns how many. */
static unsigned take_parts(struct str *text, struct str parts[3])
{
	unsigned n = 0;
	if (text->n && text->p[0] == 'v')
		*text = str_from(*text, 1);
	while (n < 3) {
		struct str rest = n > 0 && text->n && text->p[0] == '.' ? str_from(*text, 1) : *text;
		size_t length = 0;
		while (length < rest.n && is_part_char(rest.p[length]))
			length++;
		if (!length || (n > 0 && rest.p == text->p))
			break;
		parts[n++] = (struct str){ rest.p, length };
		*text = str_from(rest, length);
	}
	return n;
}

bool semver_parse(struct str text, struct semver *out)
{
	struct str parts[3];
	*out = (struct semver){ .prerelease = { "", 0 } };
	uint64_t *numbers[] = { &out->major, &out->minor, &out->patch };
	if (text.n > SEMVER_TEXT_MAX)
		return false;
	out->given = take_parts(&text, parts);
	for (unsigned i = 0; i < out->given; i++)
		if (!read_number(parts[i], numbers[i]))
			return false;
	return out->given > 0 && take_suffix(&text, &out->prerelease) && !text.n;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
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

/* --- ranges: reading --- */

static bool is_wildcard(struct str s)
{
	return s.n == 1 && !is_digit(s.p[0]);
}

/* Takes a version in which parts may be wildcards or missing; what comes after the first wildcard is not
 * looked at. */
static bool take_partial(struct str *text, struct semver *out)
{
	struct str parts[3];
	*out = (struct semver){ .prerelease = { "", 0 } };
	uint64_t *numbers[] = { &out->major, &out->minor, &out->patch };
	unsigned n = take_parts(text, parts);
	for (; out->given < n && !is_wildcard(parts[out->given]); out->given++)
		if (!read_number(parts[out->given], numbers[out->given]))
			return false;
	return n > 0 && take_suffix(text, &out->prerelease);
}

static bool take_op(struct str *text, enum semver_op *op)
{
	static const struct {
		const char *text;
		enum semver_op op;
	} ops[] = {
		{ "!=", SEMVER_NE }, { ">=", SEMVER_GE },    { "=>", SEMVER_GE },   { "<=", SEMVER_LE },
		{ "=<", SEMVER_LE }, { "~>", SEMVER_TILDE }, { ">", SEMVER_GT },    { "<", SEMVER_LT },
		{ "=", SEMVER_EQ },  { "~", SEMVER_TILDE },  { "^", SEMVER_CARET },
	};
	*op = SEMVER_EQ;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!str_starts(*text, str_of(ops[i].text)))
			continue;
		*op = ops[i].op;
		*text = str_from(*text, strlen(ops[i].text));
		return true;
	}
	return false;
}

/* " - " between two versions; false: none is there, and text is as it was. */
static bool take_hyphen(struct str *text)
{
	struct str rest = skip_spaces(*text);
	if (rest.p == text->p || rest.n < 2 || rest.p[0] != '-' || !is_space(rest.p[1]))
		return false;
	*text = skip_spaces(str_from(rest, 1));
	return true;
}

/* Takes what must stand between two comparators; false: nothing does. */
static bool take_separator(struct str *text, bool *comma)
{
	struct str rest = skip_spaces(*text);
	*comma = rest.n && rest.p[0] == ',';
	if (*comma)
		rest = skip_spaces(str_from(rest, 1));
	bool any = rest.p != text->p;
	*text = rest;
	return any;
}

static bool add(struct semver_range *out, enum semver_op op, const struct semver *v, unsigned group)
{
	if (out->n == SEMVER_COMPARATORS_MAX)
		return false;
	out->at[out->n++] = (struct semver_comparator){ op, *v, group };
	return true;
}

/* One AND group. A hyphen range stands at the front or after a comma. */
static bool read_group(struct str text, unsigned group, struct semver_range *out)
{
	bool comma = true, separated = true;
	for (text = skip_spaces(text);;) {
		enum semver_op op;
		struct semver v, to;
		bool has_op = take_op(&text, &op), hyphen;
		text = has_op ? skip_spaces(text) : text;
		if (!separated || !take_partial(&text, &v))
			return false;
		hyphen = take_hyphen(&text);
		if (hyphen && (has_op || !comma || !take_partial(&text, &to)))
			return false;
		if (!add(out, hyphen ? SEMVER_GE : op, &v, group) ||
		    (hyphen && !add(out, SEMVER_LE, &to, group)))
			return false;
		separated = take_separator(&text, &comma) || hyphen;
		if (!text.n)
			return !comma;
	}
}

bool semver_range_parse(struct str text, struct semver_range *out)
{
	out->n = 0;
	if (text.n > SEMVER_TEXT_MAX)
		return false;
	for (unsigned group = 0;; group++) {
		const char *bar = memmem(text.p, text.n, "||", 2);
		struct str part = { text.p, bar ? (size_t)(bar - text.p) : text.n };
		if (!read_group(part, group, out))
			return false;
		if (!bar)
			return true;
		text = str_from(text, part.n + 2);
	}
}

/* --- ranges: asking --- */

static bool not_equal(const struct semver *v, const struct semver *w)
{
	if (w->given == 3 || v->major != w->major)
		return semver_compare(v, w) != 0;
	if (w->given == 1)
		return false;
	if (w->given == 2 && v->minor == w->minor)
		return (v->prerelease.n || w->prerelease.n) &&
		       compare_prereleases(v->prerelease, w->prerelease) != 0;
	return semver_compare(v, w) != 0;
}

static bool greater(const struct semver *v, const struct semver *w)
{
	if (w->given == 3 || v->major != w->major)
		return semver_compare(v, w) > 0;
	if (w->given == 1)
		return false;
	return w->given == 2 ? v->minor > w->minor : semver_compare(v, w) > 0;
}

static bool less_or_equal(const struct semver *v, const struct semver *w)
{
	if (w->given == 3)
		return semver_compare(v, w) <= 0;
	return v->major <= w->major && (v->major < w->major || w->given == 1 || v->minor <= w->minor);
}

static bool tilde(const struct semver *v, const struct semver *w)
{
	bool any = w->major == 0 && w->minor == 0 && w->patch == 0 && (w->given == 0 || w->given == 3);
	if (semver_compare(v, w) < 0)
		return false;
	return any || (v->major == w->major && (v->minor == w->minor || w->given == 1));
}

/* The first number that is not zero, or the last that was written, is held fixed. */
static bool caret(const struct semver *v, const struct semver *w)
{
	if (semver_compare(v, w) < 0 || v->major != w->major)
		return false;
	if (w->major > 0 || w->given == 1)
		return true;
	if (w->minor > 0 || w->given == 2)
		return v->minor == w->minor;
	return v->minor == 0 && v->patch == w->patch;
}

static bool satisfies(const struct semver_comparator *c, const struct semver *v)
{
	const struct semver *w = &c->version;
	switch (c->op) {
	case SEMVER_EQ:
		return w->given < 3 ? tilde(v, w) : semver_compare(v, w) == 0;
	case SEMVER_NE:
		return not_equal(v, w);
	case SEMVER_GT:
		return greater(v, w);
	case SEMVER_LT:
		return semver_compare(v, w) < 0;
	case SEMVER_GE:
		return semver_compare(v, w) >= 0;
	case SEMVER_LE:
		return less_or_equal(v, w);
	case SEMVER_TILDE:
		return tilde(v, w);
	case SEMVER_CARET:
		return caret(v, w);
	}
	return false;
}

bool semver_range_has(const struct semver_range *range, const struct semver *v)
{
	for (size_t i = 0; i < range->n;) {
		unsigned group = range->at[i].group;
		bool all = true, prereleases = false;
		for (; i < range->n && range->at[i].group == group; i++) {
			all = all && satisfies(&range->at[i], v);
			prereleases = prereleases || range->at[i].version.prerelease.n;
		}
		if (all && (prereleases || !v->prerelease.n))
			return true;
	}
	return false;
}

bool semver_is_range(struct str text)
{
	struct semver_range range;
	return semver_range_parse(text, &range);
}

bool semver_matches(struct str text, const struct semver *version)
{
	struct semver_range range;
	return semver_range_parse(text, &range) && semver_range_has(&range, version);
}

size_t semver_best(struct str text, const struct str *tags, size_t n)
{
	struct semver_range range;
	struct semver v, best_version = { 0 };
	size_t best = SIZE_MAX;
	if (!semver_range_parse(text, &range))
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!semver_parse(tags[i], &v) || !semver_range_has(&range, &v))
			continue;
		if (best == SIZE_MAX || semver_compare(&v, &best_version) > 0) {
			best = i;
			best_version = v;
		}
	}
	return best;
}
