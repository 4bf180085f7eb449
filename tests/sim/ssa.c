/*
 * ssa.c - field sets are node maps in the shape of fieldsV1: "f:name", "k:{...}", "v:..." to a map of what is
 * below; an empty map is a leaf, "." says that the path itself is a member beside what is below it.
 */
#include "ssa.h"

#include "doc/json.h"

enum list_type {
	LIST_ATOMIC,
	LIST_BY_KEY,
	LIST_SET,
};

static enum list_type list_type_of(struct str field)
{
	static const char *const by_key[] = { "containers", "env", "ports" };
	for (size_t i = 0; i < sizeof(by_key) / sizeof(*by_key); i++)
		if (str_is(field, by_key[i]))
			return LIST_BY_KEY;
	return str_is(field, "finalizers") ? LIST_SET : LIST_ATOMIC;
}

static bool granular(struct str field, const struct node *n)
{
	if (!n)
		return false;
	if (n->type == NODE_MAP)
		return !str_is(field, "selector") && n->map.n > 0;
	return n->type == NODE_SEQ && n->seq.n > 0 && list_type_of(field) != LIST_ATOMIC;
}

/* The path element of a list's item. */
static struct str item_element(struct arena *a, struct str field, const struct node *item)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (list_type_of(field) == LIST_SET) {
		buf_adds(&text, "v:");
		json_write(&text, item);
	} else {
		static const char *const keys[] = { "containerPort", "name", "port", "protocol" };
		buf_adds(&text, "k:{");
		bool is_port = node_get(item, "port") || node_get(item, "containerPort");
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			const struct node *value = node_get(item, keys[i]);
			if (!value || is_port == (i == 1))
				continue;
			buf_printf(&text, "%s\"%s\":", text.n > 3 ? "," : "", keys[i]);
			json_write(&text, value);
		}
		buf_addc(&text, '}');
	}
	return arena_str(a, buf_str(&text));
}

static struct node *item_find(struct arena *a, struct str field, const struct node *list, struct str element)
{
	for (size_t i = 0; i < node_count(list); i++)
		if (str_eq(item_element(a, field, node_item(list, i)), element))
			return node_item(list, i);
	return NULL;
}

static struct str element_of(struct arena *a, struct str key)
{
	char *text = arena_alloc(a, key.n + 2);
	memcpy(text, "f:", 2);
	memcpy(text + 2, key.p, key.n);
	return (struct str){ text, key.n + 2 };
}

/* What is nobody's field: identity and what the server writes itself. */
static bool server_field(int depth, bool in_metadata, struct str key)
{
	static const char *const top[] = { "apiVersion", "kind", "status" };
	static const char *const meta[] = { "name",	     "namespace",
					    "uid",	     "resourceVersion",
					    "generation",    "creationTimestamp",
					    "managedFields", "deletionTimestamp" };
	if (depth == 0)
		for (size_t i = 0; i < sizeof(top) / sizeof(*top); i++)
			if (str_is(key, top[i]))
				return true;
	if (depth == 1 && in_metadata)
		for (size_t i = 0; i < sizeof(meta) / sizeof(*meta); i++)
			if (str_is(key, meta[i]))
				return true;
	return false;
}

/* ---- field sets ---- */

struct place {
	struct str field;
	int depth;
	bool in_metadata;
};

static struct place below(struct place at, struct str key)
{
	return (struct place){ key, at.depth + 1, at.depth == 0 && str_is(key, "metadata") };
}

static struct node *set_of(struct arena *a, const struct node *n, struct place at)
{
	struct node *set = node_map(a);
	if (!granular(at.field, n))
		return set;
	if (n->type == NODE_MAP) {
		for (size_t i = 0; i < n->map.n; i++) {
			struct str key = n->map.pairs[i].key;
			const struct node *value = n->map.pairs[i].value;
			if (server_field(at.depth, at.in_metadata, key))
				continue;
			struct node *child = set_of(a, value, below(at, key));
			/* metadata with nothing but a name is no field. */
			if (at.depth == 0 && str_is(key, "metadata") && !node_count(child))
				continue;
			node_set(a, set, element_of(a, key), child);
		}
		return set;
	}
	for (size_t i = 0; i < n->seq.n; i++) {
		const struct node *item = n->seq.items[i];
		struct node *child = set_of(a, item, below(at, STR("")));
		if (item->type == NODE_MAP)
			node_set(a, child, STR("."), node_map(a));
		node_set(a, set, item_element(a, at.field, item), child);
	}
	return set;
}

static bool is_member(const struct node *set)
{
	return set && (!node_count(set) || node_get(set, "."));
}

static struct node *set_union(struct arena *a, const struct node *x, const struct node *y)
{
	if (!x || !y)
		return node_clone(a, x ? x : y);
	struct node *out = node_map(a);
	for (size_t i = 0; i < x->map.n; i++) {
		struct str key = x->map.pairs[i].key;
		node_set(a, out, key, set_union(a, x->map.pairs[i].value, node_get_str(y, key)));
	}
	for (size_t i = 0; i < y->map.n; i++)
		if (!node_get_str(x, y->map.pairs[i].key))
			node_set(a, out, y->map.pairs[i].key, node_clone(a, y->map.pairs[i].value));
	return out;
}

/* Members of x that are not members of y; NULL: none. A leaf of y takes everything below it when `whole`. */
static struct node *set_minus(struct arena *a, const struct node *x, const struct node *y, bool whole)
{
	if (!y)
		return node_clone(a, x);
	if (!node_count(x))
		return is_member(y) ? NULL : node_map(a);
	if (whole && !node_count(y))
		return NULL;
	struct node *out = NULL;
	for (size_t i = 0; i < x->map.n; i++) {
		struct str key = x->map.pairs[i].key;
		struct node *child;
		if (str_is(key, "."))
			child = is_member(y) ? NULL : node_map(a);
		else
			child = set_minus(a, x->map.pairs[i].value, node_get_str(y, key), whole);
		if (!child)
			continue;
		if (!out)
			out = node_map(a);
		node_set(a, out, key, child);
	}
	return out;
}

/* Paths whose value differs between the two, or that only one of them has; NULL: none. */
static struct node *set_changed(struct arena *a, const struct node *x, const struct node *y, struct place at)
{
	if (x && y && !(granular(at.field, x) && granular(at.field, y) && x->type == y->type))
		return node_equal(x, y) ? NULL : set_union(a, set_of(a, x, at), set_of(a, y, at));
	if (!x || !y) {
		struct node *set = set_of(a, x ? x : y, at);
		return set;
	}
	struct node *out = NULL;
	for (int side = 0; side < 2; side++) {
		const struct node *one = side ? y : x;
		for (size_t i = 0; i < (one->type == NODE_MAP ? one->map.n : one->seq.n); i++) {
			struct str element;
			const struct node *mine, *other;
			struct place next;
			if (one->type == NODE_MAP) {
				struct str key = one->map.pairs[i].key;
				if (server_field(at.depth, at.in_metadata, key))
					continue;
				mine = one->map.pairs[i].value;
				other = node_get_str(side ? x : y, key);
				element = element_of(a, key);
				next = below(at, key);
			} else {
				mine = one->seq.items[i];
				element = item_element(a, at.field, mine);
				other = item_find(a, at.field, side ? x : y, element);
				next = below(at, STR(""));
			}
			if (side && other)
				continue; /* compared from the other side */
			struct node *child = set_changed(a, side ? NULL : mine, side ? mine : other, next);
			if (!child)
				continue;
			if (!other && one->type == NODE_SEQ && mine->type == NODE_MAP)
				node_set(a, child, STR("."), node_map(a));
			if (!out)
				out = node_map(a);
			node_set(a, out, element, child);
		}
	}
	return out;
}

/* The part of a set that is there in n; NULL: nothing. */
static struct node *set_present(struct arena *a, const struct node *set, const struct node *n,
				struct place at)
{
	if (!n)
		return NULL;
	if (!node_count(set))
		return node_map(a);
	if (!granular(at.field, n))
		return node_map(a);
	struct node *out = NULL;
	for (size_t i = 0; i < set->map.n; i++) {
		struct str element = set->map.pairs[i].key;
		struct node *child;
		if (str_is(element, ".")) {
			child = node_map(a);
		} else if (n->type == NODE_MAP) {
			struct str key = str_from(element, 2);
			child = set_present(a, set->map.pairs[i].value, node_get_str(n, key), below(at, key));
		} else {
			child = set_present(a, set->map.pairs[i].value, item_find(a, at.field, n, element),
					    below(at, STR("")));
		}
		if (!child)
			continue;
		if (!out)
			out = node_map(a);
		node_set(a, out, element, child);
	}
	return out;
}

/* ---- objects ---- */

static struct node *merge(struct arena *a, const struct node *live, const struct node *wanted,
			  struct place at)
{
	if (!live || live->type != wanted->type || !granular(at.field, wanted) || !granular(at.field, live))
		return node_clone(a, wanted);
	struct node *out = node_clone(a, live);
	if (wanted->type == NODE_MAP) {
		for (size_t i = 0; i < wanted->map.n; i++) {
			struct str key = wanted->map.pairs[i].key;
			if (server_field(at.depth, at.in_metadata, key))
				continue;
			node_set(a, out, key,
				 merge(a, node_get_str(live, key), wanted->map.pairs[i].value,
				       below(at, key)));
		}
		return out;
	}
	for (size_t i = 0; i < wanted->seq.n; i++) {
		const struct node *item = wanted->seq.items[i];
		struct str element = item_element(a, at.field, item);
		bool found = false;
		for (size_t j = 0; j < out->seq.n && !found; j++) {
			if (!str_eq(item_element(a, at.field, out->seq.items[j]), element))
				continue;
			out->seq.items[j] = merge(a, out->seq.items[j], item, below(at, STR("")));
			found = true;
		}
		if (!found)
			node_push(a, out, node_clone(a, item));
	}
	return out;
}

/* Takes the members of `gone` out of n, unless `kept` (owned by others) holds something there. */
static void take_out(struct arena *a, struct node *n, const struct node *gone, const struct node *kept,
		     struct place at)
{
	for (size_t i = 0; i < node_count(gone); i++) {
		struct str element = gone->map.pairs[i].key;
		const struct node *child = gone->map.pairs[i].value;
		const struct node *keep = node_get_str(kept, element);
		if (str_is(element, "."))
			continue;
		struct str key = n->type == NODE_MAP ? str_from(element, 2) : STR("");
		struct node *value =
			n->type == NODE_MAP ? node_get_str(n, key) : item_find(a, at.field, n, element);
		if (!value)
			continue;
		bool drop = is_member(child) && !keep;
		if (!drop && node_count(child)) {
			take_out(a, value, child, keep, below(at, key));
			drop = !keep && !node_count(value) &&
			       (value->type == NODE_MAP || value->type == NODE_SEQ);
		}
		if (!drop)
			continue;
		if (n->type == NODE_MAP) {
			node_del(n, key);
			continue;
		}
		for (size_t j = 0; j < n->seq.n; j++) {
			if (n->seq.items[j] != value)
				continue;
			memmove(&n->seq.items[j], &n->seq.items[j + 1],
				(n->seq.n - j - 1) * sizeof(n->seq.items[0]));
			n->seq.n--;
			break;
		}
	}
}

/* "1000m" is stored as "1": the server does not give back what it was given. */
static void normalise(struct arena *a, struct node *n)
{
	if (n->type == NODE_STRING && str_is(n->text, "1000m"))
		n->text = STR("1");
	for (size_t i = 0; n->type == NODE_MAP && i < n->map.n; i++)
		normalise(a, n->map.pairs[i].value);
	for (size_t i = 0; n->type == NODE_SEQ && i < n->seq.n; i++)
		normalise(a, n->seq.items[i]);
}

static struct node *metadata(struct arena *a, struct node *object)
{
	struct node *meta = node_get(object, "metadata");
	if (!meta) {
		meta = node_map(a);
		node_set(a, object, STR("metadata"), meta);
	}
	return meta;
}

static struct node *managers(struct arena *a, struct node *object)
{
	struct node *list = node_at(object, "metadata.managedFields");
	if (!list) {
		list = node_seq(a);
		node_set(a, metadata(a, object), STR("managedFields"), list);
	}
	return list;
}

static struct node *manager_find(const struct node *list, const char *manager, const char *operation)
{
	for (size_t i = 0; i < node_count(list); i++) {
		struct node *entry = node_item(list, i);
		if (str_is(node_text(node_get(entry, "manager")), manager) &&
		    str_is(node_text(node_get(entry, "operation")), operation))
			return entry;
	}
	return NULL;
}

static void manager_put(struct arena *a, struct node *object, const char *manager, const char *operation,
			struct node *set)
{
	struct node *list = managers(a, object);
	struct node *entry = manager_find(list, manager, operation);
	if (!entry) {
		entry = node_map(a);
		node_set(a, entry, STR("manager"), node_string(a, str_of(arena_strdup(a, manager))));
		node_set(a, entry, STR("operation"), node_string(a, str_of(arena_strdup(a, operation))));
		node_set(a, entry, STR("apiVersion"), node_clone(a, node_get(object, "apiVersion")));
		node_set(a, entry, STR("time"), node_string(a, STR("2026-01-01T00:00:00Z")));
		node_set(a, entry, STR("fieldsType"), node_string(a, STR("FieldsV1")));
		node_push(a, list, entry);
	}
	node_set(a, entry, STR("fieldsV1"), set);
}

/* Everybody but (manager, operation) loses what changed; entries without a field go. */
static void managers_lose(struct arena *a, struct node *object, const struct node *changed,
			  const char *manager, const char *operation)
{
	struct node *list = managers(a, object);
	struct node *mine = manager_find(list, manager, operation);
	size_t n = 0;
	for (size_t i = 0; i < list->seq.n; i++) {
		struct node *entry = list->seq.items[i];
		struct node *set = node_get(entry, "fieldsV1");
		if (entry != mine && changed && set) {
			set = set_minus(a, set, changed, true);
			if (!set)
				continue;
			node_set(a, entry, STR("fieldsV1"), set);
		}
		list->seq.items[n++] = entry;
	}
	list->seq.n = n;
}

static const struct place ROOT = { { "", 0 }, 0, false };

enum ssa_result ssa_apply(struct arena *a, const struct node *live, const struct node *wanted,
			  const char *manager, bool force, struct node **out)
{
	struct node *set = set_of(a, wanted, ROOT);
	struct node *after = live ? merge(a, live, wanted, ROOT) : node_clone(a, wanted);
	normalise(a, after);
	const struct node *old_list = node_at(live, "metadata.managedFields");
	const struct node *old = manager_find(old_list, manager, "Apply");
	if (old) {
		struct node *gone = set_minus(a, node_get(old, "fieldsV1"), set, false);
		struct node *kept = node_clone(a, set);
		for (size_t i = 0; i < node_count(old_list); i++)
			if (node_item(old_list, i) != old)
				kept = set_union(a, kept, node_get(node_item(old_list, i), "fieldsV1"));
		if (gone)
			take_out(a, after, gone, kept, ROOT);
	}
	struct node *changed = live ? set_changed(a, live, after, ROOT) : NULL;
	if (changed && !force) {
		for (size_t i = 0; i < node_count(old_list); i++) {
			const struct node *theirs = node_get(node_item(old_list, i), "fieldsV1");
			struct node *left =
				node_item(old_list, i) == old ? NULL : set_minus(a, theirs, changed, true);
			if (node_item(old_list, i) != old && (!left || !node_equal(left, theirs)))
				return SSA_CONFLICT;
		}
	}
	managers_lose(a, after, changed, manager, "Apply");
	bool same = live && !changed && old && node_equal(node_get(old, "fieldsV1"), set);
	manager_put(a, after, manager, "Apply", set);
	*out = after;
	return same ? SSA_SAME : SSA_CHANGED;
}

enum ssa_result ssa_update(struct arena *a, const struct node *live, struct node *after, const char *manager)
{
	normalise(a, after);
	struct node *changed = live ? set_changed(a, live, after, ROOT) : set_of(a, after, ROOT);
	bool lists_differ = live && !node_equal(node_at(live, "metadata.managedFields"),
						node_at(after, "metadata.managedFields"));
	if (!changed || !node_count(changed)) {
		/* Timestamps, status and the like are compared by the caller. */
		return lists_differ || !live || !node_equal(live, after) ? SSA_CHANGED : SSA_SAME;
	}
	managers_lose(a, after, changed, manager, "Update");
	struct node *gained = set_present(a, changed, after, ROOT);
	if (gained && node_count(gained)) {
		const struct node *old = manager_find(managers(a, after), manager, "Update");
		manager_put(a, after, manager, "Update",
			    set_union(a, old ? node_get(old, "fieldsV1") : NULL, gained));
	}
	return SSA_CHANGED;
}

static bool contains(struct arena *a, const struct node *whole, const struct node *part, struct str field)
{
	if (!whole)
		return false;
	if (whole->type != part->type || !granular(field, part)) {
		if (part->type == NODE_STRING && str_is(part->text, "1000m"))
			return str_is(node_text(whole), "1");
		return node_equal(whole, part);
	}
	for (size_t i = 0; part->type == NODE_MAP && i < part->map.n; i++) {
		struct str key = part->map.pairs[i].key;
		if (!contains(a, node_get_str(whole, key), part->map.pairs[i].value, key))
			return false;
	}
	for (size_t i = 0; part->type == NODE_SEQ && i < part->seq.n; i++) {
		const struct node *item = part->seq.items[i];
		if (!contains(a, item_find(a, field, whole, item_element(a, field, item)), item, STR("")))
			return false;
	}
	return true;
}

bool ssa_contains(const struct node *whole, const struct node *part)
{
	cleanup_arena struct arena a = ARENA_INIT;
	return contains(&a, whole, part, STR(""));
}

bool ssa_spec_differs(const struct node *a, const struct node *b)
{
	for (int side = 0; side < 2; side++) {
		const struct node *one = side ? b : a, *other = side ? a : b;
		for (size_t i = 0; i < node_count(one); i++) {
			struct str key = one->map.pairs[i].key;
			if (str_is(key, "metadata") || str_is(key, "status"))
				continue;
			if (!node_equal(one->map.pairs[i].value, node_get_str(other, key)))
				return true;
		}
	}
	return false;
}
