/*
 * nameref.c - references follow the names that changed (upstream: accumulator/namereferencetransformer.go and
 * api/filters/nameref). A field that may hold a name of some kind is known by its spec; what stands there is
 * looked up among the earlier names of resources of that kind, and becomes the present one.
 *
 * nameref_find.c finds that resource; here is the way through all objects. Upstream goes through them in no
 * certain order; here it is theirs. For one object the order is that of the specs, which matters where two of
 * them lead to the same field.
 */
#include "render/kustomize/nameref.h"

/* A field that may hold the name of something. */
struct reference {
	struct kgvk target;
	struct kgvk referrer; /* what the referrer originally was */
	struct kfield field;
	bool of_role; /* the kind stands beside it, in roleRef */
};

/* The references of objects of one kind. */
struct plan {
	VEC(struct reference) references;
};

struct fixing {
	struct kbuild *b;
	const struct kconfig *config;
	struct nameref_index *index;
	struct map plans; /* original kind -> struct plan, in the arena */
	struct error *err;
};

static int add_references(struct fixing *f, struct str kind, const struct knameref *ref, struct plan *plan)
{
	for (size_t i = 0; i < ref->referrers.n; i++) {
		const struct kfieldspec *spec = &ref->referrers.at[i];
		if (spec->kind.n && !str_eq(spec->kind, kind))
			continue;
		struct reference reference = {
			.target = { ref->group, ref->version, ref->kind },
			.of_role = str_ends(spec->path, STR("roleRef/name")),
		};
		if (kfield_ready(f->b->a, spec, &reference.field, f->err))
			return error_wrap(f->err, "nameReference of %.*s: `%.*s`", STR_ARG(ref->kind),
					  STR_ARG(spec->path));
		reference.referrer = reference.field.gvk;
		/* Nothing is ever made on the way, and the object may have become another kind since. */
		reference.field.gvk = (struct kgvk){ { 0 } };
		vec_push(&plan->references, reference);
	}
	return 0;
}

/* Made when the first object of a kind is met: most kinds never are. */
static int plan_of(struct fixing *f, struct str kind, struct plan **out)
{
	*out = map_get(&f->plans, kind);
	if (*out)
		return 0;
	*out = arena_new(f->b->a, struct plan);
	map_put(&f->plans, kind, *out);
	for (size_t i = 0; i < f->config->name_references.n; i++)
		if (add_references(f, kind, &f->config->name_references.at[i], *out))
			return -1;
	return 0;
}

static void release_plans(struct fixing *f)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&f->plans, &i));)
		vec_release(&((struct plan *)e->value)->references);
	map_release(&f->plans);
}

/* --- one field --- */

struct fix {
	struct kbuild *b;
	struct nameref_search search;
};

/* The new value comes from where the name of the other object does. */
static struct kwriter writer_for(const struct fix *f, const struct kres *referral, struct str old)
{
	const struct node *name = node_get(node_get(referral->root, "metadata"), "name");
	struct kwriter w = { .build = f->b, .file = referral->file };
	if (!f->b->origins)
		return w;
	w.file = origin_file_of(f->b->origins, name, referral->file);
	w.step = arena_printf(f->b->a, "reference to %.*s %.*s", STR_ARG(kres_kind(referral)), STR_ARG(old));
	w.line = name ? name->line : referral->line;
	w.column = name ? name->column : 0;
	return w;
}

static int fix_scalar(struct fix *f, struct node *n, struct error *err)
{
	struct kres *referral;
	struct str old = kvalue_text(n);
	if (nameref_find(&f->search, old, false, NULL, &referral, err))
		return -1;
	if (!referral || str_eq(kres_name(referral), old))
		return 0;
	struct kwriter w = writer_for(f, referral, old);
	kwrite_scalar(&w, n, kres_name(referral));
	return 0;
}

/* A new field; upstream quotes what would not be read as a text. */
static void add_namespace(const struct kwriter *w, struct node *map, struct str namespace)
{
	struct node *n = kvalue_new(w, NODE_STRING);
	kwrite_scalar(w, n, namespace);
	if (n->type != NODE_STRING) {
		n->type = NODE_STRING;
		n->style = NODE_DOUBLE_QUOTED;
	}
	node_set(w->build->a, map, STR("namespace"), n);
}

/* A map with a name and perhaps a namespace: subjects, services of webhooks. */
static int fix_map(struct fix *f, struct node *map, struct error *err)
{
	struct node *name = node_get(map, "name"), *namespace = node_get(map, "namespace");
	struct kres *referral;
	if (!name)
		return error_set(err,
				 "a field spec of nameReference leads to a map that has no `name` in it");
	struct str old = kvalue_text(name);
	if (nameref_find(&f->search, old, true, namespace, &referral, err))
		return -1;
	if (!referral || (str_eq(kres_name(referral), old) && kres_namespace(referral).n == 0))
		return 0;
	struct kwriter w = writer_for(f, referral, old);
	struct str new_namespace = kres_namespace(referral);
	kwrite_scalar(&w, name, kres_name(referral));
	if (new_namespace.n == 0)
		return 0;
	if (namespace)
		kwrite_scalar(&w, namespace, new_namespace);
	else
		add_namespace(&w, map, new_namespace);
	return 0;
}

static int fix_list(struct fix *f, struct node *list, struct error *err)
{
	for (size_t i = 0; i < list->seq.n; i++) {
		struct node *item = list->seq.items[i];
		if (kvalue_missing(item))
			continue;
		if (item->type == NODE_SEQ)
			return error_set(err, "a list stands where a name, or a map with a name, is needed");
		if (item->type == NODE_MAP ? fix_map(f, item, err) : fix_scalar(f, item, err))
			return -1;
	}
	return 0;
}

static int fix_field(void *ctx, struct node *n, struct error *err)
{
	if (kvalue_missing(n))
		return 0;
	if (n->type == NODE_SEQ)
		return fix_list(ctx, n, err);
	return n->type == NODE_MAP ? fix_map(ctx, n, err) : fix_scalar(ctx, n, err);
}

/* --- all objects --- */

static int fix_resource(struct fixing *f, struct kres *r)
{
	struct plan *plan;
	struct kid original = kres_original_id(f->b, r);
	struct kgvk gvk = kgvk_of_id(&original), now = kgvk_of_node(r->root);
	struct fix fix = { .b = f->b };
	struct kfield_walk walk = { .create = KFIELD_NEVER, .fn = fix_field, .ctx = &fix };
	bool prepared = false;
	if (plan_of(f, original.kind, &plan))
		return -1;
	for (size_t i = 0; i < plan->references.n; i++) {
		const struct reference *reference = &plan->references.at[i];
		if (!kgvk_selected(&gvk, &reference->referrer))
			continue;
		if (!prepared && nameref_search_begin(&fix.search, f->index, r, f->err))
			return -1;
		prepared = true;
		fix.search.target = &reference->target;
		fix.search.of_role = reference->of_role;
		if (kfield_apply(&walk, &reference->field, &now, r->root, f->err))
			return error_wrap(f->err, "%s:%u: %.*s %.*s: name of a %.*s", r->file, r->line,
					  STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)),
					  STR_ARG(reference->target.kind));
	}
	return 0;
}

int knameref_fix(struct kbuild *b, const struct kconfig *c, struct kresmap *m, struct error *err)
{
	struct nameref_index index;
	struct fixing f = { .b = b, .config = c, .index = &index, .err = err };
	int rc = 0;
	nameref_index_init(&index, b, m);
	for (size_t i = 0; rc == 0 && i < m->list.n; i++)
		rc = fix_resource(&f, m->list.at[i]);
	release_plans(&f);
	nameref_index_release(&index);
	return rc;
}
