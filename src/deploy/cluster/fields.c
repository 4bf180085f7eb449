/*
 * fields.c - an object projected onto the fields one manager owns, and hashed.
 *
 * fieldsV1 (structured-merge-diff v4): "f:NAME" a field, "k:{...}" an item of an associative list by its
 * keys, "v:VALUE" an element of a set, "i:N" by index, "." the item itself. A leaf is an empty map: all of
 * what is there.
 */
#include "deploy/cluster/live.h"

#include "base/map.h"
#include "doc/json.h"

/* Lists longer than this are searched by an index, so that one with 20,000 items costs no 20,000 searches of
 * it. */
#define INDEX_FROM 32

struct projection {
	struct arena scratch;
	struct buf out; /* what is hashed: each part with its length before it */
	struct buf identity;
	const struct node *metadata;
};

/* The items of the list that is being looked at, by the text of what identifies them. */
struct list_index {
	struct map items;
	const struct node *keys; /* "k:" elements: their names; NULL: the items themselves, "v:" */
	bool built;
};

static void feed(struct projection *p, struct str text)
{
	uint32_t n = (uint32_t)text.n;
	buf_add(&p->out, &n, sizeof(n));
	buf_add_str(&p->out, text);
}

static void feed_value(struct projection *p, const struct node *value)
{
	if (!value) {
		feed(p, STR("absent"));
		return;
	}
	feed(p, STR(""));
	size_t from = p->out.n;
	json_write_sorted(&p->out, value);
	uint32_t n = (uint32_t)(p->out.n - from);
	memcpy(p->out.p + from - sizeof(n), &n, sizeof(n));
}

/* What tells items apart: the values of keys, or all of the item. False: the item lacks one. */
static bool identify(struct buf *out, const struct node *item, const struct node *keys)
{
	buf_clear(out);
	if (!keys)
		json_write_sorted(out, item);
	for (size_t k = 0; k < node_count(keys); k++) {
		const struct node *value = node_get_str(item, keys->map.pairs[k].key);
		if (!value)
			return false;
		json_write_sorted(out, value);
		buf_addc(out, ',');
	}
	return true;
}

static void index_build(struct projection *p, struct list_index *index, const struct node *list,
			const struct node *keys)
{
	index->built = true;
	index->keys = keys;
	for (size_t i = 0; i < node_count(list); i++)
		if (identify(&p->identity, node_item(list, i), keys) &&
		    !map_get(&index->items, buf_str(&p->identity)))
			map_put(&index->items, buf_str(&p->identity), node_item(list, i));
}

static bool same_names(const struct node *a, const struct node *b)
{
	if (!a || !b || node_count(a) != node_count(b))
		return a == b;
	for (size_t i = 0; i < node_count(a); i++)
		if (!str_eq(a->map.pairs[i].key, b->map.pairs[i].key))
			return false;
	return true;
}

static bool matches(const struct node *item, const struct node *wanted, bool by_keys)
{
	if (!by_keys)
		return node_equal(item, wanted);
	for (size_t k = 0; k < node_count(wanted); k++)
		if (!node_equal(node_get_str(item, wanted->map.pairs[k].key), wanted->map.pairs[k].value))
			return false;
	return true;
}

/* by_keys: the item of an associative list whose fields equal all of wanted's; else the element of a set. */
static const struct node *find_item(struct projection *p, struct list_index *index, const struct node *list,
				    const struct node *wanted, bool by_keys)
{
	if (!list || list->type != NODE_SEQ || !wanted || (by_keys && wanted->type != NODE_MAP))
		return NULL;
	if (node_count(list) >= INDEX_FROM) {
		const struct node *keys = by_keys ? wanted : NULL;
		if (!index->built)
			index_build(p, index, list, keys);
		if (same_names(index->keys, keys))
			return identify(&p->identity, wanted, keys)
				       ? map_get(&index->items, buf_str(&p->identity))
				       : NULL;
	}
	for (size_t i = 0; i < node_count(list); i++)
		if (matches(node_item(list, i), wanted, by_keys))
			return node_item(list, i);
	return NULL;
}

static const struct node *step_into(struct projection *p, struct list_index *index, const struct node *at,
				    struct str element)
{
	struct str rest = str_from(element, 2);
	struct node *wanted = NULL;
	int64_t i;
	if (str_starts(element, STR("f:")))
		return node_get_str(at, rest);
	bool by_keys = str_starts(element, STR("k:"));
	if (by_keys || str_starts(element, STR("v:"))) {
		if (json_parse(&p->scratch, rest, false, &wanted, NULL) != 0)
			return NULL;
		return find_item(p, index, at, wanted, by_keys);
	}
	if (str_starts(element, STR("i:")) && str_int64(rest, &i) && i >= 0)
		return at && at->type == NODE_SEQ ? node_item(at, (size_t)i) : NULL;
	return NULL;
}

/* What changes with every write says nothing about drift, whoever claims to own it. */
static bool is_bookkeeping(const struct projection *p, const struct node *at, struct str element)
{
	return at && at == p->metadata &&
	       (str_is(element, "f:resourceVersion") || str_is(element, "f:managedFields"));
}

static void project(struct projection *p, const struct node *fields, const struct node *at)
{
	struct list_index index = { 0 };
	for (size_t i = 0; i < node_count(fields) && fields->type == NODE_MAP; i++) {
		struct str element = fields->map.pairs[i].key;
		const struct node *below = fields->map.pairs[i].value;
		if (is_bookkeeping(p, at, element))
			continue;
		feed(p, element);
		if (str_is(element, ".")) {
			feed(p, at ? STR("here") : STR("absent"));
			continue;
		}
		const struct node *value = step_into(p, &index, at, element);
		if (!node_count(below)) {
			feed_value(p, value == p->metadata ? NULL : value);
			continue;
		}
		feed(p, STR("{"));
		project(p, below, value);
		feed(p, STR("}"));
	}
	map_release(&index.items);
}

static const struct node *owned_fields(const struct node *object, const char *manager)
{
	const struct node *list = node_at(object, "metadata.managedFields");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *e = node_item(list, i);
		if (str_is(node_text(node_get(e, "manager")), manager) &&
		    str_is(node_text(node_get(e, "operation")), "Apply") &&
		    !node_text(node_get(e, "subresource")).n)
			return node_get(e, "fieldsV1");
	}
	return NULL;
}

struct hash fields_hash(const struct node *object, const char *manager)
{
	const struct node *fields = owned_fields(object, manager);
	if (!node_count(fields))
		return (struct hash){ { 0 } };
	struct projection p = { .metadata = node_get(object, "metadata") };
	project(&p, fields, object);
	struct hash hash = hash_of(buf_str(&p.out));
	buf_release(&p.out);
	buf_release(&p.identity);
	arena_release(&p.scratch);
	return hash;
}
