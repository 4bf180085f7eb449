/*
 * expression_apply.c - the operators of ${...} on values, as envsubst has them: lengths and positions count
 * bytes, a replacement of the empty text stands between characters, `:n` with an n that is no number changes
 * nothing.
 */
#include <stdio.h>

#include "render/letters.h"
#include "render/substitute_parts.h"

/* One operation under way: where its result goes, and what of the work is left. */
struct apply {
	const struct operation *o;
	struct buf *out;
	uint64_t *work;
};

static const char *add(struct apply *p, struct str s)
{
	if (!work_take(p->work, s.n + 1))
		return EXPRESSION_OUT_OF_WORK;
	if (s.n > SUBSTITUTE_SCALAR_MAX - p->out->n)
		return EXPRESSION_TOO_LONG;
	buf_add_str(p->out, s);
	return NULL;
}

static struct str first(struct str s, size_t n)
{
	return (struct str){ s.p, n };
}

static const char *apply_case(struct apply *p, bool upper, bool all)
{
	struct str v = p->o->value;
	if (v.n == 0)
		return NULL;
	if (!work_take(p->work, v.n))
		return EXPRESSION_OUT_OF_WORK;
	do
		v = str_from(v, letters_change(v, upper, p->out));
	while (all && v.n && p->out->n <= SUBSTITUTE_SCALAR_MAX);
	if (p->out->n > SUBSTITUTE_SCALAR_MAX)
		return EXPRESSION_TOO_LONG;
	return add(p, v);
}

/* As Go's strconv.Atoi. */
static bool whole_number(struct str s, int64_t *out)
{
	if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-' && s.p[1] != '+')
		s = str_from(s, 1);
	return str_int64(s, out);
}

static bool cuts_character(struct str s, size_t at)
{
	return at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80;
}

static const char *apply_part(struct apply *p)
{
	struct str v = p->o->value;
	int64_t at, length = (int64_t)v.n;
	if (!whole_number(p->o->args[0], &at))
		return add(p, v);
	if (at < 0)
		at = at + (int64_t)v.n > 0 ? at + (int64_t)v.n : 0;
	if (p->o->n_args == 2 && !whole_number(p->o->args[1], &length))
		return add(p, v);
	if (at >= (int64_t)v.n)
		return NULL;
	if (length < 0)
		return "the length must not be negative";
	if (length > (int64_t)v.n - at)
		length = (int64_t)v.n - at;
	if (cuts_character(v, (size_t)at) || cuts_character(v, (size_t)(at + length)))
		return "this would cut a character in two: positions count bytes of UTF-8";
	return add(p, first(str_from(v, (size_t)at), (size_t)length));
}

static const char *apply_cut(struct apply *p, bool at_end, bool longest)
{
	struct str v = p->o->value;
	if (p->o->args[0].n > PATTERN_MAX)
		return "the pattern is longer than 1024 bytes (PATTERN_MAX)";
	size_t n = pattern_match(p->o->args[0], v, at_end, longest, p->work);
	if (n == SIZE_MAX)
		return EXPRESSION_OUT_OF_WORK;
	return add(p, at_end ? first(v, v.n - n) : str_from(v, n));
}

/* Between any two characters, at the start and at the end: Go's strings.Replace of "". */
static const char *replace_nothing(struct apply *p, bool all)
{
	struct str v = p->o->value;
	const char *bad = add(p, p->o->args[1]);
	while (!bad && all && v.n) {
		size_t n = letters_length(v.p[0]);
		bad = add(p, first(v, n));
		v = str_from(v, n);
		if (!bad)
			bad = add(p, p->o->args[1]);
	}
	return bad ? bad : add(p, v);
}

static const char *apply_replace(struct apply *p, bool all)
{
	struct str v = p->o->value, old = p->o->args[0];
	const char *bad = NULL;
	if (old.n == 0)
		return replace_nothing(p, all);
	if (!work_take(p->work, v.n))
		return EXPRESSION_OUT_OF_WORK;
	while (!bad && v.n) {
		const char *found = memmem(v.p, v.n, old.p, old.n);
		if (!found)
			break;
		bad = add(p, first(v, (size_t)(found - v.p)));
		if (!bad)
			bad = add(p, p->o->args[1]);
		v = str_from(v, (size_t)(found - v.p) + old.n);
		if (!all)
			break;
	}
	return bad ? bad : add(p, v);
}

/* With nothing to put in its place (${v/#t/}), envsubst changes nothing here. */
static const char *apply_replace_end(struct apply *p, bool at_end)
{
	struct str v = p->o->value, old = p->o->args[0];
	if (p->o->n_args < 2 || !(at_end ? str_ends(v, old) : str_starts(v, old)))
		return add(p, v);
	const char *bad = add(p, at_end ? first(v, v.n - old.n) : p->o->args[1]);
	return bad ? bad : add(p, at_end ? p->o->args[1] : str_from(v, old.n));
}

static const char *apply_length(struct apply *p)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%zu", p->o->value.n);
	return add(p, (struct str){ text, (size_t)n });
}

const char *operation_apply(const struct operation *o, struct buf *out, uint64_t *work)
{
	struct apply p = { o, out, work };
	switch (o->operator) {
	case OPERATOR_NONE:
		return add(&p, o->value);
	case OPERATOR_LENGTH:
		return apply_length(&p);
	case OPERATOR_DEFAULT:
		return add(&p, o->value.n ? o->value : o->args[0]);
	case OPERATOR_UNSET:
		return add(&p, o->is_set ? o->value : o->args[0]);
	case OPERATOR_UPPER_FIRST:
	case OPERATOR_UPPER:
		return apply_case(&p, true, o->operator== OPERATOR_UPPER);
	case OPERATOR_LOWER_FIRST:
	case OPERATOR_LOWER:
		return apply_case(&p, false, o->operator== OPERATOR_LOWER);
	case OPERATOR_PART:
		return apply_part(&p);
	case OPERATOR_CUT_START_SHORT:
	case OPERATOR_CUT_START_LONG:
		return apply_cut(&p, false, o->operator== OPERATOR_CUT_START_LONG);
	case OPERATOR_CUT_END_SHORT:
	case OPERATOR_CUT_END_LONG:
		return apply_cut(&p, true, o->operator== OPERATOR_CUT_END_LONG);
	case OPERATOR_REPLACE_FIRST:
	case OPERATOR_REPLACE_ALL:
		return apply_replace(&p, o->operator== OPERATOR_REPLACE_ALL);
	case OPERATOR_REPLACE_START:
	case OPERATOR_REPLACE_END:
		return apply_replace_end(&p, o->operator== OPERATOR_REPLACE_END);
	}
	return NULL;
}
