/* substitute_values.c - the variables of a substitution. No message holds a value. */
#include "render/substitute_parts.h"

void substitute_values_release(struct substitute_values *v)
{
	map_release(&v->by_name);
}

void substitute_add_all(struct substitute_values *to, const struct substitute_values *from)
{
	struct map_entry *e;
	for (size_t i = 0; from && (e = map_next(&from->by_name, &i));)
		map_put(&to->by_name, (struct str){ e->key, e->key_n }, e->value);
}

bool substitute_is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.n > 0;
}

/* A name that came from outside, for a message. */
static struct str short_name(struct str s)
{
	size_t n = 0;
	while (n < s.n && n < 80 && (unsigned char)s.p[n] >= 0x20 && (unsigned char)s.p[n] < 0x7f)
		n++;
	return (struct str){ s.p, n };
}

static struct str without_line_breaks(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n')
			p[n++] = s.p[i];
	return (struct str){ p, n };
}

int substitute_add(struct substitute_values *v, struct str name, struct str text, const char *source,
		   bool secret, struct error *err)
{
	if (!substitute_is_name(name))
		return error_set(
			err,
			"%s: `%.*s` cannot be a variable: names have letters, digits and _, and do not "
			"begin with a digit",
			source, STR_ARG(short_name(name)));
	if (text.n > SUBSTITUTE_VALUE_MAX)
		return error_set(err, "%s: the value of %.*s is longer than 1 MiB (SUBSTITUTE_VALUE_MAX)",
				 source, STR_ARG(short_name(name)));
	if (!str_utf8(text))
		return error_set(err, "%s: the value of %.*s is not UTF-8 text", source,
				 STR_ARG(short_name(name)));
	if (v->by_name.n >= SUBSTITUTE_VALUES_MAX && !map_get(&v->by_name, name))
		return error_set(err, "%s: more than %u variables (SUBSTITUTE_VALUES_MAX)", source,
				 SUBSTITUTE_VALUES_MAX);
	struct substitute_value *value = arena_new(v->a, struct substitute_value);
	*value = (struct substitute_value){ without_line_breaks(v->a, text), source, secret };
	map_put(&v->by_name, name, value);
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard base64 with padding, as the API server sends it. */
static bool base64_decode(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_alloc(a, s.n / 4 * 3 + 1);
	size_t n = 0;
	if (s.n % 4)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		bool last = i + 4 == s.n;
		size_t pad = !last || s.p[i + 3] != '=' ? 0 : s.p[i + 2] == '=' ? 2 : 1;
		uint32_t bits = 0;
		for (size_t k = 0; k < 4; k++) {
			int digit = k < 4 - pad ? base64_digit(s.p[i + k]) : 0;
			if (digit < 0)
				return false;
			bits = bits << 6 | (uint32_t)digit;
		}
		for (size_t k = 0; k < 3 - pad; k++)
			p[n++] = (char)(bits >> (16 - 8 * k));
	}
	*out = (struct str){ p, n };
	return true;
}

static int add_entry(struct substitute_values *v, const struct node_pair *entry, const char *source,
		     bool secret, struct error *err)
{
	struct str text = node_text(entry->value);
	if (entry->value->type != NODE_STRING && entry->value->type != NODE_NULL)
		return error_set(err, "%s: the value of %.*s is no text", source,
				 STR_ARG(short_name(entry->key)));
	if (secret && !base64_decode(v->a, text, &text))
		return error_set(err, "%s: the value of %.*s is not base64", source,
				 STR_ARG(short_name(entry->key)));
	return substitute_add(v, entry->key, text, source, secret, err);
}

int substitute_add_object(struct substitute_values *v, const struct node *object, const char *source,
			  bool secret, struct error *err)
{
	const struct node *data = node_get(object, "data");
	cleanup_buf struct buf bad = BUF_INIT;
	for (size_t i = 0; data && data->type == NODE_MAP && i < data->map.n; i++) {
		struct error one = ERROR_INIT;
		if (add_entry(v, &data->map.pairs[i], source, secret, &one) == 0)
			continue;
		if (bad.n)
			buf_adds(&bad, "; ");
		buf_adds(&bad, one.text);
	}
	return bad.n ? error_set(err, "%s", bad.p) : 0;
}
