/*
 * images_ref.c - image references, by the grammar of the distribution project (reference/regexp.go): a
 * registry is a host with a dot, a port or "localhost"; all behind it is lower case.
 */
#include "render/images.h"

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

struct image_ref image_ref_split(struct str text)
{
	struct image_ref ref = { .name = text };
	size_t at = str_find(text, '@', 0), slash = 0;
	if (at != SIZE_MAX) {
		ref.digest = str_from(text, at + 1);
		ref.name.n = at;
	}
	for (size_t i = 0; i < ref.name.n; i++)
		if (ref.name.p[i] == '/')
			slash = i;
	/* A colon before the last slash belongs to the host. */
	size_t colon = str_find(ref.name, ':', slash);
	if (colon != SIZE_MAX) {
		ref.tag = str_from(ref.name, colon + 1);
		ref.name.n = colon;
	}
	return ref;
}

/* a, a.b, a_b, a__b, a---b */
static bool is_component(struct str s)
{
	size_t i = 0;
	if (!s.n || !is_lower(s.p[0]) || !is_lower(s.p[s.n - 1]))
		return false;
	while (i < s.n) {
		size_t from = i;
		while (i < s.n && !is_lower(s.p[i]))
			i++;
		struct str between = { s.p + from, i - from };
		bool dashes = between.n > 0;
		for (size_t k = 0; k < between.n; k++)
			dashes = dashes && between.p[k] == '-';
		if (between.n && !dashes && !str_is(between, ".") && !str_is(between, "_") &&
		    !str_is(between, "__"))
			return false;
		while (i < s.n && is_lower(s.p[i]))
			i++;
	}
	return true;
}

/* example.com, example.com:5000, localhost, 10.0.0.1:5000, [::1]:5000 */
static bool is_registry(struct str s)
{
	struct str host = s, port;
	if (s.n && s.p[0] == '[') {
		size_t end = str_find(s, ']', 0);
		if (end == SIZE_MAX || end < 2)
			return false;
		for (size_t i = 1; i < end; i++)
			if (!strchr("0123456789abcdefABCDEF:.", s.p[i]))
				return false;
		if (end + 1 == s.n)
			return true;
		host = STR("x");
		port = str_from(s, end + 2);
		if (s.p[end + 1] != ':' || !port.n)
			return false;
	} else {
		host = str_cut(s, ':', &port);
		if (host.n != s.n && !port.n)
			return false;
	}
	for (size_t i = 0; i < port.n; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
	while (host.n) {
		struct str rest, label = str_cut(host, '.', &rest);
		if (!label.n || !is_letter(label.p[0]) || !is_letter(label.p[label.n - 1]) ||
		    (!rest.n && label.n != host.n))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_letter(label.p[i]) && label.p[i] != '-')
				return false;
		host = rest;
	}
	return s.n > 0 && port.n <= 5;
}

static bool looks_like_registry(struct str first)
{
	return first.n && (str_is(first, "localhost") || first.p[0] == '[' || memchr(first.p, '.', first.n) ||
			   memchr(first.p, ':', first.n));
}

static bool is_tag(struct str s)
{
	if (!s.n || s.n > IMAGES_TAG_MAX || !(is_letter(s.p[0]) || s.p[0] == '_'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && !strchr("_.-", s.p[i]))
			return false;
	return true;
}

static bool is_digest(struct str s)
{
	struct str hex, algorithm = str_cut(s, ':', &hex);
	size_t want = str_is(algorithm, "sha256") ? 64 : str_is(algorithm, "sha512") ? 128 : 0;
	for (size_t i = 0; i < hex.n; i++)
		if (!strchr("0123456789abcdef", hex.p[i]) || !hex.p[i])
			return false;
	return want && hex.n == want;
}

static bool is_name(struct str name)
{
	struct str rest = name, first;
	size_t slash = str_find(name, '/', 0);
	if (!name.n || name.n > IMAGES_NAME_MAX || name.p[name.n - 1] == '/')
		return false;
	if (slash != SIZE_MAX) {
		first = str_cut(name, '/', &rest);
		if (looks_like_registry(first)) {
			if (!is_registry(first))
				return false;
		} else {
			rest = name;
		}
	}
	while (rest.n)
		if (!is_component(str_cut(rest, '/', &rest)))
			return false;
	return true;
}

int image_ref_read(struct str text, struct image_ref *out, struct error *err)
{
	int n = (int)(text.n > 300 ? 300 : text.n);
	if (!str_utf8(text) || memchr(text.p ? text.p : "", 0, text.n))
		return error_set(err, "an image reference that is no text");
	*out = image_ref_split(text);
	if (!is_name(out->name))
		return error_set(
			err,
			"%.*s: is no image reference: before tag and digest stands a registry (optional) "
			"and a path in lower case, such as registry.example.com:5000/team/app",
			n, text.p);
	bool has_tag = out->tag.p != NULL, has_digest = out->digest.p != NULL;
	if (has_tag && !is_tag(out->tag))
		return error_set(
			err,
			"%.*s: the tag (behind the last `:`) has at most %u letters, digits and `_.-`, "
			"and begins with none of `.-`",
			n, text.p, IMAGES_TAG_MAX);
	if (has_digest && !is_digest(out->digest))
		return error_set(
			err,
			"%.*s: the digest (behind the `@`) is of the form sha256:HEX with 64 digits in "
			"lower case",
			n, text.p);
	return 0;
}

void image_ref_write(struct buf *out, const struct image_ref *ref)
{
	buf_add_str(out, ref->name);
	if (ref->tag.n)
		buf_printf(out, ":%.*s", STR_ARG(ref->tag));
	if (ref->digest.n)
		buf_printf(out, "@%.*s", STR_ARG(ref->digest));
}
