/*
 * pattern.c - the patterns of # and %: `*` any text, `?` a character, `[a-z]` and `[^a-z]` one of a class,
 * `\` takes the meaning off the next character.
 *
 * envsubst tries every start of the subject by itself, which takes cubic time; here all are tried at once, by
 * the set of places in the pattern that the text read so far can stand at.
 */
#include "render/letters.h"
#include "render/substitute_parts.h"

enum element_kind { ELEMENT_CHAR, ELEMENT_ANY, ELEMENT_STAR, ELEMENT_CLASS };

struct element {
	enum element_kind kind;
	bool negated;
	uint32_t c;	   /* CHAR */
	unsigned first, n; /* CLASS: its ranges */
};

struct range {
	uint32_t low, high;
};

struct pattern {
	struct element elements[PATTERN_MAX];
	struct range ranges[PATTERN_MAX];
	unsigned n, n_ranges;
};

static uint32_t take(struct str *s)
{
	size_t length;
	uint32_t c = letters_read(*s, &length);
	*s = str_from(*s, length);
	return c;
}

/* One end of a range; false: the class is malformed. There must be something behind it. */
static bool class_char(struct str *s, uint32_t *c)
{
	if (s->n == 0 || s->p[0] == '-' || s->p[0] == ']')
		return false;
	if (s->p[0] == '\\')
		*s = str_from(*s, 1);
	if (s->n == 0)
		return false;
	*c = take(s);
	return s->n > 0;
}

/* Behind `[`. */
static bool read_class(struct pattern *p, struct str *s, struct element *e)
{
	*e = (struct element){ .kind = ELEMENT_CLASS, .first = p->n_ranges };
	if (s->n && s->p[0] == '^') {
		e->negated = true;
		*s = str_from(*s, 1);
	}
	while (e->n == 0 || s->n == 0 || s->p[0] != ']') {
		struct range r;
		if (!class_char(s, &r.low))
			return false;
		r.high = r.low;
		if (s->p[0] == '-') {
			*s = str_from(*s, 1);
			if (!class_char(s, &r.high))
				return false;
		}
		p->ranges[p->n_ranges++] = r; /* a range takes a byte or more of the pattern */
		e->n++;
	}
	*s = str_from(*s, 1);
	return true;
}

static bool compile(struct pattern *p, struct str s)
{
	while (s.n) {
		struct element *e = &p->elements[p->n++];
		uint32_t c = take(&s);
		*e = (struct element){ .kind = ELEMENT_CHAR, .c = c };
		if (c == '*') {
			e->kind = ELEMENT_STAR;
		} else if (c == '?') {
			e->kind = ELEMENT_ANY;
		} else if (c == '[') {
			if (!read_class(p, &s, e))
				return false;
		} else if (c == '\\') {
			if (s.n == 0)
				return false;
			e->c = take(&s);
		}
	}
	return true;
}

static bool accepts(const struct pattern *p, const struct element *e, uint32_t c)
{
	if (e->kind == ELEMENT_CHAR)
		return e->c == c;
	if (e->kind != ELEMENT_CLASS)
		return true;
	bool in = false;
	for (unsigned i = e->first; i < e->first + e->n; i++)
		in |= p->ranges[i].low <= c && c <= p->ranges[i].high;
	return in != e->negated;
}

/* The i-th element in the direction of reading. */
static const struct element *element_at(const struct pattern *p, unsigned i, bool backward)
{
	return &p->elements[backward ? p->n - 1 - i : i];
}

/* at[i]: the text read so far fits the first i elements. Stars may be passed without a character. */
static void pass_stars(const struct pattern *p, bool backward, bool *at)
{
	for (unsigned i = 0; i < p->n; i++)
		if (at[i] && element_at(p, i, backward)->kind == ELEMENT_STAR)
			at[i + 1] = true;
}

/* Moves on by one character; false: nothing can match any more. */
static bool step(const struct pattern *p, bool backward, uint32_t c, bool *at)
{
	bool any = false;
	/* From the end, so that each place is read before it is written. */
	for (unsigned i = p->n + 1; i-- > 0;) {
		bool stays = i < p->n && at[i] && element_at(p, i, backward)->kind == ELEMENT_STAR;
		const struct element *before = i ? element_at(p, i - 1, backward) : NULL;
		bool comes = before && before->kind != ELEMENT_STAR && at[i - 1] && accepts(p, before, c);
		at[i] = stays || comes;
		any |= at[i];
	}
	pass_stars(p, backward, at);
	return any;
}

/* The start of the last character of text. */
static size_t last_character(struct str text)
{
	size_t at = text.n - 1;
	while (at && ((unsigned char)text.p[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static size_t match(const struct pattern *p, struct str subject, bool backward, bool longest, uint64_t *work)
{
	bool at[PATTERN_MAX + 1] = { true };
	size_t best = 0, all = subject.n;
	pass_stars(p, backward, at);
	while (subject.n) {
		size_t length, last = backward ? last_character(subject) : 0;
		uint32_t c = letters_read(str_from(subject, last), &length);
		if (!work_take(work, p->n + p->n_ranges + 1))
			return SIZE_MAX;
		if (backward)
			subject.n = last;
		else
			subject = str_from(subject, length);
		if (!step(p, backward, c, at))
			break;
		if (!at[p->n])
			continue;
		best = all - subject.n;
		if (!longest)
			break;
	}
	return best;
}

size_t pattern_match(struct str pattern, struct str subject, bool at_end, bool longest, uint64_t *work)
{
	struct pattern *p = mem_alloc(sizeof(*p));
	size_t n = compile(p, pattern) ? match(p, subject, at_end, longest, work) : 0;
	free(p);
	return n;
}
