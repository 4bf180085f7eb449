/*
 * edit_read.c - a text as trees whose nodes tell where they are in it. libyaml counts characters; the text is
 * cut by bytes, so that its marks are converted.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "doc/edit_parts.h"
#include "doc/yaml_parts.h"

enum { STRIDE = 64 }; /* characters between two known places */

struct reader {
	struct arena *a;
	const char *file;
	struct str text;
	size_t skip; /* bytes of the BOM */
	yaml_parser_t parser;
	yaml_event_t event;
	uint32_t *places; /* byte of every STRIDEth character; NULL: all is ASCII */
	size_t n_places;
	VEC(struct edit_spot) spots;
	VEC(struct node_pair) pairs; /* stacks that all levels share */
	VEC(struct edit_key) keys;
	VEC(struct node *) items;
	VEC(struct node *) roots;
	struct error *err;
};

/* --- places --- */

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void note_places(struct reader *r)
{
	size_t count = 0, others = 0;
	for (size_t i = r->skip; i < r->text.n; i++)
		others += (unsigned char)r->text.p[i] >= 0x80;
	if (!others)
		return;
	r->places = arena_array(r->a, uint32_t, r->text.n / STRIDE + 2);
	for (size_t i = r->skip; i < r->text.n; i++)
		if (begins_character(r->text.p[i]) && count++ % STRIDE == 0)
			r->places[(count - 1) / STRIDE] = (uint32_t)i;
	r->n_places = (count + STRIDE - 1) / STRIDE;
	r->places[r->n_places] = (uint32_t)r->text.n;
}

static size_t place_of(const struct reader *r, const yaml_mark_t *mark)
{
	if (!r->places)
		return r->skip + mark->index < r->text.n ? r->skip + mark->index : r->text.n;
	if (mark->index / STRIDE >= r->n_places)
		return r->text.n;
	size_t at = r->places[mark->index / STRIDE];
	for (size_t more = mark->index % STRIDE; more && at < r->text.n; more--)
		for (at++; at < r->text.n && !begins_character(r->text.p[at]); at++)
			;
	return at;
}

/* --- events --- */

static int next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return 0;
	struct yaml_place place = { 1, 1 };
	yaml_explain(&r->parser, str_from(r->text, r->skip), 1, &place, r->err);
	return error_wrap(r->err, "%s:%u", r->file, place.line);
}

static uint32_t event_line(const struct reader *r)
{
	return (uint32_t)r->event.start_mark.line + 1;
}

static const char *keep(struct reader *r, const yaml_char_t *text)
{
	return text ? arena_strdup(r->a, (const char *)text) : NULL;
}

static struct node *add_spot(struct reader *r, struct node *n, uint32_t parent)
{
	struct edit_spot spot = { .node = n,
				  .parent = parent,
				  .start = place_of(r, &r->event.start_mark),
				  .end = place_of(r, &r->event.end_mark) };
	n->line = event_line(r);
	n->column = (uint32_t)r->event.start_mark.column + 1;
	n->origin = (uint32_t)r->spots.n;
	vec_push(&r->spots, spot);
	return n;
}

static struct edit_spot *spot_of(struct reader *r, const struct node *n)
{
	return &r->spots.at[n->origin];
}

/* --- nodes --- */

static int read_node(struct reader *r, uint32_t parent, unsigned depth, struct node **out);

static void read_scalar(struct reader *r, uint32_t parent, struct node **out)
{
	struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
	enum node_style style = yaml_style(r->event.data.scalar.style);
	text = arena_str(r->a, text);
	bool plain = style == NODE_PLAIN && !r->event.data.scalar.tag;
	struct node *n = plain ? yaml_kyaml_scalar(r->a, text) : node_string(r->a, text);
	n->style = style;
	n->text = text;
	*out = add_spot(r, n, parent);
	spot_of(r, n)->anchor = keep(r, r->event.data.scalar.anchor);
	spot_of(r, n)->tag = keep(r, r->event.data.scalar.tag);
}

static void read_alias(struct reader *r, uint32_t parent, struct node **out)
{
	*out = add_spot(r, node_null(r->a), parent);
	(*out)->text = STR("");
	spot_of(r, *out)->alias = true;
	spot_of(r, *out)->anchor = keep(r, r->event.data.alias.anchor);
}

static int read_seq(struct reader *r, uint32_t parent, unsigned depth, struct node **out)
{
	struct node *n = add_spot(r, node_seq(r->a), parent);
	size_t base = r->items.n;
	spot_of(r, n)->flow = r->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	spot_of(r, n)->anchor = keep(r, r->event.data.sequence_start.anchor);
	spot_of(r, n)->tag = keep(r, r->event.data.sequence_start.tag);
	for (;;) {
		struct node *item;
		if (next(r))
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (read_node(r, n->origin, depth + 1, &item))
			return -1;
		vec_push(&r->items, item);
	}
	spot_of(r, n)->end = place_of(r, &r->event.end_mark);
	n->seq.n = n->seq.cap = (uint32_t)(r->items.n - base);
	n->seq.items = arena_array(r->a, struct node *, n->seq.n + 1);
	if (n->seq.n)
		memcpy(n->seq.items, r->items.at + base, n->seq.n * sizeof(*n->seq.items));
	r->items.n = base;
	*out = n;
	return 0;
}

static int read_key(struct reader *r, struct map *seen, struct node_pair *pair)
{
	if (r->event.type != YAML_SCALAR_EVENT)
		return error_set(r->err, "%s:%u: a key that is a map, a list or an alias is not edited",
				 r->file, event_line(r));
	struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
	struct edit_key key = { place_of(r, &r->event.start_mark), place_of(r, &r->event.end_mark),
				yaml_style(r->event.data.scalar.style) };
	pair->key = arena_str(r->a, text);
	pair->key_line = event_line(r);
	vec_push(&r->keys, key);
	if (map_put(seen, pair->key, r))
		return error_set(r->err, "%s:%u: the key `%.*s` is twice in this map; remove one of them",
				 r->file, event_line(r), (int)(text.n > 60 ? 60 : text.n), text.p);
	return 0;
}

static int read_pairs(struct reader *r, uint32_t parent, unsigned depth)
{
	struct map seen = MAP_INIT;
	int rc = 0;
	for (;;) {
		struct node_pair pair = { 0 };
		rc = next(r);
		if (rc || r->event.type == YAML_MAPPING_END_EVENT)
			break;
		rc = read_key(r, &seen, &pair);
		if (rc == 0)
			rc = next(r);
		if (rc == 0)
			rc = read_node(r, parent, depth + 1, &pair.value);
		if (rc)
			break;
		vec_push(&r->pairs, pair);
	}
	map_release(&seen);
	return rc;
}

static int read_map(struct reader *r, uint32_t parent, unsigned depth, struct node **out)
{
	struct node *n = add_spot(r, node_map(r->a), parent);
	size_t base = r->pairs.n, keys = r->keys.n;
	spot_of(r, n)->flow = r->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	spot_of(r, n)->anchor = keep(r, r->event.data.mapping_start.anchor);
	spot_of(r, n)->tag = keep(r, r->event.data.mapping_start.tag);
	if (read_pairs(r, n->origin, depth))
		return -1;
	n->map.n = n->map.cap = (uint32_t)(r->pairs.n - base);
	n->map.pairs = arena_array(r->a, struct node_pair, n->map.n + 1);
	struct edit_spot *spot = spot_of(r, n);
	spot->end = place_of(r, &r->event.end_mark);
	spot->keys = arena_array(r->a, struct edit_key, n->map.n + 1);
	if (n->map.n) {
		memcpy(n->map.pairs, r->pairs.at + base, n->map.n * sizeof(*n->map.pairs));
		memcpy(spot->keys, r->keys.at + keys, n->map.n * sizeof(*spot->keys));
	}
	r->pairs.n = base;
	r->keys.n = keys;
	*out = n;
	return 0;
}

static int read_node(struct reader *r, uint32_t parent, unsigned depth, struct node **out)
{
	if (depth > NODE_DEPTH_MAX)
		return error_set(r->err, "%s:%u: nested deeper than %d levels", r->file, event_line(r),
				 NODE_DEPTH_MAX);
	if (r->spots.n > EDIT_NODES_MAX)
		return error_set(r->err, "%s: more than %u values (EDIT_NODES_MAX)", r->file, EDIT_NODES_MAX);
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		read_scalar(r, parent, out);
		return 0;
	case YAML_ALIAS_EVENT:
		read_alias(r, parent, out);
		return 0;
	case YAML_SEQUENCE_START_EVENT:
		return read_seq(r, parent, depth, out);
	case YAML_MAPPING_START_EVENT:
		return read_map(r, parent, depth, out);
	default:
		return error_set(r->err, "%s:%u: it cannot be read", r->file, event_line(r));
	}
}

static int read_documents(struct reader *r)
{
	if (next(r)) /* STREAM-START */
		return -1;
	for (;;) {
		struct node *root;
		if (next(r))
			return -1;
		if (r->event.type == YAML_STREAM_END_EVENT)
			return 0;
		/* DOCUMENT-START, the root, DOCUMENT-END */
		if (next(r) || read_node(r, 0, 1, &root) || next(r))
			return -1;
		if (root->type != NODE_NULL || spot_of(r, root)->alias)
			vec_push(&r->roots, root);
	}
}

static void take(struct reader *r, struct edit_tree *out)
{
	out->spots = arena_array(r->a, struct edit_spot, r->spots.n + 1);
	out->roots = arena_array(r->a, struct node *, r->roots.n + 1);
	memcpy(out->spots, r->spots.at, r->spots.n * sizeof(*out->spots));
	if (r->roots.n)
		memcpy(out->roots, r->roots.at, r->roots.n * sizeof(*out->roots));
	out->n = r->spots.n;
	out->n_roots = r->roots.n;
}

/* kubectl cuts documents where a line begins with `---`, YAML only where nothing follows at once. */
static int check_separators(const char *file, struct str text, struct error *err)
{
	uint32_t line = 1;
	for (size_t at = 0; at < text.n; line++) {
		struct str row = str_from(text, at);
		if (str_starts(row, STR("---")) && row.n > 3 && !strchr(" \t\r\n", row.p[3]))
			return error_set(err,
					 "%s:%u: a line that begins with `---` and goes on is not edited",
					 file, line);
		size_t end = str_find(text, '\n', at);
		at = end == SIZE_MAX ? text.n : end + 1;
	}
	return 0;
}

static int check_text(const char *file, struct str text, struct error *err)
{
	struct yaml_place place = { 1, 1 };
	if (text.n > EDIT_INPUT_MAX)
		return error_set(err, "%s: the file is larger than %u MiB (EDIT_INPUT_MAX)", file,
				 EDIT_INPUT_MAX >> 20);
	if (str_starts(text, STR("\xfe\xff")) || str_starts(text, STR("\xff\xfe")))
		return error_set(err, "%s:1: it is UTF-16, which is not edited; save it as UTF-8", file);
	cleanup_arena struct arena a = ARENA_INIT;
	struct str utf8;
	if (yaml_text(&a, text, true, &utf8, &place, err) || yaml_text_check(utf8, 1, &place, err))
		return error_wrap(err, "%s:%u", file, place.line);
	return check_separators(file, text, err);
}

int edit_read(struct arena *a, const char *file, struct str text, struct edit_tree *out, struct error *err)
{
	struct reader r = { .a = a, .file = file, .text = text, .err = err };
	if (check_text(file, text, err) < 0)
		return -1;
	r.skip = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;
	note_places(&r);
	vec_push(&r.spots, (struct edit_spot){ 0 });
	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p + r.skip, text.n - r.skip);
	int rc = read_documents(&r);
	if (rc == 0)
		take(&r, out);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	vec_release(&r.spots);
	vec_release(&r.pairs);
	vec_release(&r.keys);
	vec_release(&r.items);
	vec_release(&r.roots);
	return rc < 0 ? -1 : 0;
}

/* --- questions --- */

const struct node *edit_last(const struct node *n)
{
	while (node_count(n) && (n->type == NODE_MAP || n->type == NODE_SEQ))
		n = n->type == NODE_MAP ? n->map.pairs[n->map.n - 1].value : n->seq.items[n->seq.n - 1];
	return n;
}

size_t edit_end(const struct edit_tree *t, const struct node *n)
{
	while (!edit_spot(t, n)->flow && node_count(n))
		n = n->type == NODE_MAP ? n->map.pairs[n->map.n - 1].value : n->seq.items[n->seq.n - 1];
	return edit_spot(t, n)->end;
}
