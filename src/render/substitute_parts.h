/*
 * substitute_parts.h - what the files of substitution share. Room-internal.
 *
 *     substitute.c          objects and trees: which texts are read, and what becomes of the results
 *     substitute_values.c   the variables
 *     expression.c          one text: the grammar of ${...}, evaluated while it is read
 *     expression_apply.c    the operators on values
 *     pattern.c             the patterns of # and %
 *     letters.c             upper and lower case
 */
#pragma once

#include "base/vec.h"
#include "render/substitute.h"

/* --- expression.c --- */

/* Something is wrong at a byte of the text. what is in the expression's arena. */
typedef void expression_complain_fn(void *ctx, size_t at, const char *what);

struct expression {
	struct arena *a; /* for messages */
	const struct substitute_values *values;
	bool lenient;
	uint64_t *work; /* steps left of SUBSTITUTE_WORK_MAX */
	expression_complain_fn *complain;
	void *ctx;

	/* Of all texts since the caller cleared it: */
	VEC(const char *) names; /* variables that were read, each once; owned by the values */
	bool secret;		 /* one of them is a secret */
};

void expression_release(struct expression *e);

/* Whether the text has anything to substitute. */
bool expression_is_in(struct str text);

/*
 * Appends text with everything substituted. -1: out is not to be used; each unset variable, and the first
 * mistake in the grammar, were complained of.
 */
int expression_expand(struct expression *e, struct str text, struct buf *out);

/* --- expression_apply.c --- */

enum operator{
	OPERATOR_NONE,
	OPERATOR_LENGTH,
	OPERATOR_DEFAULT, /* where not set or empty */
	OPERATOR_UNSET,	  /* where not set */
	OPERATOR_UPPER_FIRST,
	OPERATOR_UPPER,
	OPERATOR_LOWER_FIRST,
	OPERATOR_LOWER,
	OPERATOR_PART,
	OPERATOR_CUT_START_SHORT,
	OPERATOR_CUT_START_LONG,
	OPERATOR_CUT_END_SHORT,
	OPERATOR_CUT_END_LONG,
	OPERATOR_REPLACE_FIRST,
	OPERATOR_REPLACE_ALL,
	OPERATOR_REPLACE_START,
	OPERATOR_REPLACE_END,
};

struct operation {
	enum operator operator;
	struct str value;
	bool is_set;
	struct str args[2];
	unsigned n_args;
};

/* Appends the result. NULL, or what is wrong, in words that hold no value. */
const char *operation_apply(const struct operation *o, struct buf *out, uint64_t *work);

/* Takes n steps off; false: there are not so many left. */
static inline bool work_take(uint64_t *work, uint64_t n)
{
	bool enough = *work >= n;
	*work -= enough ? n : *work;
	return enough;
}

#define EXPRESSION_OUT_OF_WORK "substitution takes too many steps (SUBSTITUTE_WORK_MAX)"
#define EXPRESSION_TOO_LONG "the text is longer than 1 MiB after substitution (SUBSTITUTE_SCALAR_MAX)"

/* --- pattern.c --- */

#define PATTERN_MAX 1024u /* bytes of a pattern of # or % */

/*
 * How many bytes at the start (or the end) of subject the pattern matches: the fewest or the most, at least
 * one character; 0: none, also when the pattern is malformed. SIZE_MAX: out of work.
 */
size_t pattern_match(struct str pattern, struct str subject, bool at_end, bool longest, uint64_t *work);
