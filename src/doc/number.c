/* number.c - Go's number formats, and the comparison that decides whether they may be used. */
#include "doc/number.h"

#include <math.h>
#include <stdio.h>

/* A decimal value: 0.d1d2d3... x 10^point; digits without zeros at either end; empty: zero. */
struct decimal {
	bool negative;
	const char *digits; /* may hold a '.', which is skipped */
	size_t n;	    /* bytes at digits, '.' included */
	int64_t point;
};

bool number_is_integer(struct str literal)
{
	for (size_t i = 0; i < literal.n; i++)
		if (literal.p[i] == '.' || literal.p[i] == 'e' || literal.p[i] == 'E')
			return false;
	return true;
}

/* Enough for any exponent that can matter; a longer one stays where it is instead of overflowing. */
static int64_t read_exponent(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	int64_t value = 0;
	for (; p < end && value < 1000000000000; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

static struct decimal decimal_of(struct str text)
{
	struct decimal d = { 0 };
	const char *p = text.p, *end = text.p + text.n, *e = p;
	if (p < end && (*p == '-' || *p == '+'))
		d.negative = *p++ == '-';
	for (e = p; e < end && *e != 'e' && *e != 'E';)
		e++;
	const char *point = memchr(p, '.', (size_t)(e - p));
	const char *first = p, *last = e;
	while (first < e && (*first == '0' || *first == '.'))
		first++;
	while (last > first && (last[-1] == '0' || last[-1] == '.'))
		last--;
	d.digits = first;
	d.n = (size_t)(last - first);
	if (d.n == 0)
		return d;
	const char *units = point ? point : e; /* where the integer part ends */
	d.point = first < units ? units - first : -(first - units - 1);
	if (e < end)
		d.point += read_exponent(e + 1, end);
	return d;
}

static bool decimal_equal(struct decimal a, struct decimal b)
{
	size_t i = 0, k = 0;
	while (i < a.n || k < b.n) {
		if (i < a.n && a.digits[i] == '.') {
			i++;
		} else if (k < b.n && b.digits[k] == '.') {
			k++;
		} else if (i == a.n || k == b.n || a.digits[i++] != b.digits[k++]) {
			return false;
		}
	}
	return a.point == b.point && (a.n == 0 || a.negative == b.negative);
}

/*
 * The shortest digits that read back as the same double (or float), as "d.ddde+XX". The number
 * of digits is found by trying: 15 (6) digits always survive a double (float), 17 (9) always suffice.
 */
static void shortest_e(double value, bool is_float32, char out[NUMBER_TEXT_MAX])
{
	for (int digits = 1; digits <= (is_float32 ? 9 : 17); digits++) {
		snprintf(out, NUMBER_TEXT_MAX, "%.*e", digits - 1, value);
		if (is_float32 ? strtof(out, NULL) == (float)value : strtod(out, NULL) == value)
			return;
	}
}

/* The digits of "d.ddde+XX" without the point; returns the exponent. */
static int split_e(const char *text, char digits[NUMBER_TEXT_MAX], size_t *n)
{
	*n = 0;
	for (; *text && *text != 'e'; text++)
		if (*text >= '0' && *text <= '9')
			digits[(*n)++] = *text;
	return *text ? atoi(text + 1) : 0;
}

/* Plain notation of digits x 10^(exponent - n + 1). */
static void put_plain(char *out, const char *digits, size_t n, int exponent)
{
	if (exponent < 0) {
		*out++ = '0';
		*out++ = '.';
		for (int i = -1; i > exponent; i--)
			*out++ = '0';
		memcpy(out, digits, n);
		out[n] = '\0';
		return;
	}
	size_t whole = (size_t)exponent + 1;
	for (size_t i = 0; i < whole; i++)
		*out++ = i < n ? digits[i] : '0';
	if (n > whole) {
		*out++ = '.';
		memcpy(out, digits + whole, n - whole);
		out += n - whole;
	}
	*out = '\0';
}

static void put_scientific(char *out, size_t size, const char *digits, size_t n, int exponent, int least)
{
	snprintf(out, size, "%c%s%.*se%c%0*d", digits[0], n > 1 ? "." : "", (int)n - 1, digits + 1,
		 exponent < 0 ? '-' : '+', least, abs(exponent));
}

void number_shortest(double value, char out[NUMBER_TEXT_MAX])
{
	char text[NUMBER_TEXT_MAX], digits[NUMBER_TEXT_MAX];
	size_t n, sign = signbit(value) ? 1 : 0;
	if (sign)
		*out = '-';
	shortest_e(fabs(value), false, text);
	int exponent = split_e(text, digits, &n);
	if (value != 0 && (exponent < -6 || exponent >= 21))
		put_scientific(out + sign, NUMBER_TEXT_MAX - sign, digits, n, exponent, exponent < 0 ? 1 : 2);
	else
		put_plain(out + sign, digits, n, exponent);
}

void number_shortest_g(double value, unsigned bits, char out[NUMBER_TEXT_MAX])
{
	if (bits == 32)
		value = (float)value;
	if (isnan(value) || isinf(value)) {
		snprintf(out, NUMBER_TEXT_MAX, "%s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	char text[NUMBER_TEXT_MAX], digits[NUMBER_TEXT_MAX];
	size_t n, sign = signbit(value) ? 1 : 0;
	if (sign)
		*out = '-';
	shortest_e(fabs(value), bits == 32, text);
	int exponent = split_e(text, digits, &n);
	/* strconv decides as if the precision were 6: scientific below 1e-4 and from 1e6 on. */
	if (value != 0 && (exponent < -4 || exponent >= 6))
		put_scientific(out + sign, NUMBER_TEXT_MAX - sign, digits, n, exponent, 2);
	else
		put_plain(out + sign, digits, n, exponent);
}

/* The literal itself, made valid JSON: no '+', no zeros in front, digits on both sides of the point. */
static struct str literal_as_json(struct arena *a, struct str literal)
{
	const char *p = literal.p, *end = p + literal.n;
	char *out = arena_alloc(a, literal.n + 3), *to = out;
	if (p < end && (*p == '-' || *p == '+') && *p++ == '-')
		*to++ = '-';
	while (end - p > 1 && p[0] == '0' && p[1] >= '0' && p[1] <= '9')
		p++;
	if (p < end && *p == '.')
		*to++ = '0';
	for (; p < end; p++) {
		bool digit_follows = p + 1 < end && p[1] >= '0' && p[1] <= '9';
		if (*p != '.' || digit_follows)
			*to++ = *p;
	}
	return (struct str){ out, (size_t)(to - out) };
}

/* Most literals are short integers that are already as Go prints them. */
static bool is_plain_int64(struct str s)
{
	size_t sign = s.n && s.p[0] == '-' ? 1 : 0;
	if (s.n - sign > 18 || s.n == sign || (s.p[sign] == '0' && s.n > 1))
		return false;
	for (size_t i = sign; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool number_set(struct arena *a, struct node *n, struct str literal)
{
	if (is_plain_int64(literal)) {
		n->type = NODE_INT;
		n->text = arena_str(a, literal);
		return true;
	}
	char *z = arena_strndup(a, literal.p, literal.n);
	double value = strtod(z, NULL);
	if (isinf(value))
		return false;
	char go[NUMBER_TEXT_MAX];
	number_shortest(value == 0 ? 0 : value, go); /* -0.0 becomes the integer 0 on its way through JSON */
	if (decimal_equal(decimal_of(literal), decimal_of(str_of(go))))
		n->text = arena_str(a, str_of(go));
	else
		n->text = literal_as_json(a, literal);
	n->type = number_is_integer(n->text) ? NODE_INT : NODE_FLOAT;
	return true;
}
