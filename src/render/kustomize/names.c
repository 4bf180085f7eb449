/*
 * names.c - PrefixTransformer and SuffixTransformer. What a name was is kept with the resource, for the
 * references to it; kinds whose name means something by itself are left alone.
 */
#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/fieldspec.h"

struct naming {
	const struct kwriter *w;
	struct str text;
	bool suffix;
};

static int rename_one(void *ctx, struct node *n, struct error *err)
{
	const struct naming *naming = ctx;
	struct arena *a = naming->w->build->a;
	if (kvalue_expect(n, NODE_STRING, err))
		return -1;
	struct str old = kvalue_text(n);
	kwrite_scalar(naming->w, n,
		      naming->suffix ? kvalue_join(a, old, naming->text) : kvalue_join(a, naming->text, old));
	return 0;
}

static bool keeps_its_name(const struct kgvk *original)
{
	return str_is(original->kind, "CustomResourceDefinition") || str_is(original->kind, "Namespace") ||
	       (str_is(original->kind, "APIService") && str_is(original->group, "apiregistration.k8s.io"));
}

/* Upstream keeps them in a list with commas, so that a comma in one makes two. */
static void note(struct kres *r, const struct naming *naming)
{
	struct str rest = naming->text;
	while (naming->text.n) {
		size_t n = rest.n;
		struct str part = str_cut(rest, ',', &rest);
		if (naming->suffix)
			vec_push(&r->suffixes, part);
		else
			vec_push(&r->prefixes, part);
		if (part.n == n)
			break;
	}
}

static int rename_resource(const struct kfield_walk *walk, const kfields *fields, struct kres *r,
			   struct error *err)
{
	const struct naming *naming = walk->ctx;
	struct kbuild *b = naming->w->build;
	struct kid id = kres_original_id(b, r);
	struct kgvk original = kgvk_of_id(&id), now = kgvk_of_node(r->root);
	if (keeps_its_name(&original))
		return 0;
	for (size_t i = 0; i < fields->n; i++) {
		const struct kfield *field = &fields->at[i];
		if (!kgvk_selected(&original, &field->gvk))
			continue;
		if (str_is(field->path, "metadata/name") && naming->text.n) {
			note(r, naming);
			kres_store_previous(b, r);
		}
		if (kfield_apply(walk, field, &now, r->root, err))
			return error_wrap(err, "%s:%u: %.*s %.*s", r->file, r->line, STR_ARG(kres_kind(r)),
					  STR_ARG(kres_name(r)));
	}
	return 0;
}

static int run(const struct ktransform_call *call, const char *key, bool suffix, struct error *err)
{
	struct naming naming = { .suffix = suffix };
	struct kwriter w = kwriter_of(call, karg(call->config, key));
	const struct node *list;
	kfieldspecs specs = { 0 };
	kfields fields = { 0 };
	if (karg_string(call->config_file, call->config, key, &naming.text, err) ||
	    karg_list(call->config_file, call->config, "fieldSpecs", &list, err))
		return -1;
	if (!list)
		return error_set(err, "%s:%u: fieldSpecs is missing: which fields hold the name?",
				 call->config_file, call->config->line);
	naming.w = &w;
	struct kfield_walk walk = { .w = &w, .create = KFIELD_STRING, .fn = rename_one, .ctx = &naming };
	int rc = karg_fieldspecs(call->config_file, list, false, &specs, err);
	if (rc == 0)
		rc = kfields_ready(call->build->a, &specs, &fields, err);
	for (size_t i = 0; rc == 0 && i < call->resources->list.n; i++)
		rc = rename_resource(&walk, &fields, call->resources->list.at[i], err);
	vec_release(&specs);
	vec_release(&fields);
	kresmap_touch(call->resources);
	return rc;
}

int ktransform_prefix(const struct ktransform_call *call, struct error *err)
{
	return run(call, "prefix", false, err);
}

int ktransform_suffix(const struct ktransform_call *call, struct error *err)
{
	return run(call, "suffix", true, err);
}
