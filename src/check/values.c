/* values.c - see values.h. */
#include "check/values.h"

#include <arpa/inet.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(struct str *text)
{
	size_t n = 0;
	while (n < text->n && is_digit(text->p[n]))
		n++;
	*text = str_from(*text, n);
	return n;
}

static bool is_suffix(struct str s)
{
	static const char *const suffixes[] = { "",  "n", "u",	"m",  "k",  "M",  "G",	"T",
						"P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (str_is(s, suffixes[i]))
			return true;
	if (s.n < 2 || (s.p[0] != 'e' && s.p[0] != 'E'))
		return false;
	s = str_from(s, s.p[1] == '-' || s.p[1] == '+' ? 2 : 1);
	return digits(&s) > 0 && s.n == 0;
}

bool value_is_quantity(struct str text)
{
	text = str_trim(text); /* as its reader does */
	if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
		text = str_from(text, 1);
	size_t n = digits(&text);
	if (text.n && text.p[0] == '.') {
		text = str_from(text, 1);
		n += digits(&text);
	}
	return n > 0 && is_suffix(text);
}

/* A shape of '0' for a digit and other characters for themselves. */
static bool has_shape(struct str text, const char *shape)
{
	size_t n = strlen(shape);
	if (text.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == '0' ? !is_digit(text.p[i]) : shape[i] != text.p[i])
			return false;
	return true;
}

static unsigned two_digits(struct str text, size_t at)
{
	return (unsigned)(text.p[at] - '0') * 10 + (unsigned)(text.p[at + 1] - '0');
}

bool value_is_date(struct str text)
{
	if (text.n != 10 || !has_shape(text, "0000-00-00"))
		return false;
	unsigned month = two_digits(text, 5), day = two_digits(text, 8);
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool value_is_time(struct str text)
{
	if (text.n < 20 || !value_is_date((struct str){ text.p, 10 }) ||
	    !has_shape(str_from(text, 10), "T00:00:00"))
		return false;
	if (two_digits(text, 11) > 23 || two_digits(text, 14) > 59 || two_digits(text, 17) > 59)
		return false;
	text = str_from(text, 19);
	if (text.n && text.p[0] == '.') {
		text = str_from(text, 1);
		if (digits(&text) == 0)
			return false;
	}
	return str_is(text, "Z") || (text.n == 6 && (has_shape(text, "+00:00") || has_shape(text, "-00:00")));
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct str value_decode(struct arena *a, struct str text)
{
	const struct str none = { "", SIZE_MAX };
	char *out = arena_alloc(a, text.n / 4 * 3 + 4);
	size_t n = 0, letters = 0, padding = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		int value = base64_value(c);
		if (c == '\n' || c == '\r')
			continue;
		if ((value < 0 && c != '=') || (padding && c != '='))
			return none;
		padding += c == '=';
		bits = bits << 6 | (uint32_t)(value > 0 ? value : 0);
		if (++letters % 4 != 0)
			continue;
		if (padding > 2)
			return none;
		for (int shift = 16; shift >= 8 * (int)padding; shift -= 8)
			out[n++] = (char)(bits >> shift);
		if (padding && i + 1 < text.n && str_trim(str_from(text, i + 1)).n)
			return none;
		bits = 0;
	}
	return letters % 4 ? none : (struct str){ out, n };
}

bool value_is_base64(struct str text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	return value_decode(&a, text).n != SIZE_MAX;
}

static bool is_uuid(struct str text)
{
	if (text.n != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		char c = text.p[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (dash ? c != '-' : !hex)
			return false;
	}
	return true;
}

static bool is_address(int family, struct str text)
{
	char z[64], out[16];
	if (text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	return inet_pton(family, z, out) == 1;
}

bool value_has_format(enum schema_format format, struct str text)
{
	switch (format) {
	case FORMAT_DATE:
		return value_is_date(text);
	case FORMAT_IPV4:
		return is_address(AF_INET, text);
	case FORMAT_IPV6:
		return is_address(AF_INET6, text);
	case FORMAT_UUID:
		return is_uuid(text);
	case FORMAT_NONE:
		break;
	}
	return true;
}

size_t value_length(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

double value_number(const struct node *n)
{
	char text[400];
	size_t length = n->text.n < sizeof(text) - 1 ? n->text.n : sizeof(text) - 1;
	memcpy(text, n->text.p, length);
	text[length] = '\0';
	return strtod(text, NULL);
}
