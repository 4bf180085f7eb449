/*
 * letters.h - upper and lower case of single letters, as Go's unicode.ToUpper and ToLower have it.
 * Room-internal. The table is made from Go's by tests/peers/envsubst/generate.
 */
#pragma once

#include "base/str.h"

struct letter_range {
	uint32_t first, last;
	int32_t distance; /* to the other case */
	uint32_t step;	  /* 2: every other letter of the range */
};

extern const struct letter_range letters_upper[], letters_lower[];
extern const size_t letters_upper_n, letters_lower_n;

/* Appends the first character of text in the other case; returns its length in text. text is UTF-8. */
size_t letters_change(struct str text, bool upper, struct buf *out);

/* Bytes of the character that begins with c in well-formed UTF-8. */
static inline size_t letters_length(char c)
{
	unsigned char u = (unsigned char)c;
	return u < 0x80 ? 1 : u < 0xe0 ? 2 : u < 0xf0 ? 3 : 4;
}

/* The character at the start of text, which is well-formed UTF-8 and not empty. */
uint32_t letters_read(struct str text, size_t *length);
