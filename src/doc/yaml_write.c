/*
 * yaml_write.c - YAML out through libyaml's emitter, of which go-yaml's is a port: given the same events
 * and settings the bytes are those of sigs.k8s.io/yaml.Marshal.
 */
#include <math.h>
#include <stdio.h>

#include "doc/number.h"
#include "doc/yaml_parts.h"

static int append(void *out, unsigned char *bytes, size_t n)
{
	buf_add(out, bytes, n);
	return 1;
}

/* libyaml fails only for want of memory or on events in a wrong order: both are ours. */
static void emit(yaml_emitter_t *e, yaml_event_t *event, int made)
{
	if (!made || !yaml_emitter_emit(e, event))
		abort();
}

static void put_scalar(yaml_emitter_t *e, struct str text, yaml_scalar_style_t style)
{
	yaml_event_t event;
	emit(e, &event,
	     yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)(text.p ? text.p : ""),
					  (int)text.n, 1, 1, style));
}

static void put_string(yaml_emitter_t *e, struct str text)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
	if (str_find(text, '\n', 0) != SIZE_MAX)
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (yaml_needs_quotes(text))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	put_scalar(e, text, style);
}

/* As kubectl prints it: 1e6 as 1000000, 0.00001 as 1e-05; digits that a double has not stay as they are. */
static void put_float(yaml_emitter_t *e, struct str text)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	char json[NUMBER_TEXT_MAX], g[NUMBER_TEXT_MAX];
	struct node n = { .type = NODE_FLOAT, .text = text };
	number_set(&scratch, &n, text);
	double value = n.text.n < NUMBER_TEXT_MAX ? strtod(n.text.p, NULL) : 0;
	if (n.text.n < NUMBER_TEXT_MAX && (n.type == NODE_FLOAT || fabs(value) >= 0x1p63)) {
		number_shortest(value, json);
		number_shortest_g(value, 64, g);
		if (str_is(n.text, json))
			n.text = str_of(g);
	}
	put_scalar(e, n.text, YAML_PLAIN_SCALAR_STYLE);
}

/* One character of UTF-8; 0 at the end. */
static uint32_t next_rune(struct str *s)
{
	if (s->n == 0)
		return 0;
	unsigned char c = (unsigned char)s->p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	n = n > s->n ? s->n : n;
	uint32_t rune = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		rune = rune << 6 | ((unsigned char)s->p[i] & 0x3f);
	*s = str_from(*s, n);
	return rune;
}

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

/* go-yaml asks Unicode; for a key beyond ASCII "a letter" is nearly always right. */
static bool is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* The number at the start of s, wrapping as Go's int64 does, and its length. */
static int64_t leading_number(struct str s, uint64_t value, size_t *length)
{
	for (*length = 0; *length < s.n && is_digit((unsigned char)s.p[*length]); ++*length)
		value = value * 10 + (uint64_t)(s.p[*length] - '0');
	return (int64_t)value;
}

/* Whether the digits just before a[at] hold one that is not '0'. */
static bool inside_number(struct str a, size_t at)
{
	while (at-- > 0 && is_digit((unsigned char)a.p[at]))
		if (a.p[at] != '0')
			return true;
	return false;
}

/* Two keys that differ at `at`: numbers inside names count by value, and sort before letters. */
static int order_at(struct str a, struct str b, size_t at)
{
	struct str x = str_from(a, at), y = str_from(b, at), x_rest = x, y_rest = y;
	uint32_t c = next_rune(&x_rest), d = next_rune(&y_rest);
	if (is_letter(c) && is_letter(d))
		return c < d ? -1 : 1;
	if (is_letter(c) || is_letter(d))
		return is_letter(d) ? -1 : 1;
	uint64_t start = (c == '0' || d == '0') && inside_number(a, at) ? 1 : 0;
	size_t nx, ny;
	int64_t vx = leading_number(x, start, &nx), vy = leading_number(y, start, &ny);
	if (vx != vy)
		return vx < vy ? -1 : 1;
	if (nx != ny)
		return nx < ny ? -1 : 1;
	return c < d ? -1 : 1;
}

/* go-yaml's order of keys ("natural": a2 before a10). */
static int natural_order(const void *left, const void *right)
{
	struct str a = (*(const struct node_pair *const *)left)->key;
	struct str b = (*(const struct node_pair *const *)right)->key;
	size_t at = 0;
	while (at < a.n && at < b.n && a.p[at] == b.p[at])
		at++;
	while (at && at < a.n && ((unsigned char)a.p[at] & 0xc0) == 0x80)
		at--;
	if (at == a.n || at == b.n)
		return a.n < b.n ? -1 : a.n > b.n;
	return order_at(a, b, at);
}

static void put(yaml_emitter_t *e, const struct node *n);

/* Whether a text of the tree begins with a byte order mark. */
static bool has_bom(const struct node *n)
{
	bool found = n->type == NODE_STRING && yaml_has_bom(n->text);
	for (size_t i = 0; !found && i < node_count(n); i++) {
		if (n->type == NODE_MAP)
			found = yaml_has_bom(n->map.pairs[i].key) || has_bom(n->map.pairs[i].value);
		else
			found = has_bom(n->seq.items[i]);
	}
	return found;
}

static void put_map(yaml_emitter_t *e, const struct node *n)
{
	yaml_event_t event;
	emit(e, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	const struct node_pair **order = mem_alloc((n->map.n + 1) * sizeof(const struct node_pair *));
	for (size_t i = 0; i < n->map.n; i++)
		order[i] = &n->map.pairs[i];
	qsort(order, n->map.n, sizeof(const struct node_pair *), natural_order);
	for (size_t i = 0; i < n->map.n; i++) {
		if (str_is(order[i]->key, "<<")) /* plain it would be a merge; go-yaml forgets that */
			put_scalar(e, order[i]->key, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
		else
			put_string(e, order[i]->key);
		put(e, order[i]->value);
	}
	free(order);
	emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static void put_seq(yaml_emitter_t *e, const struct node *n)
{
	yaml_event_t event;
	emit(e, &event,
	     yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
	for (size_t i = 0; i < n->seq.n; i++)
		put(e, n->seq.items[i]);
	emit(e, &event, yaml_sequence_end_event_initialize(&event));
}

static void put(yaml_emitter_t *e, const struct node *n)
{
	switch (n->type) {
	case NODE_NULL:
		put_scalar(e, STR("null"), YAML_PLAIN_SCALAR_STYLE);
		break;
	case NODE_BOOL:
		put_scalar(e, n->boolean ? STR("true") : STR("false"), YAML_PLAIN_SCALAR_STYLE);
		break;
	case NODE_INT:
		put_scalar(e, n->text, YAML_PLAIN_SCALAR_STYLE);
		break;
	case NODE_FLOAT:
		put_float(e, n->text);
		break;
	case NODE_STRING:
		put_string(e, n->text);
		break;
	case NODE_MAP:
		put_map(e, n);
		break;
	case NODE_SEQ:
		put_seq(e, n);
		break;
	}
}

void yaml_write(struct buf *out, const struct node *n)
{
	yaml_emitter_t e;
	yaml_event_t event;
	size_t from = out->n;
	if (!yaml_emitter_initialize(&e))
		abort();
	yaml_emitter_set_output(&e, append, out);
	yaml_emitter_set_unicode(&e, 1);
	emit(&e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&e, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	put(&e, n);
	emit(&e, &event, yaml_document_end_event_initialize(&event, 1));
	e.open_ended = 0; /* no `...` after a text that ends in line breaks: go-yaml writes none */
	emit(&e, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&e);
	if (has_bom(n))
		yaml_escape_bom(out, from);
}
