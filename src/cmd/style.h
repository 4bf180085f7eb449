/*
 * style.h - colour and terminal facts for what people read. Every escape sequence the program prints is here.
 */
#pragma once

#include <stdio.h>

#include "base/str.h"

enum tint {
	TINT_NONE,
	TINT_BOLD,
	TINT_DIM,
	TINT_RED,
	TINT_GREEN,
	TINT_YELLOW,
	TINT_CYAN,
};

struct style {
	bool color;		/* escape sequences for colour may be written */
	bool terminal;		/* a terminal that can move its cursor: lines may be redrawn */
	unsigned width, height; /* of the terminal; 80 x 24 when not known */
};

/* color: "auto", "always", "never" or NULL (auto). NO_COLOR, TERM=dumb and no terminal turn auto off. */
struct style style_of(FILE *out, const char *color);

const char *style_on(const struct style *s, enum tint tint); /* "" without colour */
const char *style_off(const struct style *s);

/* Columns that text takes up on a terminal (UTF-8 code points; combining and wide ones are not told apart).
 */
size_t style_columns(struct str text);
/* The longest start of text that fits in `columns`, cut between code points. */
struct str style_cut(struct str text, size_t columns);

/* Adds text with control characters shown as \xNN, so that nothing from outside moves the cursor. Line ends
 * are kept with `lines`. */
void style_safe(struct buf *out, struct str text, bool lines);
/* Adds text as one word of a shell, in single quotes. */
void style_quote(struct buf *out, const char *text);
