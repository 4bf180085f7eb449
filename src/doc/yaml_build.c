/*
 * yaml_build.c - one document: libyaml's events become nodes.
 *
 * Pairs and items under construction sit on two stacks that all levels share; a finished map or
 * list is copied to the arena in its exact size. Aliases are expanded by copying (the tree stays a tree, so
 * that its owner may edit it), under a cap that counts the copies.
 */
#include <stdio.h>

#include "base/map.h"
#include "doc/keys.h"
#include "doc/number.h"
#include "doc/yaml_parts.h"

struct anchor {
	struct node *node; /* NULL while its own content is being read */
	struct yaml_scalar scalar;
	bool is_scalar;
	size_t nodes; /* in its subtree */
};

/* A pair of a map that is being read. The pair comes first: keys_find() looks there. */
struct work_pair {
	struct node_pair pair;
	bool merged; /* came by `<<`; a key written out may replace it */
};

struct yaml_keys *yaml_keys_new(struct arena *a)
{
	return arena_new(a, struct yaml_keys);
}

struct builder {
	struct yaml_result *result;
	struct arena *a;
	yaml_parser_t parser;
	yaml_event_t event;
	struct str text;
	uint32_t first_line;
	struct yaml_place *place;
	struct error *err;
	struct map anchors; /* name -> struct anchor */
	VEC(struct work_pair) pairs;
	VEC(struct node *) items;
};

void yaml_warn(struct yaml_result *result, uint32_t line, uint32_t column, const char *fmt, ...)
{
	if (result->warnings.n >= YAML_MESSAGES_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	struct yaml_warning warning = { line, column, arena_vprintf(result->a, fmt, ap) };
	va_end(ap);
	yaml_one_line(warning.text);
	vec_push(&result->warnings, warning);
}

static struct yaml_place event_place(const struct builder *b)
{
	return (struct yaml_place){ b->first_line + (uint32_t)b->event.start_mark.line,
				    (uint32_t)b->event.start_mark.column + 1 };
}

/* Fails at the event that was read last. */
#define fail(b, ...) (*(b)->place = event_place(b), error_set((b)->err, __VA_ARGS__))

static int fail_at(struct builder *b, struct yaml_place at, const char *text)
{
	*b->place = at;
	return error_set(b->err, "%s", text);
}

static int next(struct builder *b)
{
	yaml_event_delete(&b->event);
	if (yaml_parser_parse(&b->parser, &b->event))
		return 0;
	yaml_explain(&b->parser, b->text, b->first_line, b->place, b->err);
	return -1;
}

static struct node *new_node(struct builder *b, enum node_type type, struct yaml_place at)
{
	struct node *n = arena_new(b->a, struct node);
	n->type = type;
	n->line = at.line;
	n->column = at.column;
	n->origin = b->result->options.origin;
	return n;
}

static int count_nodes(struct builder *b, size_t n)
{
	b->result->budget.nodes += n;
	if (b->result->budget.nodes > YAML_NODES_MAX)
		return fail(b, "the file holds more than %u values (YAML_NODES_MAX); split it",
			    YAML_NODES_MAX);
	return 0;
}

/* Anchors belong to the newest node of that name, as in YAML. */
static struct anchor *add_anchor(struct builder *b, const yaml_char_t *name)
{
	if (!name)
		return NULL;
	struct anchor *anchor = arena_new(b->a, struct anchor);
	map_put(&b->anchors, str_of((const char *)name), anchor);
	return anchor;
}

static int find_anchor(struct builder *b, struct anchor **out)
{
	const char *name = (const char *)b->event.data.alias.anchor;
	*out = map_get(&b->anchors, str_of(name));
	if (!*out)
		return fail(
			b,
			"*%.60s names no anchor: &%.60s must come before it in the same document; quote the text "
			"if it is meant as it stands",
			name, name);
	if (!(*out)->node)
		return fail(b, "*%.60s is inside of what &%.60s names: it would contain itself", name, name);
	return 0;
}

static unsigned tree_depth(const struct node *n)
{
	unsigned deepest = 0;
	size_t count = node_count(n);
	for (size_t i = 0; i < count; i++) {
		unsigned depth = tree_depth(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i]);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static int build_alias(struct builder *b, unsigned depth, struct node **out)
{
	struct anchor *anchor;
	if (find_anchor(b, &anchor))
		return -1;
	b->result->budget.alias_nodes += anchor->nodes;
	if (b->result->budget.alias_nodes > YAML_ALIAS_EXPANSION_MAX)
		return fail(
			b,
			"aliases (*name) blow the file up by more than %u values (YAML_ALIAS_EXPANSION_MAX)",
			YAML_ALIAS_EXPANSION_MAX);
	if (count_nodes(b, anchor->nodes))
		return -1;
	if (depth + tree_depth(anchor->node) - 1 > NODE_DEPTH_MAX)
		return fail(b, "nested deeper than %d levels", NODE_DEPTH_MAX);
	*out = node_copy(b->a, anchor->node);
	return 0;
}

static void warn_old_bool(struct builder *b, const struct yaml_scalar *s)
{
	struct yaml_place at = event_place(b);
	if (s->old_bool)
		yaml_warn(b->result, at.line, at.column,
			  "`%s` is read as the boolean %s (YAML 1.1); quote it if you mean the string",
			  (const char *)b->event.data.scalar.value, s->boolean ? "true" : "false");
}

static int resolve_event(struct builder *b, struct yaml_scalar *out)
{
	struct str text = { (const char *)b->event.data.scalar.value, b->event.data.scalar.length };
	struct str tag = str_of((const char *)b->event.data.scalar.tag);
	if (yaml_resolve(b->a, b->result->options.dialect, text, tag, b->event.data.scalar.plain_implicit,
			 out, b->err)) {
		*b->place = event_place(b);
		return -1;
	}
	warn_old_bool(b, out);
	return 0;
}

static enum node_style event_style(const struct builder *b, const struct yaml_scalar *s)
{
	/* `!!int "5"`: its tag says what it is, not its quotes. */
	if (b->result->options.dialect == YAML_KYAML && s->kind != YAML_KIND_STRING)
		return NODE_PLAIN;
	enum node_style style = yaml_style(b->event.data.scalar.style);
	return style == NODE_PLAIN && s->time ? NODE_TIMESTAMP : style;
}

static const enum node_type node_types[] = {
	[YAML_KIND_NULL] = NODE_NULL,	[YAML_KIND_BOOL] = NODE_BOOL,	  [YAML_KIND_INT] = NODE_INT,
	[YAML_KIND_FLOAT] = NODE_FLOAT, [YAML_KIND_STRING] = NODE_STRING,
};

/* A scalar's value as a node; its text is copied out of the event. */
static int scalar_node(struct builder *b, const struct yaml_scalar *s, struct node **out)
{
	struct yaml_place at = event_place(b);
	bool written = b->result->options.dialect == YAML_KYAML;
	const char *raw = (const char *)b->event.data.scalar.value;
	if (s->infinite)
		return fail(b,
			    "`%s` cannot be sent: JSON has no such number; quote it if you mean the string",
			    raw);
	struct str text = written && s->kind != YAML_KIND_STRING
				  ? (struct str){ raw, b->event.data.scalar.length }
				  : s->text;
	/* A text lies right behind its node: half the allocations, and what is read together is together. */
	bool behind = written || s->kind == YAML_KIND_STRING;
	struct node *n = arena_alloc(b->a, sizeof(*n) + (behind ? text.n + 1 : 0));
	*n = (struct node){ .type = node_types[s->kind],
			    .style = event_style(b, s),
			    .boolean = s->kind == YAML_KIND_BOOL && s->boolean,
			    .line = at.line,
			    .column = at.column,
			    .origin = b->result->options.origin };
	*out = n;
	if (behind)
		n->text = (struct str){ memcpy(n + 1, text.p ? text.p : "", text.n), text.n };
	else if (s->kind == YAML_KIND_INT)
		n->text = s->text;
	else if (s->kind == YAML_KIND_FLOAT)
		number_set(b->a, n, s->text.n ? s->text : (struct str){ "0", 1 });
	return 0;
}

static int build_scalar(struct builder *b, struct node **out)
{
	struct yaml_scalar scalar;
	if (resolve_event(b, &scalar) || scalar_node(b, &scalar, out))
		return -1;
	struct anchor *anchor = add_anchor(b, b->event.data.scalar.anchor);
	if (!anchor)
		return 0;
	if (scalar.kind == YAML_KIND_STRING)
		scalar.text = (*out)->text;
	*anchor = (struct anchor){ .node = *out, .scalar = scalar, .is_scalar = true, .nodes = 1 };
	return 0;
}

static int build_node(struct builder *b, unsigned depth, struct node **out);

static int build_seq(struct builder *b, unsigned depth, struct node **out)
{
	struct node *n = new_node(b, NODE_SEQ, event_place(b));
	struct anchor *anchor = add_anchor(b, b->event.data.sequence_start.anchor);
	size_t base = b->items.n, before = b->result->budget.nodes;
	for (;;) {
		if (next(b))
			return -1;
		if (b->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		struct node *item;
		if (build_node(b, depth + 1, &item))
			return -1;
		vec_push(&b->items, item);
	}
	size_t count = b->items.n - base;
	if (count) {
		n->seq.items = arena_array(b->a, struct node *, count);
		memcpy(n->seq.items, b->items.at + base, count * sizeof(struct node *));
		n->seq.n = n->seq.cap = (uint32_t)count;
	}
	b->items.n = base;
	if (anchor)
		*anchor = (struct anchor){ .node = n, .nodes = b->result->budget.nodes - before + 1 };
	*out = n;
	return 0;
}

/* A copy of key in the arena, shared with earlier equal ones where that is cheap to find out. */
static struct str keep_key(struct builder *b, struct str key)
{
	if (key.n > KNOWN_KEY_MAX)
		return arena_str(b->a, key);
	struct str *known = &b->result->options.keys->known[hash_fast(key) % KNOWN_KEYS];
	if (!known->p || !str_eq(*known, key))
		*known = arena_str(b->a, key);
	return *known;
}

/* A key of YAML_KYAML that is no text. */
static int odd_key(struct builder *b, const struct yaml_scalar *scalar, struct str *key)
{
	struct yaml_place at = event_place(b);
	bool written = b->event.type == YAML_SCALAR_EVENT;
	if (!b->result->options.any_key)
		return fail(b, "a key is no text: kustomize cannot print it; quote it");
	*key = written ? (struct str){ (const char *)b->event.data.scalar.value, b->event.data.scalar.length }
		       : scalar->text;
	yaml_warn(b->result, at.line, at.column, "the key `%.*s` is no text: quote it", STR_ARG(*key));
	*key = keep_key(b, *key);
	return 0;
}

static int build_key(struct builder *b, struct str *key)
{
	struct yaml_scalar scalar;
	struct anchor *anchor;
	switch (b->event.type) {
	case YAML_SCALAR_EVENT:
		if (resolve_event(b, &scalar))
			return -1;
		anchor = add_anchor(b, b->event.data.scalar.anchor);
		if (anchor) {
			if (scalar_node(b, &scalar, &anchor->node))
				return -1;
			anchor->scalar = scalar;
			anchor->is_scalar = true;
			anchor->nodes = 1;
			if (scalar.kind == YAML_KIND_STRING)
				anchor->scalar.text = anchor->node->text;
		}
		break;
	case YAML_ALIAS_EVENT:
		if (find_anchor(b, &anchor))
			return -1;
		if (!anchor->is_scalar)
			return fail(b, "a map or a list cannot be a key");
		scalar = anchor->scalar;
		break;
	default:
		return fail(
			b,
			"a map or a list cannot be a key; if this is a template (`{{ ... }}`), it must be rendered "
			"first, or quoted");
	}
	if (b->result->options.dialect == YAML_KYAML && scalar.kind != YAML_KIND_STRING)
		return odd_key(b, &scalar, key);
	if (yaml_scalar_key(b->a, &scalar, key, b->err)) {
		*b->place = event_place(b);
		return -1;
	}
	*key = keep_key(b, *key);
	return 0;
}

/* A map under construction: its pairs are those of the stack from base on. */
struct open_map {
	struct keys keys;
	size_t base;
};

static size_t find_pair(struct builder *b, struct open_map *m, struct str key)
{
	size_t n = b->pairs.n - m->base;
	if (n == 0)
		return SIZE_MAX;
	size_t at = keys_find(&m->keys, b->pairs.at + m->base, sizeof(*b->pairs.at), n, key);
	return at == SIZE_MAX ? at : m->base + at;
}

/*
 * Puts the pairs of a merged map where `<<` stands. As in go-yaml they replace what was there before,
 * which surprises, because YAML says the opposite: a warning says so.
 */
static void merge_map(struct builder *b, struct open_map *m, const struct node *from, struct yaml_place at)
{
	for (size_t i = 0; i < from->map.n; i++) {
		const struct node_pair *pair = &from->map.pairs[i];
		size_t same = find_pair(b, m, pair->key);
		if (same == SIZE_MAX) {
			vec_push(&b->pairs, ((struct work_pair){ .pair = *pair, .merged = true }));
			continue;
		}
		struct work_pair *there = &b->pairs.at[same];
		if (!there->merged && b->result->options.dialect == YAML_KYAML)
			continue;
		if (!there->merged)
			yaml_warn(
				b->result, at.line, at.column,
				"the merge (<<) replaces `%.*s` of line %u, as it does with kubectl; put << first if "
				"you mean the opposite",
				STR_ARG(pair->key), there->pair.key_line);
		there->pair.value = pair->value;
	}
}

static int build_merge(struct builder *b, struct open_map *m, unsigned depth)
{
	static const char want_map[] = "a merge (<<) needs a map, the alias of a map, or a list of these";
	struct yaml_place at = event_place(b);
	if (next(b))
		return -1;
	bool alias = b->event.type == YAML_ALIAS_EVENT;
	struct node *value;
	if (build_node(b, depth + 1, &value))
		return -1;
	if (value->type == NODE_MAP) {
		merge_map(b, m, value, at);
		return 0;
	}
	if (value->type != NODE_SEQ || alias)
		return fail_at(b, at, want_map);
	/* From the last to the first, so that earlier maps win. */
	for (size_t i = value->seq.n; i-- > 0;) {
		if (value->seq.items[i]->type != NODE_MAP)
			return fail_at(b, at, want_map);
		merge_map(b, m, value->seq.items[i], at);
	}
	return 0;
}

static int there_twice(struct builder *b, const struct node_pair *first, struct yaml_place at)
{
	int n = (int)(first->key.n > 200 ? 200 : first->key.n);
	if (b->result->options.twice == YAML_TWICE_REFUSED)
		return fail(b, "the key `%.*s` is there twice: on line %u and on line %u; keep one of them",
			    n, first->key.p, first->key_line, at.line);
	bool last = b->result->options.twice == YAML_TWICE_LAST;
	yaml_warn(b->result, at.line, at.column,
		  "the key `%.*s` is there twice: what line %u says is not used; keep one of them", n,
		  first->key.p, last ? first->key_line : at.line);
	return 0;
}

static int build_pair(struct builder *b, struct open_map *m, unsigned depth)
{
	struct yaml_place at = event_place(b);
	struct str key;
	if (build_key(b, &key))
		return -1;
	size_t same = find_pair(b, m, key);
	bool twice = same != SIZE_MAX && !b->pairs.at[same].merged;
	if (twice && there_twice(b, &b->pairs.at[same].pair, at))
		return -1;
	struct node *value;
	if (next(b) || build_node(b, depth + 1, &value))
		return -1;
	struct work_pair pair = { .pair = { .key = key, .key_line = at.line, .value = value } };
	if (same == SIZE_MAX)
		vec_push(&b->pairs, pair);
	else if (!twice || b->result->options.twice == YAML_TWICE_LAST)
		b->pairs.at[same] = pair;
	return 0;
}

static bool is_merge(const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length != 2 ||
	    memcmp(event->data.scalar.value, "<<", 2) != 0)
		return false;
	return event->data.scalar.plain_implicit ||
	       str_is(str_of((const char *)event->data.scalar.tag), "tag:yaml.org,2002:merge");
}

static int build_pairs(struct builder *b, struct open_map *m, unsigned depth)
{
	for (;;) {
		if (next(b))
			return -1;
		if (b->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		int rc = is_merge(&b->event) ? build_merge(b, m, depth) : build_pair(b, m, depth);
		if (rc)
			return rc;
	}
}

static int build_map(struct builder *b, unsigned depth, struct node **out)
{
	struct node *n = new_node(b, NODE_MAP, event_place(b));
	struct anchor *anchor = add_anchor(b, b->event.data.mapping_start.anchor);
	size_t before = b->result->budget.nodes;
	struct open_map m = { .base = b->pairs.n };
	int rc = build_pairs(b, &m, depth);
	keys_release(&m.keys);
	if (rc)
		return rc;
	size_t count = b->pairs.n - m.base;
	if (count) {
		n->map.pairs = arena_array(b->a, struct node_pair, count);
		for (size_t i = 0; i < count; i++)
			n->map.pairs[i] = b->pairs.at[m.base + i].pair;
		n->map.n = n->map.cap = (uint32_t)count;
	}
	b->pairs.n = m.base;
	if (anchor)
		*anchor = (struct anchor){ .node = n, .nodes = b->result->budget.nodes - before + 1 };
	*out = n;
	return 0;
}

static int build_node(struct builder *b, unsigned depth, struct node **out)
{
	if (depth > NODE_DEPTH_MAX)
		return fail(b, "nested deeper than %d levels", NODE_DEPTH_MAX);
	if (b->event.type == YAML_ALIAS_EVENT)
		return build_alias(b, depth, out);
	if (count_nodes(b, 1))
		return -1;
	switch (b->event.type) {
	case YAML_SCALAR_EVENT:
		return build_scalar(b, out);
	case YAML_SEQUENCE_START_EVENT:
		return build_seq(b, depth, out);
	case YAML_MAPPING_START_EVENT:
		return build_map(b, depth, out);
	default:
		return fail(b, "not valid YAML here");
	}
}

static int build_document(struct builder *b, struct yaml_document *out)
{
	if (next(b) || next(b)) /* stream start, document start */
		return -1;
	if (b->event.type == YAML_STREAM_END_EVENT)
		return 0;
	if (next(b) || build_node(b, 1, &out->root))
		return -1;
	out->line = out->root->line;
	if (next(b))
		return -1;
	out->end_line = b->first_line + (uint32_t)b->event.start_mark.line;
	if (next(b))
		return -1;
	if (b->event.type != YAML_STREAM_END_EVENT)
		return fail(
			b,
			"there is content behind the end of the document, which kubectl would drop silently; begin "
			"a new document with a line `---`");
	return 0;
}

int yaml_build(struct yaml_result *result, struct str text, uint32_t first_line, struct yaml_document *out,
	       struct yaml_place *place, struct error *err)
{
	struct builder b = {
		.result = result,
		.a = result->a,
		.text = text,
		.first_line = first_line,
		.place = place,
		.err = err,
	};
	*out = (struct yaml_document){ 0 };
	if (yaml_text_check(text, first_line, place, err))
		return -1;
	if (!yaml_parser_initialize(&b.parser))
		abort(); /* out of memory */
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.p, text.n);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	int rc = build_document(&b, out);
	yaml_event_delete(&b.event);
	yaml_parser_delete(&b.parser);
	map_release(&b.anchors);
	vec_release(&b.pairs);
	vec_release(&b.items);
	return rc;
}
