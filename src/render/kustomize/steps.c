/*
 * steps.c - the fields of a kustomization become the configurations of built-in generators and transformers,
 * which run in upstream's order (configureBuiltinTransformers).
 */
#include "render/kustomize/generate.h"
#include "render/kustomize/schema.h"
#include "render/kustomize/target.h"
#include "render/kustomize/transform.h"

/* --- running one --- */

static ktransform_fn *find_in(const struct ktransformer *table, const char *kind)
{
	for (; table->kind; table++)
		if (strcmp(table->kind, kind) == 0)
			return table->run;
	return NULL;
}

int ktarget_run(struct ktarget *t, const struct kstep *step, struct kresmap *m, struct error *err)
{
	ktransform_fn *run = find_in(kpatch_transformers, step->kind);
	bool may_empty = run != NULL; /* nothing but a patch takes a resource away */
	if (!run)
		run = find_in(kfield_transformers, step->kind);
	if (!run)
		return 1;
	struct ktransform_call call = {
		.build = t->b,
		.root = t->root,
		.config = step->config,
		.step = step->name,
		.config_file = step->file,
		.resources = m,
	};
	if (run(&call, err))
		return -1;
	if (step->origin && annotate_transformed(t->b, m, step->origin, err))
		return -1;
	if (may_empty)
		kresmap_drop_gone(m);
	return kbuild_check_memory(t->b, err);
}

/* --- the fields --- */

struct steps {
	struct ktarget *t;
	struct kaccumulated *acc;
	const struct kconfig *config;
	struct error *err;
};

static struct node *field(const struct steps *s, const char *name)
{
	return node_get(s->t->k.fields, name);
}

/* A new configuration; its places are those of at. */
static struct node *config_at(const struct steps *s, const struct node *at)
{
	struct node *n = node_map(s->t->b->a);
	n->line = at->line;
	n->column = at->column;
	n->origin = at->origin;
	return n;
}

static void set(const struct steps *s, struct node *config, const char *key, struct node *value)
{
	if (value)
		node_set(s->t->b->a, config, str_of(key), value);
}

static void set_specs(const struct steps *s, struct node *config, const kfieldspecs *specs)
{
	set(s, config, "fieldSpecs", kfieldspecs_node(s->t->b, specs));
}

static const char *join_origin(const struct ktarget *t)
{
	struct korigin at = korigin_append(t->b, &t->origin, t->k.name);
	return at.path;
}

static struct korigin_config built_in_origin(const struct ktarget *t, const char *kind)
{
	return (struct korigin_config){
		.in = { join_origin(t), t->origin.repo, t->origin.ref },
		.api_version = "builtin",
		.kind = kind,
	};
}

static int run(struct steps *s, const char *kind, const struct node *config, const char *what)
{
	struct korigin_config origin;
	struct kstep step = {
		.kind = kind,
		.config = config,
		.file = s->t->k.file,
		.name = arena_printf(s->t->b->a, "%s of %s", what, s->t->k.file),
	};
	if (s->t->tracked) {
		origin = built_in_origin(s->t, kind);
		step.origin = &origin;
	}
	int rc = ktarget_run(s->t, &step, &s->acc->map, s->err);
	return rc > 0 ? error_set(s->err, "%s is not there", kind) : rc;
}

static const char *numbered(const struct steps *s, const char *what, size_t i)
{
	return arena_printf(s->t->b->a, "%s %zu", what, i + 1);
}

static int strategic_patches(struct steps *s)
{
	struct node *paths = field(s, "patchesStrategicMerge");
	if (node_count(paths) == 0)
		return 0;
	struct node *config = config_at(s, paths);
	set(s, config, "paths", paths);
	return run(s, "PatchStrategicMergeTransformer", config, "patchesStrategicMerge");
}

static int patches(struct steps *s)
{
	const struct node *list = field(s, "patches");
	for (size_t i = 0; i < node_count(list); i++)
		if (run(s, "PatchTransformer", node_item(list, i), numbered(s, "patch", i)))
			return -1;
	return 0;
}

static int namespace(struct steps *s)
{
	struct node *value = field(s, "namespace");
	if (node_text(value).n == 0)
		return 0;
	struct node *config = config_at(s, value), *metadata = config_at(s, value);
	set(s, metadata, "namespace", value);
	set(s, config, "metadata", metadata);
	set_specs(s, config, &s->config->namespace);
	return run(s, "NamespaceTransformer", config, "namespace");
}

static int prefix(struct steps *s)
{
	struct node *value = field(s, "namePrefix");
	if (node_text(value).n == 0)
		return 0;
	struct node *config = config_at(s, value);
	set(s, config, "prefix", value);
	set_specs(s, config, &s->config->name_prefix);
	return run(s, "PrefixTransformer", config, "namePrefix");
}

static int suffix(struct steps *s)
{
	struct node *value = field(s, "nameSuffix");
	if (node_text(value).n == 0)
		return 0;
	struct node *config = config_at(s, value);
	set(s, config, "suffix", value);
	set_specs(s, config, &s->config->name_suffix);
	return run(s, "SuffixTransformer", config, "nameSuffix");
}

static int label_entry(struct steps *s, const struct node *label, size_t i)
{
	kfieldspecs specs = { 0 };
	struct node *config = config_at(s, label);
	int rc = klabel_specs(s->t->b, s->config, s->t->k.file, label, &specs, s->err);
	set(s, config, "labels", node_get(label, "pairs"));
	set_specs(s, config, &specs);
	vec_release(&specs);
	return rc ? rc : run(s, "LabelTransformer", config, numbered(s, "labels", i));
}

/* Upstream runs the one for commonLabels whenever there are labels of either kind. */
static int labels(struct steps *s)
{
	struct node *list = field(s, "labels"), *common = field(s, "commonLabels");
	if (node_count(list) + node_count(common) == 0)
		return 0;
	for (size_t i = 0; i < node_count(list); i++)
		if (label_entry(s, node_item(list, i), i))
			return -1;
	struct node *config = config_at(s, common ? common : list);
	set(s, config, "labels", common);
	set_specs(s, config, &s->config->common_labels);
	return run(s, "LabelTransformer", config, "commonLabels");
}

static int annotations(struct steps *s)
{
	struct node *values = field(s, "commonAnnotations");
	if (node_count(values) == 0)
		return 0;
	struct node *config = config_at(s, values);
	set(s, config, "annotations", values);
	set_specs(s, config, &s->config->common_annotations);
	return run(s, "AnnotationsTransformer", config, "commonAnnotations");
}

static int json_patches(struct steps *s)
{
	const struct node *list = field(s, "patchesJson6902");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i);
		struct node *config = config_at(s, entry);
		set(s, config, "target", node_get(entry, "target"));
		set(s, config, "path", node_get(entry, "path"));
		set(s, config, "jsonOp", node_get(entry, "patch"));
		if (run(s, "PatchJson6902Transformer", config, numbered(s, "patchesJson6902", i)))
			return -1;
	}
	return 0;
}

/* One run for each entry of a list, which stands at `key` of the configuration. */
static int each(struct steps *s, const char *list_name, const char *kind, const char *key,
		const kfieldspecs *specs)
{
	const struct node *list = field(s, list_name);
	for (size_t i = 0; i < node_count(list); i++) {
		struct node *entry = node_item(list, i), *config = config_at(s, entry);
		struct str name = node_text(node_get(entry, "name"));
		set(s, config, key, entry);
		set_specs(s, config, specs);
		if (run(s, kind, config, arena_printf(s->t->b->a, "%s %.*s", list_name, STR_ARG(name))))
			return -1;
	}
	return 0;
}

static int replicas(struct steps *s)
{
	return each(s, "replicas", "ReplicaCountTransformer", "replica", &s->config->replicas);
}

static int images(struct steps *s)
{
	return each(s, "images", "ImageTagTransformer", "imageTag", &s->config->images);
}

static int replacements(struct steps *s)
{
	struct node *list = field(s, "replacements");
	if (node_count(list) == 0)
		return 0;
	struct node *config = config_at(s, list);
	set(s, config, "replacements", list);
	return run(s, "ReplacementTransformer", config, "replacements");
}

int ktarget_transform(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	static int (*const all[])(
		struct steps *) = { strategic_patches, patches,	     namespace, prefix, suffix,	     labels,
				    annotations,       json_patches, replicas,	images, replacements };
	struct steps s = { .t = t, .acc = acc, .config = kaccumulated_config(t->b, acc), .err = err };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i](&s))
			return -1;
	return 0;
}

/* --- generators --- */

static int generate(struct steps *s, const char *list_name, const char *kind, const char *plugin)
{
	struct ktarget *t = s->t;
	const struct node *list = field(s, list_name);
	struct korigin_config origin;
	if (t->tracked)
		origin = built_in_origin(t, plugin);
	for (size_t i = 0; i < node_count(list); i++) {
		struct kgenerate_call call = {
			.build = t->b,
			.root = t->root,
			.kind = kind,
			.args = node_item(list, i),
			.options = field(s, "generatorOptions"),
			.file = t->k.file,
		};
		struct str name = node_text(node_get(call.args, "name"));
		struct kres *r;
		call.step = arena_printf(t->b->a, "%s %.*s of %s", list_name, STR_ARG(name), t->k.file);
		if (kgenerate(&call, &r, s->err))
			return -1;
		if (t->tracked)
			annotate_generated(t->b, r, &origin);
		if (kresmap_absorb(t->b, &s->acc->map, r, s->err))
			return -1;
	}
	return 0;
}

int ktarget_generate(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	struct steps s = { .t = t, .acc = acc, .err = err };
	const struct node *charts = field(&s, "helmCharts");
	if (generate(&s, "configMapGenerator", "ConfigMap", "ConfigMapGenerator") ||
	    generate(&s, "secretGenerator", "Secret", "SecretGenerator"))
		return -1;
	if (node_count(charts) == 0)
		return 0;
	if (!t->b->options->enable_helm)
		return error_set(err, "%s:%u: helmCharts: must specify --enable-helm", t->k.file,
				 charts->line);
	return error_set(err,
			 "%s:%u: helmCharts are not rendered yet: render the chart with `helm template` and "
			 "list the result in `resources`",
			 t->k.file, charts->line);
}
