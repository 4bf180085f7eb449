/* str.c - slices and buffers. */
#include "base/str.h"

#include <stdio.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	if (order)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_from(struct str s, size_t at)
{
	if (at >= s.n)
		return (struct str){ s.p ? s.p + s.n : "", 0 };
	return (struct str){ s.p + at, s.n - at };
}

size_t str_find(struct str s, char c, size_t from)
{
	if (from >= s.n)
		return SIZE_MAX;
	const char *hit = memchr(s.p + from, c, s.n - from);
	return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

struct str str_cut(struct str s, char c, struct str *rest)
{
	size_t at = str_find(s, c, 0);
	if (at == SIZE_MAX) {
		*rest = str_from(s, s.n);
		return s;
	}
	*rest = str_from(s, at + 1);
	return (struct str){ s.p, at };
}

bool str_int64(struct str s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';
	size_t i = negative;
	if (i == s.n)
		return false;
	int64_t value = 0;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		/* Count down: INT64_MIN has no positive counterpart. */
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

/* The length of the sequence that starts with lead byte c, 0 for no lead byte. */
static size_t utf8_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if ((c & 0xf0) == 0xe0)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

bool str_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0; i < s.n;) {
		size_t length = utf8_length(p[i]);
		if (length == 0 || s.n - i < length)
			return false;
		for (size_t k = 1; k < length; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		/* Overlong forms, surrogates, and what lies past U+10FFFF show in the second byte. */
		if ((p[i] == 0xe0 && p[i + 1] < 0xa0) || (p[i] == 0xed && p[i + 1] > 0x9f) ||
		    (p[i] == 0xf0 && p[i + 1] < 0x90) || (p[i] == 0xf4 && p[i + 1] > 0x8f))
			return false;
		i += length;
	}
	return true;
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_reserve(struct buf *b, size_t more)
{
	if (more > SIZE_MAX / 4 - b->n)
		abort();
	size_t want = b->n + more + 1;
	if (want <= b->cap)
		return;
	size_t cap = b->cap ? b->cap * 2 : 64;
	b->cap = cap < want ? want : cap;
	b->p = mem_realloc(b->p, b->cap);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *z)
{
	buf_add(b, z, strlen(z));
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	buf_reserve(b, (size_t)n);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}
