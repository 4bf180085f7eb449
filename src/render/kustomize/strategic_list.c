/*
 * strategic_list.c - lists whose elements are told apart by keys, or by their own value. See strategic.h.
 *
 * What a patch adds comes first, in its order; then what was there. Two ways lead to that. The literal one
 * does what upstream does, operation by operation, and costs the square of the length. Long lists that are
 * regular (every element a map with all keys, no two alike) take a short way, which comes to the same.
 */
#include "base/map.h"
#include "render/kustomize/strategic.h"

enum { SHORT_LIST = 24 }; /* up to here the literal way is as good */

/* --- the values of elements --- */

/* One entry for each element: a text for each key. */
struct rows {
	struct texts *at;
	size_t n;
};

static struct texts new_texts(struct merge *m, size_t n)
{
	return (struct texts){ .at = arena_array(m->scratch, struct str, n ? n : 1), .n = n };
}

static bool texts_equal(struct texts a, struct texts b)
{
	for (size_t i = 0; i < a.n; i++)
		if (!str_eq(a.at[i], b.at[i]))
			return false;
	return a.n == b.n;
}

/* Upstream asks a field for its value only if it is not empty, and a null is. */
static struct str key_text(const struct node *element, struct str key)
{
	const struct node *field = node_get_str(element, key);
	return field && field->type != NODE_NULL ? merge_text(field) : (struct str){ "", 0 };
}

static struct texts row_of(struct merge *m, const struct node *element, struct texts keys)
{
	if (keys.n == 0) { /* a list of plain values */
		struct texts row = new_texts(m, 1);
		row.at[0] = merge_text(element);
		return row;
	}
	struct texts row = new_texts(m, keys.n);
	for (size_t i = 0; i < keys.n; i++)
		row.at[i] = key_text(element, keys.at[i]);
	return row;
}

static void add_row(struct rows *rows, struct texts row)
{
	for (size_t i = 0; i < rows->n; i++)
		if (texts_equal(rows->at[i], row))
			return;
	rows->at[rows->n++] = row;
}

/* Each row once, those of the patch first. */
static struct rows all_rows(struct merge *m, const struct node *dest, const struct node *patch,
			    struct texts keys)
{
	const struct node *lists[] = { patch, dest };
	struct rows rows = { 0 };
	rows.at = arena_array(m->scratch, struct texts, node_count(dest) + node_count(patch) + 1);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < node_count(lists[i]); k++)
			add_row(&rows, row_of(m, lists[i]->seq.items[k], keys));
	return rows;
}

/* Two rows are one when they agree somewhere and differ only where one of them has nothing; *out: both
 * together. */
static bool unite(struct merge *m, struct texts a, struct texts b, struct texts *out)
{
	bool common = false;
	for (size_t i = 0; i < a.n; i++) {
		if (str_eq(a.at[i], b.at[i]))
			common = true;
		else if (a.at[i].n && b.at[i].n)
			return false;
	}
	if (!common)
		return false;
	*out = new_texts(m, a.n);
	for (size_t i = 0; i < a.n; i++)
		out->at[i] = a.at[i].n ? a.at[i] : b.at[i];
	return true;
}

static void unite_rows(struct merge *m, struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		/* The loop goes on with what rows[i] was. */
		struct texts row = rows->at[i], both;
		for (size_t k = 0; k < rows->n; k++) {
			if (texts_equal(row, rows->at[k]) && (i == k || texts_equal(rows->at[i], row)))
				continue; /* would only write down what is there */
			if (!unite(m, row, rows->at[k], &both))
				continue;
			rows->at[i] = both;
			rows->at[k] = both;
		}
	}
}

/* Those keys (and their values) that some element has a value for; all, when none has. */
static void narrow(struct merge *m, const struct rows *rows, struct texts keys, struct texts values,
		   struct texts *out_keys, struct texts *out_values)
{
	bool used[KSCHEMA_KEYS_MAX] = { false }, any = false;
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->at[i].n; k++)
			if (rows->at[i].at[k].n)
				used[k] = any = true;
	*out_keys = keys;
	*out_values = values;
	if (!any)
		return;
	*out_keys = new_texts(m, keys.n);
	*out_values = new_texts(m, keys.n);
	out_keys->n = out_values->n = 0;
	for (size_t k = 0; k < keys.n; k++) {
		if (used[k])
			out_keys->at[out_keys->n++] = keys.at[k];
		if (used[k] || values.at[k].n)
			out_values->at[out_values->n++] = values.at[k];
	}
}

/* --- the literal way --- */

struct element_merge {
	struct merge *m;
	const struct kschema_type *type; /* of an element */
	struct node *dest, *patch, *added;
	struct texts keys;
};

/* Merges what both lists have under these values. */
static int merge_elements(struct element_merge *e, struct texts keys, struct texts values, struct merged *out)
{
	struct rows one = { .at = &values, .n = 1 };
	struct texts own_keys, own_values;
	narrow(e->m, &one, keys, values, &own_keys, &own_values);
	return merge_walk(e->m, e->type, merge_find_element(e->dest, own_keys, own_values),
			  merge_find_element(e->patch, own_keys, own_values), out);
}

static bool is_nothing(const struct node *n)
{
	return merge_is_missing(n) || (n->type == NODE_MAP && n->map.n == 0);
}

/* Sees to it that a merged element has its key. A plain value becomes one without a tag: as upstream. */
static int keep_key(struct merge *m, struct node *element, struct str key, struct str value)
{
	if (value.n == 0 || (key.n && node_get_str(element, key)))
		return 0;
	if (key.n == 0) {
		if (element->type == NODE_MAP || element->type == NODE_SEQ)
			return error_set(m->err, "line %u: an element is no plain value like the others",
					 element->line);
		merge_untag(m, element);
		return 0;
	}
	if (element->type != NODE_MAP)
		return error_set(m->err, "line %u: an element is no map with %.*s", element->line,
				 STR_ARG(key));
	merge_set_scalar(m, element, key, value);
	return 0;
}

static int merge_row(struct element_merge *e, struct texts keys, struct texts values)
{
	struct merged merged;
	if (merge_elements(e, keys, values, &merged))
		return -1;
	bool nothing = is_nothing(merged.node);
	for (size_t i = 0; i < keys.n; i++) {
		if (nothing ? merge_set_element(e->m, e->dest, NULL, keys, values)
			    : keep_key(e->m, merged.node, keys.at[i], values.at[i]))
			return -1;
	}
	return nothing ? 0 : merge_set_element(e->m, e->added, merged.node, keys, values);
}

/* Puts one element of the old list behind the added ones, or in place of its equal among them. */
static int append_element(struct merge *m, struct node *into, struct node *element, struct texts keys)
{
	struct texts values = new_texts(m, keys.n);
	if (keys.at[0].n == 0) {
		values.at[0] = merge_text(element);
		return merge_set_element(m, into, element, keys, values);
	}
	values.n = 0;
	for (size_t i = 0; i < keys.n; i++) {
		if (element->type != NODE_MAP && element->type != NODE_NULL)
			return error_set(m->err, "line %u: an element is no map with %.*s", element->line,
					 STR_ARG(keys.at[i]));
		const struct node *field = node_get_str(element, keys.at[i]);
		if (field)
			values.at[values.n++] = merge_text(field);
		else
			node_push(m->b->a, into, element);
	}
	if (keys.n > 1 && merge_set_element(m, into, NULL, keys, values))
		return -1;
	return merge_set_element(m, into, element, keys, values);
}

static struct node *new_list(struct merge *m, const struct node *like)
{
	struct node *n = node_seq(m->b->a);
	n->line = like->line;
	n->column = like->column;
	n->origin = like->origin;
	return n;
}

static int literal_way(struct merge *m, const struct kschema_type *type, struct node *dest,
		       struct node *patch, struct texts keys, struct node **out)
{
	static struct str no_key[1] = { { "", 0 } };
	struct rows rows = all_rows(m, dest, patch, keys);
	struct texts used_keys = { 0 }, used_values;
	if (keys.n == 0)
		keys = (struct texts){ no_key, 1 };
	if (keys.n > 1)
		unite_rows(m, &rows);
	struct element_merge e = { m, type, dest, patch, new_list(m, dest), keys };
	for (size_t i = 0; i < rows.n; i++) {
		narrow(m, &rows, keys, rows.at[i], &used_keys, &used_values);
		if (merge_row(&e, used_keys, used_values))
			return -1;
	}
	*out = dest;
	if (rows.n == 0)
		return 0;
	for (uint32_t i = 0; i < dest->seq.n; i++)
		if (append_element(m, e.added, dest->seq.items[i], used_keys))
			return -1;
	*out = e.added;
	return 0;
}

/* --- the short way --- */

struct index {
	struct map dest, patch; /* joined values to elements */
	struct texts keys;	/* those that elements have */
	struct buf text;
};

static void index_release(struct index *x)
{
	map_release(&x->dest);
	map_release(&x->patch);
	buf_release(&x->text);
}

static struct str joined(struct index *x, const struct node *element)
{
	buf_clear(&x->text);
	for (size_t i = 0; i < x->keys.n; i++) {
		struct str text = key_text(element, x->keys.at[i]);
		buf_printf(&x->text, "%zu:", text.n);
		buf_add_str(&x->text, text);
	}
	return buf_str(&x->text);
}

/* Whether every element is a map that has just the keys of x, and no two are alike. */
static bool index_list(struct index *x, struct texts all_keys, struct map *map, const struct node *list)
{
	for (size_t i = 0; i < node_count(list); i++) {
		struct node *element = list->seq.items[i];
		size_t has = 0;
		for (size_t k = 0; k < all_keys.n; k++)
			has += key_text(element, all_keys.at[k]).n > 0;
		for (size_t k = 0; k < x->keys.n; k++)
			has -= key_text(element, x->keys.at[k]).n > 0;
		if (has || element->type != NODE_MAP) /* it has a key that the first one has not */
			return false;
		for (size_t k = 0; k < x->keys.n; k++)
			if (key_text(element, x->keys.at[k]).n == 0)
				return false;
		if (map_put(map, joined(x, element), element))
			return false;
	}
	return true;
}

/* The keys that the first element has; the others must have the same. */
static bool make_index(struct merge *m, struct index *x, const struct node *dest, const struct node *patch,
		       struct texts keys)
{
	const struct node *first = node_item(dest, 0) ? node_item(dest, 0) : node_item(patch, 0);
	x->keys = new_texts(m, keys.n);
	x->keys.n = 0;
	for (size_t i = 0; i < keys.n; i++)
		if (key_text(first, keys.at[i]).n)
			x->keys.at[x->keys.n++] = keys.at[i];
	return x->keys.n && index_list(x, keys, &x->dest, dest) && index_list(x, keys, &x->patch, patch);
}

static int short_merge(struct merge *m, struct index *x, const struct kschema_type *type, struct node *dest,
		       struct node *patch, struct merged *out)
{
	const struct node *any = dest ? dest : patch;
	struct texts values = row_of(m, any, x->keys);
	if (merge_walk(m, type, dest, patch, out))
		return -1;
	if (is_nothing(out->node)) {
		out->node = NULL;
		return 0;
	}
	for (size_t i = 0; i < x->keys.n; i++)
		if (keep_key(m, out->node, x->keys.at[i], values.at[i]))
			return -1;
	/* Upstream lets an element that was there stand in for what came of it, even if that is another one.
	 */
	if (dest)
		out->node = dest;
	return 0;
}

static int short_step(struct merge *m, struct index *x, const struct kschema_type *type, struct node *dest,
		      struct node *patch, struct node *out)
{
	struct merged merged;
	if (short_merge(m, x, type, dest, patch, &merged))
		return -1;
	if (merged.node)
		node_push(m->b->a, out, merged.node);
	return 0;
}

/* With one key, what both have goes where the patch has it; with several, where it was. */
static int short_way(struct merge *m, struct index *x, const struct kschema_type *type, struct node *dest,
		     struct node *patch, struct node **out)
{
	bool stay = x->keys.n > 1;
	*out = new_list(m, dest);
	for (size_t i = 0; i < node_count(patch); i++) {
		struct node *element = patch->seq.items[i], *old = map_get(&x->dest, joined(x, element));
		if ((!old || !stay) && short_step(m, x, type, old, element, *out))
			return -1;
	}
	for (size_t i = 0; i < dest->seq.n; i++) {
		struct node *element = dest->seq.items[i], *other = map_get(&x->patch, joined(x, element));
		if ((!other || stay) && short_step(m, x, type, element, other, *out))
			return -1;
	}
	return 0;
}

/* --- which way --- */

static int merge_list(struct merge *m, const struct kschema_type *type, struct node *dest, struct node *patch,
		      struct texts keys, struct node **out)
{
	size_t n = node_count(dest) + node_count(patch);
	if (n <= SHORT_LIST || m->literal)
		return literal_way(m, type, dest, patch, keys, out);
	struct index x = { .dest = MAP_INIT, .patch = MAP_INIT };
	int rc;
	if (keys.n && make_index(m, &x, dest, patch, keys))
		rc = short_way(m, &x, type, dest, patch, out);
	else if (n > KPATCH_IRREGULAR_MAX)
		rc = error_set(
			m->err,
			"line %u: the list has more than %u elements (KPATCH_IRREGULAR_MAX), and some are "
			"alike or lack the key that tells them apart",
			dest->line, KPATCH_IRREGULAR_MAX);
	else
		rc = literal_way(m, type, dest, patch, keys, out);
	index_release(&x);
	return rc;
}

/* What upstream's VisitList leaves to merge into: *dest; NULL: nothing is left. */
static int begin(struct merge *m, struct node **dest, struct node *patch)
{
	if (!merge_is_missing(*dest))
		return merge_begin(m, dest, patch);
	*dest = patch;
	return 0;
}

int merge_keyed_list(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch,
		     struct merged *out)
{
	struct str keys[KSCHEMA_KEYS_MAX];
	*out = (struct merged){ NULL };
	if (begin(m, &dest, patch))
		return -1;
	if (!dest)
		return 0;
	struct texts all_keys = { keys, kschema_merge_keys(t, keys) };
	return merge_list(m, kschema_items(t), dest, patch, all_keys, &out->node);
}
