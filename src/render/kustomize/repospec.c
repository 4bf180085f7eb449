/*
 * repospec.c - see repospec.h. The order of the steps is upstream's, because what a text is split at depends
 * on it: query, scheme, user, host, then the path of the repository and the one within it.
 */
#include "render/kustomize/repospec.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/hex.h"

/* --- query --- */

/* A part of a query without its escapes, into a; false: it is malformed. */
static bool unescape(struct arena *a, struct str s, struct str *out)
{
	char *text = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		text[n] = s.p[i] == '+' ? ' ' : s.p[i];
		if (s.p[i] == '%') {
			if (i + 2 >= s.n || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0)
				return false;
			text[n] = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
			i += 2;
		}
		n++;
	}
	*out = (struct str){ text, n };
	return true;
}

struct query {
	struct str ref, version, submodules;
};

/* Go's url.ParseQuery; the first of equal names counts. */
static bool parse_query(struct arena *a, struct str text, struct query *out)
{
	while (text.n) {
		struct str value, pair = str_cut(text, '&', &text);
		if (pair.n == 0)
			continue;
		if (str_find(pair, ';', 0) != SIZE_MAX)
			return false;
		struct str key = str_cut(pair, '=', &value);
		if (!unescape(a, key, &key) || !unescape(a, value, &value))
			return false;
		struct str *field = str_is(key, "ref")		? &out->ref
				    : str_is(key, "version")	? &out->version
				    : str_is(key, "submodules") ? &out->submodules
								: NULL;
		if (field && !field->p)
			*field = value;
	}
	return true;
}

static bool is_false(struct str s)
{
	static const char *const words[] = { "0", "f", "F", "false", "False", "FALSE" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_is(s, words[i]))
			return true;
	return false;
}

static void read_query(struct arena *a, struct str text, struct repospec *out)
{
	struct query q = { 0 };
	out->ref = "";
	out->submodules = true;
	if (!parse_query(a, text, &q))
		return;
	struct str ref = q.ref.n ? q.ref : q.version;
	out->ref = arena_strndup(a, ref.p, ref.n);
	out->submodules = !is_false(q.submodules);
}

/* --- host --- */

static bool cut_prefix(struct str *s, const char *prefix)
{
	size_t n = strlen(prefix);
	if (s->n < n || strncasecmp(s->p, prefix, n) != 0)
		return false;
	*s = str_from(*s, n);
	return true;
}

static const char *cut_scheme(struct str *s)
{
	static const char *const schemes[] = { "ssh://", "https://", "http://", "file://" };
	for (size_t i = 0; i < 4; i++)
		if (cut_prefix(s, schemes[i]))
			return schemes[i];
	return "";
}

/* "git@", of letters, digits and dashes. */
static struct str cut_user(struct str *s)
{
	size_t n = 0;
	while (n < s->n && (isalpha((unsigned char)s->p[n]) ||
			    (n && (isdigit((unsigned char)s->p[n]) || s->p[n] == '-'))))
		n++;
	if (n == 0 || n == s->n || s->p[n] != '@')
		return (struct str){ "", 0 };
	struct str user = { s->p, n + 1 };
	*s = str_from(*s, n + 1);
	return user;
}

/* Where the host ends: at the first slash, or, as scp has it, at a colon before that. */
static size_t host_end(struct str s, bool scp)
{
	size_t slash = str_find(s, '/', 0);
	size_t colon = scp ? str_find(s, ':', 0) : SIZE_MAX;
	if (scp && slash == SIZE_MAX)
		return colon;
	return colon != SIZE_MAX && colon > 0 && colon < slash ? colon : slash;
}

/* Scheme, user and host, as git takes them; *rest is the path behind. */
static bool cut_host(struct str s, struct buf *host, struct str *rest)
{
	const char *scheme = cut_scheme(&s);
	struct str before_user = s, user = cut_user(&s), again = s;
	bool github = cut_prefix(&again, "github.com/") || cut_prefix(&again, "github.com:");
	bool scp = !*scheme && (user.n || github);
	if (!*scheme && !scp)
		return false;
	if (strcmp(scheme, "file://") == 0) {
		buf_adds(host, scheme);
		*rest = before_user;
		return true;
	}
	size_t end = host_end(s, scp);
	size_t n = end == SIZE_MAX ? s.n : end + 1;
	*rest = str_from(s, n);
	if (github) {
		bool ssh = strcmp(scheme, "ssh://") == 0 || user.n;
		if (ssh)
			buf_add_str(host, user);
		buf_adds(host, ssh ? "github.com:" : "https://github.com/");
		return true;
	}
	if (n == 0)
		return false;
	buf_adds(host, scheme);
	buf_add_str(host, user);
	buf_add(host, s.p, n);
	return true;
}

/* --- path --- */

static size_t find_text(struct str s, const char *text)
{
	const char *at = s.n ? memmem(s.p, s.n, text, strlen(text)) : NULL;
	return at ? (size_t)(at - s.p) : SIZE_MAX;
}

/* The end of the first `want` parts; SIZE_MAX: there are fewer. */
static size_t parts_end(struct str s, unsigned want)
{
	size_t at = 0;
	for (unsigned i = 1;; i++) {
		size_t slash = str_find(s, '/', at);
		if (i == want)
			return slash == SIZE_MAX ? s.n : slash;
		if (slash == SIZE_MAX)
			return SIZE_MAX;
		at = slash + 1;
	}
}

static bool split_path(struct str s, bool file, struct str *repo, struct str *path)
{
	size_t at, end, skip = 1;
	if ((at = find_text(s, "_git/")) != SIZE_MAX) {
		end = str_find(s, '/', at + 5);
		end = end == SIZE_MAX ? s.n : end;
	} else if ((end = find_text(s, "//")) != SIZE_MAX) {
		skip = 2;
	} else if ((at = find_text(s, ".git")) != SIZE_MAX) {
		end = at + 4;
		skip = 0;
	} else if (file) {
		end = s.n;
	} else if ((end = parts_end(s, 2)) == SIZE_MAX) {
		return false;
	}
	*repo = (struct str){ s.p, end };
	*path = str_from(s, end + skip);
	return end > 0;
}

/* Cleaned, into a; NULL: it leaves the repository. */
static const char *clean(struct arena *a, struct str path)
{
	cleanup_buf struct buf out = BUF_INIT;
	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		if (part.n == 0 || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			buf_printf(&out, "%s%.*s", out.n ? "/" : "", STR_ARG(part));
			continue;
		}
		if (out.n == 0)
			return NULL;
		while (out.n && out.p[out.n - 1] != '/')
			out.n--;
		out.n -= out.n > 0;
	}
	return arena_strndup(a, out.p, out.n);
}

/* The text without user and password of a url: it stands in messages. */
static const char *without_login(struct arena *a, const char *text)
{
	const char *scheme = strstr(text, "://");
	if (!scheme)
		return text;
	const char *host = scheme + 3, *end = host + strcspn(host, "/?");
	const char *at = memrchr(host, '@', (size_t)(end - host));
	return at ? arena_printf(a, "%.*s%s", (int)(host - text), text, at + 1) : text;
}

bool repospec_parse(struct arena *a, const char *text, struct repospec *out)
{
	struct str query, s = str_of(text), rest, repo, path;
	cleanup_buf struct buf url = BUF_INIT;
	*out = (struct repospec){ .shown = without_login(a, text) };
	if (s.n && s.p[0] == '/')
		return false;
	s = str_cut(s, '?', &query);
	out->forced = cut_prefix(&s, "git::");
	if (!cut_host(s, &url, &rest))
		return false;
	bool file = str_starts(buf_str(&url), STR("file://"));
	if (!split_path(rest, file, &repo, &path))
		return false;
	out->path = clean(a, path);
	if (!out->path)
		return false;
	buf_add_str(&url, repo);
	out->url = arena_strndup(a, url.p, url.n);
	read_query(a, query, out);
	return true;
}
