/*
 * kustomization.c - the kustomization file: found, read strictly, and brought from old forms into the one
 * that is used (upstream: types.Kustomization and its FixKustomization).
 */
#include "render/kustomize/kustomization.h"

#include "doc/yaml.h"
#include "render/kustomize/decode.h"
#include "render/kustomize/fields.h"

/* --- old forms --- */

static const struct {
	const char *field, *instead;
} deprecated[] = {
	{ "bases", "resources" },	  { "commonLabels", "labels" },		  { "imageTags", "images" },
	{ "patchesJson6902", "patches" }, { "patchesStrategicMerge", "patches" }, { "vars", "replacements" },
};

static uint32_t field_line(const struct node *fields, const char *name)
{
	for (size_t i = 0; i < fields->map.n; i++)
		if (str_is(fields->map.pairs[i].key, name))
			return fields->map.pairs[i].value->line;
	return fields->line;
}

static void warn_deprecated(struct kbuild *b, const struct kustomization *k)
{
	for (size_t i = 0; i < sizeof(deprecated) / sizeof(*deprecated); i++)
		if (node_get(k->fields, deprecated[i].field))
			kbuild_warn(b, "%s:%u: `%s` is deprecated: use `%s`", k->file,
				    field_line(k->fields, deprecated[i].field), deprecated[i].field,
				    deprecated[i].instead);
}

/* Moves the items of list `old` to the end of list `field`. */
static void move_list(struct kbuild *b, struct node *fields, const char *old, const char *field)
{
	struct node *from = node_get(fields, old), *into = node_get(fields, field);
	if (!from)
		return;
	if (!into && from->seq.n)
		node_set(b->a, fields, str_of(field), from);
	for (size_t i = 0; into && i < from->seq.n; i++)
		node_push(b->a, into, from->seq.items[i]);
	node_del(fields, str_of(old));
}

/* `env: FILE` of generators is one more of `envs`. */
static void move_env(struct kbuild *b, struct node *generators)
{
	for (size_t i = 0; i < node_count(generators); i++) {
		struct node *args = node_item(generators, i), *env = node_get(args, "env");
		struct node *envs = node_get(args, "envs");
		if (!env || env->text.n == 0)
			continue;
		if (!envs) {
			envs = node_seq(b->a);
			envs->line = env->line;
			node_set(b->a, args, STR("envs"), envs);
		}
		node_push(b->a, envs, env);
		node_del(args, STR("env"));
	}
}

/* Go's DeepEqual with an empty struct: lists and maps that are there count, empty texts do not. */
static bool is_empty(const struct kustomization *k)
{
	for (size_t i = 0; i < k->fields->map.n; i++) {
		const struct node_pair *pair = &k->fields->map.pairs[i];
		if (str_is(pair->key, "kind") || str_is(pair->key, "apiVersion"))
			continue;
		if (pair->value->type != NODE_STRING || pair->value->text.n)
			return false;
	}
	return true;
}

static int check_type(struct kustomization *k, struct error *err)
{
	static const char versions[2][40] = { "kustomize.config.k8s.io/v1beta1",
					      "kustomize.config.k8s.io/v1alpha1" };
	struct str kind = node_text(node_get(k->fields, "kind"));
	struct str version = node_text(node_get(k->fields, "apiVersion"));
	k->component = str_is(kind, "Component");
	if (kind.n && !k->component && !str_is(kind, "Kustomization"))
		return error_set(err, "%s:%u: kind should be Kustomization or Component", k->file,
				 field_line(k->fields, "kind"));
	if (version.n && !str_is(version, versions[k->component]))
		return error_set(err, "%s:%u: apiVersion for %s should be %s", k->file,
				 field_line(k->fields, "apiVersion"),
				 k->component ? "Component" : "Kustomization", versions[k->component]);
	return 0;
}

int kustomization_read(struct kbuild *b, const struct node *document, const char *file,
		       struct kustomization *out, struct error *err)
{
	*out = (struct kustomization){ .file = file, .name = "kustomization.yaml" };
	if (kdecode(b, file, document, &kshape_kustomization, &out->fields, err))
		return -1;
	warn_deprecated(b, out);
	move_list(b, out->fields, "bases", "resources");
	move_list(b, out->fields, "imageTags", "images");
	move_list(b, out->fields, "helmChartInflationGenerator", "helmCharts");
	move_env(b, node_get(out->fields, "configMapGenerator"));
	move_env(b, node_get(out->fields, "secretGenerator"));
	if (is_empty(out))
		return error_set(err, "%s: the kustomization is empty", file);
	return check_type(out, err);
}

/* --- finding it --- */

const char *const kustomize_file_names[] = { "kustomization.yaml", "kustomization.yml", "Kustomization",
					     NULL };

bool kustomize_is_file(struct str name)
{
	for (size_t i = 0; kustomize_file_names[i]; i++)
		if (str_is(name, kustomize_file_names[i]))
			return true;
	return false;
}

static int find(struct kbuild *b, const struct kroot *root, const char **name, struct error *err)
{
	const char *shown = tree_shown(&root->tree, b->a, root->dir);
	*name = NULL;
	for (size_t i = 0; kustomize_file_names[i]; i++) {
		enum tree_kind kind;
		const char *path = tree_join(&root->tree, b->a, root->dir, kustomize_file_names[i]);
		if (root->tree.ops->find(root->tree.ctx, b->a, path, &kind, NULL, err))
			return -1;
		if (kind != TREE_FILE)
			continue;
		if (*name)
			return error_set(err, "%s: it has both %s and %s; keep one", shown, *name,
					 kustomize_file_names[i]);
		*name = kustomize_file_names[i];
	}
	if (*name)
		return 0;
	return error_set(
		err, "%s: there is no kustomization.yaml (or kustomization.yml, Kustomization) in it", shown);
}

int kustomization_load(struct kbuild *b, const struct kroot *root, struct kustomization *out,
		       struct error *err)
{
	struct yaml_stream stream;
	struct str text;
	const char *name, *file;
	if (find(b, root, &name, err) || kroot_read(b, root, name, &text, &file, err))
		return -1;
	if (kyaml_parse(b, &(struct kres_text){ .file = file, .text = text }, &stream, err))
		return -1;
	if (stream.n == 0)
		return error_set(err, "%s: the kustomization is empty", file);
	if (stream.n > 1)
		kbuild_warn(b, "%s:%u: only the first document of this file is read", file,
			    stream.documents[1].line);
	if (kustomization_read(b, stream.documents[0].root, file, out, err))
		return -1;
	out->name = name;
	return 0;
}
