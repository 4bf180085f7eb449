/*
 * pairs.c - LabelTransformer and AnnotationsTransformer. One node is made for each label of a resource, and
 * hung into all places that have no such label yet (see value.h).
 */
#include <stdlib.h>

#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/fieldspec.h"
#include "render/kustomize/patch.h"

struct pair {
	struct str key, value;
	const struct node *place;
};

struct setting {
	struct kwriter w;
	const struct pair *pair;
	struct node *made; /* for the present resource */
};

static int set_pair(void *ctx, struct node *n, struct error *err)
{
	struct setting *s = ctx;
	if (!s->made)
		s->made = kvalue_string(&s->w, s->pair->value);
	if (kwrite_entry(&s->w, n, s->pair->key, s->made, err))
		return error_wrap(err, "%.*s", STR_ARG(s->pair->key));
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

struct pairs {
	struct pair *at;
	size_t n;
};

static int read_pairs(const struct ktransform_call *call, const struct node *map, struct pairs *out,
		      struct error *err)
{
	*out = (struct pairs){ arena_array(call->build->a, struct pair, map->map.n), map->map.n };
	for (size_t i = 0; i < out->n; i++) {
		const struct node_pair *p = &map->map.pairs[i];
		if (p->value->type != NODE_STRING && p->value->type != NODE_NULL)
			return error_set(err, "%s:%u: %.*s must be a text; put quotes around it",
					 call->config_file, p->value->line, STR_ARG(p->key));
		out->at[i] = (struct pair){ p->key, node_text(p->value), p->value };
	}
	qsort(out->at, out->n, sizeof(*out->at), by_key);
	return 0;
}

/* The fields that the resource has, if any; few of all specs are of its kind. */
static void fields_of(const kfields *fields, const struct kres *r, const struct kgvk *gvk, kfields *out)
{
	bool annotated = kinternals_any(r);
	out->n = 0;
	for (size_t i = 0; i < fields->n; i++) {
		struct kfield field = fields->at[i];
		if (!kgvk_selected(gvk, &field.gvk))
			continue;
		if (annotated && str_is(field.path, "metadata/annotations"))
			field.create = true;
		vec_push(out, field);
	}
}

/* scratch: for the fields of r. */
static int set_all(const struct ktransform_call *call, const struct pairs *pairs, const kfields *fields,
		   struct kres *r, kfields *scratch, struct error *err)
{
	struct kgvk gvk = kgvk_of_node(r->root);
	fields_of(fields, r, &gvk, scratch);
	for (size_t i = 0; i < pairs->n; i++) {
		struct setting setting = { .w = kwriter_of(call, pairs->at[i].place), .pair = &pairs->at[i] };
		struct kfield_walk walk = { &setting.w, KFIELD_MAP, set_pair, &setting };
		for (size_t k = 0; k < scratch->n; k++)
			if (kfield_apply(&walk, &scratch->at[k], &gvk, r->root, err))
				return error_wrap(err, "%s:%u: %.*s %.*s", r->file, r->line,
						  STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)));
	}
	return 0;
}

static int run(const struct ktransform_call *call, const char *key, struct error *err)
{
	const struct node *map, *list;
	struct pairs pairs;
	kfieldspecs specs = { 0 };
	kfields fields = { 0 }, scratch = { 0 };
	if (karg_map(call->config_file, call->config, key, &map, err) ||
	    karg_list(call->config_file, call->config, "fieldSpecs", &list, err))
		return -1;
	if (!map || map->map.n == 0)
		return 0;
	if (read_pairs(call, map, &pairs, err))
		return -1;
	int rc = karg_fieldspecs(call->config_file, list, false, &specs, err);
	if (rc == 0)
		rc = kfields_ready(call->build->a, &specs, &fields, err);
	for (size_t i = 0; rc == 0 && i < call->resources->list.n; i++)
		rc = set_all(call, &pairs, &fields, call->resources->list.at[i], &scratch, err);
	vec_release(&specs);
	vec_release(&fields);
	vec_release(&scratch);
	return rc;
}

int ktransform_labels(const struct ktransform_call *call, struct error *err)
{
	return run(call, "labels", err);
}

int ktransform_annotations(const struct ktransform_call *call, struct error *err)
{
	return run(call, "annotations", err);
}
