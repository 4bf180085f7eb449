/*
 * limits.c - what a CustomResourceDefinition asks of a value beyond its type. CEL rules are not evaluated.
 *
 * Alternatives (anyOf, oneOf, not) only say whether a value fits; nobody can tell which of them was meant.
 */
#include "check/validate.h"

#include "check/pattern.h"
#include "check/values.h"

static const char *say(struct walk *w, const char *fmt, size_t n)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_adds(&text, fmt);
	buf_printf(&text, " %zu", n);
	return arena_str(&w->s->c->a, buf_str(&text)).p;
}

static void limit_count(struct walk *w, const struct node *n, const struct at *at, size_t count, size_t min,
			size_t max, const char *what)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (count >= min && count <= max)
		return;
	buf_printf(&text, "has %zu %s; it takes at %s", count, what, count < min ? "least" : "most");
	bad_value(w, n, at, say(w, text.p, count < min ? min : max));
}

static void limit_text(struct walk *w, const struct schema_limits *l, const struct node *n,
		       const struct at *at)
{
	limit_count(w, n, at, value_length(n->text), l->min_length, l->max_length, "characters");
	if (l->format != FORMAT_NONE && !value_has_format(l->format, n->text))
		bad_value(w, n, at, "is not of the form that the schema's format asks for");
	if (!l->pattern || pattern_find(l->pattern, n->text) != PATTERN_NO)
		return;
	struct str source = shown(pattern_source(l->pattern));
	bad_value(w, n, at, arena_printf(&w->s->c->a, "does not match the pattern %.*s", STR_ARG(source)));
}

/* As near to a whole number as a division of two doubles can tell. */
static bool is_whole(double value)
{
	if (value > 9e15 || value < -9e15)
		return true;
	double rest = value - (double)(int64_t)value, slack = 1e-9 * (value < 0 ? 1 - value : 1 + value);
	rest = rest < 0 ? -rest : rest;
	return rest < slack || 1 - rest < slack;
}

static void limit_number(struct walk *w, const struct schema_limits *l, const struct node *n,
			 const struct at *at)
{
	double value = value_number(n);
	struct arena *a = &w->s->c->a;
	if (l->has_minimum && (value < l->minimum || (l->above_minimum && value <= l->minimum)))
		bad_value(w, n, at,
			  arena_printf(a, "must be %s %.15g", l->above_minimum ? "more than" : "at least",
				       l->minimum));
	if (l->has_maximum && (value > l->maximum || (l->below_maximum && value >= l->maximum)))
		bad_value(w, n, at,
			  arena_printf(a, "must be %s %.15g", l->below_maximum ? "less than" : "at most",
				       l->maximum));
	if (l->multiple_of > 0 && !is_whole(value / l->multiple_of))
		bad_value(w, n, at, arena_printf(a, "must be a multiple of %.15g", l->multiple_of));
}

static bool fits(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	struct walk quiet = *w;
	quiet.quiet = true;
	quiet.failed = false;
	walk_value(&quiet, s, n, at);
	w->steps = quiet.steps;
	return !quiet.failed;
}

static size_t count_fits(struct walk *w, const struct schema **all, size_t n_all, const struct node *n,
			 const struct at *at)
{
	size_t count = 0;
	for (size_t i = 0; i < n_all; i++)
		count += fits(w, all[i], n, at);
	return count;
}

static void limit_alternatives(struct walk *w, const struct schema_limits *l, const struct node *n,
			       const struct at *at)
{
	for (size_t i = 0; i < l->n_all_of; i++)
		walk_value(w, l->all_of[i], n, at);
	if (l->n_any_of && count_fits(w, l->any_of, l->n_any_of, n, at) == 0)
		bad_value(w, n, at, "fits none of the alternatives of its schema (anyOf)");
	size_t one = l->n_one_of ? count_fits(w, l->one_of, l->n_one_of, n, at) : 1;
	if (one != 1)
		bad_value(w, n, at,
			  one ? "fits more than one of the alternatives of its schema (oneOf)"
			      : "fits none of the alternatives of its schema (oneOf)");
	if (l->not &&fits(w, l->not, n, at))
		bad_value(w, n, at, "is what its schema forbids (not)");
}

void check_limits(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	const struct schema_limits *l = s->limits;
	if (n->type == NODE_STRING)
		limit_text(w, l, n, at);
	else if (n->type == NODE_INT || n->type == NODE_FLOAT)
		limit_number(w, l, n, at);
	else if (n->type == NODE_SEQ)
		limit_count(w, n, at, n->seq.n, l->min_items, l->max_items, "items");
	else if (n->type == NODE_MAP)
		limit_count(w, n, at, n->map.n, l->min_fields, l->max_fields, "fields");
	limit_alternatives(w, l, n, at);
}
