/*
 * near.h - which of many names somebody probably meant. Room-internal.
 *
 *     struct near near = near_start(typed);
 *     near_try(&near, name) for each name
 *     near.best is the nearest one that is near enough, or { NULL, 0 }
 */
#pragma once

#include "base/str.h"

#define NEAR_LENGTH_MAX 64u /* longer names are not compared */

struct near {
	struct str typed, best;
	size_t distance; /* of the best; 2 for a change (two letters that changed places are one), 1 for
			    another case */
};

struct near near_start(struct str typed);
void near_try(struct near *near, struct str name);
