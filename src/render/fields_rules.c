/* fields_rules.c - what texts must look like; fields_schema.c has the same as regular expressions. */
#include "render/fields.h"
#include "render/images.h"
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

/* A host in front, so that it is known where it is pushed to. */
static bool is_image(struct str s)
{
	struct image_ref ref;
	struct error err = ERROR_INIT;
	struct str rest, host = str_cut(s, '/', &rest);
	return rest.n && image_ref_read(s, &ref, &err) == 0 && !ref.tag.n && !ref.digest.n &&
	       (memchr(host.p, '.', host.n) || memchr(host.p, ':', host.n) || str_is(host, "localhost"));
}

static bool is_word(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		      strchr(more, s.p[i])))
			return false;
	return s.n > 0 && s.n <= 64;
}

/* As the OCI image specification has them: os/architecture[/variant]. */
static bool is_platform(struct str s)
{
	struct str rest, os = str_cut(s, '/', &rest), variant;
	struct str cpu = str_cut(rest, '/', &variant);
	bool three = cpu.n < rest.n;
	return is_word(os, "") && is_word(cpu, "_") && (!three || is_word(variant, ""));
}

/* A key of a Secret that is a good name of a file as well. */
static bool is_key(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && c != '-' && c != '_' && (c != '.' || i == 0))
			return false;
	}
	return s.n > 0 && s.n <= 253;
}

/* A password in it would be read by everybody who reads the repository. */
static const char *url_broken(struct str s)
{
	static const char unknown[] =
		"is no URL of a repository: it begins with ssh://, https:// or http://, or is USER@HOST:PATH";
	size_t scheme = str_starts(s, STR("ssh://"))	 ? 6
			: str_starts(s, STR("https://")) ? 8
			: str_starts(s, STR("http://"))	 ? 7
							 : 0;
	struct str rest, host, user;
	if (s.n > 2048 || has_control(s) || memchr(s.p, ' ', s.n))
		return unknown;
	host = str_cut(str_from(s, scheme), scheme ? '/' : ':', &rest);
	size_t at = str_find(host, '@', 0);
	if (!rest.n || host.n == 0 || host.p[0] == '-' || (!scheme && (at == SIZE_MAX || at == 0)) ||
	    (!scheme && memchr(host.p, '/', host.n)))
		return unknown;
	if (at == SIZE_MAX)
		return NULL;
	user = (struct str){ host.p, at };
	host = str_from(host, at + 1);
	if (host.n == 0 || host.p[0] == '-')
		return unknown;
	if (memchr(user.p, ':', user.n) || (scheme > 6))
		return "must not hold a name or password: everybody who reads the repository would have it; they belong "
		       "into the Secret of its Repo";
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
	case RULE_IMAGE:
		return is_image(s)
			       ? NULL
			       : "is no name of an image with its registry, without tag or digest, such as "
				 "registry.example.com/team/web";
	case RULE_PLATFORM:
		return is_platform(s) ? NULL : "is no platform such as linux/amd64";
	case RULE_KEY:
		return is_key(s) ? NULL : "is no name of a secret: letters, digits, -, _ and .";
	case RULE_URL:
		return url_broken(s);
	case RULE_EMPTY_TOO:
		break;
	}
	return NULL;
}
