/* report.h - the result of a check for machines: a document of our own, and SARIF 2.1.0. */
#pragma once

#include "check/check.h"

/*
 * {kubernetes, findings: [{rule, severity, file, line, column, object, path, message, help, environments,
 * fingerprint, allowed}], summary: {...}}; absent where there is nothing to say. For json_write_pretty() and
 * yaml_write().
 */
struct node *report_node(struct arena *a, const struct check_result *result);

/*
 * A SARIF log with one run: each rule that has a finding, results with places, levels, fingerprints, and
 * allowed ones as suppressed. version: of this program. Files are relative to the root of the repository.
 */
struct node *report_sarif(struct arena *a, const struct check_result *result, const char *version);
