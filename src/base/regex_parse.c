/*
 * regex_parse.c - a pattern becomes a tree, by recursive descent. What Go refuses is refused here too: marks
 * of other dialects (look-around, back references, possessive repeats) would else mean something else
 * silently.
 */
#include "base/regex_parts.h"

#include "base/hex.h"

enum { RUNE_MAX = 0x10ffff, REPEAT_MAX = 1000 };

struct flags {
	bool fold, multi_line, dot_all;
};

struct parser {
	struct arena *a;
	struct str pattern;
	size_t at;
	unsigned depth;
	struct flags flags;
	struct regex_groups *groups;
	struct error *err;
};

uint32_t regex_rune(struct str s, size_t *length)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
	*length = 1;
	if (n == 1)
		return c < 0x80 ? c : 0xfffd;
	if (n > s.n || !str_utf8((struct str){ s.p, n }))
		return 0xfffd;
	uint32_t rune = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		rune = rune << 6 | ((unsigned char)s.p[i] & 0x3f);
	*length = n;
	return rune;
}

static int bad(struct parser *p, const char *why)
{
	return error_set(p->err, "`%.*s` is no regular expression: %s",
			 (int)(p->pattern.n > 100 ? 100 : p->pattern.n), p->pattern.p, why);
}

static bool more(const struct parser *p)
{
	return p->at < p->pattern.n;
}

static bool starts(const struct parser *p, const char *z)
{
	return str_starts(str_from(p->pattern, p->at), str_of(z));
}

static bool skip(struct parser *p, const char *z)
{
	if (!starts(p, z))
		return false;
	p->at += strlen(z);
	return true;
}

static uint32_t take(struct parser *p)
{
	size_t length;
	uint32_t rune = regex_rune(str_from(p->pattern, p->at), &length);
	p->at += length;
	return rune;
}

static struct regex_node *new_node(struct parser *p, enum regex_op op)
{
	struct regex_node *n = arena_new(p->a, struct regex_node);
	n->op = op;
	n->weight = 1;
	return n;
}

static void add_child(struct regex_node *parent, struct regex_node *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	if (child->weight > parent->weight)
		parent->weight = child->weight;
}

static void add_range(struct parser *p, struct regex_set *set, uint32_t first, uint32_t last)
{
	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 4;
		struct regex_range *ranges = arena_array(p->a, struct regex_range, cap);
		if (set->n)
			memcpy(ranges, set->ranges, set->n * sizeof(*ranges));
		set->ranges = ranges;
		set->cap = cap;
	}
	set->ranges[set->n++] = (struct regex_range){ first, last };
}

/* Ranges that are sorted and do not overlap, as what they leave out. */
static void add_others(struct parser *p, struct regex_set *set, const struct regex_range *ranges, size_t n)
{
	uint32_t from = 0;
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].first > from)
			add_range(p, set, from, ranges[i].first - 1);
		from = ranges[i].last + 1;
	}
	add_range(p, set, from, RUNE_MAX);
}

struct class
{
	const char *name;
	struct regex_range ranges[4];
	size_t n;
};

static const struct class perl_classes[] = {
	{ "d", { { '0', '9' } }, 1 },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } }, 3 },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
};

static const struct class named_classes[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
	{ "ascii", { { 0, 0x7f } }, 1 },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } }, 2 },
	{ "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } }, 2 },
	{ "digit", { { '0', '9' } }, 1 },
	{ "graph", { { '!', '~' } }, 1 },
	{ "lower", { { 'a', 'z' } }, 1 },
	{ "print", { { ' ', '~' } }, 1 },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } }, 4 },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
	{ "upper", { { 'A', 'Z' } }, 1 },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};

static void add_class(struct parser *p, struct regex_set *set, const struct class *class, bool negated)
{
	if (negated)
		add_others(p, set, class->ranges, class->n);
	for (size_t i = 0; !negated && i < class->n; i++)
		add_range(p, set, class->ranges[i].first, class->ranges[i].last);
}

/* \d, \D, ...; the backslash is still there. */
static bool perl_class(struct parser *p, struct regex_set *set)
{
	if (p->at + 1 >= p->pattern.n || p->pattern.p[p->at] != '\\')
		return false;
	char c = p->pattern.p[p->at + 1], lower = (char)(c | 0x20);
	for (size_t i = 0; i < sizeof(perl_classes) / sizeof(*perl_classes); i++) {
		if (perl_classes[i].name[0] != lower || (c != lower && c != (char)(lower & ~0x20)))
			continue;
		add_class(p, set, &perl_classes[i], c != lower);
		p->at += 2;
		return true;
	}
	return false;
}

/* [:alpha:], inside of brackets. 1: it is none. */
static int named_class(struct parser *p, struct regex_set *set)
{
	if (!skip(p, "[:"))
		return 1;
	bool negated = skip(p, "^");
	for (size_t i = 0; i < sizeof(named_classes) / sizeof(*named_classes); i++) {
		size_t n = strlen(named_classes[i].name);
		struct str rest = str_from(p->pattern, p->at);
		if (!str_starts(rest, str_of(named_classes[i].name)) ||
		    !str_starts(str_from(rest, n), STR(":]")))
			continue;
		p->at += n + 2;
		add_class(p, set, &named_classes[i], negated);
		return 0;
	}
	return bad(p, "it names a class ([:...:]) that there is not");
}

/* Behind \x: two digits, or any number of them in braces. */
static int hex_escape(struct parser *p, uint32_t *rune)
{
	static const char why[] = "\\x wants two hex digits, or more in braces";
	bool braces = skip(p, "{");
	size_t n = 0;
	for (*rune = 0; more(p) && (braces || n < 2); n++, p->at++) {
		int digit = hex_value(p->pattern.p[p->at]);
		if (digit < 0)
			break;
		*rune = *rune * 16 + (uint32_t)digit;
		if (*rune > RUNE_MAX)
			return bad(p, why);
	}
	if (n == 0 || (!braces && n < 2) || (braces && !skip(p, "}")))
		return bad(p, why);
	return 0;
}

static uint32_t octal(struct parser *p, uint32_t value)
{
	for (int i = 0; i < 2 && more(p) && p->pattern.p[p->at] >= '0' && p->pattern.p[p->at] <= '7'; i++)
		value = value * 8 + (uint32_t)(p->pattern.p[p->at++] - '0');
	return value;
}

/* A backslash and what it makes of the next character, as one character. */
static int escape(struct parser *p, uint32_t *rune)
{
	static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	p->at++;
	if (!more(p))
		return bad(p, "it ends in a backslash");
	uint32_t c = take(p);
	*rune = c;
	const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
	if (letter) {
		*rune = (uint32_t)values[letter - letters];
		return 0;
	}
	if (c == 'x')
		return hex_escape(p, rune);
	bool digit_behind = more(p) && p->pattern.p[p->at] >= '0' && p->pattern.p[p->at] <= '7';
	if (c == '0' || (c >= '1' && c <= '7' && digit_behind)) {
		*rune = octal(p, c - '0');
		return 0;
	}
	if (c < 0x80 && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
		return bad(p, "there is no such escape (back references and Unicode classes are not known)");
	return 0;
}

static int class_rune(struct parser *p, uint32_t *rune)
{
	if (starts(p, "\\"))
		return escape(p, rune);
	*rune = take(p);
	return 0;
}

static int class_item(struct parser *p, struct regex_set *set)
{
	uint32_t first, last;
	int rc = named_class(p, set);
	if (rc <= 0)
		return rc;
	if (perl_class(p, set))
		return 0;
	if (class_rune(p, &first))
		return -1;
	last = first;
	if (starts(p, "-") && p->at + 1 < p->pattern.n && p->pattern.p[p->at + 1] != ']') {
		p->at++;
		if (class_rune(p, &last))
			return -1;
		if (last < first)
			return bad(p, "a range in brackets ends before it begins");
	}
	add_range(p, set, first, last);
	return 0;
}

/* Behind the opening bracket. */
static int brackets(struct parser *p, struct regex_node **out)
{
	struct regex_node *n = new_node(p, REGEX_SET);
	n->set.negated = skip(p, "^");
	n->set.fold = p->flags.fold;
	for (bool first = true; first || !starts(p, "]"); first = false) {
		if (!more(p))
			return bad(p, "a bracket is not closed");
		if (class_item(p, &n->set))
			return -1;
	}
	p->at++;
	*out = n;
	return 0;
}

static struct regex_node *assertion(struct parser *p, enum regex_assert what)
{
	struct regex_node *n = new_node(p, REGEX_ASSERT);
	n->assert = what;
	return n;
}

static struct regex_node *literal(struct parser *p, uint32_t rune)
{
	struct regex_node *n = new_node(p, REGEX_SET);
	n->set.fold = p->flags.fold;
	add_range(p, &n->set, rune, rune);
	return n;
}

static struct regex_node *dot(struct parser *p)
{
	struct regex_node *n = new_node(p, REGEX_SET);
	if (p->flags.dot_all) {
		add_range(p, &n->set, 0, RUNE_MAX);
		return n;
	}
	add_range(p, &n->set, '\n', '\n');
	n->set.negated = true;
	return n;
}

static int alternatives(struct parser *p, struct regex_node **out);

/* Letters behind "(?": 0: up to a colon; 1: up to the closing parenthesis. */
static int group_flags(struct parser *p)
{
	bool on = true, any = false;
	for (;;) {
		if (!more(p))
			return bad(p, "a parenthesis is not closed");
		char c = p->pattern.p[p->at++];
		if (c == 'i')
			p->flags.fold = on;
		else if (c == 'm')
			p->flags.multi_line = on;
		else if (c == 's')
			p->flags.dot_all = on;
		else if (c == '-' && on)
			on = false;
		else if ((c == ':' || c == ')') && (on || any))
			return c == ')';
		else if (c != 'U')
			return bad(p, "there is no such group (look-around is not known)");
		any = c != '-';
	}
}

/* (?P<name> or (?<name> */
static int group_name(struct parser *p, struct str *name)
{
	size_t from = p->at;
	while (more(p) && p->pattern.p[p->at] != '>') {
		char c = p->pattern.p[p->at++];
		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return bad(p, "the name of a group has letters, digits and _ only");
	}
	if (p->at == from || !skip(p, ">"))
		return bad(p, "the name of a group is missing or not closed");
	*name = (struct str){ p->pattern.p + from, p->at - 1 - from };
	return 0;
}

static struct regex_node *kept_group(struct parser *p, struct str name)
{
	struct regex_node *n = new_node(p, REGEX_GROUP);
	n->group = ++p->groups->n;
	if (n->group <= REGEX_GROUPS_MAX)
		p->groups->names[n->group] = name;
	return n;
}

/* Behind the opening parenthesis. *out NULL: it only set flags. */
static int group(struct parser *p, struct regex_node **out)
{
	struct flags before = p->flags;
	struct regex_node *kept = NULL;
	struct str name = STR("");
	*out = NULL;
	if (skip(p, "?P<") || (starts(p, "?<") && !starts(p, "?<=") && !starts(p, "?<!") && skip(p, "?<"))) {
		if (group_name(p, &name))
			return -1;
		kept = kept_group(p, name);
	} else if (skip(p, "?")) {
		int rc = group_flags(p);
		if (rc)
			return rc < 0 ? -1 : 0;
	} else {
		kept = kept_group(p, name);
	}
	if (++p->depth > REGEX_DEPTH_MAX)
		return bad(p, "its groups are nested too deep (REGEX_DEPTH_MAX)");
	if (alternatives(p, out))
		return -1;
	p->depth--;
	if (!skip(p, ")"))
		return bad(p, "a parenthesis is not closed");
	p->flags = before;
	if (kept) {
		add_child(kept, *out);
		*out = kept;
	}
	return 0;
}

static int escaped(struct parser *p, struct regex_node **out)
{
	static const struct {
		const char *mark;
		enum regex_assert what;
	} marks[] = {
		{ "\\A", REGEX_TEXT_BEGIN },
		{ "\\z", REGEX_TEXT_END },
		{ "\\b", REGEX_WORD },
		{ "\\B", REGEX_NO_WORD },
	};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (skip(p, marks[i].mark)) {
			*out = assertion(p, marks[i].what);
			return 0;
		}
	struct regex_node *set = new_node(p, REGEX_SET);
	if (perl_class(p, &set->set)) {
		*out = set;
		return 0;
	}
	uint32_t rune;
	if (escape(p, &rune))
		return -1;
	*out = literal(p, rune);
	return 0;
}

static bool number(struct parser *p, int *out)
{
	size_t from = p->at;
	int value = 0;
	for (; more(p) && p->pattern.p[p->at] >= '0' && p->pattern.p[p->at] <= '9'; p->at++)
		value = value > REPEAT_MAX ? value : value * 10 + (p->pattern.p[p->at] - '0');
	*out = value;
	/* Go takes no leading zeros here. */
	return p->at > from && (p->pattern.p[from] != '0' || p->at == from + 1);
}

/* {2}, {2,} or {2,5}; anything else is the text itself: then nothing is taken. */
static bool braces(struct parser *p, int *min, int *max)
{
	size_t from = p->at;
	if (skip(p, "{") && number(p, min)) {
		*max = *min;
		if (!skip(p, ",") || (starts(p, "}") ? (*max = -1, true) : number(p, max)))
			if (skip(p, "}"))
				return true;
	}
	p->at = from;
	return false;
}

/* One thing that may be repeated. *out NULL: nothing (flags). */
static int atom(struct parser *p, struct regex_node **out)
{
	bool multi = p->flags.multi_line;
	int min, max;
	if (starts(p, "\\"))
		return escaped(p, out);
	if (braces(p, &min, &max))
		return bad(p, "a repetition ({}) has nothing before it");
	uint32_t c = take(p);
	switch (c) {
	case '(':
		return group(p, out);
	case '[':
		return brackets(p, out);
	case '.':
		*out = dot(p);
		return 0;
	case '^':
		*out = assertion(p, multi ? REGEX_LINE_BEGIN : REGEX_TEXT_BEGIN);
		return 0;
	case '$':
		*out = assertion(p, multi ? REGEX_LINE_END : REGEX_TEXT_END);
		return 0;
	case '*':
	case '+':
	case '?':
		return bad(p, "a repetition (* + ?) has nothing before it");
	default:
		*out = literal(p, c);
		return 0;
	}
}

/* 1: there is a repetition, taken. */
static int repetition(struct parser *p, int *min, int *max)
{
	*min = 0;
	*max = -1;
	if (skip(p, "*"))
		return 1;
	if (skip(p, "+")) {
		*min = 1;
		return 1;
	}
	if (skip(p, "?")) {
		*max = 1;
		return 1;
	}
	if (!braces(p, min, max))
		return 0;
	if (*min > REPEAT_MAX || *max > REPEAT_MAX || (*max >= 0 && *max < *min))
		return bad(p,
			   "a repetition in braces is out of range (1000 at most, the smaller number first)");
	return 1;
}

static int repeated(struct parser *p, struct regex_node **out)
{
	int min, max, ignored;
	int rc = repetition(p, &min, &max);
	if (rc <= 0)
		return rc;
	bool lazy = skip(p, "?"); /* the same texts match, their groups may differ */
	size_t behind = p->at;
	rc = repetition(p, &ignored, &ignored);
	if (rc)
		return rc < 0 ? -1 : bad(p, "a repetition follows a repetition; use parentheses");
	p->at = behind;
	struct regex_node *n = new_node(p, REGEX_REPEAT);
	add_child(n, *out);
	n->min = min;
	n->max = max;
	n->lazy = lazy;
	n->weight *= max > 0 ? max : min > 0 ? min : 1;
	if (n->weight > REPEAT_MAX)
		return bad(p, "repetitions inside of repetitions come to more than 1000");
	*out = n;
	return 0;
}

/* Behind \Q: all up to \E as it stands; the last character may be repeated, so it is left in *last. */
static void quoted(struct parser *p, struct regex_node *all, struct regex_node **last)
{
	*last = NULL;
	while (more(p) && !skip(p, "\\E")) {
		if (*last)
			add_child(all, *last);
		*last = literal(p, take(p));
	}
}

static int sequence(struct parser *p, struct regex_node **out)
{
	*out = new_node(p, REGEX_CAT);
	while (more(p) && !starts(p, "|") && !starts(p, ")")) {
		struct regex_node *one;
		if (skip(p, "\\Q"))
			quoted(p, *out, &one);
		else if (atom(p, &one))
			return -1;
		if (!one)
			continue;
		if (repeated(p, &one))
			return -1;
		add_child(*out, one);
	}
	return 0;
}

static int alternatives(struct parser *p, struct regex_node **out)
{
	struct regex_node *one;
	if (sequence(p, out))
		return -1;
	if (!starts(p, "|"))
		return 0;
	struct regex_node *all = new_node(p, REGEX_ALT);
	add_child(all, *out);
	while (skip(p, "|")) {
		if (sequence(p, &one))
			return -1;
		add_child(all, one);
	}
	*out = all;
	return 0;
}

int regex_parse(struct arena *a, struct str pattern, struct regex_node **out, struct regex_groups *groups,
		struct error *err)
{
	struct parser p = { .a = a, .pattern = pattern, .groups = groups, .err = err };
	*groups = (struct regex_groups){ 0 };
	if (pattern.n > REGEX_SIZE_MAX)
		return error_set(err, "a regular expression is longer than %u bytes (REGEX_SIZE_MAX)",
				 REGEX_SIZE_MAX);
	if (alternatives(&p, out))
		return -1;
	return more(&p) ? bad(&p, "a parenthesis is closed that was not opened") : 0;
}
