/*
 * yaml_scalar.c - YAML 1.1 scalars as go-yaml v2 resolves them (and so kubectl): first by the first
 * byte, then by a table of words, then as a number. Sexagesimal numbers are strings there, and
 * timestamps come out as the strings they were.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "doc/number.h"
#include "doc/yaml_parts.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct word {
	const char *text;
	enum yaml_kind kind;
	bool boolean, old_bool;
};

static const struct word words[] = {
	{ "y", YAML_KIND_BOOL, true, true },	   { "Y", YAML_KIND_BOOL, true, true },
	{ "yes", YAML_KIND_BOOL, true, true },	   { "Yes", YAML_KIND_BOOL, true, true },
	{ "YES", YAML_KIND_BOOL, true, true },	   { "true", YAML_KIND_BOOL, true, false },
	{ "True", YAML_KIND_BOOL, true, false },   { "TRUE", YAML_KIND_BOOL, true, false },
	{ "on", YAML_KIND_BOOL, true, true },	   { "On", YAML_KIND_BOOL, true, true },
	{ "ON", YAML_KIND_BOOL, true, true },	   { "n", YAML_KIND_BOOL, false, true },
	{ "N", YAML_KIND_BOOL, false, true },	   { "no", YAML_KIND_BOOL, false, true },
	{ "No", YAML_KIND_BOOL, false, true },	   { "NO", YAML_KIND_BOOL, false, true },
	{ "false", YAML_KIND_BOOL, false, false }, { "False", YAML_KIND_BOOL, false, false },
	{ "FALSE", YAML_KIND_BOOL, false, false }, { "off", YAML_KIND_BOOL, false, true },
	{ "Off", YAML_KIND_BOOL, false, true },	   { "OFF", YAML_KIND_BOOL, false, true },
	{ "", YAML_KIND_NULL, false, false },	   { "~", YAML_KIND_NULL, false, false },
	{ "null", YAML_KIND_NULL, false, false },  { "Null", YAML_KIND_NULL, false, false },
	{ "NULL", YAML_KIND_NULL, false, false },
};

/* Whether the first byte can begin anything but a string: most scalars are done with here. */
static bool may_be_special(struct str s)
{
	return s.n == 0 || (s.p[0] >= '0' && s.p[0] <= '9') || strchr("+-.yYnNtTfFoO~", s.p[0]);
}

static bool resolve_word(struct str s, enum yaml_dialect dialect, struct yaml_scalar *out)
{
	if (s.n > 5)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_is(s, words[i].text) || (words[i].old_bool && dialect == YAML_KYAML))
			continue;
		out->kind = words[i].kind;
		out->boolean = words[i].boolean;
		out->old_bool = words[i].old_bool;
		return true;
	}
	return false;
}

/* .inf, +.Inf, -.INF, .nan, ... */
static bool resolve_infinite(struct str s, struct yaml_scalar *out)
{
	struct str bare = s.n && (s.p[0] == '+' || s.p[0] == '-') ? str_from(s, 1) : s;
	if (str_is(bare, ".inf") || str_is(bare, ".Inf") || str_is(bare, ".INF"))
		out->value = s.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
	else if (str_is(s, ".nan") || str_is(s, ".NaN") || str_is(s, ".NAN"))
		out->value = NAN;
	else
		return false;
	out->kind = YAML_KIND_FLOAT;
	out->infinite = true;
	return true;
}

static size_t digits(struct str s, size_t at)
{
	size_t end = at;
	while (end < s.n && s.p[end] >= '0' && s.p[end] <= '9')
		end++;
	return end - at;
}

/* [-+]? ( .digits | digits (.digits?)? ) ([eE] [-+]? digits)? */
static bool is_decimal(struct str s)
{
	size_t at = s.n && (s.p[0] == '+' || s.p[0] == '-') ? 1 : 0;
	size_t whole = digits(s, at);
	at += whole;
	if (at < s.n && s.p[at] == '.') {
		size_t fraction = digits(s, at + 1);
		if (whole + fraction == 0)
			return false;
		at += 1 + fraction;
	} else if (whole == 0) {
		return false;
	}
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
			at++;
		size_t exponent = digits(s, at);
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return at == s.n;
}

static bool resolve_float(struct arena *a, struct str s, struct yaml_scalar *out)
{
	if (!is_decimal(s))
		return false;
	char *z = arena_strndup(a, s.p, s.n);
	double value = strtod(z, NULL);
	if (isinf(value))
		return false; /* out of range is a string in go-yaml */
	out->kind = YAML_KIND_FLOAT;
	out->value = value;
	out->text = (struct str){ z, s.n };
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

static bool magnitude(struct str s, unsigned base, uint64_t *out)
{
	uint64_t value = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)digit_value(s.p[i]);
		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return s.n > 0;
}

/* Takes the prefix off and says which base it stands for (strconv.ParseInt with base 0). */
static unsigned base_of(struct str *s)
{
	if (s->n == 0 || s->p[0] != '0' || s->n == 1)
		return 10;
	unsigned base = 8;
	size_t skip = 1;
	char mark = (char)(s->p[1] | 0x20);
	if (s->n >= 3 && (mark == 'x' || mark == 'b' || mark == 'o')) {
		base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
		skip = 2;
	}
	*s = str_from(*s, skip);
	return base;
}

static void set_int(struct arena *a, struct yaml_scalar *out, bool negative, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%s%llu", negative && value ? "-" : "",
			 (unsigned long long)value);
	out->kind = YAML_KIND_INT;
	out->text = arena_str(a, (struct str){ text, (size_t)n });
}

static bool resolve_int(struct arena *a, struct str s, struct yaml_scalar *out)
{
	bool negative = s.p[0] == '-', sign = negative || s.p[0] == '+';
	struct str bare = str_from(s, sign ? 1 : 0);
	unsigned base = base_of(&bare);
	uint64_t value;
	if (!magnitude(bare, base, &value))
		return false;
	/* A sign makes it an int64; without one the whole range of uint64 is taken. */
	if (sign && value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	set_int(a, out, negative, value);
	return true;
}

/* go-yaml reads a sign behind the prefix too: 0b-101 is -5. */
static bool resolve_odd_binary(struct arena *a, struct str s, struct yaml_scalar *out)
{
	if (!str_starts(s, STR("0b-")) && !str_starts(s, STR("0b+")))
		return false;
	uint64_t value;
	if (!magnitude(str_from(s, 3), 2, &value) || value > (uint64_t)INT64_MAX + (s.p[2] == '-' ? 1 : 0))
		return false;
	set_int(a, out, s.p[2] == '-', value);
	return true;
}

static struct str without_underscores(struct arena *a, struct str s)
{
	if (str_find(s, '_', 0) == SIZE_MAX)
		return s;
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '_')
			p[n++] = s.p[i];
	return (struct str){ p, n };
}

/* Underscores in a float that begins with '.' must stand between digits (strconv.ParseFloat). */
static bool underscores_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '_' &&
		    (i == 0 || i + 1 == s.n || digits(s, i - 1) != 1 || digits(s, i + 1) == 0))
			return false;
	return true;
}

/* A number so long that it is none is not worth a copy. */
enum { NUMBER_LENGTH_MAX = 4096 };

static bool resolve_number(struct arena *a, struct str s, struct yaml_scalar *out)
{
	if (s.n > NUMBER_LENGTH_MAX)
		return false;
	if (s.p[0] == '.')
		return underscores_ok(s) && resolve_float(a, without_underscores(a, s), out);
	struct str bare = without_underscores(a, s);
	return bare.n &&
	       (resolve_int(a, bare, out) || resolve_float(a, bare, out) || resolve_odd_binary(a, bare, out));
}

/* "Z", "+01:00", "-05:00" */
static bool is_zone(struct str s)
{
	return str_is(s, "Z") || (s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && digits(s, 1) == 2 &&
				  s.p[3] == ':' && digits(s, 4) == 2);
}

struct timestamp {
	unsigned year, month, day, hour, minute, second;
	char fraction[64]; /* digits behind the point */
	char zone[64];	   /* "Z" or "+01:00" */
};

/* A date, with or without a time, in the forms go-yaml knows; ranges are not checked to the day. */
static bool read_timestamp(struct str s, struct timestamp *t)
{
	int end = -1;
	char text[64], between;
	*t = (struct timestamp){ .zone = "Z" };
	if (s.n >= sizeof(text) || digits(s, 0) != 4)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (sscanf(text, "%4u-%2u-%2u%n", &t->year, &t->month, &t->day, &end) != 3 || t->month < 1 ||
	    t->month > 12 || t->day < 1 || t->day > 31)
		return false;
	if ((size_t)end == s.n)
		return true;
	struct str rest = { text + end, s.n - (size_t)end };
	if (sscanf(rest.p, "%c%2u:%2u:%2u%n", &between, &t->hour, &t->minute, &t->second, &end) != 4 ||
	    t->hour > 23 || t->minute > 59 || t->second > 59)
		return false;
	rest = str_from(rest, (size_t)end);
	if (rest.n && rest.p[0] == '.') {
		size_t fraction = digits(rest, 1);
		if (fraction == 0)
			return false;
		memcpy(t->fraction, rest.p + 1, fraction);
		rest = str_from(rest, 1 + fraction);
	}
	if (between == ' ')
		return rest.n == 0;
	if ((between != 'T' && between != 't') || !is_zone(rest))
		return false;
	memcpy(t->zone, rest.p, rest.n);
	t->zone[rest.n] = '\0';
	return true;
}

static bool is_timestamp(struct str s)
{
	struct timestamp t;
	return read_timestamp(s, &t);
}

bool yaml_rfc3339(struct arena *a, struct str s, struct str *out)
{
	struct timestamp t;
	if (!read_timestamp(s, &t))
		return false;
	/* Go keeps nanoseconds and prints no zeros at the end. */
	t.fraction[9] = '\0';
	for (size_t n = strlen(t.fraction); n && t.fraction[n - 1] == '0'; n--)
		t.fraction[n - 1] = '\0';
	bool utc = strcmp(t.zone + 1, "00:00") == 0;
	*out = str_of(arena_printf(a, "%04u-%02u-%02uT%02u:%02u:%02u%s%s%s", t.year, t.month, t.day, t.hour,
				   t.minute, t.second, t.fraction[0] ? "." : "", t.fraction,
				   utc ? "Z" : t.zone));
	return true;
}

static void resolve_plain(struct arena *a, enum yaml_dialect dialect, struct str s, struct yaml_scalar *out)
{
	*out = (struct yaml_scalar){ .kind = YAML_KIND_STRING, .text = s };
	if (!may_be_special(s) || resolve_word(s, dialect, out) || resolve_infinite(s, out))
		return;
	if (dialect == YAML_KYAML && is_timestamp(s))
		out->time = true;
	else if (strchr("+-.0123456789", s.p[0]))
		resolve_number(a, s, out);
}

static const signed char base64_values[256] = {
	['A'] = 1, 2,  3,  4,  5,	   6,  7,  8,  9,  10, 11,	   12, 13, 14, 15,	   16,
	17,	   18, 19, 20, 21,	   22, 23, 24, 25, 26, ['a'] = 27, 28, 29, 30, 31,	   32,
	33,	   34, 35, 36, 37,	   38, 39, 40, 41, 42, 43,	   44, 45, 46, 47,	   48,
	49,	   50, 51, 52, ['0'] = 53, 54, 55, 56, 57, 58, 59,	   60, 61, 62, ['+'] = 63, ['/'] = 64,
};

/* Standard base64 with padding; line breaks are skipped, nothing else is. */
static bool base64_decode(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_alloc(a, s.n / 4 * 3 + 4);
	size_t n = 0, symbols = 0, padding = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '\n' || c == '\r')
			continue;
		if (c == '=')
			padding++;
		else if (padding || !base64_values[c])
			return false;
		bits = bits << 6 | (c == '=' ? 0 : (uint32_t)base64_values[c] - 1);
		if (++symbols % 4)
			continue;
		if (padding > 2)
			return false;
		for (size_t k = 0; k < 3 - padding; k++)
			p[n++] = (char)(bits >> (16 - 8 * k));
		if (padding && i + 1 < s.n)
			return str_trim(str_from(s, i + 1)).n == 0 && (*out = (struct str){ p, n }, true);
	}
	*out = (struct str){ p, n };
	return symbols % 4 == 0;
}

static int resolve_binary(struct arena *a, struct str s, struct yaml_scalar *out, struct error *err)
{
	*out = (struct yaml_scalar){ .kind = YAML_KIND_STRING };
	if (!base64_decode(a, s, &out->text))
		return error_set(err, "!!binary must be followed by base64 text");
	if (!str_utf8(out->text))
		return error_set(err,
				 "!!binary data that is not UTF-8 text would arrive broken; drop the tag and "
				 "put the base64 text where base64 is expected (Secret data, binaryData)");
	return 0;
}

static bool tag_fits(struct str tag, struct str text, struct yaml_scalar *s)
{
	if (str_is(tag, "bool"))
		return s->kind == YAML_KIND_BOOL;
	if (str_is(tag, "int"))
		return s->kind == YAML_KIND_INT;
	if (str_is(tag, "null"))
		return s->kind == YAML_KIND_NULL;
	if (str_is(tag, "timestamp"))
		return s->kind == YAML_KIND_STRING && is_timestamp(text);
	/* float: an int64 is taken as one; a larger integer is not. */
	int64_t ignored;
	if (s->kind == YAML_KIND_INT && str_int64(s->text, &ignored)) {
		s->kind = YAML_KIND_FLOAT;
		s->value = (double)ignored;
	}
	return s->kind == YAML_KIND_FLOAT;
}

enum node_style yaml_style(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return NODE_SINGLE_QUOTED;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return NODE_DOUBLE_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
		return NODE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return NODE_FOLDED;
	default:
		return NODE_PLAIN;
	}
}

int yaml_resolve(struct arena *a, enum yaml_dialect dialect, struct str text, struct str tag, bool plain,
		 struct yaml_scalar *out, struct error *err)
{
	if (tag.n == 0) {
		if (plain)
			resolve_plain(a, dialect, text, out);
		else
			*out = (struct yaml_scalar){ .kind = YAML_KIND_STRING, .text = text };
		return 0;
	}
	struct str name = { "", 0 };
	if (str_starts(tag, STR(TAG_PREFIX)))
		name = str_from(tag, sizeof(TAG_PREFIX) - 1);
	if (str_is(name, "binary"))
		return resolve_binary(a, text, out, err);
	if (!str_is(name, "bool") && !str_is(name, "int") && !str_is(name, "null") &&
	    !str_is(name, "float") && !str_is(name, "timestamp")) {
		*out = (struct yaml_scalar){ .kind = YAML_KIND_STRING, .text = text }; /* !!str, !anything */
		return 0;
	}
	resolve_plain(a, dialect, text, out);
	if (tag_fits(name, text, out))
		return 0;
	return error_set(err, "`%.*s` is not a value of type !!%.*s", (int)(text.n > 40 ? 40 : text.n),
			 text.p, STR_ARG(name));
}

int yaml_scalar_key(struct arena *a, const struct yaml_scalar *s, struct str *key, struct error *err)
{
	char text[NUMBER_TEXT_MAX];
	int64_t ignored;
	switch (s->kind) {
	case YAML_KIND_NULL:
		return error_set(
			err,
			"a key is missing before the `:` (or it is null); quote it if you mean the text");
	case YAML_KIND_BOOL:
		*key = s->boolean ? STR("true") : STR("false");
		return 0;
	case YAML_KIND_INT:
		if (!str_int64(s->text, &ignored))
			return error_set(err, "the number %.*s is too large for a key; quote it",
					 STR_ARG(s->text));
		*key = s->text;
		return 0;
	case YAML_KIND_FLOAT:
		if (s->infinite) {
			*key = isnan(s->value) ? STR(".nan") : s->value > 0 ? STR(".inf") : STR("-.inf");
			return 0;
		}
		number_shortest_g(s->value, 32, text);
		*key = arena_str(a, str_is(str_of(text), "+Inf")   ? STR(".inf")
				    : str_is(str_of(text), "-Inf") ? STR("-.inf")
								   : str_of(text));
		return 0;
	case YAML_KIND_STRING:
		*key = s->text;
		return 0;
	}
	return 0;
}

/* 1:30 and the like: YAML 1.1 readers other than ours would take it as base 60. */
static bool is_base60(struct str s)
{
	size_t at = s.n && (s.p[0] == '+' || s.p[0] == '-') ? 1 : 0, groups = 0;
	if (digits(s, at) == 0)
		return false;
	while (at < s.n && ((s.p[at] >= '0' && s.p[at] <= '9') || s.p[at] == '_'))
		at++;
	while (at < s.n && s.p[at] == ':') {
		size_t n = digits(s, at + 1);
		if (n == 0 || n > 2 || (n == 2 && s.p[at + 1] > '5'))
			return false;
		at += 1 + n;
		groups++;
	}
	if (groups && at < s.n && s.p[at] == '.')
		for (at++; at < s.n && ((s.p[at] >= '0' && s.p[at] <= '9') || s.p[at] == '_');)
			at++;
	return groups && at == s.n;
}

/* Whether text may be more than a scalar to a parser: a list, a map, a comment, or a scalar with something
 * around. */
static bool may_be_structure(struct str text)
{
	char first = text.p[0], last = text.p[text.n - 1];
	if (strchr("-?#[{&! \t", first) || strchr(": \t", last))
		return true;
	for (size_t at = 0; (at = str_find(text, ':', at)) != SIZE_MAX; at++)
		if (at + 1 < text.n && strchr(" \t", text.p[at + 1]))
			return true;
	return false;
}

/* What yaml.v2 makes of the text as a document; one that is bad is a text. */
static bool is_other_document(struct arena *a, struct str text)
{
	struct yaml_stream stream;
	if (yaml_parse(a, text, &stream, NULL) || stream.n > 1)
		return false;
	return stream.n == 0 || stream.documents[0].root->type != NODE_STRING;
}

bool yaml_was_special(struct str text)
{
	struct yaml_scalar scalar;
	if (text.n == 0 || str_find(text, '\n', 0) != SIZE_MAX)
		return false;
	bool structure = may_be_structure(text);
	if (!structure && !may_be_special(text))
		return false;
	cleanup_arena struct arena scratch = ARENA_INIT;
	resolve_plain(&scratch, YAML_KUBECTL, text, &scalar);
	return scalar.kind != YAML_KIND_STRING || (structure && is_other_document(&scratch, text));
}

bool yaml_needs_quotes(struct str s)
{
	struct yaml_scalar scalar;
	if (!may_be_special(s))
		return false;
	cleanup_arena struct arena scratch = ARENA_INIT;
	resolve_plain(&scratch, YAML_KUBECTL, s, &scalar);
	return scalar.kind != YAML_KIND_STRING || is_timestamp(s) || is_base60(s);
}
