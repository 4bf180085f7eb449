/* replicas.c - ReplicaCountTransformer: spec.replicas of what has, or once had, a name. */
#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/fieldspec.h"

struct replicas {
	struct kwriter w;
	struct str name, count;
};

static int set_count(void *ctx, struct node *n, struct error *err)
{
	const struct replicas *replicas = ctx;
	if (kvalue_expect(n, NODE_STRING, err))
		return -1;
	kwrite_int(&replicas->w, n, replicas->count);
	return 0;
}

/* Under its present name, or an earlier one. Which scope it has does not matter, so that nobody looks. */
static bool is_meant(const struct kres *r, const struct replicas *replicas, const struct kgvk *selector)
{
	if (kres_is_empty(r))
		return false;
	struct kgvk gvk = kgvk_of_node(r->root);
	if (str_eq(kres_name(r), replicas->name) && kgvk_selected(&gvk, selector))
		return true;
	for (size_t i = 0; i < r->previous.n; i++) {
		gvk.kind = r->previous.at[i].kind;
		if (str_eq(r->previous.at[i].name, replicas->name) && kgvk_selected(&gvk, selector))
			return true;
	}
	return false;
}

/* Whether r has, or once had, the name: most have not, and are left at that. */
static bool has_name(const struct kres *r, const struct replicas *replicas)
{
	if (str_eq(kres_name(r), replicas->name))
		return true;
	for (size_t i = 0; i < r->previous.n; i++)
		if (str_eq(r->previous.at[i].name, replicas->name))
			return true;
	return false;
}

static int set_in(struct replicas *replicas, const kfields *fields, struct kres *r, bool *found,
		  struct error *err)
{
	struct kfield_walk walk = { &replicas->w, KFIELD_INT, set_count, replicas };
	for (size_t i = 0; i < fields->n && has_name(r, replicas); i++) {
		const struct kfield *field = &fields->at[i];
		if (!is_meant(r, replicas, &field->gvk))
			continue;
		*found = true;
		struct kgvk gvk = kgvk_of_node(r->root);
		if (kfield_apply(&walk, field, &gvk, r->root, err))
			return error_wrap(err, "%s:%u: %.*s %.*s", r->file, r->line, STR_ARG(kres_kind(r)),
					  STR_ARG(kres_name(r)));
	}
	return 0;
}

static int nothing_found(const struct ktransform_call *call, const struct replicas *replicas,
			 const kfields *fields, struct error *err)
{
	struct buf kinds = BUF_INIT;
	for (size_t i = 0; i < fields->n; i++)
		buf_printf(&kinds, "%s%s", i ? ", " : "", kgvk_text(call->build->a, &fields->at[i].gvk));
	error_set(
		err,
		"%s:%u: replicas: no resource is called %.*s and of one of the kinds that have replicas (%s)",
		call->config_file, replicas->w.line, STR_ARG(replicas->name), buf_str(&kinds).p);
	buf_release(&kinds);
	return -1;
}

static int read_replicas(const struct ktransform_call *call, struct replicas *out, struct error *err)
{
	const struct node *map;
	int64_t count = 0;
	if (karg_map(call->config_file, call->config, "replica", &map, err) ||
	    karg_string(call->config_file, map, "name", &out->name, err) ||
	    karg_int(call->config_file, map, "count", &count, err))
		return -1;
	out->w = kwriter_of(call, karg(map, "count"));
	out->count = str_of(arena_printf(call->build->a, "%lld", (long long)count));
	return 0;
}

int ktransform_replicas(const struct ktransform_call *call, struct error *err)
{
	struct replicas replicas = { 0 };
	const struct node *list;
	kfieldspecs specs = { 0 };
	kfields fields = { 0 };
	bool found = false;
	if (read_replicas(call, &replicas, err) ||
	    karg_list(call->config_file, call->config, "fieldSpecs", &list, err))
		return -1;
	int rc = karg_fieldspecs(call->config_file, list, false, &specs, err);
	if (rc == 0)
		rc = kfields_ready(call->build->a, &specs, &fields, err);
	for (size_t i = 0; rc == 0 && i < call->resources->list.n; i++)
		rc = set_in(&replicas, &fields, call->resources->list.at[i], &found, err);
	if (rc == 0 && !found)
		rc = nothing_found(call, &replicas, &fields, err);
	vec_release(&specs);
	vec_release(&fields);
	return rc;
}
