/* print_check.h - the result of a check as people read it: by file, each finding with what to do about it. */
#pragma once

#include "check/check.h"
#include "cmd/style.h"

void print_check(FILE *out, const struct style *style, const struct check_result *result);
