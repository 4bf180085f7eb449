/*
 * str.h - borrowed slices (struct str) and growing byte buffers (struct buf).
 *
 * A struct str borrows: whoever made it says how long it lives. It is not
 * NUL-terminated unless its maker says so. Print it with "%.*s" and STR_ARG(s).
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

int str_cmp(struct str a, struct str b); /* byte order, as Go compares strings */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);	      /* without ASCII white space at both ends */
struct str str_from(struct str s, size_t at); /* from byte `at` on; empty when past the end */
/* The position of byte c at or after `from`, or SIZE_MAX. */
size_t str_find(struct str s, char c, size_t from);
/* Cuts s at the first c: returns what is before; *rest is what is after (empty if c is not there). */
struct str str_cut(struct str s, char c, struct str *rest);
/* A whole decimal number with nothing beside it; false when it is none or does not fit. */
bool str_int64(struct str s, int64_t *out);
/* Whether s is well-formed UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF). */
bool str_utf8(struct str s);

/* A growing buffer; data is NUL-terminated once anything was added. */
struct buf {
	char *p;
	size_t n, cap;
};

#define BUF_INIT  \
	{         \
		0 \
	}
#define cleanup_buf cleanup(buf_release)

void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *z);
void buf_add_str(struct buf *b, struct str s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0), nonnull));

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}
