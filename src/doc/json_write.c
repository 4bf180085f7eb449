/*
 * json_write.c - JSON out: compact, sorted, or for people. The sorted form is what is hashed, so it
 * must never change for a tree that means the same.
 */
#include "doc/json.h"

#include "base/vec.h"

enum style {
	AS_IS,
	SORTED,
	PRETTY,
};

struct writer {
	struct buf *out;
	enum style style;
	unsigned depth;
	VEC(const struct node_pair *) order; /* a stack: each map being written has its pairs on it */
};

static void put_escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	switch (c) {
	case '"':
	case '\\':
		buf_addc(out, '\\');
		buf_addc(out, (char)c);
		return;
	case '\n':
		buf_add(out, "\\n", 2);
		return;
	case '\r':
		buf_add(out, "\\r", 2);
		return;
	case '\t':
		buf_add(out, "\\t", 2);
		return;
	case '\b':
		buf_add(out, "\\b", 2);
		return;
	case '\f':
		buf_add(out, "\\f", 2);
		return;
	default:
		buf_add(out, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
	}
}

/* U+2028 and U+2029 (E2 80 A8, E2 80 A9) end a line in JavaScript: Go escapes them always. */
static bool is_line_separator(const unsigned char *p, size_t left)
{
	return left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
}

void json_write_string(struct buf *out, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	buf_reserve(out, text.n + 2);
	buf_addc(out, '"');
	size_t clean = 0;
	for (size_t i = 0; i < text.n; i++) {
		bool separator = p[i] == 0xe2 && is_line_separator(p + i, text.n - i);
		if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && !separator)
			continue;
		buf_add(out, text.p + clean, i - clean);
		if (separator) {
			buf_adds(out, p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
			i += 2;
		} else {
			put_escape(out, p[i]);
		}
		clean = i + 1;
	}
	buf_add(out, text.p + clean, text.n - clean);
	buf_addc(out, '"');
}

static void new_line(struct writer *w)
{
	if (w->style != PRETTY)
		return;
	buf_addc(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_add(w->out, "  ", 2);
}

static int by_key(const void *a, const void *b)
{
	const struct node_pair *const *x = a, *const *y = b;
	return str_cmp((*x)->key, (*y)->key);
}

/* Puts the pairs of a map on the stack, sorted; most maps come sorted or nearly so. */
static void push_sorted(struct writer *w, const struct node *n)
{
	size_t base = w->order.n;
	bool sorted = true;
	for (size_t i = 0; i < n->map.n; i++) {
		vec_push(&w->order, &n->map.pairs[i]);
		if (i && str_cmp(n->map.pairs[i - 1].key, n->map.pairs[i].key) > 0)
			sorted = false;
	}
	if (sorted)
		return;
	const struct node_pair **order = w->order.at + base;
	if (n->map.n > 16) {
		qsort(order, n->map.n, sizeof(const struct node_pair *), by_key);
		return;
	}
	for (size_t i = 1; i < n->map.n; i++) {
		const struct node_pair *pair = order[i];
		size_t k = i;
		for (; k && str_cmp(order[k - 1]->key, pair->key) > 0; k--)
			order[k] = order[k - 1];
		order[k] = pair;
	}
}

static void put(struct writer *w, const struct node *n);

static void put_map(struct writer *w, const struct node *n)
{
	size_t base = w->order.n;
	if (w->style != AS_IS)
		push_sorted(w, n);
	buf_addc(w->out, '{');
	w->depth++;
	for (size_t i = 0; i < n->map.n; i++) {
		/* Looked up each time: a map further down may move the stack. */
		const struct node_pair *pair = w->style == AS_IS ? &n->map.pairs[i] : w->order.at[base + i];
		if (i)
			buf_addc(w->out, ',');
		new_line(w);
		json_write_string(w->out, pair->key);
		buf_addc(w->out, ':');
		if (w->style == PRETTY)
			buf_addc(w->out, ' ');
		put(w, pair->value);
	}
	w->depth--;
	if (n->map.n)
		new_line(w);
	buf_addc(w->out, '}');
	w->order.n = base;
}

static void put_seq(struct writer *w, const struct node *n)
{
	buf_addc(w->out, '[');
	w->depth++;
	for (size_t i = 0; i < n->seq.n; i++) {
		if (i)
			buf_addc(w->out, ',');
		new_line(w);
		put(w, n->seq.items[i]);
	}
	w->depth--;
	if (n->seq.n)
		new_line(w);
	buf_addc(w->out, ']');
}

static void put(struct writer *w, const struct node *n)
{
	switch (n->type) {
	case NODE_NULL:
		buf_add(w->out, "null", 4);
		break;
	case NODE_BOOL:
		buf_adds(w->out, n->boolean ? "true" : "false");
		break;
	case NODE_INT:
	case NODE_FLOAT:
		buf_add_str(w->out, n->text);
		break;
	case NODE_STRING:
		json_write_string(w->out, n->text);
		break;
	case NODE_MAP:
		put_map(w, n);
		break;
	case NODE_SEQ:
		put_seq(w, n);
		break;
	}
}

static void write_styled(struct buf *out, const struct node *n, enum style style)
{
	struct writer w = { .out = out, .style = style };
	put(&w, n);
	vec_release(&w.order);
}

void json_write(struct buf *out, const struct node *n)
{
	write_styled(out, n, AS_IS);
}

void json_write_sorted(struct buf *out, const struct node *n)
{
	write_styled(out, n, SORTED);
}

void json_write_pretty(struct buf *out, const struct node *n)
{
	write_styled(out, n, PRETTY);
	buf_addc(out, '\n');
}

struct hash json_hash(const struct node *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_write_sorted(&text, n);
	return hash_of(buf_str(&text));
}

void json_escape_html(struct buf *out, struct str json)
{
	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];
		if (c == '<' || c == '>' || c == '&')
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_addc(out, c);
	}
}
