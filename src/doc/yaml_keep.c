/*
 * yaml_keep.c - see yaml_keep.h. What a node looked like is an entry in a table, whose number is the node's
 * origin; go-yaml's emitter is a port of libyaml's, so that the latter prints the same.
 */
#include "doc/yaml_keep.h"

#include "base/vec.h"
#include "doc/yaml_parts.h"

/* How a node was written, beside what the node itself knows. */
struct looks {
	bool flow;
	bool tagged; /* its tag was written out */
	bool alias;
	const char *tag, *anchor; /* or NULL */
	/* Of a map: its keys, in their order; more may have been added since. */
	struct looks_key {
		yaml_scalar_style_t style;
		const char *tag, *anchor;
		bool alias;
	} * keys;
	uint32_t n_keys;
};

struct yaml_keep {
	struct arena *a;
	struct looks *looks; /* from 1 on; the first is that of new nodes */
};

/* --- reading --- */

struct reader {
	struct arena *a;
	yaml_parser_t parser;
	yaml_event_t event;
	VEC(struct looks) looks;
	VEC(struct node_pair) pairs; /* stacks that all levels share */
	VEC(struct looks_key) keys;
	VEC(struct node *) items;
	struct error *err;
};

static int next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return 0;
	return error_set(r->err, "line %zu: %s", r->parser.problem_mark.line + 1,
			 r->parser.problem ? r->parser.problem : "it cannot be read");
}

static const char *keep_text(struct reader *r, const yaml_char_t *z)
{
	return z ? arena_strdup(r->a, (const char *)z) : NULL;
}

static struct node *new_node(struct reader *r, enum node_type type, struct looks looks)
{
	struct node *n = arena_new(r->a, struct node);
	if (r->looks.n == 0)
		vec_push(&r->looks, (struct looks){ 0 });
	n->type = type;
	n->line = (uint32_t)r->event.start_mark.line + 1;
	n->column = (uint32_t)r->event.start_mark.column + 1;
	n->origin = (uint32_t)r->looks.n;
	vec_push(&r->looks, looks);
	return n;
}

static enum node_type type_of(enum yaml_kind kind)
{
	static const enum node_type types[] = {
		[YAML_KIND_NULL] = NODE_NULL,	[YAML_KIND_BOOL] = NODE_BOOL,	  [YAML_KIND_INT] = NODE_INT,
		[YAML_KIND_FLOAT] = NODE_FLOAT, [YAML_KIND_STRING] = NODE_STRING,
	};
	return types[kind];
}

static int read_scalar(struct reader *r, struct node **out)
{
	struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
	struct str tag = str_of((const char *)r->event.data.scalar.tag);
	struct yaml_scalar scalar;
	struct looks looks = { .tagged = tag.n > 0,
			       .tag = keep_text(r, r->event.data.scalar.tag),
			       .anchor = keep_text(r, r->event.data.scalar.anchor) };
	if (yaml_resolve(r->a, YAML_KYAML, text, tag, r->event.data.scalar.plain_implicit, &scalar, r->err))
		return -1;
	struct node *n = new_node(r, type_of(scalar.kind), looks);
	n->style = yaml_style(r->event.data.scalar.style);
	if (scalar.time && n->style == NODE_PLAIN)
		n->style = NODE_TIMESTAMP;
	n->boolean = scalar.kind == YAML_KIND_BOOL && scalar.boolean;
	n->text = arena_str(r->a, text);
	*out = n;
	return 0;
}

static int read_node(struct reader *r, unsigned depth, struct node **out);

static int read_seq(struct reader *r, unsigned depth, struct node **out)
{
	struct looks looks = { .flow = r->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE,
			       .tagged = !r->event.data.sequence_start.implicit,
			       .tag = keep_text(r, r->event.data.sequence_start.tag),
			       .anchor = keep_text(r, r->event.data.sequence_start.anchor) };
	struct node *n = new_node(r, NODE_SEQ, looks);
	size_t base = r->items.n;
	while (next(r) == 0 && r->event.type != YAML_SEQUENCE_END_EVENT) {
		struct node *item;
		if (read_node(r, depth + 1, &item))
			return -1;
		vec_push(&r->items, item);
	}
	if (r->event.type != YAML_SEQUENCE_END_EVENT)
		return -1;
	n->seq.n = n->seq.cap = (uint32_t)(r->items.n - base);
	n->seq.items = n->seq.n ? arena_array(r->a, struct node *, n->seq.n) : NULL;
	if (n->seq.n)
		memcpy(n->seq.items, r->items.at + base, n->seq.n * sizeof(*n->seq.items));
	r->items.n = base;
	*out = n;
	return 0;
}

static int read_key(struct reader *r, struct str *out)
{
	struct looks_key key = { .style = YAML_PLAIN_SCALAR_STYLE };
	if (r->event.type == YAML_ALIAS_EVENT) {
		key.alias = true;
		key.anchor = keep_text(r, r->event.data.alias.anchor);
		*out = STR("");
	} else if (r->event.type == YAML_SCALAR_EVENT) {
		struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
		key.style = r->event.data.scalar.style;
		key.tag = keep_text(r, r->event.data.scalar.tag);
		key.anchor = keep_text(r, r->event.data.scalar.anchor);
		*out = arena_str(r->a, text);
	} else {
		return error_set(r->err, "line %zu: a map or a list cannot be a key",
				 r->event.start_mark.line + 1);
	}
	vec_push(&r->keys, key);
	return 0;
}

static int read_pairs(struct reader *r, unsigned depth)
{
	while (next(r) == 0) {
		struct node_pair pair;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_key(r, &pair.key))
			return -1;
		pair.key_line = (uint32_t)r->event.start_mark.line + 1;
		if (next(r) || read_node(r, depth + 1, &pair.value))
			return -1;
		vec_push(&r->pairs, pair);
	}
	return -1;
}

static int read_map(struct reader *r, unsigned depth, struct node **out)
{
	struct looks looks = { .flow = r->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE,
			       .tagged = !r->event.data.mapping_start.implicit,
			       .tag = keep_text(r, r->event.data.mapping_start.tag),
			       .anchor = keep_text(r, r->event.data.mapping_start.anchor) };
	struct node *n = new_node(r, NODE_MAP, looks);
	size_t base = r->pairs.n, keys = r->keys.n;
	if (read_pairs(r, depth))
		return -1;
	n->map.n = n->map.cap = (uint32_t)(r->pairs.n - base);
	n->map.pairs = n->map.n ? arena_array(r->a, struct node_pair, n->map.n) : NULL;
	struct looks_key *kept = arena_array(r->a, struct looks_key, n->map.n);
	if (n->map.n) {
		memcpy(n->map.pairs, r->pairs.at + base, n->map.n * sizeof(*n->map.pairs));
		memcpy(kept, r->keys.at + keys, n->map.n * sizeof(*kept));
	}
	r->looks.at[n->origin].keys = kept;
	r->looks.at[n->origin].n_keys = n->map.n;
	r->pairs.n = base;
	r->keys.n = keys;
	*out = n;
	return 0;
}

static int read_node(struct reader *r, unsigned depth, struct node **out)
{
	if (depth > NODE_DEPTH_MAX)
		return error_set(r->err, "nested deeper than %d levels", NODE_DEPTH_MAX);
	if (r->looks.n > YAML_NODES_MAX)
		return error_set(r->err, "more than %u values (YAML_NODES_MAX)", YAML_NODES_MAX);
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, out);
	case YAML_SEQUENCE_START_EVENT:
		return read_seq(r, depth, out);
	case YAML_MAPPING_START_EVENT:
		return read_map(r, depth, out);
	case YAML_ALIAS_EVENT:
		*out = new_node(
			r, NODE_STRING,
			(struct looks){ .alias = true, .anchor = keep_text(r, r->event.data.alias.anchor) });
		(*out)->text = STR("");
		return 0;
	default:
		return error_set(r->err, "it cannot be read");
	}
}

/* 1: there is no document. */
static int read_document(struct reader *r, struct node **root)
{
	if (next(r) || next(r)) /* STREAM-START, DOCUMENT-START */
		return -1;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return 1;
	if (next(r) || read_node(r, 1, root) || next(r))
		return -1;
	return 0;
}

int yaml_keep_read(struct arena *a, struct str text, struct yaml_keep **out, struct node **root,
		   struct error *err)
{
	struct reader r = { .a = a, .err = err };
	*root = NULL;
	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
	int rc = read_document(&r, root);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	struct yaml_keep *keep = arena_new(a, struct yaml_keep);
	keep->a = a;
	keep->looks = arena_array(a, struct looks, r.looks.n + 1);
	if (r.looks.n)
		memcpy(keep->looks, r.looks.at, r.looks.n * sizeof(*r.looks.at));
	*out = keep;
	vec_release(&r.looks);
	vec_release(&r.pairs);
	vec_release(&r.keys);
	vec_release(&r.items);
	return rc;
}

bool yaml_keep_is_alias(const struct yaml_keep *keep, const struct node *n)
{
	return keep->looks[n->origin].alias;
}

/* A place in a text that libyaml counts in characters. */
struct char_place {
	size_t chars, bytes;
};

static void go_to(struct char_place *at, struct str text, size_t chars)
{
	while (at->chars < chars && at->bytes < text.n) {
		at->bytes++;
		while (at->bytes < text.n && ((unsigned char)text.p[at->bytes] & 0xc0) == 0x80)
			at->bytes++;
		at->chars++;
	}
}

/* What stands between two tokens is white space and comments. */
static bool scan_comments(yaml_parser_t *parser, struct str text)
{
	struct char_place at = { 0 };
	for (;;) {
		yaml_token_t token;
		if (!yaml_parser_scan(parser, &token))
			return false;
		size_t from = at.bytes;
		go_to(&at, text, token.start_mark.index);
		bool found = at.bytes > from && memchr(text.p + from, '#', at.bytes - from);
		bool end = token.type == YAML_STREAM_END_TOKEN;
		go_to(&at, text, token.end_mark.index);
		yaml_token_delete(&token);
		if (found || end)
			return found;
	}
}

bool yaml_keep_has_comments(struct str text)
{
	yaml_parser_t parser;
	if (!memchr(text.p, '#', text.n))
		return false;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	bool found = scan_comments(&parser, text);
	yaml_parser_delete(&parser);
	return found;
}

/* --- writing --- */

struct writer {
	const struct yaml_keep *keep;
	yaml_emitter_t emitter;
	struct error *err;
};

static int emit(struct writer *w, yaml_event_t *event, int ok)
{
	if (!ok)
		return error_set(w->err, "a text in it is no UTF-8");
	if (yaml_emitter_emit(&w->emitter, event))
		return 0;
	return error_set(w->err, "it cannot be written: %s",
			 w->emitter.problem ? w->emitter.problem : "no reason given");
}

#define CHARS(z) ((yaml_char_t *)(uintptr_t)(z))

static int write_text(struct writer *w, struct str text, const char *anchor, const char *tag,
		      yaml_scalar_style_t style)
{
	yaml_event_t event;
	int ok = yaml_scalar_event_initialize(&event, CHARS(anchor), CHARS(tag), CHARS(text.p ? text.p : ""),
					      (int)text.n, !tag, !tag, style);
	return emit(w, &event, ok);
}

static const char *tag_of(enum node_type type, bool time)
{
	static const char *const tags[] = {
		[NODE_NULL] = YAML_NULL_TAG,   [NODE_BOOL] = YAML_BOOL_TAG,  [NODE_INT] = YAML_INT_TAG,
		[NODE_FLOAT] = YAML_FLOAT_TAG, [NODE_STRING] = YAML_STR_TAG,
	};
	return time ? YAML_TIMESTAMP_TAG : tags[type];
}

static bool is_quoted(const struct node *n)
{
	return n->style != NODE_PLAIN && n->style != NODE_TIMESTAMP;
}

/* The tag that must be written out, or NULL; *quote: the text must be quoted to stay one. */
static const char *tag_to_write(struct writer *w, const struct node *n, const struct looks *looks,
				bool *quote)
{
	struct yaml_scalar scalar;
	bool time = n->type == NODE_STRING && n->style == NODE_TIMESTAMP;
	*quote = false;
	if (looks->tagged)
		return looks->tag;
	if (n->untagged || (n->type == NODE_STRING && is_quoted(n)))
		return NULL;
	yaml_resolve(w->keep->a, YAML_KYAML, n->text, (struct str){ "", 0 }, true, &scalar, NULL);
	if (type_of(scalar.kind) == n->type && scalar.time == time)
		return NULL;
	*quote = n->type == NODE_STRING && !time;
	return *quote ? NULL : tag_of(n->type, time);
}

static int write_scalar(struct writer *w, const struct node *n, const struct looks *looks)
{
	static const yaml_scalar_style_t styles[] = {
		[NODE_SINGLE_QUOTED] = YAML_SINGLE_QUOTED_SCALAR_STYLE,
		[NODE_DOUBLE_QUOTED] = YAML_DOUBLE_QUOTED_SCALAR_STYLE,
		[NODE_LITERAL] = YAML_LITERAL_SCALAR_STYLE,
		[NODE_FOLDED] = YAML_FOLDED_SCALAR_STYLE,
	};
	bool quote;
	const char *tag = tag_to_write(w, n, looks, &quote);
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
	if (is_quoted(n))
		style = styles[n->style];
	else if (str_find(n->text, '\n', 0) != SIZE_MAX)
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (quote)
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return write_text(w, n->text, looks->anchor, tag, style);
}

static int write_alias(struct writer *w, const char *name)
{
	yaml_event_t event;
	return emit(w, &event, yaml_alias_event_initialize(&event, CHARS(name)));
}

static int write_node(struct writer *w, const struct node *n);

static int write_seq(struct writer *w, const struct node *n, const struct looks *looks)
{
	yaml_event_t event;
	const char *tag = looks->tagged ? looks->tag : NULL;
	int ok = yaml_sequence_start_event_initialize(
		&event, CHARS(looks->anchor), CHARS(tag), !tag,
		looks->flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
	if (emit(w, &event, ok))
		return -1;
	for (size_t i = 0; i < n->seq.n; i++)
		if (write_node(w, n->seq.items[i]))
			return -1;
	return emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

/* A key that was there is written as it was, a new one without a tag. */
static int write_key(struct writer *w, struct str key, const struct looks_key *looks)
{
	if (!looks)
		return write_text(w, key, NULL, NULL, YAML_PLAIN_SCALAR_STYLE);
	if (looks->alias)
		return write_alias(w, looks->anchor);
	return write_text(w, key, looks->anchor, looks->tag, looks->style);
}

static int write_map(struct writer *w, const struct node *n, const struct looks *looks)
{
	yaml_event_t event;
	const char *tag = looks->tagged ? looks->tag : NULL;
	int ok = yaml_mapping_start_event_initialize(
		&event, CHARS(looks->anchor), CHARS(tag), !tag,
		looks->flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
	if (emit(w, &event, ok))
		return -1;
	for (size_t i = 0; i < n->map.n; i++)
		if (write_key(w, n->map.pairs[i].key, i < looks->n_keys ? &looks->keys[i] : NULL) ||
		    write_node(w, n->map.pairs[i].value))
			return -1;
	return emit(w, &event, yaml_mapping_end_event_initialize(&event));
}

static int write_node(struct writer *w, const struct node *n)
{
	const struct looks *looks = &w->keep->looks[n->origin];
	if (looks->alias)
		return write_alias(w, looks->anchor);
	if (n->type == NODE_MAP)
		return write_map(w, n, looks);
	return n->type == NODE_SEQ ? write_seq(w, n, looks) : write_scalar(w, n, looks);
}

static int append(void *ctx, unsigned char *bytes, size_t n)
{
	buf_add(ctx, bytes, n);
	return 1;
}

static int write_stream(struct writer *w, const struct node *root)
{
	yaml_event_t event;
	if (emit(w, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) ||
	    emit(w, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) ||
	    write_node(w, root) || emit(w, &event, yaml_document_end_event_initialize(&event, 1)))
		return -1;
	return emit(w, &event, yaml_stream_end_event_initialize(&event));
}

int yaml_keep_write(const struct yaml_keep *keep, const struct node *root, struct buf *out, struct error *err)
{
	struct writer w = { .keep = keep, .err = err };
	if (!yaml_emitter_initialize(&w.emitter))
		abort();
	yaml_emitter_set_output(&w.emitter, append, out);
	yaml_emitter_set_indent(&w.emitter, 2);
	yaml_emitter_set_width(&w.emitter, -1);
	yaml_emitter_set_unicode(&w.emitter, 1);
	int rc = write_stream(&w, root);
	yaml_emitter_delete(&w.emitter);
	return rc;
}
