/*
 * guess.h - the name that somebody probably meant: at most two slips away (one for names up to three
 * letters), where two neighbours that changed places are one slip, or one that begins with what was typed.
 *
 *     struct guess guess = guess_start(typed);
 *     guess_try(&guess, name) for each name there is
 *     guess.best is the nearest, or { NULL, 0 }
 */
#pragma once

#include "base/str.h"

#define GUESS_LENGTH_MAX 64u /* longer names are not compared */

struct guess {
	struct str typed, best;
	size_t slips; /* of best; before: one more than allowed */
};

struct guess guess_start(struct str typed);
void guess_try(struct guess *g, struct str name);
