/* strategic.c - strategic merge: directives, maps, scalars, and what a resource keeps. See strategic.h. */
#include "render/kustomize/strategic.h"

#include "base/map.h"
#include "doc/yaml.h"

/* --- directives --- */

static const struct {
	const char *text;
	enum merge_directive directive;
} directives[] = {
	{ "merge", MERGE_MERGE },
	{ "replace", MERGE_REPLACE },
	{ "delete", MERGE_DELETE },
};

static int read_directive(struct merge *m, const struct node *value, enum merge_directive *out)
{
	struct str text = merge_text(value);
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++)
		if (str_is(text, directives[i].text)) {
			*out = directives[i].directive;
			return 0;
		}
	return error_set(m->err, "line %u: $patch must be merge, replace or delete, not `%.*s`", value->line,
			 (int)(text.n > 80 ? 80 : text.n), text.p);
}

/* The first element with the directive, if it has little else: such an element is about the list. */
static const struct node *list_directive(const struct node *list)
{
	for (uint32_t i = 0; i < list->seq.n; i++) {
		const struct node *element = list->seq.items[i], *value = node_get(element, "$patch");
		if (value)
			return element->map.n > 1 ? NULL : value;
	}
	return NULL;
}

int merge_directive(struct merge *m, struct node *patch, enum merge_directive *out)
{
	struct str key = STR("$patch");
	*out = MERGE_MERGE;
	if (!patch)
		return 0;
	if (patch->type == NODE_MAP) {
		const struct node *value = node_get_str(patch, key);
		if (!value)
			return 0;
		if (read_directive(m, value, out))
			return -1;
		node_del(patch, key);
		return 0;
	}
	if (patch->type != NODE_SEQ)
		return error_set(m->err, "line %u: a plain value stands where a map or a list is",
				 patch->line);
	const struct node *value = list_directive(patch);
	if (!value)
		return 0;
	struct str text = merge_text(value);
	if (read_directive(m, value, out))
		return -1;
	return merge_set_element(m, patch, NULL, (struct texts){ &key, 1 }, (struct texts){ &text, 1 });
}

/* --- setting --- */

/* Upstream keeps the style of the value that stands there; a type keeps its own mark for times. */
static void take_style(struct node *value, enum node_style style)
{
	if (value->type == NODE_MAP || value->type == NODE_SEQ)
		return;
	if (style == NODE_TIMESTAMP)
		style = NODE_PLAIN;
	if (style != NODE_PLAIN || value->style != NODE_TIMESTAMP)
		value->style = style;
}

/* What YAML 1.1 takes for something else than a text is quoted, if it is a text or has no tag. */
static void quote_special(struct node *n)
{
	if (n->type == NODE_MAP || n->type == NODE_SEQ || n->style != NODE_PLAIN ||
	    (n->type != NODE_STRING && !n->untagged) || !yaml_was_special(n->text))
		return;
	n->type = NODE_STRING;
	n->style = NODE_DOUBLE_QUOTED;
}

static bool same_scalar(const struct node *a, const struct node *b)
{
	return a->type == b->type && a->type != NODE_MAP && a->type != NODE_SEQ && str_eq(a->text, b->text);
}

/* Writes value over what stands there. */
static void overwrite(struct merge *m, struct node *at, const struct node *value)
{
	struct node before = *at;
	*at = *value;
	take_style(at, before.style);
	if (same_scalar(&before, at)) {
		at->line = before.line;
		at->column = before.column;
		at->origin = before.origin;
	} else if (at->origin == m->origin) {
		at->origin = origin_step(m->b->origins, m->file, m->step, &before);
	}
}

/* A pair whose value is NULL is cleared; the map is put in order at the end. */
static void set_pair(struct merge *m, struct node_pair *pair, struct merged value)
{
	struct node *n = value.node;
	if (n)
		quote_special(n);
	if (!n || (n->type == NODE_NULL && !value.keep))
		pair->value = NULL;
	else if (n != pair->value)
		overwrite(m, pair->value, n);
}

static void drop_cleared(struct node *map)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < map->map.n; i++)
		if (map->map.pairs[i].value)
			map->map.pairs[n++] = map->map.pairs[i];
	map->map.n = n;
}

void merge_untag(struct merge *m, struct node *n)
{
	bool quoted = n->style != NODE_PLAIN && n->style != NODE_TIMESTAMP;
	const struct node *plain = yaml_kyaml_scalar(m->b->a, n->text);
	n->type = quoted ? NODE_STRING : plain->type;
	n->style = quoted ? n->style : plain->style;
	n->boolean = plain->boolean;
	n->untagged = true;
}

void merge_set_scalar(struct merge *m, struct node *map, struct str key, struct str text)
{
	struct node *n = yaml_kyaml_scalar(m->b->a, text), *before = node_get_str(map, key);
	n->line = map->line;
	n->column = map->column;
	n->origin = map->origin;
	bool quoted = before && before->type != NODE_MAP && before->type != NODE_SEQ &&
		      before->style != NODE_PLAIN && before->style != NODE_TIMESTAMP;
	if (quoted || (!before && yaml_was_special(text))) {
		n->type = NODE_STRING;
		n->style = quoted ? before->style : NODE_DOUBLE_QUOTED;
	}
	if (before) {
		n->line = before->line;
		n->column = before->column;
		n->origin = before->origin;
		*before = *n;
		return;
	}
	node_add(m->b->a, map, key, n);
}

/* --- walking --- */

/* The schema of an object inside of what nothing is known of. */
static const struct kschema_type *embedded_type(struct merge *m, const struct node *n)
{
	if (!n || n->type != NODE_MAP)
		return NULL;
	const struct node *kind = node_get(n, "kind"), *version = node_get(n, "apiVersion");
	if (merge_is_missing(kind) || merge_is_missing(version) || !merge_text(kind).n ||
	    !merge_text(version).n)
		return NULL;
	struct kid id = kid_make(m->b, merge_text(version), merge_text(kind), (struct str){ "", 0 },
				 (struct str){ "", 0 });
	return kschema_kind(m->b->schema, id.group, id.version, id.kind);
}

static bool has_merge_strategy(const struct kschema_type *t)
{
	struct str rest = t ? kschema_patch_strategy(t) : (struct str){ "", 0 };
	while (rest.n)
		if (str_is(str_cut(rest, ',', &rest), "merge"))
			return true;
	return false;
}

int merge_begin(struct merge *m, struct node **dest, struct node *patch)
{
	enum merge_directive directive;
	if (patch && patch->type == NODE_NULL) {
		*dest = NULL;
		return 0;
	}
	if (merge_directive(m, patch, &directive))
		return -1;
	if (directive == MERGE_DELETE)
		*dest = NULL;
	else if (directive == MERGE_REPLACE)
		*dest = patch;
	return 0;
}

/* Upstream's VisitMap: what is merged into; *keep: it is a null that stays. */
static int begin_map(struct merge *m, struct node **dest, struct node *patch, bool *keep)
{
	enum merge_directive directive;
	*keep = false;
	if (merge_is_missing(*dest)) {
		/* A wrong directive is no error here: it stays in what is added. */
		struct error *err = m->err;
		m->err = NULL;
		if (merge_directive(m, patch, &directive))
			directive = MERGE_MERGE;
		m->err = err;
		*keep = !patch && *dest && (*dest)->text.n;
		if (!*keep)
			*dest = directive == MERGE_DELETE ? NULL : patch;
		return 0;
	}
	return merge_begin(m, dest, patch);
}

/* Position + 1 in a map's first n pairs; large maps get an index. */
struct finder {
	const struct node *map;
	uint32_t n;
	struct map index;
};

enum { INDEXED = 16 };

static void finder_release(struct finder *f)
{
	map_release(&f->index);
}

static size_t find_key(struct finder *f, struct str key)
{
	const struct node_pair *pairs = f->map->map.pairs;
	if (f->n <= INDEXED) {
		for (size_t i = 0; i < f->n; i++)
			if (str_eq(pairs[i].key, key))
				return i + 1;
		return 0;
	}
	for (size_t i = f->index.n; i < f->n; i++)
		map_put(&f->index, pairs[i].key, (void *)(i + 1));
	return (size_t)map_get(&f->index, key);
}

static int walk_field(struct merge *m, const struct kschema_type *t, struct str key, struct node *dest,
		      struct node *patch, struct merged *out)
{
	/* Upstream cannot set it. */
	if (key.n == 0)
		return error_set(m->err, "a key is empty; what has such a key cannot be patched this way");
	if (merge_walk(m, t ? kschema_field(t, key) : NULL, dest, patch, out) == 0)
		return 0;
	return error_wrap(m->err, "%.*s", (int)(key.n > 80 ? 80 : key.n), key.p);
}

/* What only the patch has is added behind; of[i] becomes the value that it has for dest's i-th key. */
static int walk_patch_fields(struct merge *m, const struct kschema_type *t, struct node *dest,
			     const struct node *patch, struct node **of)
{
	struct finder f = { .map = dest, .n = dest->map.n, .index = MAP_INIT };
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < patch->map.n; i++) {
		const struct node_pair *pair = &patch->map.pairs[i];
		struct merged value;
		size_t at = find_key(&f, pair->key);
		if (at) {
			of[at - 1] = pair->value;
			continue;
		}
		rc = walk_field(m, t, pair->key, NULL, pair->value, &value);
		if (rc == 0 && value.node && (value.node->type != NODE_NULL || value.keep)) {
			quote_special(value.node);
			node_add(m->b->a, dest, pair->key, value.node);
		}
	}
	finder_release(&f);
	return rc;
}

static int walk_fields(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch)
{
	uint32_t n = dest->map.n;
	bool other = patch && patch != dest && patch->type == NODE_MAP && patch->map.n;
	struct node **of = other && n ? arena_array(m->scratch, struct node *, n) : NULL;
	if (other && walk_patch_fields(m, t, dest, patch, of))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		struct node_pair *pair = &dest->map.pairs[i];
		struct node *from = patch == dest ? pair->value : of ? of[i] : NULL;
		struct merged value;
		if (walk_field(m, t, pair->key, pair->value, from, &value))
			return -1;
		set_pair(m, pair, value);
	}
	drop_cleared(dest);
	return 0;
}

static int walk_map(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch,
		    struct merged *out)
{
	bool keep;
	*out = (struct merged){ NULL };
	if (begin_map(m, &dest, patch, &keep))
		return -1;
	*out = (struct merged){ dest, keep };
	return dest && dest->type == NODE_MAP ? walk_fields(m, t, dest, patch) : 0;
}

static const char *kind_name(const struct node *n)
{
	return n->type == NODE_MAP ? "a map" : n->type == NODE_SEQ ? "a list" : "a plain value";
}

static bool is_alike(const struct node *a, const struct node *b)
{
	return (a->type == NODE_MAP) == (b->type == NODE_MAP) &&
	       (a->type == NODE_SEQ) == (b->type == NODE_SEQ);
}

int merge_walk(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch,
	       struct merged *out)
{
	const struct node *first = !merge_is_missing(dest) ? dest : !merge_is_missing(patch) ? patch : NULL;
	if (!merge_is_missing(dest) && !merge_is_missing(patch) && !is_alike(dest, patch))
		return error_set(m->err, "line %u: the patch has %s where the resource has %s (line %u)",
				 patch->line, kind_name(patch), kind_name(dest), dest->line);
	if (!t)
		t = embedded_type(m, dest);
	if (!t)
		t = embedded_type(m, patch);
	if (!first || first->type == NODE_MAP)
		return walk_map(m, t, dest, patch, out);
	if (first->type == NODE_SEQ && has_merge_strategy(t))
		return merge_keyed_list(m, t, dest, patch, out);
	*out = (struct merged){ patch ? patch : dest, false };
	return 0;
}

/* --- resources --- */

/* A name that the resource keeps; where its value came from is kept with it. */
struct kept {
	bool there;
	struct str text;
	struct node node;
};

static struct kept keep(const struct node *n)
{
	struct kept k = { .there = n != NULL, .text = knode_text(n) };
	if (n)
		k.node = *n;
	return k;
}

static void restore(struct merge *m, struct node *map, const char *key, const struct kept *k)
{
	struct node *n = node_get(map, key);
	if (n && k->there && n->origin == k->node.origin && same_scalar(n, &k->node)) {
		if (n->style == NODE_PLAIN && n->type != NODE_NULL)
			merge_untag(m, n); /* upstream writes it all the same, without a tag */
		return;
	}
	merge_set_scalar(m, map, str_of(key), k->text);
	n = node_get(map, key);
	if (k->there) {
		n->line = k->node.line;
		n->column = k->node.column;
		n->origin = k->node.origin;
	}
}

static struct node *metadata_of(struct merge *m, struct node *root)
{
	struct node *metadata = node_get(root, "metadata");
	if (metadata && metadata->type == NODE_MAP)
		return metadata;
	metadata = node_map(m->b->a);
	metadata->line = root->line;
	metadata->column = root->column;
	metadata->origin = root->origin;
	node_set(m->b->a, root, STR("metadata"), metadata);
	return metadata;
}

static bool replaces(const struct node *map)
{
	struct str directive = merge_text(node_get(map, "$patch"));
	return map && (map->type == NODE_NULL || str_is(directive, "delete") || str_is(directive, "replace"));
}

/* Whether nothing is left of the annotations that a resource had. */
static bool wipes_annotations(const struct node *patch)
{
	const struct node *metadata = node_get(patch, "metadata");
	return replaces(metadata) || replaces(node_get(metadata, "annotations"));
}

static int merge_resource(struct merge *m, struct kres *r, const struct kres *patch)
{
	const struct node *old = node_get(r->root, "metadata");
	struct kept kind = keep(node_get(r->root, "kind")), name = keep(node_get(old, "name")),
		    namespace = keep(node_get(old, "namespace"));
	struct node *copy = node_copy(m->b->a, patch->root);
	struct merged merged;
	node_set_origin(copy, m->origin);
	if (merge_walk(m, NULL, r->root, copy, &merged))
		return -1;
	/* Upstream goes on with the tree it had, also where the patch says to replace all of it. */
	if (merge_is_missing(merged.node) || kres_is_empty(r)) {
		r->gone = true;
		return 0;
	}
	if (wipes_annotations(patch->root))
		kinternals_forget(r);
	if (merged.node == r->root) {
		r->allow_name_change |= patch->allow_name_change;
		r->allow_kind_change |= patch->allow_kind_change;
	}
	if (!patch->allow_kind_change)
		restore(m, r->root, "kind", &kind);
	if (!patch->allow_name_change)
		restore(m, metadata_of(m, r->root), "name", &name);
	if (namespace.text.n)
		restore(m, metadata_of(m, r->root), "namespace", &namespace);
	else
		node_del(node_get(r->root, "metadata"), STR("namespace"));
	return 0;
}

int kpatch_strategic(struct kbuild *b, struct kres *r, const struct kres *patch, const char *step,
		     struct error *err)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct merge m = {
		.b = b,
		.scratch = &scratch,
		.file = patch->file,
		.step = step,
		.origin = origin_step(b->origins, patch->file, step, NULL),
		.err = err,
	};
	if (patch->allow_name_change || patch->allow_kind_change)
		kres_store_previous(b, r);
	if (merge_resource(&m, r, patch) == 0)
		return 0;
	struct kid id = kres_id(b, r);
	return error_wrap(err, "%s:%u: the patch does not fit %s (%s:%u)", patch->file, patch->line,
			  kid_text(b->a, &id), r->file, r->line);
}
