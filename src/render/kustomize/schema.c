/*
 * schema.c - what is known of kinds: the built-in tables, and a document that `openapi: {path}` names.
 *
 * Upstream parses lazily into one global set, to which a document adds; so it depends on what a build did
 * before whether the built-in definitions are there beside it, and which of two with one name counts. That is
 * kept here as three facts: the built-in ones are loaded, the own ones are, and which came last.
 */
#include "render/kustomize/schema.h"

#include "render/kustomize/schema_data.h"

#define BUILTIN_VERSION "v1.21.2"
#define DEFINITIONS "#/definitions/"
#define KUSTOMIZE_GROUP "kustomize.config.k8s.io" /* kinds that upstream adds to any document */

enum { REF_STEPS_MAX = 64 };

/* A type of the document, or a built-in one that may lead into the document. */
struct own_type {
	struct kschema_type head;
	struct kschema *schema;
	const struct node *node;
	uint16_t builtin; /* when node is NULL */
	struct own_type *next;
};

struct named {
	struct str name;
	const struct node *node;
};

struct own_kind {
	struct str group, version, kind;
	const struct node *node; /* its definition, or NULL: it is only in the paths */
	enum kscope scope;
};

enum { OWN_BUCKETS = 1024 };

struct kschema {
	struct kbuild *b;
	bool set;		     /* a kustomization has chosen */
	const struct node *document; /* or NULL */
	bool parsed, builtin, own, own_last;
	bool scope_was_asked; /* before anything was parsed: then the built-in ones are parsed with the rest
			       */
	struct named *definitions;
	size_t n_definitions;
	VEC(struct own_kind) kinds; /* the arena's */
	struct own_type **types;    /* OWN_BUCKETS of them */
};

struct kschema *kschema_new(struct kbuild *b)
{
	struct kschema *s = arena_new(b->a, struct kschema);
	s->b = b;
	return s;
}

int kschema_set_version(struct kbuild *b, struct str version, struct error *err)
{
	struct kschema *s = b->schema;
	if (s->set || version.n == 0)
		return 0;
	if (!str_is(version, BUILTIN_VERSION))
		return error_set(err, "version %.*s is not built in; " BUILTIN_VERSION " is",
				 STR_ARG(version));
	s->set = true;
	return 0;
}

int kschema_set(struct kbuild *b, const struct node *swagger, struct error *err)
{
	struct kschema *s = b->schema;
	if (s->set)
		return 0;
	const struct node *definitions = node_get(swagger, "definitions");
	if (!swagger || swagger->type != NODE_MAP || (definitions && definitions->type != NODE_MAP))
		return error_set(err, "it is no OpenAPI document: a map with `definitions` is expected");
	s->set = true;
	s->document = swagger;
	s->parsed = false;
	return 0;
}

/* --- the document --- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int by_kind(const void *a, const void *b)
{
	const struct own_kind *x = a, *y = b;
	int order = str_cmp(x->kind, y->kind);
	order = order ? order : str_cmp(x->group, y->group);
	return order ? order : str_cmp(x->version, y->version);
}

static struct own_kind own_kind(const struct node *gvk)
{
	return (struct own_kind){ .group = node_text(node_get(gvk, "group")),
				  .version = node_text(node_get(gvk, "version")),
				  .kind = node_text(node_get(gvk, "kind")) };
}

static void add_kind(struct kschema *s, struct own_kind kind)
{
	if (s->kinds.n == s->kinds.cap) {
		size_t cap = s->kinds.cap ? s->kinds.cap * 2 : 64;
		struct own_kind *at = arena_array(s->b->a, struct own_kind, cap);
		if (s->kinds.n)
			memcpy(at, s->kinds.at, s->kinds.n * sizeof(*at));
		s->kinds.at = at;
		s->kinds.cap = cap;
	}
	s->kinds.at[s->kinds.n++] = kind;
}

static void add_definitions(struct kschema *s, const struct node *definitions)
{
	size_t n = node_count(definitions);
	s->definitions = arena_array(s->b->a, struct named, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct node_pair *pair = &definitions->map.pairs[i];
		const struct node *gvks = node_get(pair->value, "x-kubernetes-group-version-kind");
		s->definitions[i] = (struct named){ pair->key, pair->value };
		for (size_t k = 0; gvks && gvks->type == NODE_SEQ && k < gvks->seq.n; k++) {
			struct own_kind kind = own_kind(gvks->seq.items[k]);
			kind.node = pair->value;
			add_kind(s, kind);
		}
	}
	s->n_definitions = n;
	qsort(s->definitions, n, sizeof(*s->definitions), by_name);
}

static void add_scopes(struct kschema *s, const struct node *paths)
{
	for (size_t i = 0; paths && paths->type == NODE_MAP && i < paths->map.n; i++) {
		const struct node_pair *pair = &paths->map.pairs[i];
		const struct node *gvk =
			node_get(node_get(pair->value, "get"), "x-kubernetes-group-version-kind");
		if (!gvk)
			continue;
		struct own_kind kind = own_kind(gvk);
		kind.scope = memmem(pair->key.p, pair->key.n, "namespaces/{namespace}", 22)
				     ? KSCOPE_NAMESPACED
				     : KSCOPE_CLUSTER;
		add_kind(s, kind);
	}
}

/* One entry a kind: a definition, and namespaced as soon as one path says so. */
static void unite_kinds(struct kschema *s)
{
	size_t n = 0;
	if (s->kinds.n == 0)
		return;
	qsort(s->kinds.at, s->kinds.n, sizeof(*s->kinds.at), by_kind);
	for (size_t i = 1; i < s->kinds.n; i++) {
		const struct own_kind *from = &s->kinds.at[i];
		struct own_kind *into = &s->kinds.at[n];
		if (by_kind(into, from)) {
			s->kinds.at[++n] = *from;
			continue;
		}
		if (from->node)
			into->node = from->node;
		if (from->scope && into->scope != KSCOPE_NAMESPACED)
			into->scope = from->scope;
	}
	s->kinds.n = n + 1;
}

static void parse(struct kschema *s)
{
	if (s->parsed)
		return;
	s->parsed = true;
	if (!s->document) {
		s->builtin = true;
		return;
	}
	s->types = arena_array(s->b->a, struct own_type *, OWN_BUCKETS);
	add_definitions(s, node_get(s->document, "definitions"));
	add_scopes(s, node_get(s->document, "paths"));
	unite_kinds(s);
	s->own = true;
	s->own_last = true;
	if (s->scope_was_asked && !s->builtin) {
		s->builtin = true;
		s->own_last = false;
	}
}

/* --- types --- */

static struct own_type *own_type(struct kschema *s, const struct node *node, uint16_t builtin)
{
	struct own_type **bucket = &s->types[((uintptr_t)node / 32 + builtin) % OWN_BUCKETS];
	for (struct own_type *t = *bucket; t; t = t->next)
		if (t->node == node && t->builtin == builtin)
			return t;
	struct own_type *t = arena_new(s->b->a, struct own_type);
	*t = (struct own_type){
		.head.form = FORM_OWN, .schema = s, .node = node, .builtin = builtin, .next = *bucket
	};
	*bucket = t;
	return t;
}

static const struct kschema_type *from_node(struct kschema *s, const struct node *node)
{
	return node ? &own_type(s, node, 0)->head : NULL;
}

static const struct node *own_definition(const struct kschema *s, struct str name)
{
	struct named key = { .name = name };
	const struct named *found =
		s->own ? bsearch(&key, s->definitions, s->n_definitions, sizeof(key), by_name) : NULL;
	return found ? found->node : NULL;
}

/* A built-in type as what it is once there is a document: it, or fields below it, may have been replaced. */
static const struct kschema_type *from_builtin(struct kschema *s, uint16_t number)
{
	char buf[256];
	if (!number || !s->own)
		return schema_data_type(number);
	struct str name = schema_data_name(number, buf);
	const struct node *own = s->own_last && name.n ? own_definition(s, name) : NULL;
	return own ? from_node(s, own) : &own_type(s, NULL, number)->head;
}

static const struct kschema_type *definition(struct kschema *s, struct str name)
{
	const struct node *own = own_definition(s, name);
	uint16_t number = s->builtin ? schema_data_definition(name) : 0;
	if (own && (s->own_last || !number))
		return from_node(s, own);
	return from_builtin(s, number);
}

/* What node stands for: itself, or what it refers to. */
static const struct kschema_type *resolve(struct kschema *s, const struct node *node)
{
	for (int i = 0; i < REF_STEPS_MAX; i++) {
		struct str ref = node_text(node_get(node, "$ref"));
		if (ref.n == 0)
			return from_node(s, node);
		if (!str_starts(ref, STR(DEFINITIONS)))
			return NULL;
		const struct kschema_type *t = definition(s, str_from(ref, strlen(DEFINITIONS)));
		node = t && t->form == FORM_OWN ? ((const struct own_type *)t)->node : NULL;
		if (!node)
			return t;
	}
	return NULL;
}

static const struct own_kind *find_kind(const struct kschema *s, struct str group, struct str version,
					struct str kind)
{
	struct own_kind key = { .group = group, .version = version, .kind = kind };
	return s->own && s->kinds.n ? bsearch(&key, s->kinds.at, s->kinds.n, sizeof(key), by_kind) : NULL;
}

const struct kschema_type *kschema_kind(struct kschema *s, struct str group, struct str version,
					struct str kind)
{
	enum kscope ignored;
	parse(s);
	const struct own_kind *own = find_kind(s, group, version, kind);
	bool tables = s->builtin || str_is(group, KUSTOMIZE_GROUP);
	uint16_t number = tables ? schema_data_kind(group, version, kind, &ignored) : 0;
	if (own && own->node && (s->own_last || !number))
		return from_node(s, own->node);
	return from_builtin(s, number);
}

enum kscope kschema_scope(struct kschema *s, struct str group, struct str version, struct str kind)
{
	enum kscope scope;
	schema_data_kind(group, version, kind, &scope);
	if (scope != KSCOPE_UNKNOWN)
		return scope;
	if (!s->parsed && s->document)
		parse(s);
	else if (!s->parsed)
		s->scope_was_asked = true;
	const struct own_kind *own = find_kind(s, group, version, kind);
	return own ? own->scope : KSCOPE_UNKNOWN;
}

static const struct own_type *own_of(const struct kschema_type *t)
{
	return t->form == FORM_OWN ? (const struct own_type *)t : NULL;
}

/* The built-in type that t is or stands for; NULL: it is one of the document. */
static const struct kschema_type *builtin_of(const struct kschema_type *t)
{
	const struct own_type *own = own_of(t);
	return own ? schema_data_type(own->builtin) : t;
}

static const struct kschema_type *follow(const struct kschema_type *t, uint16_t number)
{
	const struct own_type *own = own_of(t);
	return own ? from_builtin(own->schema, number) : schema_data_type(number);
}

const struct kschema_type *kschema_field(const struct kschema_type *t, struct str field)
{
	const struct kschema_type *builtin = builtin_of(t);
	if (builtin)
		return follow(t, schema_data_field(builtin, field));
	const struct own_type *own = own_of(t);
	const struct node *node = node_get_str(node_get(own->node, "properties"), field);
	if (!node)
		node = node_get(own->node, "additionalProperties");
	return node && node->type == NODE_MAP ? resolve(own->schema, node) : NULL;
}

static bool is_array(const struct node *type)
{
	return str_is(node_text(type), "array") ||
	       (node_count(type) == 1 && str_is(node_text(node_item(type, 0)), "array"));
}

const struct kschema_type *kschema_items(const struct kschema_type *t)
{
	const struct kschema_type *builtin = builtin_of(t);
	if (builtin)
		return builtin->form == FORM_LIST ? follow(t, builtin->item) : NULL;
	const struct own_type *own = own_of(t);
	const struct node *items = node_get(own->node, "items");
	if (!is_array(node_get(own->node, "type")) || !items || items->type != NODE_MAP)
		return NULL;
	return resolve(own->schema, items);
}

struct str kschema_patch_strategy(const struct kschema_type *t)
{
	const struct kschema_type *builtin = builtin_of(t);
	if (builtin)
		return schema_data_text(builtin->strategy);
	return node_text(node_get(own_of(t)->node, "x-kubernetes-patch-strategy"));
}

size_t kschema_merge_keys(const struct kschema_type *t, struct str out[KSCHEMA_KEYS_MAX])
{
	const struct kschema_type *builtin = builtin_of(t);
	size_t n = 0;
	if (builtin) {
		if (builtin->key)
			out[n++] = schema_data_text(builtin->key);
		if (builtin->other_key)
			out[n++] = schema_data_text(builtin->other_key);
		return n;
	}
	const struct node *node = own_of(t)->node;
	if (!node_get(node, "x-kubernetes-patch-strategy"))
		return 0;
	const struct node *keys = node_get(node, "x-kubernetes-list-map-keys");
	if (keys) {
		for (size_t i = 0; keys->type == NODE_SEQ && i < keys->seq.n && n < KSCHEMA_KEYS_MAX; i++)
			out[n++] = node_text(keys->seq.items[i]);
		return n;
	}
	const struct node *key = node_get(node, "x-kubernetes-patch-merge-key");
	if (key)
		out[n++] = node_text(key);
	return n;
}
