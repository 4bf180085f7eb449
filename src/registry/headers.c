/* headers.c - challenges, links and URLs; see parse.h. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "registry/parse.h"

/* --- what headers are made of (RFC 9110, 5.6) --- */

static void skip_space(struct str *s)
{
	while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = str_from(*s, 1);
}

static bool in_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct str take_token(struct str *s)
{
	struct str token = { s->p, 0 };
	while (token.n < s->n && in_token(s->p[token.n]))
		token.n++;
	*s = str_from(*s, token.n);
	return token;
}

/* A token, or a text in quotes with its backslashes taken out. */
static struct str take_value(struct arena *a, struct str *s)
{
	if (!s->n || s->p[0] != '"')
		return take_token(s);
	char *text = arena_alloc(a, s->n);
	size_t n = 0, i = 1;
	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
		text[n++] = s->p[i];
	}
	*s = str_from(*s, i < s->n ? i + 1 : i);
	return (struct str){ text, n };
}

static bool same_word(struct str a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

/* --- challenges --- */

static bool is_clean(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	return text.n <= REGISTRY_URL_MAX;
}

static void set_parameter(struct arena *a, struct registry_challenge *c, struct str name, struct str value)
{
	if (!is_clean(value))
		return;
	const char *text = arena_strndup(a, value.p ? value.p : "", value.n);
	if (same_word(name, "realm"))
		c->realm = text;
	else if (same_word(name, "service"))
		c->service = text;
	else if (same_word(name, "scope"))
		c->scope = text;
}

/* name=value, with a comma before it or not. False: what follows is a scheme, or nothing. */
static bool take_parameter(struct arena *a, struct str *s, struct registry_challenge *c)
{
	struct str rest = *s;
	while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t' || rest.p[0] == ','))
		rest = str_from(rest, 1);
	struct str name = take_token(&rest);
	skip_space(&rest);
	if (!name.n || !rest.n || rest.p[0] != '=')
		return false;
	rest = str_from(rest, 1);
	skip_space(&rest);
	struct str value = take_value(a, &rest);
	set_parameter(a, c, name, value);
	*s = rest;
	return true;
}

int registry_challenge_read(struct arena *a, struct str header, struct registry_challenge *out)
{
	bool found = false;
	for (struct str rest = header; rest.n;) {
		while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t' || rest.p[0] == ','))
			rest = str_from(rest, 1);
		struct str scheme = take_token(&rest);
		struct registry_challenge c = { REGISTRY_AUTH_BASIC, "", "", "" };
		bool bearer = same_word(scheme, "bearer"), basic = same_word(scheme, "basic");
		unsigned n = 0;
		while (n < REGISTRY_PARAMETERS_MAX && take_parameter(a, &rest, &c))
			n++;
		if (bearer && *c.realm) {
			*out = c;
			out->scheme = REGISTRY_AUTH_BEARER;
			return 0;
		}
		if (basic && !found) {
			*out = c;
			found = true;
		}
		/* What is no challenge at all would be looked at for ever. */
		if (!scheme.n && !n)
			break;
	}
	return found ? 0 : 1;
}

/* --- URLs --- */

struct origin {
	struct str scheme, host; /* host with port */
	struct str rest;	 /* from the first slash, or "" */
};

static bool split(struct str url, struct origin *out)
{
	size_t colon = str_find(url, ':', 0);
	if (colon == SIZE_MAX || !str_starts(str_from(url, colon), STR("://")))
		return false;
	out->scheme = (struct str){ url.p, colon };
	struct str rest = str_from(url, colon + 3);
	size_t n = 0;
	while (n < rest.n && !strchr("/?#", rest.p[n]))
		n++;
	out->host = (struct str){ rest.p, n };
	out->rest = str_from(rest, n);
	/* Somebody's name before the host only ever misleads. */
	return n > 0 && n <= REGISTRY_HOST_MAX && !memchr(out->host.p, '@', n) &&
	       (same_word(out->scheme, "http") || same_word(out->scheme, "https"));
}

static struct str port_of(const struct origin *o, struct str *name)
{
	size_t from = o->host.p[0] == '[' ? str_find(o->host, ']', 0) : 0;
	size_t colon = from == SIZE_MAX ? SIZE_MAX : str_find(o->host, ':', from);
	*name = o->host;
	if (colon != SIZE_MAX) {
		name->n = colon;
		return str_from(o->host, colon + 1);
	}
	return same_word(o->scheme, "https") ? STR("443") : STR("80");
}

bool registry_same_origin(const char *a, const char *b)
{
	struct origin one, other;
	struct str name, other_name;
	if (!split(str_of(a), &one) || !split(str_of(b), &other))
		return false;
	struct str port = port_of(&one, &name), other_port = port_of(&other, &other_name);
	return one.scheme.n == other.scheme.n && name.n == other_name.n &&
	       strncasecmp(name.p, other_name.p, name.n) == 0 && str_eq(port, other_port);
}

static bool is_url_text(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7f)
			return false;
	return text.n > 0 && text.n <= REGISTRY_URL_MAX;
}

int registry_resolve_url(struct arena *a, const char *base, struct str target, const char **out,
			 struct error *err)
{
	struct origin at, to;
	if (!is_url_text(target) || !split(str_of(base), &at))
		return error_set(err, "it points to something that is no URL");
	if (split(target, &to)) {
		*out = arena_strndup(a, target.p, target.n);
	} else if (str_starts(target, STR("//"))) {
		*out = arena_printf(a, "%.*s:%.*s", STR_ARG(at.scheme), STR_ARG(target));
	} else if (target.p[0] == '/') {
		*out = arena_printf(a, "%.*s://%.*s%.*s", STR_ARG(at.scheme), STR_ARG(at.host),
				    STR_ARG(target));
	} else if (target.p[0] == '?') {
		struct str path = str_cut(at.rest, '?', &(struct str){ 0 });
		*out = arena_printf(a, "%.*s://%.*s%.*s%.*s", STR_ARG(at.scheme), STR_ARG(at.host),
				    STR_ARG(path), STR_ARG(target));
	} else {
		return error_set(err, "it points to something that is neither a URL nor a path");
	}
	return strlen(*out) <= REGISTRY_URL_MAX && split(str_of(*out), &to)
		       ? 0
		       : error_set(err, "it points to something that is no URL");
}

/* --- links --- */

static bool is_next(struct arena *a, struct str *rest)
{
	bool next = false;
	for (unsigned i = 0; i < REGISTRY_PARAMETERS_MAX; i++) {
		skip_space(rest);
		if (!rest->n || rest->p[0] != ';')
			break;
		*rest = str_from(*rest, 1);
		skip_space(rest);
		struct str name = take_token(rest), value = STR("");
		skip_space(rest);
		if (rest->n && rest->p[0] == '=') {
			*rest = str_from(*rest, 1);
			skip_space(rest);
			value = take_value(a, rest);
		}
		next = next || (same_word(name, "rel") && same_word(value, "next"));
	}
	return next;
}

int registry_link_next(struct arena *a, struct str header, const char *base, const char **out,
		       struct error *err)
{
	*out = NULL;
	for (struct str rest = header; rest.n;) {
		size_t open = str_find(rest, '<', 0);
		size_t close = open == SIZE_MAX ? SIZE_MAX : str_find(rest, '>', open);
		if (close == SIZE_MAX)
			return 0;
		struct str target = { rest.p + open + 1, close - open - 1 };
		rest = str_from(rest, close + 1);
		if (!is_next(a, &rest))
			continue;
		if (registry_resolve_url(a, base, target, out, err) < 0)
			return -1;
		return registry_same_origin(base, *out)
			       ? 0
			       : error_set(err, "its next page is on another server");
	}
	return 0;
}
