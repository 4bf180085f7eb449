/* image_policy.c - see image_policy.h. */
#include "registry/image_policy.h"

#include <string.h>

#include "base/regex.h"
#include "repo/semver.h"

/* --- the filter --- */

static int compile(struct arena *a, struct str pattern, const char *field, struct regex **out,
		   struct error *err)
{
	*out = NULL;
	if (pattern.n > IMAGE_POLICY_TEXT_MAX)
		return error_set(err, "%s: is longer than %u bytes", field, IMAGE_POLICY_TEXT_MAX);
	if (pattern.n && regex_compile_groups(a, pattern, out, err) < 0)
		return error_wrap(err, "%s", field);
	return 0;
}

static bool in_name(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* The name behind a dollar, as Go's Expand takes it apart: the longest one, or what is in braces. False: it
 * is no name. */
static bool take_name(struct str *rest, struct str *name)
{
	bool braces = rest->n && rest->p[0] == '{';
	struct str s = str_from(*rest, braces);
	size_t n = 0;
	while (n < s.n && in_name(s.p[n]))
		n++;
	*name = (struct str){ s.p, n };
	if (!n || (braces && (n == s.n || s.p[n] != '}')))
		return false;
	*rest = str_from(s, n + braces);
	return true;
}

static unsigned group_number(const struct regex *re, struct str name, bool *known)
{
	int64_t number;
	*known = true;
	if (str_int64(name, &number) && number >= 0) {
		*known = (uint64_t)number <= regex_groups(re);
		return *known ? (unsigned)number : 0;
	}
	unsigned group = regex_group_of(re, name);
	*known = group > 0;
	return group;
}

/* err NULL: what there is not is empty, as in Go. */
static int expand(const struct regex *re, struct str template, const struct str *groups, struct buf *out,
		  struct error *err)
{
	for (struct str rest = template; rest.n;) {
		struct str name, before = str_cut(rest, '$', &rest);
		bool known, dollar = before.p + before.n < template.p + template.n;
		buf_add_str(out, before);
		if (!dollar)
			break;
		if (rest.n && rest.p[0] == '$') {
			buf_addc(out, '$');
			rest = str_from(rest, 1);
			continue;
		}
		if (!take_name(&rest, &name)) {
			if (err)
				return error_set(
					err,
					"filter.extract: behind a $ stands the number or name of a group");
			buf_addc(out, '$');
			continue;
		}
		unsigned group = group_number(re, name, &known);
		if (!known && err)
			return error_set(err, "filter.extract: filter.pattern has no group %.*s",
					 STR_ARG(name));
		if (known && groups[group].p)
			buf_add_str(out, groups[group]);
	}
	return 0;
}

int image_policy_filter(struct arena *a, const struct image_policy *policy, const struct str *tags, size_t n,
			struct image_candidate **out, size_t *n_out, struct error *err)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	cleanup_buf struct buf value = BUF_INIT;
	struct regex *filter, *exclude;
	struct str groups[REGEX_GROUPS_MAX + 1];
	*n_out = 0;
	if (compile(&scratch, policy->filter, "filter.pattern", &filter, err) < 0 ||
	    compile(&scratch, policy->exclude, "filter.exclude", &exclude, err) < 0)
		return -1;
	*out = arena_array(a, struct image_candidate, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct image_candidate c = { .tag = tags[i], .value = tags[i] };
		if (exclude && regex_match(exclude, tags[i]))
			continue;
		if (filter && !regex_find(filter, tags[i], groups, REGEX_GROUPS_MAX + 1))
			continue;
		if (filter && policy->extract.n) {
			buf_clear(&value);
			expand(filter, policy->extract, groups, &value, NULL);
			if (value.n > IMAGE_POLICY_VALUE_MAX)
				continue;
			c.value = arena_str(a, buf_str(&value));
		}
		(*out)[(*n_out)++] = c;
	}
	return 0;
}

/* --- the policies --- */

int image_policy_check(const struct image_policy *policy, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf value = BUF_INIT;
	struct regex *filter, *exclude;
	static const struct str none[REGEX_GROUPS_MAX + 1];
	if (compile(&a, policy->filter, "filter.pattern", &filter, err) < 0 ||
	    compile(&a, policy->exclude, "filter.exclude", &exclude, err) < 0)
		return -1;
	if (policy->extract.n && !filter)
		return error_set(err, "filter.extract: wants a filter.pattern");
	if (policy->extract.n > IMAGE_POLICY_TEXT_MAX)
		return error_set(err, "filter.extract: is longer than %u bytes", IMAGE_POLICY_TEXT_MAX);
	if (filter && expand(filter, policy->extract, none, &value, err) < 0)
		return -1;
	if (policy->kind == IMAGE_POLICY_SEMVER && !semver_is_range(policy->range))
		return error_set(
			err, "policy.semver.range: \"%.*s\" is no range of versions, such as >=1.0 <2 or 1.x",
			STR_ARG(policy->range));
	return 0;
}

/* A decimal number: its sign, and digits without zeros at the ends. */
struct number {
	bool negative;
	struct str whole, fraction;
};

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static bool read_number(struct str text, struct number *out)
{
	*out = (struct number){ .negative = text.n && text.p[0] == '-' };
	if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
		text = str_from(text, 1);
	bool point = memchr(text.p ? text.p : "", '.', text.n);
	out->whole = str_cut(text, '.', &out->fraction);
	if (!out->whole.n || (point && !out->fraction.n) || !all_digits(out->whole) ||
	    !all_digits(out->fraction))
		return false;
	while (out->whole.n && out->whole.p[0] == '0')
		out->whole = str_from(out->whole, 1);
	while (out->fraction.n && out->fraction.p[out->fraction.n - 1] == '0')
		out->fraction.n--;
	if (!out->whole.n && !out->fraction.n)
		out->negative = false;
	return true;
}

static int compare_numbers(struct str a, struct str b)
{
	struct number one, other;
	if (!read_number(a, &one) || !read_number(b, &other))
		return 0;
	if (one.negative != other.negative)
		return one.negative ? -1 : 1;
	int sign = one.negative ? -1 : 1;
	if (one.whole.n != other.whole.n)
		return one.whole.n < other.whole.n ? -sign : sign;
	int order = str_cmp(one.whole, other.whole);
	return sign * (order ? order : str_cmp(one.fraction, other.fraction));
}

/* All three numbers, as tags of releases have them: "1" and "1.2" are names that move. */
static bool read_version(struct str text, struct semver *out)
{
	return semver_parse(text, out) && out->given == 3;
}

static bool counts(const struct image_policy *policy, const struct image_candidate *c)
{
	struct semver version;
	struct number number;
	switch (policy->kind) {
	case IMAGE_POLICY_SEMVER:
		return read_version(c->value, &version) && semver_matches(policy->range, &version);
	case IMAGE_POLICY_NUMERICAL:
		return read_number(c->value, &number);
	case IMAGE_POLICY_ALPHABETICAL:
	case IMAGE_POLICY_TIME:
		break;
	}
	return true;
}

static int compare(const struct image_policy *policy, const struct image_candidate *a,
		   const struct image_candidate *b)
{
	struct semver one, other;
	int order = 0;
	switch (policy->kind) {
	case IMAGE_POLICY_SEMVER:
		if (read_version(a->value, &one) && read_version(b->value, &other))
			order = semver_compare(&one, &other);
		break;
	case IMAGE_POLICY_NUMERICAL:
		order = compare_numbers(a->value, b->value);
		break;
	case IMAGE_POLICY_ALPHABETICAL:
		order = str_cmp(a->value, b->value);
		break;
	case IMAGE_POLICY_TIME:
		order = a->created_ms < b->created_ms ? -1 : a->created_ms > b->created_ms;
		break;
	}
	return policy->lowest ? -order : order;
}

static int none(const struct image_policy *policy, size_t n, struct error *err)
{
	if (!n)
		return error_set(err, "no tag passes the filter");
	if (policy->kind == IMAGE_POLICY_SEMVER)
		return error_set(err,
				 "none of the %zu tags that pass the filter is a version (1.2.3) in %.*s", n,
				 STR_ARG(policy->range));
	return error_set(err, "none of the %zu tags that pass the filter is a number", n);
}

int image_policy_choose(const struct image_policy *policy, const struct image_candidate *candidates, size_t n,
			size_t *chosen, struct error *err)
{
	size_t best = SIZE_MAX, equal = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!counts(policy, &candidates[i]))
			continue;
		int order = best == SIZE_MAX ? 1 : compare(policy, &candidates[i], &candidates[best]);
		if (order > 0)
			best = i;
		if (order >= 0)
			equal = order ? SIZE_MAX : i;
	}
	if (best == SIZE_MAX)
		return none(policy, n, err);
	if (equal != SIZE_MAX)
		return error_set(
			err,
			"tags %.*s and %.*s are equally late, so the policy is ambiguous; let filter.pattern or "
			"filter.exclude leave one of them out",
			STR_ARG(candidates[best].tag), STR_ARG(candidates[equal].tag));
	*chosen = best;
	return 0;
}
