/* fields_rules.c - what texts must look like; fields_schema.c has the same as regular expressions. */
#include "render/fields.h"
#include "render/substitute.h"

bool fields_is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!alnum && (c != '-' || i == 0 || i + 1 == s.n))
			return false;
	}
	return s.n > 0 && s.n <= 63;
}

static bool is_subdomain(struct str s)
{
	if (s.n == 0 || s.n > 253 || s.p[s.n - 1] == '.')
		return false;
	while (s.n)
		if (!fields_is_label(str_cut(s, '.', &s)))
			return false;
	return true;
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
			return false;
	return s.n >= 8 && s.n <= 64;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* See git-check-ref-format(1). */
static bool is_branch(struct str s)
{
	struct str rest = s;
	if (s.n == 0 || s.n > 244 || s.p[0] == '-' || s.p[s.n - 1] == '/' || s.p[s.n - 1] == '.' ||
	    str_is(s, "@") || has_control(s) || memmem(s.p, s.n, "..", 2) || memmem(s.p, s.n, "@{", 2))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" ~^:?*[\\", s.p[i]))
			return false;
	while (rest.n) {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || part.p[0] == '.' || str_ends(part, STR(".lock")))
			return false;
	}
	return true;
}

/* What is wrong with a path; it is cleaned into out. */
static const char *clean_path(struct str s, struct buf *out)
{
	if (s.n && s.p[0] == '/')
		return "must be relative to the root of the repository: take the leading / away";
	if (s.n > 1024 || has_control(s))
		return "is not the path of a directory of the repository";
	while (s.n) {
		struct str part = str_cut(s, '/', &s);
		if (str_is(part, ".."))
			return "must not hold `..`: paths begin at the root of the repository and stay in it";
		if (part.n == 4 && strncasecmp(part.p, ".git", 4) == 0)
			return "must not lead into .git";
		if (part.n == 0 || str_is(part, "."))
			continue;
		if (out->n)
			buf_addc(out, '/');
		buf_add_str(out, part);
	}
	return NULL;
}

const char *fields_rule_broken(enum field_rule rule, struct str s, struct buf *clean)
{
	if (s.n && memchr(s.p, '\0', s.n))
		return "must not hold NUL bytes";
	switch (rule) {
	case RULE_PATH:
		return clean_path(s, clean);
	case RULE_ANY:
		return s.n ? NULL : "must not be empty";
	case RULE_LABEL:
		return fields_is_label(s)
			       ? NULL
			       : "is no name: at most 63 of a-z, 0-9 and -, with a letter or digit "
				 "at both ends";
	case RULE_NAME:
		return is_subdomain(s)
			       ? NULL
			       : "is no name of an object: a-z, 0-9, - and ., with a letter or digit at "
				 "both ends";
	case RULE_BRANCH:
		return is_branch(s) ? NULL : "is no name of a branch that git takes";
	case RULE_VARIABLE:
		return substitute_is_name(s)
			       ? NULL
			       : "is no name of a variable: letters, digits and _, not a digit in front";
	case RULE_DIGEST:
		return is_hex(s) ? NULL : "must be 8 to 64 hexadecimal digits";
	case RULE_EMPTY_TOO:
		break;
	}
	return NULL;
}
