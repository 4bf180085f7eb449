/*
 * namespace.c - NamespaceTransformer: metadata.namespace of whatever is not known to be cluster-scoped,
 * subjects of role bindings, and what the field specs name besides.
 */
#include "render/kustomize/namespace.h"

#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"

#define HELM_MARK "internal.config.kubernetes.io/helm-generated"

struct setting {
	const struct knamespacing *how;
	const struct kwriter *w;
};

/* Upstream: hasExistingValue() with no name. */
static bool has_value(const struct node *n)
{
	return !kvalue_missing(n) && kvalue_is_scalar(n) && n->text.n;
}

static int set_namespace(void *ctx, struct node *n, struct error *err)
{
	const struct setting *s = ctx;
	if (s->how->unset_only && has_value(n))
		return 0;
	if (kvalue_expect(n, NODE_STRING, err))
		return error_wrap(err, "field specs of a namespace must name single values");
	kwrite_string(s->w, n, s->how->namespace);
	return 0;
}

static int apply(const struct setting *s, const struct kfield *field, enum kfield_create create,
		 const struct kgvk *gvk, struct kres *r, struct error *err)
{
	struct kfield_walk walk = { s->w, create, set_namespace, (void *)s };
	return kfield_apply(&walk, field, gvk, r->root, err);
}

/* Only subjects with that text in that field. */
static int set_subject(const struct setting *s, struct node *subject, const char *key, const char *want,
		       struct error *err)
{
	struct node *n;
	struct str namespace = STR("namespace");
	struct kpath path = { &namespace, 1 };
	if (kvalue_field(subject, str_of(key), &n, err))
		return -1;
	if (kvalue_expect(n, NODE_STRING, err))
		return error_wrap(err, "%s", key);
	if (kvalue_missing(n) || !str_is(kvalue_text(n), want))
		return 0;
	if (kpath_lookup_create(s->w, subject, &path, NODE_STRING, &n, err))
		return -1;
	return set_namespace((void *)s, n, err);
}

static int set_subjects(const struct setting *s, struct kres *r, struct error *err)
{
	struct node *subjects = node_get(r->root, "subjects");
	if (s->how->subjects == KSUBJECTS_NONE || kvalue_missing(subjects))
		return 0;
	if (kvalue_expect(subjects, NODE_SEQ, err))
		return error_wrap(err, "subjects");
	for (size_t i = 0; i < subjects->seq.n; i++) {
		struct node *subject = subjects->seq.items[i];
		bool accounts = s->how->subjects == KSUBJECTS_ACCOUNTS;
		if (set_subject(s, subject, accounts ? "kind" : "name",
				accounts ? "ServiceAccount" : "default", err))
			return error_wrap(err, "subjects");
	}
	return 0;
}

static bool is_role_binding(struct str kind)
{
	return str_is(kind, "RoleBinding") || str_is(kind, "ClusterRoleBinding");
}

/* Field specs of what is done by other rules. */
static bool is_done_elsewhere(const struct kfield *field, const struct kres *r)
{
	if (str_is(field->path, "metadata/namespace"))
		return true;
	if (str_is(field->path, "metadata/name") && !str_is(kres_api_version(r), "v1"))
		return true;
	return is_role_binding(kres_kind(r)) && is_role_binding(field->gvk.kind) &&
	       str_is(field->path, "subjects/namespace");
}

int knamespace_set(const struct kwriter *w, const struct knamespacing *how, struct kres *r, struct error *err)
{
	static const struct kfield_part parts[] = { { { "metadata", 8 }, false, NULL },
						    { { "namespace", 9 }, false, NULL } };
	static const struct kfield own = {
		.path = { "metadata/namespace", 18 }, .parts = parts, .n = 2, .create = true
	};
	struct setting s = { how, w };
	struct kgvk gvk = kgvk_of_node(r->root);
	struct kid id = kres_id(w->build, r);
	if (!id.cluster_scoped && apply(&s, &own, KFIELD_UNTAGGED, &gvk, r, err))
		return -1;
	if (is_role_binding(gvk.kind) && set_subjects(&s, r, err))
		return -1;
	for (size_t i = 0; i < how->fields.n; i++) {
		const struct kfield *field = &how->fields.at[i];
		if (!is_done_elsewhere(field, r) && apply(&s, field, KFIELD_STRING, &gvk, r, err))
			return -1;
	}
	return 0;
}

/* --- the transformer --- */

static int read_subjects(const struct ktransform_call *call, enum ksubjects *out, struct error *err)
{
	struct str mode = { "", 0 };
	if (karg_string(call->config_file, call->config, "setRoleBindingSubjects", &mode, err))
		return -1;
	if (mode.n == 0 || str_is(mode, "defaultOnly"))
		*out = KSUBJECTS_DEFAULT;
	else if (str_is(mode, "allServiceAccounts"))
		*out = KSUBJECTS_ACCOUNTS;
	else if (str_is(mode, "none"))
		*out = KSUBJECTS_NONE;
	else
		return error_set(err,
				 "%s:%u: setRoleBindingSubjects must be defaultOnly, none or "
				 "allServiceAccounts, not `%.*s`",
				 call->config_file, karg(call->config, "setRoleBindingSubjects")->line,
				 STR_ARG(mode));
	return 0;
}

/* Two of the same name that were apart must not fall together. */
static int check_unique(const struct ktransform_call *call, struct error *err)
{
	struct kbuild *b = call->build;
	struct kresmap *m = call->resources;
	kres_list same = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < m->list.n; i++) {
		const struct kres *r = m->list.at[i];
		struct kid id = kres_id(b, r);
		same.n = 0;
		kresmap_by_current_id(b, m, &id, &same);
		if (same.n > 1)
			rc = error_set(err,
				       "%s:%u: with this namespace, %s would be there twice: from %s:%u and "
				       "%s:%u; give one another name",
				       call->config_file, call->config->line, kid_text(b->a, &id),
				       same.at[0]->file, same.at[0]->line, same.at[1]->file,
				       same.at[1]->line);
	}
	vec_release(&same);
	return rc;
}

static int set_all(const struct ktransform_call *call, const struct kwriter *w,
		   const struct knamespacing *how, struct error *err)
{
	for (size_t i = 0; i < call->resources->list.n; i++) {
		struct kres *r = call->resources->list.at[i];
		if (kres_is_empty(r) || str_is(node_text(node_get(kres_annotations(r), HELM_MARK)), "true"))
			continue;
		kres_store_previous(call->build, r);
		if (knamespace_set(w, how, r, err))
			return error_wrap(err, "%s:%u: %.*s %.*s: namespace", r->file, r->line,
					  STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)));
	}
	kresmap_touch(call->resources);
	return check_unique(call, err);
}

int ktransform_namespace(const struct ktransform_call *call, struct error *err)
{
	struct knamespacing how = { 0 };
	const struct node *metadata, *list;
	kfieldspecs specs = { 0 };
	if (karg_map(call->config_file, call->config, "metadata", &metadata, err) ||
	    karg_string(call->config_file, metadata, "namespace", &how.namespace, err) ||
	    karg_bool(call->config_file, call->config, "unsetOnly", &how.unset_only, err) ||
	    karg_list(call->config_file, call->config, "fieldSpecs", &list, err) ||
	    read_subjects(call, &how.subjects, err))
		return -1;
	if (how.namespace.n == 0)
		return 0;
	struct kwriter w = kwriter_of(call, karg(metadata, "namespace"));
	int rc = karg_fieldspecs(call->config_file, list, false, &specs, err);
	if (rc == 0)
		rc = kfields_ready(call->build->a, &specs, &how.fields, err);
	if (rc == 0)
		rc = set_all(call, &w, &how, err);
	vec_release(&specs);
	vec_release(&how.fields);
	return rc;
}
