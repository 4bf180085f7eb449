/*
 * prepare.c - one object after the other: scope and namespace, labels, normalise, encode; what is wrong with
 * one is a problem of that one.
 */
#include "deploy/cluster/prepare.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/map.h"
#include "deploy/cluster/kinds.h"
#include "deploy/cluster/normalise.h"
#include "deploy/key.h"
#include "deploy/places.h"
#include "doc/json.h"

#define ITEM_PAYLOAD_MAX (1536u * 1024) /* etcd's limit of one request */

struct preparation {
	const struct prepare_options *options;
	const struct render_output *in;
	struct desired *out;
	size_t problems_cap;
	struct map definitions; /* "group/Kind" of the CRDs in the render -> scopes[] */
};

static int scopes[] = { 0, 1 }; /* cluster, namespaced: what the map points to */

static void add_problem(struct preparation *p, struct problem problem)
{
	struct desired *out = p->out;
	struct arena *a = &out->arena;
	if (out->n_problems == p->problems_cap)
		return;
	problem.key = arena_strdup(a, problem.key ? problem.key : "");
	problem.file = arena_strdup(a, problem.file ? problem.file : "");
	problem.text = arena_strdup(a, problem.text);
	out->problems[out->n_problems++] = problem;
	out->n_errors += !problem.warning;
}

/* at: the part of the object that it is about; NULL: all of it. */
static void object_problem(struct preparation *p, const struct render_object *o, const struct node *at,
			   const char *text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct key k = { o->group, o->kind, o->namespace, o->name };
	add_problem(p, (struct problem){ .key = key_text(&a, k),
					 .file = origin_file_of(p->in->origins, at, o->file),
					 .line = at && at->line ? at->line : o->line,
					 .text = text });
}

/* --- scope --- */

static char *kind_id(struct arena *a, struct str group, struct str kind)
{
	return arena_printf(a, "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
}

/* A CRD of the same render declares its kind's scope: it is not served yet, so nobody else could say. */
static void note_definitions(struct preparation *p, struct arena *a)
{
	for (size_t i = 0; i < p->in->n; i++) {
		const struct render_object *o = &p->in->objects[i];
		if (!str_is(o->kind, "CustomResourceDefinition") || !str_is(o->group, "apiextensions.k8s.io"))
			continue;
		struct str group = node_text(node_at(o->root, "spec.group")),
			   kind = node_text(node_at(o->root, "spec.names.kind"));
		struct str scope = node_text(node_at(o->root, "spec.scope"));
		if (str_is(scope, "Namespaced") || str_is(scope, "Cluster"))
			map_put(&p->definitions, str_of(kind_id(a, group, kind)),
				str_is(scope, "Cluster") ? &scopes[0] : &scopes[1]);
	}
}

static int scope_in_render(const struct preparation *p, struct str group, struct str kind)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const int *scope =
		p->definitions.n ? map_get(&p->definitions, str_of(kind_id(&a, group, kind))) : NULL;
	return scope ? *scope : -1;
}

static int scope_of(const struct preparation *p, struct str group, struct str kind)
{
	int scope = kind_scope(group, kind);
	if (scope < 0)
		scope = scope_in_render(p, group, kind);
	if (scope < 0 && p->options->scope)
		scope = p->options->scope(p->options->scope_ctx, group, kind);
	return scope;
}

static bool place(struct preparation *p, struct arena *a, struct render_object *o)
{
	int scope = scope_of(p, o->group, o->kind);
	struct node *metadata = node_get(o->root, "metadata");
	if (scope == 0 && o->namespace.n) {
		object_problem(p, o, NULL, "this kind is cluster-scoped; remove metadata.namespace");
		return false;
	}
	/* A kind that nobody knows yet is most likely namespaced; the server has the last word. */
	if (scope != 0 && !o->namespace.n && p->options->target_namespace) {
		o->namespace = str_of(p->options->target_namespace);
		node_set(a, metadata, STR("namespace"), node_string(a, o->namespace));
	}
	return true;
}

/* --- labels --- */

static struct node *map_in(struct arena *a, struct node *metadata, const char *name)
{
	struct node *map = node_get(metadata, name);
	if (map && map->type == NODE_MAP)
		return map;
	map = node_map(a);
	node_set(a, metadata, str_of(name), map);
	return map;
}

/* Labels and annotations hold strings only; the server would refuse with less helpful words. */
static bool strings_only(struct preparation *p, const struct render_object *o, const char *name)
{
	const struct node *map = node_get(node_get(o->root, "metadata"), name);
	if (map && map->type != NODE_MAP && map->type != NODE_NULL) {
		cleanup_arena struct arena a = ARENA_INIT;
		object_problem(p, o, map, arena_printf(&a, "metadata.%s is not a map", name));
		return false;
	}
	for (size_t i = 0; map && map->type == NODE_MAP && i < node_count(map); i++) {
		const struct node_pair *pair = &map->map.pairs[i];
		if (node_is_string(pair->value) || pair->value->type == NODE_NULL)
			continue;
		cleanup_arena struct arena a = ARENA_INIT;
		object_problem(p, o, pair->value,
			       arena_printf(&a, "metadata.%s: the value of %.*s is not a string; quote it",
					    name, STR_ARG(pair->key)));
		return false;
	}
	return true;
}

static void label(struct preparation *p, struct arena *a, struct render_object *o)
{
	struct node *labels = map_in(a, node_get(o->root, "metadata"), "labels");
	node_set(a, labels, STR(LABEL_APP), node_string(a, str_of(p->options->app_name)));
	node_set(a, labels, STR(LABEL_NAMESPACE), node_string(a, str_of(p->options->app_namespace)));
}

static unsigned flags_of(const struct node *root)
{
	const struct node *annotations = node_at(root, "metadata.annotations");
	unsigned flags = 0;
	if (str_is(node_text(node_get(annotations, ANNOTATION_PRUNE)), "disabled"))
		flags |= DESIRED_PRUNE_DISABLED;
	if (str_is(node_text(node_get(annotations, ANNOTATION_FORCE)), "enabled"))
		flags |= DESIRED_FORCE;
	if (str_is(node_text(node_get(annotations, ANNOTATION_RECONCILE)), "disabled"))
		flags |= DESIRED_IGNORE;
	return flags;
}

/* --- items --- */

static bool encode(struct preparation *p, struct render_object *o, struct desired_item *item)
{
	struct arena *a = &p->out->arena;
	cleanup_buf struct buf json = BUF_INIT;
	json_write_sorted(&json, o->root);
	if (json.n > ITEM_PAYLOAD_MAX) {
		cleanup_arena struct arena scratch = ARENA_INIT;
		object_problem(
			p, o, NULL,
			arena_printf(&scratch, "is %zu KiB large; a cluster takes at most %u KiB. Split it",
				     json.n / 1024, ITEM_PAYLOAD_MAX / 1024));
		return false;
	}
	struct key k = { o->group, o->kind, o->namespace, o->name };
	*item = (struct desired_item){
		.key = str_of(key_text(a, k)),
		.version = arena_str(a, o->version),
		.payload = arena_str(a, buf_str(&json)),
		.hash = hash_of(buf_str(&json)),
		.file = arena_strdup(a, o->file ? o->file : ""),
		.line = o->line,
		.places = p->options->all_places ? places_all(a, p->in->origins, o->root)
						 : places_of(a, p->in->origins, o->root),
		.flags = flags_of(o->root),
	};
	cluster_rank(o->group, o->kind, &item->stage, &item->rank);
	return true;
}

static void prepare_object(struct preparation *p, struct arena *a, const struct render_object *from)
{
	struct render_object o = *from;
	struct error err = ERROR_INIT;
	const struct node *at = NULL;
	if (!strings_only(p, &o, "labels") || !strings_only(p, &o, "annotations") || !place(p, a, &o))
		return;
	if (normalise(a, &o, &at, &err) < 0) {
		object_problem(p, &o, at, err.text);
		return;
	}
	label(p, a, &o);
	if (encode(p, &o, &p->out->items[p->out->n]))
		p->out->n++;
}

static int by_key_then_place(const void *va, const void *vb)
{
	const struct desired_item *a = va, *b = vb;
	int order = str_cmp(a->key, b->key);
	order = order ? order : strcmp(a->file, b->file);
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

/* Filling in namespaces may have made two keys one. */
static void drop_duplicates(struct preparation *p)
{
	struct desired *out = p->out;
	if (out->n < 2)
		return;
	qsort(out->items, out->n, sizeof(*out->items), by_key_then_place);
	size_t kept = 1;
	for (size_t i = 1; i < out->n; i++) {
		struct desired_item *before = &out->items[kept - 1], *item = &out->items[i];
		if (!str_eq(before->key, item->key)) {
			out->items[kept++] = *item;
			continue;
		}
		cleanup_arena struct arena a = ARENA_INIT;
		add_problem(
			p, (struct problem){ .key = item->key.p,
					     .file = item->file,
					     .line = item->line,
					     .text = arena_printf(&a, "is there twice; the first is at %s:%u",
								  before->file, before->line) });
	}
	out->n = kept;
}

static void take_diags(struct preparation *p)
{
	for (size_t i = 0; i < p->in->n_diags; i++) {
		const struct render_diag *d = &p->in->diags[i];
		add_problem(p, (struct problem){ .key = "",
						 .file = d->file,
						 .line = d->line,
						 .text = d->text,
						 .warning = d->severity == RENDER_WARNING });
	}
}

void cluster_prepare(const struct prepare_options *options, const struct render_output *in,
		     struct desired *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct preparation p = { .options = options, .in = in, .out = out };
	p.problems_cap = in->n_diags + 2 * in->n + 1;
	out->problems = arena_array(&out->arena, struct problem, p.problems_cap);
	out->items = arena_array(&out->arena, struct desired_item, in->n + 1);
	take_diags(&p);
	note_definitions(&p, &a);
	for (size_t i = 0; i < in->n; i++)
		prepare_object(&p, &a, &in->objects[i]);
	map_release(&p.definitions);
	drop_duplicates(&p);
	desired_seal(out);
}
