/*
 * regex_parts.h - what the files of regular expressions share. Room-internal.
 *
 *     regex_parse.c   pattern to tree
 *     regex.c         tree to program; running it
 */
#pragma once

#include "base/regex.h"

enum regex_op {
	REGEX_SET,    /* one character out of (or not out of) ranges */
	REGEX_CAT,    /* one behind the other; none: nothing */
	REGEX_ALT,    /* one of them */
	REGEX_REPEAT, /* min to max times; max -1: without end */
	REGEX_ASSERT,
	REGEX_GROUP, /* a group that is kept: one child */
};

enum regex_assert {
	REGEX_TEXT_BEGIN,
	REGEX_TEXT_END,
	REGEX_LINE_BEGIN,
	REGEX_LINE_END,
	REGEX_WORD,
	REGEX_NO_WORD,
};

struct regex_range {
	uint32_t first, last;
};

struct regex_set {
	struct regex_range *ranges;
	size_t n, cap;
	bool negated, fold; /* fold: ASCII letters of either case */
};

struct regex_node {
	enum regex_op op;
	enum regex_assert assert;
	struct regex_set set;
	int min, max;
	bool lazy;	/* REPEAT: as few as possible */
	unsigned group; /* GROUP: from 1 on */
	int weight;	/* how often repetitions in braces copy what is in here: their product */
	struct regex_node *first, *last; /* children: CAT and ALT any number, REPEAT one */
	struct regex_node *next;	 /* the next child of the same parent */
};

struct regex_groups {
	unsigned n;				/* there are so many, without the match itself */
	struct str names[REGEX_GROUPS_MAX + 1]; /* by number; "" without a name. In the pattern. */
};

/* The tree of pattern, in a. */
int regex_parse(struct arena *a, struct str pattern, struct regex_node **out, struct regex_groups *groups,
		struct error *err);

/* The character at the start of s and its bytes; what is no UTF-8 is U+FFFD, one byte long. s is not empty.
 */
uint32_t regex_rune(struct str s, size_t *length);
