/*
 * remote_allow.c - see remote_allow.h.
 *
 * Both sides are brought to one form, SCHEME://HOST/PATH. A url whose path a server or git could read as
 * another one ("..", an encoded "." or "/", a backslash) is never allowed.
 */
#include "repo/remote_allow.h"

#include "base/str.h"

static void add_lower(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		buf_addc(out, text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i]);
}

/* Programs differ in where they think that a host ends. */
static bool is_ambiguous(const char *url, struct str host_part)
{
	const char *at = memchr(host_part.p, '@', host_part.n);
	return strpbrk(url, "\\?#") || (at && memrchr(host_part.p, '@', host_part.n) != at);
}

static bool is_misleading(struct str path)
{
	for (size_t i = 0; i + 2 < path.n; i++)
		if (path.p[i] == '%' &&
		    (strncasecmp(path.p + i, "%2e", 3) == 0 || strncasecmp(path.p + i, "%2f", 3) == 0 ||
		     strncasecmp(path.p + i, "%5c", 3) == 0))
			return true;
	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		if (str_is(part, "..") || str_is(part, "."))
			return true;
	}
	return false;
}

/* "SCHEME://" in front, or false. */
static bool take_scheme(struct str *url, struct buf *out)
{
	const char *end = memmem(url->p, url->n, "://", 3);
	if (!end)
		return false;
	size_t n = (size_t)(end - url->p) + 3;
	add_lower(out, (struct str){ url->p, n });
	*url = str_from(*url, n);
	return true;
}

static bool normal_form(const char *text, struct buf *out)
{
	struct str url = str_of(text), path, host;
	if (url.n && url.p[0] == '/') {
		buf_adds(out, "file://");
		buf_add_str(out, url);
		return !is_misleading(url) && !is_ambiguous(text, STR(""));
	}
	bool scp = !take_scheme(&url, out);
	size_t slash = str_find(url, '/', 0), colon = str_find(url, ':', 0);
	if (scp && (colon == SIZE_MAX || colon > slash))
		return false;
	size_t end = scp ? colon : slash == SIZE_MAX ? url.n : slash;
	const char *at = memrchr(url.p, '@', end);
	host = (struct str){ at ? at + 1 : url.p, at ? (size_t)(url.p + end - at - 1) : end };
	if (scp && !at)
		return false;
	path = str_from(url, scp ? end + 1 : end);
	if (is_ambiguous(text, (struct str){ url.p, end }))
		return false;
	if (scp)
		buf_adds(out, "ssh://");
	add_lower(out, host);
	if (scp && !(path.n && path.p[0] == '/'))
		buf_addc(out, '/');
	buf_add_str(out, path);
	return !is_misleading(path);
}

int remote_allow_check(const char *prefix, struct error *err)
{
	cleanup_buf struct buf form = BUF_INIT;
	if (*prefix && normal_form(prefix, &form) &&
	    (strncmp(form.p, "https://", 8) == 0 || strncmp(form.p, "http://", 7) == 0 ||
	     strncmp(form.p, "ssh://", 6) == 0 || strncmp(form.p, "file:///", 8) == 0) &&
	    !str_ends(buf_str(&form), STR("://")))
		return 0;
	return error_set(
		err,
		"%s: is no beginning of a git url; write for example https://github.com/acme/ or git@github.com:acme/",
		prefix);
}

bool remote_allow_matches(const char *prefix, const char *url)
{
	cleanup_buf struct buf p = BUF_INIT, u = BUF_INIT;
	if (remote_allow_check(prefix, NULL) < 0 || !normal_form(prefix, &p) || !normal_form(url, &u))
		return false;
	if (!str_starts(buf_str(&u), buf_str(&p)))
		return false;
	return p.p[p.n - 1] == '/' || u.n == p.n || u.p[p.n] == '/';
}
