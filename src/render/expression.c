/*
 * expression.c - one text with ${...} in it: read from left to right and evaluated at once, by recursion for
 * expressions inside expressions. The grammar is that of github.com/fluxcd/pkg/envsubst:
 *
 * - An argument of # % : / is one text or one expression, not both; that of :- := = may be several.
 * - In arguments of / the escapes `\/`, `\\` and `$$` are known, in others none.
 * - All arguments are evaluated, also a default that is not used: what it names must be set.
 *
 * `:+`, `+` and `?` are refused: envsubst gives them another meaning than a shell, or none.
 */
#include "render/substitute_parts.h"

struct reader {
	struct expression *e;
	struct str text;
	size_t at;
	size_t start; /* of the outermost expression under way: where complaints point to */
	unsigned depth;
	bool unset; /* a complaint that does not end the reading */
};

void expression_release(struct expression *e)
{
	vec_release(&e->names);
}

/* --- complaints --- */

/* The expression as the template has it, on one line and not too long. */
static struct str shown(const struct reader *r)
{
	struct str s = str_from(r->text, r->start);
	size_t n = 0;
	int open = 0;
	while (n < s.n && n < 60 && s.p[n] != '\n') {
		if (s.p[n] == '{')
			open++;
		if (s.p[n++] == '}' && --open == 0)
			break;
	}
	while (n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){ s.p, n };
}

static int fail(struct reader *r, const char *what)
{
	struct str s = shown(r);
	r->e->complain(r->e->ctx, r->start, arena_printf(r->e->a, "`%.*s`: %s", STR_ARG(s), what));
	return -1;
}

static int fail_grammar(struct reader *r, const char *what)
{
	return fail(r, arena_printf(r->e->a, "%s; write $${ where a literal ${ is meant", what));
}

static void complain_unset(struct reader *r, struct str name)
{
	r->unset = true;
	fail(r, arena_printf(r->e->a,
			     "the variable %.*s is not set: give it a value, or a default as in ${%.*s:=x}; "
			     "write $${ where a literal ${ is meant",
			     STR_ARG(name), STR_ARG(name)));
}

/* --- reading --- */

static char peek(const struct reader *r)
{
	return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static bool at_expression(const struct reader *r)
{
	return r->at + 1 < r->text.n && r->text.p[r->at] == '$' && r->text.p[r->at + 1] == '{';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str read_name(struct reader *r)
{
	size_t start = r->at;
	while (r->at < r->text.n && is_name_char(r->text.p[r->at]))
		r->at++;
	return (struct str){ r->text.p + start, r->at - start };
}

static int close_brace(struct reader *r)
{
	if (peek(r) != '}')
		return fail_grammar(
			r, "a closing } is missing here, or text and ${...} are mixed where only one of "
			   "them may stand");
	r->at++;
	return 0;
}

static int expand(struct reader *r, struct buf *out);

static int add_text(struct reader *r, struct buf *out, const char *p, size_t n)
{
	if (n > SUBSTITUTE_SCALAR_MAX - out->n)
		return fail(r, EXPRESSION_TOO_LONG);
	if (!work_take(r->e->work, n))
		return fail(r, EXPRESSION_OUT_OF_WORK);
	buf_add(out, p, n);
	return 0;
}

/* What a text argument ends at. */
struct ends {
	const char *chars;
	bool escapes;
};

static bool is_escape(const struct reader *r)
{
	if (r->at + 1 >= r->text.n)
		return false;
	char c = r->text.p[r->at], next = r->text.p[r->at + 1];
	return (c == '$' && next == '$') || (c == '\\' && (next == '/' || next == '\\'));
}

static int read_text(struct reader *r, const struct ends *ends, struct buf *out)
{
	while (r->at < r->text.n && !at_expression(r)) {
		if (ends->escapes && is_escape(r))
			r->at++;
		else if (strchr(ends->chars, r->text.p[r->at]) && r->text.p[r->at])
			break;
		if (add_text(r, out, r->text.p + r->at, 1))
			return -1;
		r->at++;
	}
	return 0;
}

/* One argument: an expression or a text, which is not empty. */
static int read_argument(struct reader *r, const struct ends *ends, struct buf *out)
{
	size_t before = r->at;
	if (at_expression(r))
		return expand(r, out);
	if (read_text(r, ends, out))
		return -1;
	return r->at == before ? fail_grammar(r, "something is missing after the operator") : 0;
}

/* --- values --- */

static void note(struct expression *e, const char *name, const struct substitute_value *value)
{
	e->secret |= value->secret;
	for (size_t i = 0; i < e->names.n; i++)
		if (e->names.at[i] == name)
			return;
	vec_push(&e->names, name);
}

static int apply(struct reader *r, struct str name, struct operation *o, struct buf *out)
{
	const struct substitute_value *value = map_get(&r->e->values->by_name, name);
	bool tolerant = o->operator== OPERATOR_DEFAULT || o->operator== OPERATOR_UNSET;
	if (value) {
		o->value = value->text;
		o->is_set = true;
		note(r->e, map_key(&r->e->values->by_name, name).p, value);
	} else if (!tolerant && !r->e->lenient) {
		complain_unset(r, name);
		return 0;
	}
	const char *bad = operation_apply(o, out, r->e->work);
	return bad ? fail(r, bad) : 0;
}

/* --- operators --- */

/* ${v:n} and ${v:n:len}; at the colon. */
static int read_part(struct reader *r, struct str name, struct buf *out)
{
	cleanup_buf struct buf from = BUF_INIT, length = BUF_INIT;
	struct operation o = { .operator= OPERATOR_PART, .n_args = 1 };
	r->at++;
	if (read_argument(r, &(struct ends){ ":}", false }, &from))
		return -1;
	if (peek(r) == ':') {
		while (peek(r) == ':')
			r->at++;
		if (read_argument(r, &(struct ends){ "}", false }, &length))
			return -1;
		o.args[1] = buf_str(&length);
		o.n_args = 2;
	}
	o.args[0] = buf_str(&from);
	return close_brace(r) ? -1 : apply(r, name, &o, out);
}

/* ${v:?w}; w stands at from. */
static int require(struct reader *r, struct str name, size_t from, struct buf *out)
{
	const struct substitute_value *value = map_get(&r->e->values->by_name, name);
	if (value && value->text.n)
		return apply(r, name, &(struct operation){ .operator = OPERATOR_NONE }, out);
	/* The word as it is written: what it would expand to may be a secret. */
	struct str word = { r->text.p + from, r->at - from - 1 };
	return fail(r, arena_printf(r->e->a, "the variable %.*s is not set%s%.*s", STR_ARG(name),
				    word.n ? ": " : "", (int)(word.n > 200 ? 200 : word.n), word.p));
}

/* ${v:-w} and the like; at the operator. */
static int read_default(struct reader *r, struct str name, struct buf *out)
{
	cleanup_buf struct buf word = BUF_INIT;
	bool colon = peek(r) == ':';
	if (colon)
		r->at++;
	char mark = peek(r);
	size_t from = ++r->at;
	if (mark == '+' || (mark == '?' && !colon))
		return fail_grammar(
			r, "the operators :+ + and ? are not supported: Flux has no such meaning for them");
	while (r->at < r->text.n && peek(r) != '}')
		if (read_argument(r, &(struct ends){ "}", false }, &word))
			return -1;
	if (close_brace(r))
		return -1;
	if (mark == '?')
		return require(r, name, from, out);
	struct operation o = {
		.operator= mark == '-' && !colon ? OPERATOR_UNSET : OPERATOR_DEFAULT,
		.args = { buf_str(&word) },
		.n_args = 1,
	};
	return apply(r, name, &o, out);
}

/* ${v^}, ${v^^}, ${v,}, ${v,,}; at the operator. */
static int read_case(struct reader *r, struct str name, struct buf *out)
{
	struct operation o = { .n_args = 0 };
	char mark = peek(r);
	bool all = r->at + 1 < r->text.n && r->text.p[r->at + 1] == mark;
	r->at += all ? 2 : 1;
	if (mark == '^')
		o.operator= all ? OPERATOR_UPPER : OPERATOR_UPPER_FIRST;
	else
		o.operator= all ? OPERATOR_LOWER : OPERATOR_LOWER_FIRST;
	return close_brace(r) ? -1 : apply(r, name, &o, out);
}

/* ${v#p} and the like; at the operator. */
static int read_cut(struct reader *r, struct str name, struct buf *out)
{
	cleanup_buf struct buf pattern = BUF_INIT;
	struct operation o = { .n_args = 1 };
	char mark = peek(r);
	bool longest = r->at + 1 < r->text.n && r->text.p[r->at + 1] == mark;
	r->at += longest ? 2 : 1;
	if (mark == '#')
		o.operator= longest ? OPERATOR_CUT_START_LONG : OPERATOR_CUT_START_SHORT;
	else
		o.operator= longest ? OPERATOR_CUT_END_LONG : OPERATOR_CUT_END_SHORT;
	if (read_argument(r, &(struct ends){ "}", false }, &pattern) || close_brace(r))
		return -1;
	o.args[0] = buf_str(&pattern);
	return apply(r, name, &o, out);
}

static enum operator replace_operator(struct reader *r)
{
	r->at++;
	switch (peek(r)) {
	case '/':
		r->at++;
		return OPERATOR_REPLACE_ALL;
	case '#':
		r->at++;
		return OPERATOR_REPLACE_START;
	case '%':
		r->at++;
		return OPERATOR_REPLACE_END;
	default:
		return OPERATOR_REPLACE_FIRST;
	}
}

/* ${v/t/r} and the like; at the operator. */
static int read_replace(struct reader *r, struct str name, struct buf *out)
{
	cleanup_buf struct buf old = BUF_INIT, new = BUF_INIT;
	struct operation o = { .operator= replace_operator(r), .n_args = 1 };
	if (read_argument(r, &(struct ends){ "/", true }, &old))
		return -1;
	if (peek(r) != '/')
		return fail_grammar(r, "a / is missing between what is replaced and what replaces it");
	while (peek(r) == '/')
		r->at++;
	if (peek(r) != '}') {
		if (read_argument(r, &(struct ends){ "}", true }, &new))
			return -1;
		o.n_args = 2;
	}
	o.args[0] = buf_str(&old);
	o.args[1] = buf_str(&new);
	return close_brace(r) ? -1 : apply(r, name, &o, out);
}

/* ${#v}; at the #. */
static int read_length(struct reader *r, struct buf *out)
{
	r->at++;
	struct str name = read_name(r);
	if (name.n == 0)
		return fail_grammar(r, "the name of a variable is missing");
	return close_brace(r) ? -1 : apply(r, name, &(struct operation){ .operator = OPERATOR_LENGTH }, out);
}

static int read_expression(struct reader *r, struct buf *out)
{
	if (peek(r) == '#')
		return read_length(r, out);
	struct str name = read_name(r);
	if (name.n == 0)
		return fail_grammar(r, "this is not the name of a variable");
	char next = r->at + 1 < r->text.n ? r->text.p[r->at + 1] : '\0';
	switch (peek(r)) {
	case '}':
		r->at++;
		return apply(r, name, &(struct operation){ .operator = OPERATOR_NONE }, out);
	case ':':
		return next && strchr("=-?+", next) ? read_default(r, name, out) : read_part(r, name, out);
	case '=':
	case '-':
	case '?':
	case '+':
		return read_default(r, name, out);
	case '^':
	case ',':
		return read_case(r, name, out);
	case '#':
	case '%':
		return read_cut(r, name, out);
	case '/':
		return read_replace(r, name, out);
	default:
		return fail_grammar(
			r, "behind the name of the variable (letters, digits and _) a } or an operator is "
			   "missing");
	}
}

/* At `${`. */
static int expand(struct reader *r, struct buf *out)
{
	if (r->depth >= SUBSTITUTE_DEPTH_MAX)
		return fail(r, arena_printf(r->e->a, "nested deeper than %u (SUBSTITUTE_DEPTH_MAX)",
					    SUBSTITUTE_DEPTH_MAX));
	if (r->depth == 0)
		r->start = r->at;
	r->depth++;
	r->at += 2;
	int rc = read_expression(r, out);
	r->depth--;
	return rc;
}

/* --- a text --- */

bool expression_is_in(struct str text)
{
	for (size_t at = str_find(text, '$', 0); at != SIZE_MAX; at = str_find(text, '$', at + 1))
		if (at + 1 < text.n && (text.p[at + 1] == '{' || text.p[at + 1] == '$'))
			return true;
	return false;
}

int expression_expand(struct expression *e, struct str text, struct buf *out)
{
	struct reader r = { .e = e, .text = text };
	while (r.at < text.n) {
		size_t dollar = str_find(text, '$', r.at);
		if (dollar == SIZE_MAX)
			dollar = text.n;
		r.start = r.at;
		if (add_text(&r, out, text.p + r.at, dollar - r.at))
			return -1;
		r.at = dollar;
		if (at_expression(&r)) {
			if (expand(&r, out))
				return -1;
		} else if (r.at < text.n) {
			if (add_text(&r, out, "$", 1))
				return -1;
			r.at += is_escape(&r) ? 2 : 1;
		}
	}
	return r.unset ? -1 : 0;
}
