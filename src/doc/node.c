/*
 * node.c - the tree that every document becomes.
 *
 * Lookups are linear: Kubernetes maps are short, and a parser that meets a long one checks its
 * keys for duplicates with an index of its own (keys.h). Growing doubles inside the arena; the
 * parsers hand over exact arrays, so that only trees edited by hand leave old arrays behind.
 */
#include "doc/node.h"

#include <stdio.h>

struct node *node_get_str(const struct node *map, struct str key)
{
	if (!map || map->type != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->map.n; i++)
		if (str_eq(map->map.pairs[i].key, key))
			return map->map.pairs[i].value;
	return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	return node_get_str(map, str_of(key));
}

struct node *node_at(const struct node *root, const char *dotted_path)
{
	struct str rest = str_of(dotted_path);
	const struct node *at = root;
	while (at && rest.n)
		at = node_get_str(at, str_cut(rest, '.', &rest));
	return (struct node *)at;
}

struct node *node_item(const struct node *seq, size_t i)
{
	if (!seq || seq->type != NODE_SEQ || i >= seq->seq.n)
		return NULL;
	return seq->seq.items[i];
}

size_t node_count(const struct node *map_or_seq)
{
	if (!map_or_seq)
		return 0;
	if (map_or_seq->type == NODE_MAP)
		return map_or_seq->map.n;
	return map_or_seq->type == NODE_SEQ ? map_or_seq->seq.n : 0;
}

struct str node_text(const struct node *n)
{
	return node_is_string(n) ? n->text : (struct str){ "", 0 };
}

bool node_is_string(const struct node *n)
{
	return n && n->type == NODE_STRING;
}

bool node_bool(const struct node *n, bool otherwise)
{
	return n && n->type == NODE_BOOL ? n->boolean : otherwise;
}

bool node_int(const struct node *n, int64_t *out)
{
	return n && n->type == NODE_INT && str_int64(n->text, out);
}

unsigned node_depth(const struct node *n)
{
	unsigned deepest = 0;
	for (size_t i = 0; i < node_count(n); i++) {
		unsigned depth = node_depth(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i]);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static bool maps_equal(const struct node *a, const struct node *b)
{
	if (a->map.n != b->map.n)
		return false;
	for (size_t i = 0; i < a->map.n; i++) {
		const struct node_pair *pair = &a->map.pairs[i];
		/* Two texts of one object mostly agree on the order: look at the same place first. */
		const struct node_pair *beside = &b->map.pairs[i];
		const struct node *other =
			str_eq(pair->key, beside->key) ? beside->value : node_get_str(b, pair->key);
		if (!other || !node_equal(pair->value, other))
			return false;
	}
	return true;
}

static bool seqs_equal(const struct node *a, const struct node *b)
{
	if (a->seq.n != b->seq.n)
		return false;
	for (size_t i = 0; i < a->seq.n; i++)
		if (!node_equal(a->seq.items[i], b->seq.items[i]))
			return false;
	return true;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (!a || !b || a->type != b->type)
		return a == b;
	switch (a->type) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_STRING:
		return str_eq(a->text, b->text);
	case NODE_MAP:
		return maps_equal(a, b);
	case NODE_SEQ:
		return seqs_equal(a, b);
	}
	return false;
}

static struct node *make(struct arena *a, enum node_type type)
{
	struct node *n = arena_new(a, struct node);
	n->type = type;
	return n;
}

struct node *node_null(struct arena *a)
{
	return make(a, NODE_NULL);
}

struct node *node_bool_new(struct arena *a, bool value)
{
	struct node *n = make(a, NODE_BOOL);
	n->boolean = value;
	return n;
}

struct node *node_int_new(struct arena *a, int64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lld", (long long)value);
	struct node *n = make(a, NODE_INT);
	n->text = arena_str(a, (struct str){ text, (size_t)length });
	return n;
}

struct node *node_string(struct arena *a, struct str text)
{
	struct node *n = make(a, NODE_STRING);
	n->text = text;
	return n;
}

struct node *node_map(struct arena *a)
{
	return make(a, NODE_MAP);
}

struct node *node_seq(struct arena *a)
{
	return make(a, NODE_SEQ);
}

/* Room for one more: a bigger array with the old content, or the old one. */
static void *grow(struct arena *a, void *items, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	if (n > UINT32_MAX / 2)
		abort();
	*cap = n ? n * 2 : 4;
	char *bigger = arena_alloc(a, *cap * size);
	if (n)
		memcpy(bigger, items, n * size);
	return bigger;
}

void node_add(struct arena *a, struct node *map, struct str key, struct node *value)
{
	map->map.pairs = grow(a, map->map.pairs, map->map.n, &map->map.cap, sizeof(*map->map.pairs));
	map->map.pairs[map->map.n++] =
		(struct node_pair){ .key = key, .key_line = value->line, .value = value };
}

void node_set(struct arena *a, struct node *map, struct str key, struct node *value)
{
	for (size_t i = 0; i < map->map.n; i++) {
		if (str_eq(map->map.pairs[i].key, key)) {
			map->map.pairs[i].value = value;
			return;
		}
	}
	node_add(a, map, key, value);
}

bool node_del(struct node *map, struct str key)
{
	if (!map || map->type != NODE_MAP)
		return false;
	for (size_t i = 0; i < map->map.n; i++) {
		struct node_pair *pair = &map->map.pairs[i];
		if (!str_eq(pair->key, key))
			continue;
		memmove(pair, pair + 1, (map->map.n - i - 1) * sizeof(*pair));
		map->map.n--;
		return true;
	}
	return false;
}

void node_push(struct arena *a, struct node *seq, struct node *item)
{
	seq->seq.items = grow(a, seq->seq.items, seq->seq.n, &seq->seq.cap, sizeof(*seq->seq.items));
	seq->seq.items[seq->seq.n++] = item;
}

void node_set_origin(struct node *n, uint32_t origin)
{
	n->origin = origin;
	for (size_t i = 0; i < node_count(n); i++)
		node_set_origin(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i], origin);
}

static void clone_map(struct arena *a, struct node *copy, const struct node *n)
{
	copy->map.cap = n->map.n;
	copy->map.pairs = n->map.n ? arena_array(a, struct node_pair, n->map.n) : NULL;
	for (size_t i = 0; i < n->map.n; i++) {
		copy->map.pairs[i] = (struct node_pair){
			.key = arena_str(a, n->map.pairs[i].key),
			.key_line = n->map.pairs[i].key_line,
			.value = node_clone(a, n->map.pairs[i].value),
		};
	}
}

struct node *node_clone(struct arena *a, const struct node *n)
{
	struct node *copy = arena_new(a, struct node);
	*copy = *n;
	switch (n->type) {
	case NODE_NULL:
	case NODE_BOOL:
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_STRING:
		if (n->text.p)
			copy->text = arena_str(a, n->text);
		break;
	case NODE_MAP:
		clone_map(a, copy, n);
		break;
	case NODE_SEQ:
		copy->seq.cap = n->seq.n;
		copy->seq.items = n->seq.n ? arena_array(a, struct node *, n->seq.n) : NULL;
		for (size_t i = 0; i < n->seq.n; i++)
			copy->seq.items[i] = node_clone(a, n->seq.items[i]);
		break;
	}
	return copy;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
	struct node *copy = arena_new(a, struct node);
	*copy = *n;
	if (n->type == NODE_MAP && n->map.n) {
		copy->map.pairs = arena_array(a, struct node_pair, n->map.n);
		copy->map.cap = n->map.n;
		for (size_t i = 0; i < n->map.n; i++) {
			copy->map.pairs[i] = n->map.pairs[i];
			copy->map.pairs[i].value = node_copy(a, n->map.pairs[i].value);
		}
	} else if (n->type == NODE_SEQ && n->seq.n) {
		copy->seq.items = arena_array(a, struct node *, n->seq.n);
		copy->seq.cap = n->seq.n;
		for (size_t i = 0; i < n->seq.n; i++)
			copy->seq.items[i] = node_copy(a, n->seq.items[i]);
	}
	return copy;
}
