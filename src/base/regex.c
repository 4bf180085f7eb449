/*
 * regex.c - the tree of a pattern becomes a program of few kinds of instructions, and all its threads walk
 * over the text side by side (Thompson's and Pike's way): a state is in a list at most once, so that no
 * pattern makes it slow.
 */
#include "base/regex_parts.h"

enum op { OP_SET, OP_ASSERT, OP_SPLIT, OP_JUMP, OP_SAVE, OP_MATCH };

struct inst {
	enum op op;
	enum regex_assert assert;
	const struct regex_set *set;
	uint32_t to, other; /* SPLIT: both, to first; JUMP: to; SAVE: the place is kept in slot `to` */
};

/* What is still to be followed, or a slot that gets back what it was. */
struct frame {
	uint32_t state, slot, was;
	bool back;
};

/* States, each once, in the order they came: a sparse set. */
struct list {
	uint32_t *at, *where;
	uint32_t n;
};

struct regex {
	struct inst *program;
	uint32_t n, cap;
	struct list now, then;
	uint32_t *stack;
	struct regex_groups groups;
	/* Of regex_find(): for each state of a list where its thread came past the slots. */
	uint32_t n_slots, *slots_now, *slots_then, *slots;
	struct frame *frames;
};

struct compiler {
	struct arena *a;
	struct regex *re;
	bool saves;
	struct error *err;
};

static int emit(struct compiler *c, struct inst inst)
{
	struct regex *re = c->re;
	if (re->n >= REGEX_SIZE_MAX)
		return error_set(c->err, "a regular expression is too large (REGEX_SIZE_MAX)");
	if (re->n == re->cap) {
		uint32_t cap = re->cap ? re->cap * 2 : 32;
		struct inst *program = arena_array(c->a, struct inst, cap);
		if (re->n)
			memcpy(program, re->program, re->n * sizeof(*program));
		re->program = program;
		re->cap = cap;
	}
	re->program[re->n++] = inst;
	return 0;
}

static int compile(struct compiler *c, const struct regex_node *n);

static int compile_all(struct compiler *c, const struct regex_node *n)
{
	for (const struct regex_node *child = n->first; child; child = child->next)
		if (compile(c, child))
			return -1;
	return 0;
}

/* Each but the last: try it or go to the next; behind it, jump to the end. */
static int compile_alt(struct compiler *c, const struct regex_node *n)
{
	uint32_t jumps = UINT32_MAX; /* chained through `to` until the end is known */
	for (const struct regex_node *child = n->first; child; child = child->next) {
		uint32_t split = c->re->n;
		if (child->next && emit(c, (struct inst){ .op = OP_SPLIT, .to = split + 1 }))
			return -1;
		if (compile(c, child))
			return -1;
		if (!child->next)
			break;
		if (emit(c, (struct inst){ .op = OP_JUMP, .to = jumps }))
			return -1;
		jumps = c->re->n - 1;
		c->re->program[split].other = c->re->n;
	}
	while (jumps != UINT32_MAX) {
		uint32_t next = c->re->program[jumps].to;
		c->re->program[jumps].to = c->re->n;
		jumps = next;
	}
	return 0;
}

static int compile_optional(struct compiler *c, const struct regex_node *n, bool lazy, bool again)
{
	uint32_t split = c->re->n;
	if (emit(c, (struct inst){ .op = OP_SPLIT }) || compile(c, n))
		return -1;
	if (again && emit(c, (struct inst){ .op = OP_JUMP, .to = split }))
		return -1;
	/* What comes first is preferred. */
	c->re->program[split].to = lazy ? c->re->n : split + 1;
	c->re->program[split].other = lazy ? split + 1 : c->re->n;
	return 0;
}

static int compile_group(struct compiler *c, const struct regex_node *n)
{
	if (!c->saves)
		return compile_all(c, n);
	return emit(c, (struct inst){ .op = OP_SAVE, .to = 2 * n->group }) || compile_all(c, n) ||
			       emit(c, (struct inst){ .op = OP_SAVE, .to = 2 * n->group + 1 })
		       ? -1
		       : 0;
}

static int compile_repeat(struct compiler *c, const struct regex_node *n)
{
	for (int i = 0; i < n->min; i++)
		if (compile(c, n->first))
			return -1;
	if (n->max < 0)
		return compile_optional(c, n->first, n->lazy, true);
	for (int i = n->min; i < n->max; i++)
		if (compile_optional(c, n->first, n->lazy, false))
			return -1;
	return 0;
}

static int compile(struct compiler *c, const struct regex_node *n)
{
	switch (n->op) {
	case REGEX_SET:
		return emit(c, (struct inst){ .op = OP_SET, .set = &n->set });
	case REGEX_ASSERT:
		return emit(c, (struct inst){ .op = OP_ASSERT, .assert = n->assert });
	case REGEX_CAT:
		return compile_all(c, n);
	case REGEX_ALT:
		return compile_alt(c, n);
	case REGEX_REPEAT:
		return compile_repeat(c, n);
	case REGEX_GROUP:
		return compile_group(c, n);
	}
	return 0;
}

static struct list new_list(struct arena *a, uint32_t n)
{
	return (struct list){ .at = arena_array(a, uint32_t, n), .where = arena_array(a, uint32_t, n) };
}

static int compile_pattern(struct arena *a, struct str pattern, bool saves, struct regex **out,
			   struct error *err)
{
	struct regex_node *tree;
	struct compiler c = { .a = a, .re = arena_new(a, struct regex), .saves = saves, .err = err };
	if (regex_parse(a, pattern, &tree, &c.re->groups, err))
		return -1;
	if (saves && c.re->groups.n > REGEX_GROUPS_MAX)
		return error_set(err, "a regular expression has more than %u groups (REGEX_GROUPS_MAX)",
				 REGEX_GROUPS_MAX);
	if (compile(&c, tree) || emit(&c, (struct inst){ .op = OP_MATCH }))
		return -1;
	c.re->now = new_list(a, c.re->n);
	c.re->then = new_list(a, c.re->n);
	c.re->stack = arena_array(a, uint32_t, (size_t)c.re->n * 2 + 1);
	*out = c.re;
	return 0;
}

int regex_compile(struct arena *a, struct str pattern, struct regex **out, struct error *err)
{
	return compile_pattern(a, pattern, false, out, err);
}

int regex_compile_groups(struct arena *a, struct str pattern, struct regex **out, struct error *err)
{
	if (compile_pattern(a, pattern, true, out, err))
		return -1;
	struct regex *re = *out;
	re->n_slots = 2 * (re->groups.n + 1);
	re->slots_now = arena_array(a, uint32_t, (size_t)re->n * re->n_slots);
	re->slots_then = arena_array(a, uint32_t, (size_t)re->n * re->n_slots);
	re->slots = arena_array(a, uint32_t, re->n_slots);
	re->frames = arena_array(a, struct frame, (size_t)re->n * 2 + 1);
	return 0;
}

unsigned regex_groups(const struct regex *re)
{
	return re->groups.n;
}

unsigned regex_group_of(const struct regex *re, struct str name)
{
	for (unsigned i = 1; name.n && i <= re->groups.n && i <= REGEX_GROUPS_MAX; i++)
		if (str_eq(re->groups.names[i], name))
			return i;
	return 0;
}

static bool in_ranges(const struct regex_set *set, uint32_t rune)
{
	for (size_t i = 0; i < set->n; i++)
		if (rune >= set->ranges[i].first && rune <= set->ranges[i].last)
			return true;
	return false;
}

static bool in_set(const struct regex_set *set, uint32_t rune)
{
	bool in = in_ranges(set, rune);
	if (!in && set->fold && ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z'))
		in = in_ranges(set, rune ^ 0x20);
	return in != set->negated;
}

static bool is_word(struct str text, size_t at)
{
	char c = text.p[at];
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool holds(enum regex_assert what, struct str text, size_t at)
{
	bool word_before = at > 0 && is_word(text, at - 1), word_behind = at < text.n && is_word(text, at);
	switch (what) {
	case REGEX_TEXT_BEGIN:
		return at == 0;
	case REGEX_TEXT_END:
		return at == text.n;
	case REGEX_LINE_BEGIN:
		return at == 0 || text.p[at - 1] == '\n';
	case REGEX_LINE_END:
		return at == text.n || text.p[at] == '\n';
	case REGEX_WORD:
		return word_before != word_behind;
	case REGEX_NO_WORD:
		return word_before == word_behind;
	}
	return false;
}

static bool put(struct list *l, uint32_t state)
{
	uint32_t where = l->where[state];
	if (where < l->n && l->at[where] == state)
		return false;
	l->where[state] = l->n;
	l->at[l->n++] = state;
	return true;
}

/* Puts state, and all that is reached from it without a character, into l. True: one of them is the end. */
static bool follow(struct regex *re, struct list *l, uint32_t state, struct str text, size_t at)
{
	uint32_t *stack = re->stack, n = 0;
	stack[n++] = state;
	while (n) {
		state = stack[--n];
		if (!put(l, state))
			continue;
		const struct inst *inst = &re->program[state];
		switch (inst->op) {
		case OP_MATCH:
			return true;
		case OP_SPLIT:
			stack[n++] = inst->other;
			stack[n++] = inst->to;
			break;
		case OP_JUMP:
			stack[n++] = inst->to;
			break;
		case OP_SAVE:
			stack[n++] = state + 1;
			break;
		case OP_ASSERT:
			if (holds(inst->assert, text, at))
				stack[n++] = state + 1;
			break;
		case OP_SET:
			break;
		}
	}
	return false;
}

bool regex_match(struct regex *re, struct str text)
{
	if (text.n > REGEX_TEXT_MAX)
		return false;
	re->now.n = 0;
	for (size_t at = 0;;) {
		if (follow(re, &re->now, 0, text, at))
			return true;
		if (at == text.n)
			return false;
		size_t length;
		uint32_t rune = regex_rune(str_from(text, at), &length);
		re->then.n = 0;
		for (uint32_t i = 0; i < re->now.n; i++) {
			uint32_t state = re->now.at[i];
			const struct inst *inst = &re->program[state];
			if (inst->op == OP_SET && in_set(inst->set, rune) &&
			    follow(re, &re->then, state + 1, text, at + length))
				return true;
		}
		struct list swap = re->now;
		re->now = re->then;
		re->then = swap;
		at += length;
	}
}

/* --- groups --- */

#define NOWHERE UINT32_MAX

/* As follow(), by order of preference, with the slots of the thread in re->slots; kept for what waits for a
 * character or has come to the end. */
static void follow_with_slots(struct regex *re, struct list *l, uint32_t *kept, uint32_t state,
			      struct str text, size_t at)
{
	struct frame *stack = re->frames;
	uint32_t n = 0;
	stack[n++] = (struct frame){ .state = state };
	while (n) {
		struct frame f = stack[--n];
		if (f.back) {
			re->slots[f.slot] = f.was;
			continue;
		}
		if (!put(l, f.state))
			continue;
		const struct inst *inst = &re->program[f.state];
		switch (inst->op) {
		case OP_SPLIT:
			stack[n++] = (struct frame){ .state = inst->other };
			stack[n++] = (struct frame){ .state = inst->to };
			break;
		case OP_JUMP:
			stack[n++] = (struct frame){ .state = inst->to };
			break;
		case OP_ASSERT:
			if (holds(inst->assert, text, at))
				stack[n++] = (struct frame){ .state = f.state + 1 };
			break;
		case OP_SAVE:
			stack[n++] =
				(struct frame){ .slot = inst->to, .was = re->slots[inst->to], .back = true };
			stack[n++] = (struct frame){ .state = f.state + 1 };
			re->slots[inst->to] = (uint32_t)at;
			break;
		case OP_SET:
		case OP_MATCH:
			memcpy(kept + (size_t)f.state * re->n_slots, re->slots, re->n_slots * sizeof(*kept));
			break;
		}
	}
}

static void begin_thread(struct regex *re, struct str text, size_t at)
{
	for (uint32_t i = 0; i < re->n_slots; i++)
		re->slots[i] = NOWHERE;
	re->slots[0] = (uint32_t)at;
	follow_with_slots(re, &re->now, re->slots_now, 0, text, at);
}

/* One step of all threads at a place; true: one has come to the end, its slots are in found. Those that are
 * preferred to it go on. */
static bool step(struct regex *re, struct str text, size_t at, uint32_t *found)
{
	size_t length = 0;
	uint32_t rune = at < text.n ? regex_rune(str_from(text, at), &length) : 0;
	bool ended = false;
	re->then.n = 0;
	for (uint32_t i = 0; i < re->now.n && !ended; i++) {
		uint32_t state = re->now.at[i];
		const struct inst *inst = &re->program[state];
		const uint32_t *slots = re->slots_now + (size_t)state * re->n_slots;
		if (inst->op == OP_MATCH) {
			memcpy(found, slots, re->n_slots * sizeof(*found));
			found[1] = (uint32_t)at;
			ended = true;
		} else if (inst->op == OP_SET && length && in_set(inst->set, rune)) {
			memcpy(re->slots, slots, re->n_slots * sizeof(*slots));
			follow_with_slots(re, &re->then, re->slots_then, state + 1, text, at + length);
		}
	}
	return ended;
}

static void swap_lists(struct regex *re)
{
	struct list list = re->now;
	uint32_t *slots = re->slots_now;
	re->now = re->then;
	re->then = list;
	re->slots_now = re->slots_then;
	re->slots_then = slots;
}

bool regex_find(struct regex *re, struct str text, struct str *groups, size_t n)
{
	uint32_t found[2 * (REGEX_GROUPS_MAX + 1)];
	bool any = false;
	size_t length;
	if (text.n > REGEX_TEXT_MAX || !re->frames)
		return false;
	re->now.n = 0;
	for (size_t at = 0; at <= text.n; at += length) {
		if (!any)
			begin_thread(re, text, at);
		else if (!re->now.n)
			break;
		any = step(re, text, at, found) || any;
		swap_lists(re);
		length = 1;
		if (at < text.n)
			regex_rune(str_from(text, at), &length);
	}
	for (size_t i = 0; i < n && any; i++) {
		bool took_part =
			2 * i + 1 < re->n_slots && found[2 * i] != NOWHERE && found[2 * i + 1] != NOWHERE;
		groups[i] = took_part ? (struct str){ text.p + found[2 * i], found[2 * i + 1] - found[2 * i] }
				      : (struct str){ NULL, 0 };
	}
	return any;
}

bool regex_is_literal(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr("\\.+*?()|[]{}^$", s.p[i]))
			return false;
	return true;
}
