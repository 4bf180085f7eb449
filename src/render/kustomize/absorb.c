/*
 * absorb.c - a generated resource meets one that is there already (upstream: appendReplaceOrMerge). The new
 * one takes the place of the old one, and from it name, labels, annotations and, when they are merged, data.
 */
#include "render/kustomize/annotate.h"
#include "render/kustomize/generate.h"

static int by_key(const void *a, const void *b)
{
	const struct node_pair *x = a, *y = b;
	return str_cmp(x->key, y->key);
}

/* In data a null is an empty text, in labels and annotations it is how it was written. */
static struct node *text_value(struct kbuild *b, struct node *value, bool data)
{
	struct node *text = kres_text_value(b, value);
	if (data && value->type == NODE_NULL)
		text->text = STR("");
	return text;
}

/* The pairs of both, sorted by key; those of `over` count. NULL: there are none. */
static struct node *merged(struct kbuild *b, const struct node *under, const struct node *over, bool data)
{
	size_t n_under = under && under->type == NODE_MAP ? under->map.n : 0;
	size_t n_over = over && over->type == NODE_MAP ? over->map.n : 0, n = 0;
	if (n_under + n_over == 0)
		return NULL;
	struct node *map = node_map(b->a);
	const struct node *place = n_over ? over : under;
	map->line = place->line;
	map->column = place->column;
	map->origin = place->origin;
	map->map.pairs = arena_array(b->a, struct node_pair, n_under + n_over);
	map->map.cap = (uint32_t)(n_under + n_over);
	struct node_pair *pairs = map->map.pairs;
	if (n_under)
		memcpy(pairs, under->map.pairs, n_under * sizeof(*pairs));
	if (n_over)
		memcpy(pairs + n_under, over->map.pairs, n_over * sizeof(*pairs));
	for (size_t i = 0; i < n_under + n_over; i++)
		pairs[i].value = text_value(b, pairs[i].value, data);
	qsort(pairs, n_under, sizeof(*pairs), by_key);
	qsort(pairs + n_under, n_over, sizeof(*pairs), by_key);
	struct node_pair *both = arena_array(b->a, struct node_pair, n_under + n_over);
	for (size_t i = 0, k = 0; i < n_under || k < n_over;) {
		int order = i == n_under ? 1 : k == n_over ? -1 : by_key(&pairs[i], &pairs[n_under + k]);
		if (order == 0) {
			struct node *before = pairs[i].value, *value = pairs[n_under + k].value;
			const struct origin *o = origin_get(b->origins, value->origin);
			if (o)
				value->origin = origin_step(b->origins, o->file, o->step, before);
		}
		both[n++] = order < 0 ? pairs[i] : pairs[n_under + k];
		i += order <= 0;
		k += order >= 0;
	}
	map->map.pairs = both;
	map->map.n = (uint32_t)n;
	return map;
}

static void set_or_drop(struct kbuild *b, struct node *map, const char *key, struct node *value)
{
	node_del(map, str_of(key));
	if (value)
		node_set(b->a, map, str_of(key), value);
}

/* Upstream: CopyMergeMetaDataFieldsFrom. */
static void take_metadata(struct kbuild *b, struct kres *r, const struct kres *old)
{
	struct node *metadata = node_get(r->root, "metadata");
	const struct node *old_metadata = node_get(old->root, "metadata");
	static const char *const maps[] = { "labels", "annotations" };
	for (size_t i = 0; i < 2; i++)
		set_or_drop(b, metadata, maps[i],
			    merged(b, node_get(old_metadata, maps[i]), node_get(metadata, maps[i]), false));
	struct node *name = node_get(old_metadata, "name"), *namespace = node_get(old_metadata, "namespace");
	if (name)
		node_set(b->a, metadata, STR("name"), name);
	set_or_drop(b, metadata, "namespace", knode_text(namespace).n ? namespace : NULL);
}

static void merge_data(struct kbuild *b, struct kres *r, const struct kres *old)
{
	static const char *const maps[] = { "data", "binaryData" };
	for (size_t i = 0; i < 2; i++)
		set_or_drop(b, r->root, maps[i],
			    merged(b, node_get(old->root, maps[i]), node_get(r->root, maps[i]), true));
	struct node *origin = node_get(kres_annotations(old), ANNOTATE_ORIGIN);
	if (origin)
		kres_set_annotation(b, r, STR(ANNOTATE_ORIGIN), knode_text(origin));
}

/* The old struct stays, with what the new one holds: the set, its index and vars refer to it. */
static int take_place(struct kbuild *b, struct kres *old, struct kres *r, struct error *err)
{
	if (r->behavior != KBEHAVIOR_MERGE && r->behavior != KBEHAVIOR_REPLACE) {
		struct kid id = kres_id(b, r);
		return error_set(
			err,
			"%s:%u: %s is there already, from %s:%u; with behavior `%s` it cannot be made "
			"again: say `behavior: merge` or `replace`",
			r->file, r->line, kid_text(b->a, &id), old->file, old->line,
			kbehavior_name(r->behavior));
	}
	take_metadata(b, r, old);
	if (r->behavior == KBEHAVIOR_MERGE)
		merge_data(b, r, old);
	old->root = r->root;
	old->file = r->file;
	old->line = r->line;
	old->needs_hash = old->needs_hash && r->needs_hash;
	return 0;
}

int kresmap_absorb(struct kbuild *b, struct kresmap *m, struct kres *r, struct error *err)
{
	struct kid id = kres_id(b, r);
	kres_list same = { 0 };
	kresmap_by_any_id(b, m, &id, &same);
	size_t n = same.n;
	struct kres *old = n ? same.at[0] : NULL;
	vec_release(&same);
	if (n == 1)
		return take_place(b, old, r, err);
	if (n > 1)
		return error_set(err, "%s:%u: %zu resources could be meant by %s", r->file, r->line, n,
				 kid_text(b->a, &id));
	if (r->behavior == KBEHAVIOR_MERGE || r->behavior == KBEHAVIOR_REPLACE)
		return error_set(err,
				 "%s:%u: there is no %s to merge with or to replace; leave `behavior` out to "
				 "make it",
				 r->file, r->line, kid_text(b->a, &id));
	return kresmap_append(b, m, r, err);
}
