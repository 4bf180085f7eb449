/*
 * labels.c - label selectors. `in` and `notin` are words only where an operator may stand; elsewhere they are
 * names like any other, as upstream's two parser contexts have it.
 */
#include "render/kustomize/labels.h"

#include "base/vec.h"

enum token {
	TOKEN_BAD,
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NOT,
	TOKEN_EQUAL, /* =, == */
	TOKEN_NOT_EQUAL,
	TOKEN_GREATER,
	TOKEN_LESS,
	TOKEN_IN,
	TOKEN_NOT_IN,
};

enum operator{ OP_IN, OP_NOT_IN, OP_EXISTS, OP_MISSING, OP_GREATER, OP_LESS };

struct requirement {
	struct str key;
	enum operator op;
	struct str *values;
	size_t n;
	int64_t number; /* GREATER, LESS */
	struct requirement *next;
};

struct klabel_selector {
	struct requirement *first, *last;
};

struct parser {
	struct arena *a;
	struct str text;
	size_t at;
	enum token token; /* the one that comes next */
	struct str literal;
	struct error *err;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_special(char c)
{
	return c && strchr("=!(),><", c);
}

static void read_symbol(struct parser *p)
{
	static const struct {
		const char *text;
		enum token token;
	} symbols[] = {
		/* the longer ones first */
		{ "==", TOKEN_EQUAL }, { "!=", TOKEN_NOT_EQUAL }, { "=", TOKEN_EQUAL },
		{ "!", TOKEN_NOT },    { "(", TOKEN_OPEN },	  { ")", TOKEN_CLOSE },
		{ ",", TOKEN_COMMA },  { ">", TOKEN_GREATER },	  { "<", TOKEN_LESS },
	};
	struct str rest = str_from(p->text, p->at);
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		size_t n = strlen(symbols[i].text);
		if (!str_starts(rest, str_of(symbols[i].text)))
			continue;
		p->token = symbols[i].token;
		p->literal = (struct str){ rest.p, n };
		p->at += n;
		return;
	}
}

static void next(struct parser *p)
{
	while (p->at < p->text.n && is_space(p->text.p[p->at]))
		p->at++;
	size_t from = p->at;
	p->token = TOKEN_END;
	p->literal = (struct str){ "", 0 };
	if (from == p->text.n)
		return;
	if (is_special(p->text.p[from])) {
		read_symbol(p);
		return;
	}
	while (p->at < p->text.n && !is_space(p->text.p[p->at]) && !is_special(p->text.p[p->at]))
		p->at++;
	p->literal = (struct str){ p->text.p + from, p->at - from };
	p->token = str_is(p->literal, "in")	 ? TOKEN_IN
		   : str_is(p->literal, "notin") ? TOKEN_NOT_IN
						 : TOKEN_NAME;
}

static bool is_name(const struct parser *p)
{
	return p->token == TOKEN_NAME || p->token == TOKEN_IN || p->token == TOKEN_NOT_IN;
}

static int unexpected(struct parser *p, const char *want)
{
	if (p->token == TOKEN_END)
		return error_set(p->err, "it ends where %s is expected", want);
	return error_set(p->err, "`%.*s` stands where %s is expected",
			 (int)(p->literal.n > 80 ? 80 : p->literal.n), p->literal.p, want);
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Letters, digits, and -_. between them; 63 at most. */
static bool is_word(struct str s)
{
	if (s.n == 0 || s.n > 63 || !is_alphanumeric(s.p[0]) || !is_alphanumeric(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alphanumeric(s.p[i]) && !strchr("-_.", s.p[i]))
			return false;
	return true;
}

static bool is_domain_part(struct str s)
{
	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '-')
			return false;
	return true;
}

static bool is_domain(struct str s)
{
	if (s.n > 253)
		return false;
	for (size_t from = 0;;) {
		size_t dot = str_find(s, '.', from);
		size_t end = dot == SIZE_MAX ? s.n : dot;
		if (!is_domain_part((struct str){ s.p + from, end - from }))
			return false;
		if (dot == SIZE_MAX)
			return true;
		from = dot + 1;
	}
}

static bool is_label_key(struct str s)
{
	struct str name, first = str_cut(s, '/', &name);
	if (first.n == s.n)
		return is_word(s);
	return is_domain(first) && is_word(name);
}

static int check_key(struct parser *p, struct str key)
{
	if (is_label_key(key))
		return 0;
	return error_set(p->err, "`%.*s` is no key of a label (letters, digits, -_. and at most one /)",
			 (int)(key.n > 80 ? 80 : key.n), key.p);
}

static int add_value(struct parser *p, struct requirement *r, struct str value)
{
	if (value.n && !is_word(value))
		return error_set(p->err, "`%.*s` is no value of a label (63 letters, digits and -_. at most)",
				 (int)(value.n > 80 ? 80 : value.n), value.p);
	if ((r->n & (r->n + 1)) == 0) { /* 0, 1, 3, 7, ...: full */
		struct str *values = arena_array(p->a, struct str, r->n * 2 + 1);
		if (r->n)
			memcpy(values, r->values, r->n * sizeof(*values));
		r->values = values;
	}
	r->values[r->n++] = value;
	return 0;
}

/* "(a, b)", "()", "(,a)": an empty place is the empty value. */
static int read_list(struct parser *p, struct requirement *r)
{
	if (p->token != TOKEN_OPEN)
		return unexpected(p, "(");
	do {
		struct str value = { "", 0 };
		next(p);
		if (is_name(p)) {
			value = p->literal;
			next(p);
		}
		if (p->token != TOKEN_COMMA && p->token != TOKEN_CLOSE)
			return unexpected(p, "a value, `,` or `)`");
		if (add_value(p, r, value))
			return -1;
	} while (p->token == TOKEN_COMMA);
	next(p);
	return 0;
}

static int read_value(struct parser *p, struct requirement *r)
{
	struct str value = { "", 0 };
	if (is_name(p)) {
		value = p->literal;
		next(p);
	} else if (p->token != TOKEN_END && p->token != TOKEN_COMMA) {
		return unexpected(p, "a value");
	}
	if ((r->op == OP_GREATER || r->op == OP_LESS) && !str_int64(value, &r->number))
		return error_set(p->err, "`>` and `<` want an integer behind them");
	return add_value(p, r, value);
}

static int read_operator(struct parser *p, struct requirement *r)
{
	enum token token = p->token;
	switch (token) {
	case TOKEN_IN:
	case TOKEN_EQUAL:
		r->op = OP_IN;
		break;
	case TOKEN_NOT_IN:
	case TOKEN_NOT_EQUAL:
		r->op = OP_NOT_IN;
		break;
	case TOKEN_GREATER:
		r->op = OP_GREATER;
		break;
	case TOKEN_LESS:
		r->op = OP_LESS;
		break;
	default:
		return unexpected(p, "=, ==, !=, >, <, in, notin, `,` or the end");
	}
	next(p);
	return token == TOKEN_IN || token == TOKEN_NOT_IN ? read_list(p, r) : read_value(p, r);
}

static int read_requirement(struct parser *p, struct requirement *r)
{
	bool missing = p->token == TOKEN_NOT;
	if (missing)
		next(p);
	if (!is_name(p))
		return unexpected(p, "the key of a label");
	r->key = p->literal;
	if (check_key(p, r->key))
		return -1;
	next(p);
	r->op = missing ? OP_MISSING : OP_EXISTS;
	if (missing || p->token == TOKEN_END || p->token == TOKEN_COMMA)
		return 0;
	return read_operator(p, r);
}

int klabels_parse(struct arena *a, struct str text, struct klabel_selector **out, struct error *err)
{
	struct parser p = { .a = a, .text = text, .err = err };
	struct klabel_selector *s = arena_new(a, struct klabel_selector);
	*out = s;
	next(&p);
	if (p.token == TOKEN_END)
		return 0;
	for (;;) {
		struct requirement *r = arena_new(a, struct requirement);
		if (read_requirement(&p, r))
			return -1;
		if (s->last)
			s->last->next = r;
		else
			s->first = r;
		s->last = r;
		if (p.token == TOKEN_END)
			return 0;
		if (p.token != TOKEN_COMMA)
			return unexpected(&p, "`,` or the end");
		next(&p);
	}
}

static bool has_value(const struct requirement *r, struct str value)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->values[i], value))
			return true;
	return false;
}

static bool fits(const struct requirement *r, const struct node *label)
{
	int64_t number;
	bool scalar = label && label->type != NODE_MAP && label->type != NODE_SEQ;
	struct str value = scalar ? label->text : (struct str){ "", 0 };
	switch (r->op) {
	case OP_IN:
		return label && has_value(r, value);
	case OP_NOT_IN:
		return !label || !has_value(r, value);
	case OP_EXISTS:
		return label;
	case OP_MISSING:
		return !label;
	case OP_GREATER:
		return label && str_int64(value, &number) && number > r->number;
	case OP_LESS:
		return label && str_int64(value, &number) && number < r->number;
	}
	return false;
}

bool klabels_fit(const struct klabel_selector *s, const struct node *labels)
{
	for (const struct requirement *r = s->first; r; r = r->next)
		if (!fits(r, node_get_str(labels, r->key)))
			return false;
	return true;
}
