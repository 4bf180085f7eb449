/*
 * diff.h - what changed between two texts, as a unified diff (for `capstan diff`).
 */
#pragma once

#include "base/str.h"

/*
 * Texts that differ in more lines than this are not searched for the shortest diff: what lies between
 * the common start and end is shown as removed and added. Keeps time and memory bounded.
 */
#define DIFF_EDITS_MAX 1000u

struct diff_options {
	const char *old_label, *new_label; /* behind "--- " and "+++ "; NULL: no such header lines */
	unsigned context;		   /* unchanged lines around each change; git shows 3 */
	bool colour;			   /* ANSI: red, green, cyan */
};

/* Appends the diff to out; nothing when the texts are equal. options may be NULL: context 3, no labels. */
void diff_unified(struct buf *out, struct str old_text, struct str new_text,
		  const struct diff_options *options);
