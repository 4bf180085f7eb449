/*
 * resource.c - one resource: what it is called now, and what it was called before.
 *
 * Upstream keeps the past of a resource in annotations of its own (internal.config.kubernetes.io/...), which
 * it takes out at the end; here they are fields of struct kres, so that a tree holds nothing but the object.
 */
#include "render/kustomize/build.h"

#include "render/kustomize/schema.h"
#include "render/kustomize/transform.h"

/* --- identity --- */

struct str kid_effective_namespace(const struct kid *id)
{
	if (id->cluster_scoped)
		return STR("_non_namespaceable_");
	return id->namespace.n ? id->namespace : STR("default");
}

bool kid_equal(const struct kid *a, const struct kid *b)
{
	return str_eq(a->name, b->name) && str_eq(a->kind, b->kind) && str_eq(a->group, b->group) &&
	       str_eq(a->version, b->version) &&
	       str_eq(kid_effective_namespace(a), kid_effective_namespace(b));
}

static struct str or_else(struct str s, const char *otherwise)
{
	return s.n ? s : str_of(otherwise);
}

const char *kid_text(struct arena *a, const struct kid *id)
{
	return arena_printf(a, "%.*s.%.*s.%.*s/%.*s.%.*s", STR_ARG(or_else(id->kind, "[noKind]")),
			    STR_ARG(or_else(id->version, "[noVer]")), STR_ARG(or_else(id->group, "[noGrp]")),
			    STR_ARG(or_else(id->name, "[noName]")),
			    STR_ARG(or_else(id->namespace, "[noNs]")));
}

static void split_api_version(struct str api_version, struct str *group, struct str *version)
{
	struct str rest, first = str_cut(api_version, '/', &rest);
	bool has_group = first.n < api_version.n;
	*group = has_group ? first : (struct str){ "", 0 };
	*version = has_group ? rest : first;
}

struct kid kid_make(const struct kbuild *b, struct str api_version, struct str kind, struct str name,
		    struct str namespace)
{
	struct kid id = { .kind = kind, .name = name, .namespace = namespace };
	split_api_version(api_version, &id.group, &id.version);
	id.cluster_scoped = kschema_scope(b->schema, id.group, id.version, kind) == KSCOPE_CLUSTER;
	return id;
}

struct kid kres_id(const struct kbuild *b, const struct kres *r)
{
	const struct node *metadata = node_get(r->root, "metadata");
	return kid_make(b, kres_api_version(r), kres_kind(r), knode_text(node_get(metadata, "name")),
			knode_text(node_get(metadata, "namespace")));
}

struct kid kres_previous_id(const struct kbuild *b, const struct kres *r, size_t i)
{
	const struct kprevious *p = &r->previous.at[i];
	struct kid id = { .kind = p->kind, .name = p->name, .namespace = p->namespace };
	(void)b;
	split_api_version(kres_api_version(r), &id.group, &id.version);
	return id;
}

struct kid kres_original_id(const struct kbuild *b, const struct kres *r)
{
	return r->previous.n ? kres_previous_id(b, r, 0) : kres_id(b, r);
}

void kres_store_previous(struct kbuild *b, struct kres *r)
{
	struct kid id = kres_id(b, r);
	struct kprevious previous = {
		.kind = id.kind,
		.name = id.name,
		.namespace = kid_effective_namespace(&id),
	};
	vec_push(&r->previous, previous);
}

/* --- fields --- */

struct str knode_text(const struct node *n)
{
	if (!n || n->type == NODE_NULL || n->type == NODE_MAP || n->type == NODE_SEQ)
		return (struct str){ "", 0 };
	return n->text;
}

struct str kres_kind(const struct kres *r)
{
	return knode_text(node_get(r->root, "kind"));
}

struct str kres_api_version(const struct kres *r)
{
	return knode_text(node_get(r->root, "apiVersion"));
}

struct str kres_name(const struct kres *r)
{
	return knode_text(node_get(node_get(r->root, "metadata"), "name"));
}

struct str kres_namespace(const struct kres *r)
{
	return knode_text(node_get(node_get(r->root, "metadata"), "namespace"));
}

static struct node *metadata_map(const struct kres *r, const char *field)
{
	struct node *map = node_get(node_get(r->root, "metadata"), field);
	return map && map->type == NODE_MAP ? map : NULL;
}

struct node *kres_annotations(const struct kres *r)
{
	return metadata_map(r, "annotations");
}

struct node *kres_labels(const struct kres *r)
{
	return metadata_map(r, "labels");
}

struct node *kres_map_at(struct kbuild *b, struct node *in, struct str key)
{
	struct node *map = node_get_str(in, key);
	if (map && map->type == NODE_MAP)
		return map;
	map = node_map(b->a);
	map->line = in->line;
	map->column = in->column;
	map->origin = in->origin;
	node_set(b->a, in, key, map);
	return map;
}

struct node *kres_text_value(struct kbuild *b, struct node *value)
{
	bool has_text = value->type != NODE_MAP && value->type != NODE_SEQ;
	bool lines = has_text && str_find(value->text, '\n', 0) != SIZE_MAX;
	if (value->type == NODE_STRING && value->style != NODE_TIMESTAMP && !value->untagged &&
	    (!lines || value->style == NODE_LITERAL))
		return value;
	struct node *text = node_string(b->a, has_text ? value->text : (struct str){ "", 0 });
	text->style = lines ? NODE_LITERAL : NODE_PLAIN;
	text->line = value->line;
	text->column = value->column;
	text->origin = value->origin;
	return text;
}

void kres_set_annotation(struct kbuild *b, struct kres *r, struct str key, struct str value)
{
	struct node *metadata = kres_map_at(b, r->root, STR("metadata"));
	struct node *annotations = kres_map_at(b, metadata, STR("annotations"));
	struct node *text = node_string(b->a, value);
	text->line = annotations->line;
	text->column = annotations->column;
	text->origin = annotations->origin;
	node_set(b->a, annotations, key, text);
}

static const char *const behaviors[] = {
	[KBEHAVIOR_UNSET] = "unspecified",
	[KBEHAVIOR_CREATE] = "create",
	[KBEHAVIOR_REPLACE] = "replace",
	[KBEHAVIOR_MERGE] = "merge",
};

enum kbehavior kbehavior_read(struct str name)
{
	for (enum kbehavior b = KBEHAVIOR_CREATE; b <= KBEHAVIOR_MERGE; b++)
		if (str_is(name, behaviors[b]))
			return b;
	return KBEHAVIOR_UNSET;
}

const char *kbehavior_name(enum kbehavior behavior)
{
	return behaviors[behavior];
}

/* --- making --- */

struct kres *kres_new(struct kbuild *b, struct node *root, const char *file)
{
	struct kres *r = arena_new(b->a, struct kres);
	r->root = root;
	r->file = file;
	r->line = root ? root->line : 0;
	vec_push(&b->all, r);
	return r;
}

bool kres_is_empty(const struct kres *r)
{
	const struct node *n = r->root;
	return !n || n->type == NODE_NULL ||
	       ((n->type == NODE_MAP || n->type == NODE_SEQ) && node_count(n) == 0);
}

#define copy_vec(to, from)                        \
	for (size_t i_ = 0; i_ < (from)->n; i_++) \
	vec_push((to), (from)->at[i_])

struct kres *kres_copy(struct kbuild *b, const struct kres *r)
{
	struct kres *copy = kres_new(b, r->root ? node_copy(b->a, r->root) : NULL, r->file);
	copy->line = r->line;
	copy_vec(&copy->previous, &r->previous);
	copy_vec(&copy->prefixes, &r->prefixes);
	copy_vec(&copy->suffixes, &r->suffixes);
	copy->behavior = r->behavior;
	copy->generated = r->generated;
	copy->needs_hash = r->needs_hash;
	copy->allow_name_change = r->allow_name_change;
	copy->allow_kind_change = r->allow_kind_change;
	copy->gone = r->gone;
	return copy;
}

void kres_release(struct kres *r)
{
	vec_release(&r->previous);
	vec_release(&r->prefixes);
	vec_release(&r->suffixes);
}
