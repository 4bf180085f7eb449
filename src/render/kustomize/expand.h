/* expand.h - $(VAR) in a text. Room-internal. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define KEXPAND_TEXT_MAX (16u << 20) /* bytes of one text after expansion; more is an error */

/*
 * What stands for name; false: it is not known, and $(name) stays. *whole: the reference is the whole text.
 */
typedef bool kexpand_fn(void *ctx, struct str name, bool whole, struct str *value);

/*
 * $(NAME) becomes its value, $$ a single $, and any other $ stays. *out is in a, or text itself.
 * *whole: name of the reference that text is and nothing else, or "". -1: the cap.
 */
int kexpand(struct arena *a, struct str text, kexpand_fn *fn, void *ctx, struct str *out, struct str *whole,
	    struct error *err);
