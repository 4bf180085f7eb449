/*
 * semver.h - versions and ranges as Masterminds/semver v3 reads them (what Helm, Flux and Argo CD use). Pure.
 *
 * Ranges: = != > < >= <= ~ ^, "1.2 - 1.4", x X *, comma or space for AND, || for OR. A range whose comparators name no
 * prerelease matches no prerelease. A leading v is accepted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define SEMVER_TEXT_MAX 256 /* longer texts are no versions and no ranges */

struct semver {
	uint64_t major, minor, patch;
	struct str prerelease; /* slice of the text; empty: none */
	unsigned given;        /* how many of the three numbers were written (1 to 3) */
};

bool semver_parse(struct str text, struct semver *out);
int semver_compare(const struct semver *a, const struct semver *b); /* precedence of semver.org 2.0, 11 */
bool semver_is_range(struct str text); /* well-formed as a range (a plain version is one too) */
bool semver_matches(struct str range, const struct semver *version);
