/*
 * regex.h - regular expressions in the syntax of Go's regexp package (which is RE2's), because that is what
 * files written for Go programs hold. Matching walks all states at once: its cost is at most the size of the
 * program times the length of the text, whatever the pattern.
 *
 * Not there: Unicode classes (\pL), and case folding beyond ASCII; both are refused or left alone.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define REGEX_SIZE_MAX 10000u /* instructions of one program; more is an error */
#define REGEX_DEPTH_MAX 200u  /* groups inside groups; more is an error */
#define REGEX_GROUPS_MAX 32u  /* of regex_compile_groups(); more is an error */
#define REGEX_TEXT_MAX 16384u /* bytes; a longer text matches nothing */

struct regex;

/* In a, with room to match: a regex is used by one thread at a time. -1: err says what is wrong, and quotes.
 */
int regex_compile(struct arena *a, struct str pattern, struct regex **out, struct error *err);

/* Whether text holds a match anywhere (use ^ and $ for all of it). */
bool regex_match(struct regex *re, struct str text);

/* The same for regex_find(): groups are kept, which costs time and memory. */
int regex_compile_groups(struct arena *a, struct str pattern, struct regex **out, struct error *err);
/* How many groups it has, without the whole match; and the number of a name, 0: there is none. */
unsigned regex_groups(const struct regex *re);
unsigned regex_group_of(const struct regex *re, struct str name);
/*
 * The leftmost match that Go's regexp would find, of a regex made by regex_compile_groups(): groups[0] is all
 * of it, groups[i] the i-th group (p NULL: it took no part). n: room in groups.
 */
bool regex_find(struct regex *re, struct str text, struct str *groups, size_t n);

/* Whether s, as a pattern, stands for nothing but itself. */
bool regex_is_literal(struct str s);
