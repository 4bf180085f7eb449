/*
 * config.c - field specs: the built-in ones, and what `configurations:` adds to them (upstream:
 * builtinconfig.TransformerConfig and types.FsSlice).
 *
 * A merge ignores a spec whose path is there already under a kind that it selects, so a wide spec that
 * comes late adds nothing; that is upstream's rule. Afterwards each list is in the order of kgvk_less().
 */
#include "render/kustomize/config.h"

#include "render/kustomize/args.h"
#include "render/kustomize/config_data.h"
#include "render/kustomize/gvk.h"

/* Specs that one build may have in one list: a merge compares each with each. */
#define SPECS_MAX 20000u

static struct kgvk spec_gvk(const struct kfieldspec *spec)
{
	return (struct kgvk){ spec->group, spec->version, spec->kind };
}

static const struct kfieldspec *spec_find(const kfieldspecs *in, const struct kfieldspec *spec)
{
	struct kgvk selector = spec_gvk(spec);
	for (size_t i = 0; i < in->n; i++) {
		if (!str_eq(in->at[i].path, spec->path))
			continue;
		struct kgvk gvk = spec_gvk(&in->at[i]);
		if (kgvk_selected(&gvk, &selector))
			return &in->at[i];
	}
	return NULL;
}

int kfieldspecs_add(kfieldspecs *into, const struct kfieldspec *spec, struct error *err)
{
	const struct kfieldspec *there = spec_find(into, spec);
	if (there && there->create != spec->create)
		return error_set(
			err,
			"the field spec for `%.*s` of %.*s says create: %s, but there is one already "
			"that says %s; they must agree",
			STR_ARG(spec->path), STR_ARG(spec->kind.n ? spec->kind : STR("any kind")),
			spec->create ? "true" : "false", there->create ? "true" : "false");
	if (there)
		return 0;
	if (into->n >= SPECS_MAX)
		return error_set(err, "more than %u field specs in one list (SPECS_MAX)", SPECS_MAX);
	vec_push(into, *spec);
	return 0;
}

int kfieldspecs_merge(kfieldspecs *into, const kfieldspecs *from, struct error *err)
{
	for (size_t i = 0; i < from->n; i++)
		if (kfieldspecs_add(into, &from->at[i], err))
			return -1;
	return 0;
}

/* Stable, and quick for what is nearly in order. */
static void sort_specs(kfieldspecs *specs)
{
	for (size_t i = 1; i < specs->n; i++) {
		struct kfieldspec spec = specs->at[i];
		struct kgvk gvk = spec_gvk(&spec);
		size_t at = i;
		for (; at; at--) {
			struct kgvk before = spec_gvk(&specs->at[at - 1]);
			if (!kgvk_less(&gvk, &before))
				break;
			specs->at[at] = specs->at[at - 1];
		}
		specs->at[at] = spec;
	}
}

static struct kgvk nameref_gvk(const struct knameref *ref)
{
	return (struct kgvk){ ref->group, ref->version, ref->kind };
}

static void sort_namerefs(struct kconfig *c)
{
	for (size_t i = 1; i < c->name_references.n; i++) {
		struct knameref ref = c->name_references.at[i];
		struct kgvk gvk = nameref_gvk(&ref);
		size_t at = i;
		for (; at; at--) {
			struct kgvk before = nameref_gvk(&c->name_references.at[at - 1]);
			if (!kgvk_less(&gvk, &before))
				break;
			c->name_references.at[at] = c->name_references.at[at - 1];
		}
		c->name_references.at[at] = ref;
	}
}

static void copy_specs(kfieldspecs *out, const struct kfieldspec *from, size_t n)
{
	if (n == 0)
		return;
	vec_reserve(out, out->n + n);
	memcpy(out->at + out->n, from, n * sizeof(*from));
	out->n += n;
}

/* Adds the referrers of a kind; a kind that is new keeps its list as it is, doubles and all. */
static int add_nameref(struct kconfig *c, const struct knameref *ref, struct error *err)
{
	struct kgvk gvk = nameref_gvk(ref);
	bool found = false;
	for (size_t i = 0; i < c->name_references.n; i++) {
		struct knameref *there = &c->name_references.at[i];
		struct kgvk other = nameref_gvk(there);
		if (!kgvk_equal(&gvk, &other))
			continue;
		found = true;
		if (kfieldspecs_merge(&there->referrers, &ref->referrers, err))
			return -1;
	}
	if (found)
		return 0;
	struct knameref copy = *ref;
	copy.referrers = (kfieldspecs){ 0 };
	copy_specs(&copy.referrers, ref->referrers.at, ref->referrers.n);
	vec_push(&c->name_references, copy);
	return 0;
}

/* --- the lists of a configuration, by the names they have in files --- */

struct list_name {
	const char *name;
	size_t offset; /* of the kfieldspecs in struct kconfig */
};

#define LIST_AT(field) offsetof(struct kconfig, field)

static const struct list_name lists[] = {
	{ "namePrefix", LIST_AT(name_prefix) },
	{ "nameSuffix", LIST_AT(name_suffix) },
	{ "namespace", LIST_AT(namespace) },
	{ "commonLabels", LIST_AT(common_labels) },
	{ "labels", LIST_AT(labels) },
	{ "templateLabels", LIST_AT(template_labels) },
	{ "commonAnnotations", LIST_AT(common_annotations) },
	{ "varReference", LIST_AT(var_reference) },
	{ "images", LIST_AT(images) },
	{ "replicas", LIST_AT(replicas) },
};

#define LISTS_N (sizeof(lists) / sizeof(lists[0]))

static kfieldspecs *list_of(const struct kconfig *c, size_t i)
{
	return (kfieldspecs *)((char *)c + lists[i].offset);
}

static void add_defaults(kfieldspecs *out, const struct kdefault_specs *specs)
{
	copy_specs(out, specs->at, specs->n);
}

void kconfig_default(struct kbuild *b, struct kconfig *out)
{
	(void)b;
	*out = (struct kconfig){ 0 };
	add_defaults(&out->name_prefix, &kdefault_name);
	add_defaults(&out->name_suffix, &kdefault_name);
	add_defaults(&out->namespace, &kdefault_namespace);
	add_defaults(&out->common_labels, &kdefault_common_labels);
	add_defaults(&out->template_labels, &kdefault_template_labels);
	add_defaults(&out->common_annotations, &kdefault_common_annotations);
	add_defaults(&out->var_reference, &kdefault_var_reference);
	add_defaults(&out->images, &kdefault_images);
	add_defaults(&out->replicas, &kdefault_replicas);
	vec_reserve(&out->name_references, kdefault_name_references_n);
	for (size_t i = 0; i < kdefault_name_references_n; i++) {
		const struct kdefault_nameref *from = &kdefault_name_references[i];
		struct knameref ref = { from->group, from->version, from->kind, { 0 } };
		add_defaults(&ref.referrers, &from->referrers);
		vec_push(&out->name_references, ref);
	}
}

void kconfig_release(struct kconfig *c)
{
	for (size_t i = 0; i < LISTS_N; i++)
		vec_release(list_of(c, i));
	for (size_t i = 0; i < c->name_references.n; i++)
		vec_release(&c->name_references.at[i].referrers);
	vec_release(&c->name_references);
}

int kconfig_merge(struct kbuild *b, struct kconfig *c, const struct kconfig *from, struct error *err)
{
	(void)b;
	for (size_t i = 0; i < LISTS_N; i++) {
		if (kfieldspecs_merge(list_of(c, i), list_of(from, i), err))
			return error_wrap(err, "%s", lists[i].name);
		sort_specs(list_of(c, i));
	}
	for (size_t i = 0; i < from->name_references.n; i++)
		if (add_nameref(c, &from->name_references.at[i], err))
			return error_wrap(err, "nameReference");
	sort_namerefs(c);
	return 0;
}

/* --- configuration files --- */

static int read_nameref(const char *file, const struct node *n, struct kconfig *out, struct error *err)
{
	struct knameref ref = { 0 };
	const struct node *specs;
	if (n->type != NODE_MAP)
		return error_set(err, "%s:%u: nameReference is a list of maps with kind and fieldSpecs", file,
				 n->line);
	for (size_t i = 0; i < n->map.n; i++) {
		struct str key = n->map.pairs[i].key;
		if (!str_is(key, "group") && !str_is(key, "version") && !str_is(key, "kind") &&
		    !str_is(key, "fieldSpecs"))
			return error_set(
				err,
				"%s:%u: nameReference has group, version, kind and fieldSpecs, but no `%.*s`",
				file, n->map.pairs[i].key_line, STR_ARG(key));
	}
	if (karg_string(file, n, "group", &ref.group, err) ||
	    karg_string(file, n, "version", &ref.version, err) ||
	    karg_string(file, n, "kind", &ref.kind, err) || karg_list(file, n, "fieldSpecs", &specs, err))
		return -1;
	int rc = karg_fieldspecs(file, specs, true, &ref.referrers, err);
	if (rc == 0)
		rc = add_nameref(out, &ref, err);
	vec_release(&ref.referrers);
	return rc;
}

static int read_list(const char *file, const struct node *value, size_t i, struct kconfig *out,
		     struct error *err)
{
	if (value->type == NODE_NULL)
		return 0;
	if (value->type != NODE_SEQ)
		return error_set(err, "%s:%u: %s must be a list of field specs", file, value->line,
				 i < LISTS_N ? lists[i].name : "nameReference");
	if (i < LISTS_N)
		return karg_fieldspecs(file, value, true, list_of(out, i), err);
	for (size_t k = 0; k < value->seq.n; k++)
		if (read_nameref(file, value->seq.items[k], out, err))
			return -1;
	return 0;
}

static int read_config(const char *file, const struct node *config, struct kconfig *out, struct error *err)
{
	if (!config || config->type == NODE_NULL)
		return 0;
	if (config->type != NODE_MAP)
		return error_set(err, "%s:%u: a transformer configuration is a map of lists of field specs",
				 file, config->line);
	for (size_t k = 0; k < config->map.n; k++) {
		const struct node_pair *pair = &config->map.pairs[k];
		size_t i = 0;
		while (i < LISTS_N && !str_is(pair->key, lists[i].name))
			i++;
		if (i == LISTS_N && !str_is(pair->key, "nameReference"))
			return error_set(err, "%s:%u: `%.*s` is no field of a transformer configuration",
					 file, pair->key_line, STR_ARG(pair->key));
		if (read_list(file, pair->value, i, out, err))
			return -1;
	}
	return 0;
}

int kconfig_add(struct kbuild *b, struct kconfig *c, const char *file, const struct node *config,
		struct error *err)
{
	struct kconfig read = { 0 };
	int rc = read_config(file, config, &read, err);
	if (rc == 0 && kconfig_merge(b, c, &read, err))
		rc = error_wrap(err, "%s", file);
	kconfig_release(&read);
	return rc;
}

/* --- labels --- */

static int add_templates(const struct kconfig *c, const struct node *label, kfieldspecs *out,
			 struct error *err)
{
	const struct node *claims = karg(label, "includeVolumeClaimTemplates");
	for (size_t i = 0; i < c->template_labels.n; i++) {
		const struct kfieldspec *spec = &c->template_labels.at[i];
		if (claims && str_eq(spec->path, kdefault_claim_labels.path))
			continue;
		if (kfieldspecs_add(out, spec, err))
			return -1;
	}
	return 0;
}

int klabel_specs(struct kbuild *b, const struct kconfig *c, const char *file, const struct node *label,
		 kfieldspecs *out, struct error *err)
{
	static const struct kfieldspec metadata = { .path = { "metadata/labels", 15 }, .create = true };
	bool selectors = false, templates = false, claims = false;
	const struct node *fields;
	(void)b;
	if (karg_list(file, label, "fields", &fields, err) || karg_fieldspecs(file, fields, true, out, err) ||
	    karg_bool(file, label, "includeSelectors", &selectors, err) ||
	    karg_bool(file, label, "includeTemplates", &templates, err) ||
	    karg_bool(file, label, "includeVolumeClaimTemplates", &claims, err))
		return -1;
	if (kfieldspecs_merge(out, &c->labels, err))
		return error_wrap(err, "%s:%u: labels", file, label->line);
	if (selectors) {
		if (kfieldspecs_merge(out, &c->common_labels, err))
			return error_wrap(err, "%s:%u: labels", file, label->line);
		return 0;
	}
	if ((templates && add_templates(c, label, out, err)) ||
	    (claims && kfieldspecs_add(out, &kdefault_claim_labels, err)) ||
	    kfieldspecs_add(out, &metadata, err))
		return error_wrap(err, "%s:%u: labels", file, label->line);
	return 0;
}

/* --- back to a node --- */

static void set_text(struct arena *a, struct node *map, const char *key, struct str text)
{
	if (text.n)
		node_set(a, map, str_of(key), node_string(a, text));
}

struct node *kfieldspecs_node(struct kbuild *b, const kfieldspecs *specs)
{
	struct arena *a = b->a;
	struct node *list = node_seq(a);
	list->seq.items = specs->n ? arena_array(a, struct node *, specs->n) : NULL;
	list->seq.cap = (uint32_t)specs->n;
	for (size_t i = 0; i < specs->n; i++) {
		const struct kfieldspec *spec = &specs->at[i];
		struct node *map = node_map(a);
		set_text(a, map, "path", spec->path);
		set_text(a, map, "group", spec->group);
		set_text(a, map, "version", spec->version);
		set_text(a, map, "kind", spec->kind);
		if (spec->create)
			node_set(a, map, STR("create"), node_bool_new(a, true));
		node_push(a, list, map);
	}
	return list;
}
