/* secrets_parts.h - letters and words, as secrets.c and secrets_password.c look at them. Room-internal. */
#pragma once

#include "check/secrets.h"

#define PASSWORD_LENGTH_MAX 128u /* longer ones are ciphertexts and documents */

enum letters {
	ALNUM,
	UPPER, /* and digits */
	HEX,
	WORD,	/* ALNUM and _ - */
	DOTTED, /* WORD and . */
	BASE64,
};

bool is_of(enum letters letters, char c);
double entropy(struct str text);			 /* Shannon's: bits a letter */
bool has_word(struct str text, const char *word);	 /* word in lower case; text in any */
bool is_word(struct str text, const char *const *words); /* one of them, in any case */
bool is_placeholder(struct str text);			 /* an example, or what a template fills in */
bool is_identifier(struct str text);			 /* a variable or a field of a program */
