/*
 * semver.h - versions and ranges as Masterminds/semver v3 reads them (what Helm, Flux and Argo CD use). Pure.
 *
 * Ranges: = != > < >= <= ~ ^, "1.2 - 1.4", x X *, comma or space for AND, || for OR. An OR group in which no
 * comparator names a prerelease matches no prerelease. A leading v is accepted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SEMVER_TEXT_MAX 256	  /* longer texts are no versions and no ranges */
#define SEMVER_COMPARATORS_MAX 64 /* of one range, over all its OR groups */

struct semver {
	uint64_t major, minor, patch;
	struct str prerelease; /* slice of the text; empty: none */
	unsigned given;	       /* how many of the three numbers were written (1 to 3) */
};

bool semver_parse(struct str text, struct semver *out);
/* Precedence of semver.org 2.0, 11. */
int semver_compare(const struct semver *a, const struct semver *b);

enum semver_op {
	SEMVER_EQ,
	SEMVER_NE,
	SEMVER_GT,
	SEMVER_LT,
	SEMVER_GE,
	SEMVER_LE,
	SEMVER_TILDE,
	SEMVER_CARET
};

struct semver_comparator {
	enum semver_op op;
	struct semver version; /* given: numbers before the first wildcard, 0 to 3 */
	unsigned group;	       /* comparators of one group are ANDed, groups are ORed */
};

/* Borrows from the text it was parsed from. */
struct semver_range {
	struct semver_comparator at[SEMVER_COMPARATORS_MAX];
	size_t n;
};

bool semver_range_parse(struct str text, struct semver_range *out); /* false: malformed or over a cap */
bool semver_range_has(const struct semver_range *range, const struct semver *version);

/* The same for one question. */
bool semver_is_range(struct str text); /* well-formed as a range (a plain version is one too) */
bool semver_matches(struct str range, const struct semver *version);

/*
 * The highest of tags that the range holds; SIZE_MAX: none, or the range is malformed. Tags that are no
 * versions are passed over; of equal versions (1.0 and v1.0.0) the first one wins.
 */
size_t semver_best(struct str range, const struct str *tags, size_t n);
