/*
 * edit.c - see edit.h. Each change makes the new text, reads it, and compares both trees with the change in
 * mind; only then the new text counts. What a layout does to the rules of YAML (a comment in the wrong place,
 * a tab, an odd indentation) is so found by reading, and need not be known here.
 */
#include "doc/edit.h"

#include "doc/edit_parts.h"
#include "doc/path.h"
#include "doc/yaml.h"

struct edit {
	struct arena *a;
	const char *file;
	struct str text, opened;
	struct edit_tree tree;
};

enum kind { REPLACED, ADDED, APPENDED, REMOVED };

/* What the new tree must be, beside the old one. */
struct change {
	const struct node *at;
	enum kind kind;
	struct str key;		  /* ADDED, REMOVED */
	const struct node *value; /* what is there now; of ADDED and APPENDED: the last one */
	const struct edit_tree *old, *new;
	struct arena *a;
};

int edit_open(struct arena *a, const char *file, struct str text, struct edit **out, struct error *err)
{
	struct edit *e = arena_new(a, struct edit);
	*e = (struct edit){ .a = a, .file = file, .text = text, .opened = text };
	*out = e;
	return edit_read(a, file, text, &e->tree, err);
}

struct str edit_text(const struct edit *e)
{
	return e->text;
}

bool edit_changed(const struct edit *e)
{
	return !str_eq(e->text, e->opened);
}

size_t edit_documents(const struct edit *e)
{
	return e->tree.n_roots;
}

struct node *edit_root(const struct edit *e, size_t document)
{
	return document < e->tree.n_roots ? e->tree.roots[document] : NULL;
}

struct str edit_comment(const struct edit *e, const struct node *scalar)
{
	size_t at = edit_spot(&e->tree, scalar)->end, end = edit_line_end(e->text, at);
	struct str rest = { e->text.p + at, end - at };
	size_t i = 0;
	/* Behind the last value of a flow collection stand its brackets. */
	while (i < rest.n && strchr(" \t,]}", rest.p[i]) && rest.p[i])
		i++;
	bool block = scalar->style == NODE_LITERAL || scalar->style == NODE_FOLDED;
	if (block || i == 0 || i >= rest.n || rest.p[i] != '#' || !strchr(" \t", rest.p[i - 1]))
		return STR("");
	return str_trim(str_from(rest, i + 1));
}

/* --- the check --- */

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether n is what was to be written. */
static bool holds(const struct change *c, const struct node *value, const struct node *n)
{
	const struct edit_spot *s = edit_spot(c->new, n);
	if (s->alias || s->anchor || s->tag || n->type != value->type)
		return false;
	if (n->type == NODE_MAP || n->type == NODE_SEQ) {
		bool good = node_count(n) == node_count(value);
		for (size_t i = 0; i < node_count(n) && good; i++)
			good = n->type == NODE_SEQ
				       ? holds(c, value->seq.items[i], n->seq.items[i])
				       : str_eq(value->map.pairs[i].key, n->map.pairs[i].key) &&
						 holds(c, value->map.pairs[i].value, n->map.pairs[i].value);
		return good;
	}
	if (n->type == NODE_NULL)
		return true;
	if (n->type == NODE_BOOL)
		return n->boolean == value->boolean;
	/* A text must be one to readers of YAML 1.1 and 1.2. */
	bool plain_text = n->type == NODE_STRING && n->style == NODE_PLAIN;
	return str_eq(n->text, value->text) &&
	       (!plain_text || yaml_kubectl_scalar(c->a, n->text)->type == NODE_STRING);
}

static bool same(const struct change *c, const struct node *old, const struct node *new);

static bool same_pairs(const struct change *c, const struct node *old, const struct node *new)
{
	const struct edit_spot *was = edit_spot(c->old, old), *is = edit_spot(c->new, new);
	bool here = old == c->at;
	size_t j = 0;
	for (size_t i = 0; i < old->map.n; i++) {
		const struct node_pair *pair = &old->map.pairs[i];
		if (here && c->kind == REMOVED && str_eq(pair->key, c->key))
			continue;
		if (j >= new->map.n || !str_eq(pair->key, new->map.pairs[j].key) ||
		    was->keys[i].style != is->keys[j].style || !same(c, pair->value, new->map.pairs[j].value))
			return false;
		j++;
	}
	if (!here || c->kind != ADDED)
		return j == new->map.n;
	return j + 1 == new->map.n &&str_eq(new->map.pairs[j].key, c->key) &&
	       holds(c, c->value, new->map.pairs[j].value);
}

static bool same_items(const struct change *c, const struct node *old, const struct node *new)
{
	bool grows = old == c->at && c->kind == APPENDED;
	if (new->seq.n != old->seq.n + grows)
		return false;
	for (size_t i = 0; i < old->seq.n; i++)
		if (!same(c, old->seq.items[i], new->seq.items[i]))
			return false;
	return !grows || holds(c, c->value, new->seq.items[old->seq.n]);
}

static bool same(const struct change *c, const struct node *old, const struct node *new)
{
	const struct edit_spot *was = edit_spot(c->old, old), *is = edit_spot(c->new, new);
	if (old == c->at && c->kind == REPLACED)
		return holds(c, c->value, new);
	if (old->type != new->type || was->alias != is->alias || was->flow != is->flow ||
	    !same_name(was->anchor, is->anchor) || !same_name(was->tag, is->tag))
		return false;
	if (old->type == NODE_MAP)
		return same_pairs(c, old, new);
	if (old->type == NODE_SEQ)
		return same_items(c, old, new);
	return old->style == new->style &&str_eq(old->text, new->text);
}

static int refuse(const struct edit *e, const struct node *at, struct error *err, const char *why)
{
	return error_set(err, "%s:%u: %s", e->file, at->line, why);
}

/* --- new texts --- */

/* Bytes that go, and what comes in their place. */
struct splice {
	size_t from, to;
	struct str with;
};

/* Takes the text with the splices (in order, apart from one another) if it is what it should be. */
static int commit(struct edit *e, struct change *change, const struct splice *splices, size_t n,
		  struct error *err)
{
	struct buf text = BUF_INIT;
	struct edit_tree tree = { 0 };
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		buf_add(&text, e->text.p + at, splices[i].from - at);
		buf_add_str(&text, splices[i].with);
		at = splices[i].to;
	}
	buf_add_str(&text, str_from(e->text, at));
	struct str made = arena_str(e->a, buf_str(&text));
	buf_release(&text);
	bool good = edit_read(e->a, e->file, made, &tree, NULL) == 0 && tree.n_roots == e->tree.n_roots;
	change->old = &e->tree;
	change->new = &tree;
	change->a = e->a;
	for (size_t i = 0; i < tree.n_roots && good; i++)
		good = same(change, e->tree.roots[i], tree.roots[i]);
	if (!good)
		return refuse(
			e, change->at, err,
			"the change would alter more than this place, as it is written here; nothing was "
			"changed: make it by hand");
	e->text = made;
	e->tree = tree;
	return 0;
}

static int commit_one(struct edit *e, struct change *change, size_t from, size_t to, struct buf *with,
		      struct error *err)
{
	struct splice splice = { from, to, buf_str(with) };
	return commit(e, change, &splice, 1, err);
}

/* --- what may be changed --- */

static int check_value(const struct node *value, unsigned depth, struct error *err)
{
	if (depth > EDIT_VALUE_DEPTH_MAX)
		return error_set(err, "a value nested deeper than %u levels (EDIT_VALUE_DEPTH_MAX)",
				 EDIT_VALUE_DEPTH_MAX);
	if (value->type == NODE_STRING && (!str_utf8(value->text) || memchr(value->text.p, 0, value->text.n)))
		return error_set(err, "a value that is no UTF-8 text");
	for (size_t i = 0; i < node_count(value); i++)
		if (check_value(value->type == NODE_MAP ? value->map.pairs[i].value : value->seq.items[i],
				depth + 1, err) < 0)
			return -1;
	return 0;
}

/* Neither the place nor what it is in is there under another name. */
static int check_place(const struct edit *e, const struct node *at, struct error *err)
{
	const struct edit_spot *s = edit_spot(&e->tree, at);
	if (s->alias)
		return error_set(err,
				 "%s:%u: here is the alias *%.60s; change what &%.60s names, or write the "
				 "value out",
				 e->file, at->line, s->anchor, s->anchor);
	if (s->tag)
		return error_set(err, "%s:%u: here is the tag %.60s, which is not edited", e->file, at->line,
				 s->tag);
	for (; s->node; s = &e->tree.spots[s->parent])
		if (s->anchor)
			return error_set(err,
					 "%s:%u: &%.60s names this for other places (*%.60s), which would "
					 "change with it; write them out",
					 e->file, s->node->line, s->anchor, s->anchor);
	return 0;
}

int edit_find(const struct edit *e, size_t document, struct str path, struct node **out, struct error *err)
{
	struct node *root = edit_root(e, document);
	if (!root)
		return error_set(err, "%s: there is no document %zu in it", e->file, document + 1);
	return path_find(root, path, out, err) < 0 ? error_wrap(err, "%s:%u", e->file, root->line) : 0;
}

static bool is_collection(const struct node *n)
{
	return n->type == NODE_MAP || n->type == NODE_SEQ;
}

static const struct edit_spot *parent_of(const struct edit *e, const struct node *n)
{
	return &e->tree.spots[edit_spot(&e->tree, n)->parent];
}

static bool in_flow(const struct edit *e, const struct node *n)
{
	for (const struct edit_spot *s = edit_spot(&e->tree, n); s->node; s = &e->tree.spots[s->parent])
		if (s->flow)
			return true;
	return false;
}

/* --- replace --- */

/* A collection for `key:` with nothing behind it: on the lines below. */
static int fill_below(struct edit *e, const struct node *at, const struct node *value, struct error *err)
{
	struct edit_layout layout = edit_layout_of(&e->tree, e->text);
	struct change change = { .at = at, .kind = REPLACED, .value = value };
	cleanup_buf struct buf with = BUF_INIT;
	size_t end = edit_line_end(e->text, edit_spot(&e->tree, at)->end);
	size_t indent = edit_column(e->text, parent_of(e, at)->start) +
			(value->type == NODE_SEQ ? layout.list : layout.step);
	edit_write_break(&with, indent, &layout);
	edit_write_block(&with, value, indent, &layout);
	return commit_one(e, &change, end, end, &with, err);
}

/* Up to where a block scalar goes: its last line break stays. */
static size_t block_scalar_end(const struct edit *e, size_t start, size_t end)
{
	while (end > start && strchr("\n\r \t", e->text.p[end - 1]))
		end--;
	return end;
}

int edit_replace_node(struct edit *e, const struct node *at, const struct node *value, unsigned flags,
		      struct error *err)
{
	const struct edit_spot *s = edit_spot(&e->tree, at);
	struct change change = { .at = at, .kind = REPLACED, .value = value };
	cleanup_buf struct buf with = BUF_INIT;
	size_t end = s->end;
	if (check_value(value, 1, err) < 0 || check_place(e, at, err) < 0)
		return -1;
	if (is_collection(at))
		return refuse(e, at, err, "here is a map or a list, not a single value");
	bool block = at->style == NODE_LITERAL || at->style == NODE_FOLDED, flow = in_flow(e, at);
	if (block && !(flags & EDIT_BLOCK_SCALARS))
		return refuse(e, at, err,
			      "here is a text of several lines (`|` or `>`), which is not replaced");
	if (block) {
		struct str header = { e->text.p + s->start, edit_line_end(e->text, s->start) - s->start };
		if (memchr(header.p, '#', header.n))
			return refuse(e, at, err, "here is a comment that would be lost");
		end = block_scalar_end(e, s->start, s->end);
	}
	if (is_collection(value) && at->type != NODE_NULL)
		return refuse(e, at, err, "here is a single value, not a map or a list");
	if (is_collection(value) && s->start == s->end && !flow && parent_of(e, at)->node &&
	    parent_of(e, at)->node->type == NODE_MAP)
		return fill_below(e, at, value, err);
	bool missing = s->start == s->end;
	if (missing)
		buf_addc(&with, ' ');
	if (is_collection(value))
		edit_write_flow(&with, value, NODE_PLAIN);
	else
		edit_write_scalar(&with, value, block ? NODE_DOUBLE_QUOTED : at->style);
	/* `-` with a space behind it has one already. */
	bool spaced = missing && s->end < e->text.n && e->text.p[s->end] == ' ' &&
		      edit_line_end(e->text, s->end) == s->end + 1;
	return commit_one(e, &change, s->start, end + spaced, &with, err);
}

int edit_replace(struct edit *e, size_t document, struct str path, const struct node *value, unsigned flags,
		 struct error *err)
{
	struct node *at;
	if (edit_find(e, document, path, &at, err) < 0)
		return -1;
	return edit_replace_node(e, at, value, flags, err);
}

/* --- add, append --- */

/* Where a line below the last one of n begins: at the end of that line. */
static size_t below(const struct edit *e, const struct node *n)
{
	const struct node *last = edit_last(n);
	size_t end = edit_end(&e->tree, n);
	if (last->style != NODE_LITERAL && last->style != NODE_FOLDED)
		return edit_line_end(e->text, end);
	/* Its blank lines are its own when it ends in `+`. */
	size_t start = edit_spot(&e->tree, last)->start, head = edit_line_end(e->text, start);
	if (!memchr(e->text.p + start, '+', head - start)) {
		end = block_scalar_end(e, start, end);
		return edit_line_end(e->text, end);
	}
	if (end > 0 && e->text.p[end - 1] == '\n')
		end--;
	return end > 0 && e->text.p[end - 1] == '\r' && end < e->text.n ? end - 1 : end;
}

/* How the keys, or else the texts, of a collection in flow style are written. */
static enum node_style flow_style(const struct edit *e, const struct node *n)
{
	const struct edit_spot *s = edit_spot(&e->tree, n);
	enum node_style style = NODE_PLAIN;
	if (n->type == NODE_MAP && n->map.n)
		style = s->keys[n->map.n - 1].style;
	else if (n->type == NODE_SEQ && n->seq.n && !is_collection(n->seq.items[n->seq.n - 1]))
		style = n->seq.items[n->seq.n - 1]->style;
	else if (n->type == NODE_SEQ && n->seq.n)
		return flow_style(e, n->seq.items[n->seq.n - 1]);
	return style == NODE_DOUBLE_QUOTED ? NODE_DOUBLE_QUOTED : NODE_PLAIN;
}

/* Where the last item or pair of a flow collection begins. */
static size_t last_start(const struct edit *e, const struct node *n)
{
	const struct edit_spot *s = edit_spot(&e->tree, n);
	return n->type == NODE_MAP ? s->keys[n->map.n - 1].start
				   : edit_spot(&e->tree, n->seq.items[n->seq.n - 1])->start;
}

static bool has_own_line(const struct edit *e, size_t at)
{
	size_t start = edit_line_start(e->text, at);
	return str_trim((struct str){ e->text.p + start, at - start }).n == 0;
}

/* `entry` behind the last one of n; on a line of its own when that has one. */
static int grow_flow(struct edit *e, struct change *change, const struct node *n, struct str entry,
		     struct error *err)
{
	const struct edit_spot *s = edit_spot(&e->tree, n);
	if (!node_count(n)) {
		struct splice only = { s->start + 1, s->start + 1, entry };
		return commit(e, change, &only, 1, err);
	}
	struct edit_layout layout = edit_layout_of(&e->tree, e->text);
	const struct node *last =
		n->type == NODE_MAP ? n->map.pairs[n->map.n - 1].value : n->seq.items[n->seq.n - 1];
	size_t begin = last_start(e, n), end = edit_spot(&e->tree, last)->end, comma = end;
	cleanup_buf struct buf with = BUF_INIT;
	while (comma < e->text.n && strchr(" \t\r\n", e->text.p[comma]))
		comma++;
	bool has_comma = comma < e->text.n && e->text.p[comma] == ',';
	size_t line_end = edit_line_end(e->text, end);
	if (!has_own_line(e, begin) || line_end >= s->end) {
		buf_printf(&with, ", %.*s", STR_ARG(entry));
		return commit_one(e, change, end, end, &with, err);
	}
	edit_write_break(&with, edit_column(e->text, begin), &layout);
	buf_add_str(&with, entry);
	buf_adds(&with, has_comma ? "," : "");
	struct splice both[] = { { end, end, has_comma ? STR("") : STR(",") },
				 { line_end, line_end, buf_str(&with) } };
	return commit(e, change, both, 2, err);
}

static int expect(const struct edit *e, const struct node *at, enum node_type type, struct error *err)
{
	if (at->type == type || at->type == NODE_NULL)
		return 0;
	return refuse(e, at, err, type == NODE_MAP ? "here is no map" : "here is no list");
}

int edit_add(struct edit *e, size_t document, struct str path, struct str key, const struct node *value,
	     struct error *err)
{
	struct node *at;
	cleanup_buf struct buf with = BUF_INIT;
	if (edit_find(e, document, path, &at, err) < 0 || expect(e, at, NODE_MAP, err) < 0 ||
	    check_value(value, 1, err) < 0 || check_place(e, at, err) < 0)
		return -1;
	if (node_get_str(at, key))
		return refuse(e, at, err, "the key is there already");
	struct change change = { .at = at, .kind = ADDED, .key = key, .value = value };
	struct node *map = node_map(e->a);
	node_set(e->a, map, key, (struct node *)value);
	if (at->type == NODE_NULL)
		return edit_replace_node(e, at, map, 0, err);
	if (edit_spot(&e->tree, at)->flow) {
		edit_write_flow(&with, map, flow_style(e, at));
		struct str entry = { with.p + 1, with.n - 2 }; /* without the braces */
		return grow_flow(e, &change, at, entry, err);
	}
	struct edit_layout layout = edit_layout_of(&e->tree, e->text);
	const struct edit_spot *s = edit_spot(&e->tree, at);
	size_t end = below(e, at), indent = edit_column(e->text, s->keys[0].start);
	edit_write_break(&with, indent, &layout);
	edit_write_pair(&with, key, s->keys[at->map.n - 1].style, value, indent, &layout);
	return commit_one(e, &change, end, end, &with, err);
}

/* How far behind its dash an item stands. */
static size_t dash_gap(const struct edit *e, const struct node *list)
{
	size_t dash = edit_spot(&e->tree, list)->start;
	size_t item = edit_spot(&e->tree, list->seq.items[0])->start;
	if (item < dash + 2 || edit_line_end(e->text, dash) < item || item - dash > 8)
		return 2;
	struct str between = { e->text.p + dash + 1, item - dash - 1 };
	return str_trim(between).n ? 2 : item - dash;
}

int edit_append(struct edit *e, size_t document, struct str path, const struct node *value, struct error *err)
{
	struct node *at;
	cleanup_buf struct buf with = BUF_INIT;
	if (edit_find(e, document, path, &at, err) < 0 || expect(e, at, NODE_SEQ, err) < 0 ||
	    check_value(value, 1, err) < 0 || check_place(e, at, err) < 0)
		return -1;
	struct change change = { .at = at, .kind = APPENDED, .value = value };
	if (at->type == NODE_NULL) {
		struct node *list = node_seq(e->a);
		node_push(e->a, list, (struct node *)value);
		return edit_replace_node(e, at, list, 0, err);
	}
	const struct edit_spot *s = edit_spot(&e->tree, at);
	if (s->flow) {
		edit_write_flow(&with, value, flow_style(e, at));
		return grow_flow(e, &change, at, buf_str(&with), err);
	}
	struct edit_layout layout = edit_layout_of(&e->tree, e->text);
	size_t end = below(e, at), indent = edit_column(e->text, s->start), gap = dash_gap(e, at);
	edit_write_break(&with, indent, &layout);
	buf_printf(&with, "-%*s", (int)(gap - 1), "");
	edit_write_block(&with, value, indent + gap, &layout);
	return commit_one(e, &change, end, end, &with, err);
}

/* --- remove --- */

static int remove_flow(struct edit *e, struct change *change, size_t i, struct error *err)
{
	const struct edit_spot *s = edit_spot(&e->tree, change->at);
	const struct node *map = change->at;
	struct splice gone = { s->keys[i].start, 0, STR("") };
	if (i + 1 < map->map.n) {
		gone.to = s->keys[i + 1].start;
	} else {
		gone.from = edit_spot(&e->tree, map->map.pairs[i - 1].value)->end;
		gone.to = edit_spot(&e->tree, map->map.pairs[i].value)->end;
	}
	if (memchr(e->text.p + gone.from, '#', gone.to - gone.from))
		return refuse(e, map->map.pairs[i].value, err, "here is a comment that would be lost");
	return commit(e, change, &gone, 1, err);
}

/* Whole lines go; of the first key behind a dash, all up to the next key. */
static int remove_block(struct edit *e, struct change *change, size_t i, struct error *err)
{
	const struct edit_spot *s = edit_spot(&e->tree, change->at);
	const struct node *map = change->at, *value = map->map.pairs[i].value;
	struct splice gone = { s->keys[i].start, edit_line_end(e->text, edit_spot(&e->tree, value)->end),
			       edit_comment(e, value) };
	cleanup_buf struct buf comment = BUF_INIT;
	if (!has_own_line(e, s->keys[i].start)) {
		if (i + 1 == map->map.n)
			return refuse(e, value, err, "the place is not one that can be cut out");
		gone.to = s->keys[i + 1].start;
		if (memchr(e->text.p + gone.from, '#', gone.to - gone.from))
			return refuse(e, value, err, "here is a comment that would be lost");
	} else if (gone.with.n) {
		buf_printf(&comment, "# %.*s", STR_ARG(gone.with));
		gone.with = buf_str(&comment);
	} else {
		gone.from = edit_line_start(e->text, gone.from);
		while (gone.to < e->text.n && e->text.p[gone.to] != '\n')
			gone.to++;
		gone.to += gone.to < e->text.n;
	}
	return commit(e, change, &gone, 1, err);
}

int edit_remove(struct edit *e, size_t document, struct str path, struct str key, struct error *err)
{
	struct node *at;
	size_t i = 0;
	if (edit_find(e, document, path, &at, err) < 0 || check_place(e, at, err) < 0)
		return -1;
	if (at->type != NODE_MAP)
		return refuse(e, at, err, "here is no map");
	while (i < at->map.n && !str_eq(at->map.pairs[i].key, key))
		i++;
	if (i == at->map.n)
		return refuse(e, at, err, "the key is not there");
	const struct node *value = at->map.pairs[i].value;
	if (at->map.n == 1)
		return refuse(e, at, err, "the key is the only one of its map");
	if (is_collection(value) || value->style == NODE_LITERAL || value->style == NODE_FOLDED)
		return refuse(e, value, err, "here is more than a single value");
	if (check_place(e, value, err) < 0)
		return -1;
	struct change change = { .at = at, .kind = REMOVED, .key = key };
	return edit_spot(&e->tree, at)->flow ? remove_flow(e, &change, i, err)
					     : remove_block(e, &change, i, err);
}
