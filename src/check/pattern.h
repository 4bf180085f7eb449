/*
 * pattern.h - regular expressions of schemas, which come from outside: long ones are refused, and matching
 * stops at a limit of steps. Room-internal.
 */
#pragma once

#include "base/arena.h"

struct pattern;

/* A pattern that is compiled when it is first asked; lives in a, except for what pattern_release() frees. */
struct pattern *pattern_new(struct arena *a, struct str source);
void pattern_release(struct pattern *p);
struct str pattern_source(const struct pattern *p);

enum pattern_answer {
	PATTERN_YES,
	PATTERN_NO,
	PATTERN_UNKNOWN, /* it is no regular expression, or took too many steps */
};

/* Whether the pattern is found anywhere in text, as the API server (Go's regexp) looks for it. */
enum pattern_answer pattern_find(struct pattern *p, struct str text);
