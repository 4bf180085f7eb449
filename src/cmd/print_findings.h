/*
 * print_findings.h - what is wrong with a push, a line a finding, as compilers tell it:
 *
 *     deploy/web.yaml:12:3: error: there is no field `replica` [unknown-field] (prod)
 *
 * Errors alone, and what looks like a secret; each once, whichever check found it; what to do is said at the
 * first of a rule.
 */
#pragma once

#include "base/map.h"
#include "check/check.h"
#include "cmd/style.h"

#define PRINT_FINDINGS_MAX 100u /* lines; the rest is counted */

struct findings_printer {
	FILE *out;
	struct style style;
	size_t errors, warnings; /* that were found, each once */
	bool told[RULE_COUNT];
	struct map seen;
	size_t lines;
};

/* commit: that has it, where it is not the one that is pushed; or NULL. */
void print_findings(struct findings_printer *p, const struct check_result *result, const char *commit);
/* "... and 7 more", when there are. */
void print_findings_rest(struct findings_printer *p);
void print_findings_release(struct findings_printer *p);
