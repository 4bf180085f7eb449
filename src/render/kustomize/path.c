/* path.c - see path.h; what matches many nodes is in path_match.c. */
#include "render/kustomize/path.h"

/* --- splitting --- */

static bool ends_in(struct str s, char c)
{
	return s.n && s.p[s.n - 1] == c;
}

static int add_part(struct arena *a, struct kpath *out, struct str part, char delimiter, struct error *err)
{
	struct str *last = out->n ? &out->parts[out->n - 1] : NULL;
	if (last && ends_in(*last, '\\')) {
		struct str head = { last->p, last->n - 1 };
		*last = kvalue_join(a, kvalue_join(a, head, (struct str){ &delimiter, 1 }), part);
		return 0;
	}
	if (out->n == KPATH_PARTS_MAX)
		return error_set(err, "a path has more than %u parts", KPATH_PARTS_MAX);
	out->parts[out->n++] = part;
	return 0;
}

int kpath_split(struct arena *a, struct str path, char delimiter, struct kpath *out, struct error *err)
{
	size_t parts = 1;
	for (size_t i = 0; i < path.n; i++)
		parts += path.p[i] == delimiter;
	*out = (struct kpath){ arena_array(a, struct str, parts), 0 };
	/* A delimiter in front means nothing: /a/b is a/b. */
	size_t at = path.n && path.p[0] == delimiter ? 1 : 0;
	for (;;) {
		size_t end = str_find(path, delimiter, at);
		size_t stop = end == SIZE_MAX ? path.n : end;
		if (add_part(a, out, (struct str){ path.p + at, stop - at }, delimiter, err))
			return -1;
		if (end == SIZE_MAX)
			return 0;
		at = end + 1;
	}
}

static bool contains(struct str s, char c)
{
	return str_find(s, c, 0) != SIZE_MAX;
}

static struct str without_brackets(struct str s)
{
	while (s.n && (s.p[0] == '[' || s.p[0] == ']'))
		s = str_from(s, 1);
	while (ends_in(s, '[') || ends_in(s, ']'))
		s.n--;
	return s;
}

int kpath_split_smart(struct arena *a, struct str path, char delimiter, struct kpath *out, struct error *err)
{
	struct kpath split;
	if (kpath_split(a, path, delimiter, &split, err))
		return -1;
	*out = (struct kpath){ split.parts, 0 };
	for (size_t i = 0; i < split.n; i++) {
		struct str part = split.parts[i];
		if (!str_starts(part, STR("[")) || ends_in(part, ']')) {
			out->parts[out->n++] = part;
			continue;
		}
		struct buf whole = BUF_INIT;
		buf_add_str(&whole, part);
		while (i + 1 < split.n) {
			i++;
			buf_addc(&whole, delimiter);
			buf_add_str(&whole, split.parts[i]);
			if (ends_in(split.parts[i], ']'))
				break;
		}
		part = arena_str(a, buf_str(&whole));
		buf_release(&whole);
		out->parts[out->n++] = contains(part, '=') ? part : without_brackets(part);
	}
	return 0;
}

bool kpath_number(struct str part, int64_t *out)
{
	if (part.n > 1 && part.p[0] == '+' && part.p[1] != '-' && part.p[1] != '+')
		part = str_from(part, 1);
	return str_int64(part, out);
}

bool kpath_is_entry(struct str part)
{
	return str_starts(part, STR("[")) && str_ends(part, STR("]"));
}

int kpath_split_entry(struct str part, struct str *key, struct str *value, struct error *err)
{
	struct str inner = part;
	if (ends_in(inner, ']'))
		inner.n--;
	if (inner.n && inner.p[0] == '[')
		inner = str_from(inner, 1);
	size_t equals = str_find(inner, '=', 0);
	if (equals == SIZE_MAX)
		return error_set(err, "`%.*s` in a path must be [key=value], which picks an entry of a list",
				 STR_ARG(part));
	*key = (struct str){ inner.p, equals };
	*value = str_from(inner, equals + 1);
	return 0;
}

enum node_type kpath_kind_for(struct str next, enum node_type last)
{
	int64_t index;
	if (kpath_is_entry(next) || (kpath_number(next, &index) && index >= 0))
		return NODE_SEQ;
	return next.n ? NODE_MAP : last;
}

/* --- to one node --- */

struct lookup {
	const struct kwriter *w; /* NULL: nothing is made */
	enum node_type kind;
	struct error *err;
};

static int by_index(const struct lookup *l, const struct node *n, int64_t index, struct node **out)
{
	*out = NULL;
	if (kvalue_expect(n, NODE_SEQ, l->err))
		return -1;
	size_t count = node_count(n);
	if (index < 0) {
		if (count == 0)
			return error_set(l->err, "`-` names the last entry of a list that has none");
		index = (int64_t)count - 1;
	}
	*out = node_item(n, (size_t)index);
	return 0;
}

static struct node *new_entry(const struct lookup *l, struct str key, struct str value)
{
	struct node *scalar = kvalue_new(l->w, NODE_STRING);
	kwrite_scalar(l->w, scalar, value);
	if (key.n == 0)
		return scalar;
	struct node *map = kvalue_new(l->w, NODE_MAP);
	node_set(l->w->build->a, map, key, scalar);
	return map;
}

static int by_entry(const struct lookup *l, struct node *n, struct str part, struct node **out)
{
	struct str key, value;
	*out = NULL;
	if (kpath_split_entry(part, &key, &value, l->err) || kvalue_expect(n, NODE_SEQ, l->err))
		return -1;
	for (size_t i = 0; i < node_count(n); i++) {
		struct node *item = node_item(n, i);
		const struct node *held = key.n ? node_get_str(item, key) : item;
		if (held && str_eq(kvalue_text(held), value)) {
			*out = item;
			return 0;
		}
	}
	if (l->w && n && n->type == NODE_SEQ) {
		*out = new_entry(l, key, value);
		node_push(l->w->build->a, n, *out);
	}
	return 0;
}

static int by_field(const struct lookup *l, struct node *n, struct str part, struct str next,
		    struct node **out)
{
	if (kvalue_field(n, part, out, l->err))
		return -1;
	if (*out || !l->w || kvalue_missing(n))
		return 0;
	*out = kvalue_new(l->w, kpath_kind_for(next, l->kind));
	return kvalue_append(l->w, n, part, *out, l->err);
}

static int step(const struct lookup *l, struct node *n, struct str part, struct str next, struct node **out)
{
	int64_t index;
	if (kpath_number(part, &index)) {
		if (index < 0)
			return error_set(l->err, "`%.*s` in a path: an index is not negative", STR_ARG(part));
		return by_index(l, n, index, out);
	}
	if (str_is(part, "-"))
		return by_index(l, n, -1, out);
	if (str_is(part, "*"))
		return error_set(l->err, "`*` cannot stand in a path that leads to one field");
	if (kpath_is_entry(part))
		return by_entry(l, n, part, out);
	return by_field(l, n, part, next, out);
}

/* The next part that is not empty, from *i on; "" at the end. */
static struct str next_part(const struct kpath *path, size_t *i)
{
	while (*i < path->n) {
		struct str part = str_trim(path->parts[(*i)++]);
		if (part.n)
			return part;
	}
	return (struct str){ "", 0 };
}

static int lookup(const struct lookup *l, struct node *from, const struct kpath *path, struct node **out)
{
	size_t i = 0;
	struct str part = next_part(path, &i);
	*out = from;
	while (part.n && *out) {
		struct str next = next_part(path, &i);
		if (step(l, *out, part, next, out))
			return -1;
		part = next;
	}
	return 0;
}

int kpath_lookup(const struct node *from, const struct kpath *path, struct node **out, struct error *err)
{
	struct lookup l = { .err = err };
	return lookup(&l, (struct node *)from, path, out);
}

int kpath_lookup_create(const struct kwriter *w, struct node *from, const struct kpath *path,
			enum node_type kind, struct node **out, struct error *err)
{
	struct lookup l = { .w = w, .kind = kind, .err = err };
	return lookup(&l, from, path, out);
}
