/*
 * target.c - one kustomization and its bases. While remote bases are missing, everything is still visited, so
 * that all of them are noted in one pass, but nothing is generated or transformed.
 */
#include "render/kustomize/target.h"

#include "doc/yaml.h"
#include "render/kustomize/load.h"
#include "render/kustomize/schema.h"

/* --- what is accumulated --- */

/* Vars are looked up one by one: there are few, and a cap keeps it so. */
#define TARGET_VARS_MAX 10000u

void kaccumulated_release(struct kaccumulated *acc)
{
	kresmap_release(&acc->map);
	if (acc->config)
		kconfig_release(acc->config);
	vec_release(&acc->vars);
}

/*
 * Upstream merges the built-in configuration into an empty one, where a spec that one before it selects is
 * left out; and it merges one kustomization's after the other, so that the outcome depends on all of them.
 */
static const struct kconfig *built_in(struct kbuild *b)
{
	if (!b->config) {
		struct kconfig all;
		b->config = arena_new(b->a, struct kconfig);
		kconfig_default(b, &all);
		(void)kconfig_merge(b, b->config, &all, NULL); /* our own tables do not conflict */
		kconfig_release(&all);
	}
	return b->config;
}

const struct kconfig *kaccumulated_config(struct kbuild *b, const struct kaccumulated *acc)
{
	return acc->config ? acc->config : built_in(b);
}

/* from NULL: the built-in one. */
static int merge_config(struct kbuild *b, struct kaccumulated *acc, const struct kconfig *from,
			struct error *err)
{
	if (!from && !acc->config) {
		acc->configured = true;
		return 0;
	}
	if (!acc->config) {
		acc->config = arena_new(b->a, struct kconfig);
		if (acc->configured && kconfig_merge(b, acc->config, built_in(b), err))
			return -1;
	}
	acc->configured = acc->configured || !from;
	return kconfig_merge(b, acc->config, from ? from : built_in(b), err);
}

static int add_var(struct kvar var, struct kaccumulated *acc, struct error *err)
{
	for (size_t i = 0; i < acc->vars.n; i++)
		if (str_eq(acc->vars.at[i].name, var.name))
			return error_set(err, "%s:%u: var `%.*s` is there already, from %s:%u", var.file,
					 var.line, STR_ARG(var.name), acc->vars.at[i].file,
					 acc->vars.at[i].line);
	if (acc->vars.n >= TARGET_VARS_MAX)
		return error_set(err, "%s:%u: there are more than %u vars (TARGET_VARS_MAX)", var.file,
				 var.line, TARGET_VARS_MAX);
	vec_push(&acc->vars, var);
	return 0;
}

/* Upstream: MergeAccumulator. */
static int merge(struct kbuild *b, struct kaccumulated *acc, const struct kaccumulated *from,
		 struct error *err)
{
	for (size_t i = 0; i < from->map.list.n; i++)
		if (kresmap_append(b, &acc->map, from->map.list.at[i], err))
			return -1;
	if ((from->config || from->configured) && merge_config(b, acc, from->config, err))
		return -1;
	for (size_t i = 0; i < from->vars.n; i++)
		if (add_var(from->vars.at[i], acc, err))
			return -1;
	return 0;
}

/* --- resources --- */

static int add_file(struct ktarget *t, const char *path, struct kaccumulated *acc, struct error *err)
{
	struct kbuild *b = t->b;
	struct str text, origin = { "", 0 };
	const char *shown;
	kres_list list = { 0 };
	if (kroot_read(b, t->root, path, &text, &shown, err))
		return -1;
	int rc = kres_parse(b, shown, text, &list, err);
	if (t->tracked) {
		struct korigin at = korigin_append(b, &t->origin, path);
		origin = korigin_text(b, &at);
	}
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (t->tracked)
			annotate_origin(b, list.at[i], origin);
		rc = kresmap_append(b, &acc->map, list.at[i], err);
	}
	vec_release(&list);
	return rc;
}

static int set_schema(struct ktarget *t, struct error *err)
{
	struct kbuild *b = t->b;
	const struct node *openapi = node_get(t->k.fields, "openapi");
	struct str path = node_text(node_get(openapi, "path"));
	struct str version = node_text(node_get(openapi, "version"));
	struct str text;
	const char *shown;
	struct yaml_stream stream;
	if (b->schema_chosen || (!node_get(openapi, "path") && version.n == 0))
		return 0;
	b->schema_chosen = true;
	if (!node_get(openapi, "path"))
		return kschema_set_version(b, version, err) ? error_wrap(err, "%s: openapi", t->k.file) : 0;
	if (node_get(openapi, "version"))
		return error_set(err, "%s:%u: openapi: give either path or version", t->k.file,
				 openapi->line);
	if (kroot_read(b, t->root, arena_str(b->a, path).p, &text, &shown, err))
		return error_wrap(err, "%s:%u: openapi", t->k.file, openapi->line);
	if (kyaml_parse(b, &(struct kres_text){ .file = shown, .text = text }, &stream, err))
		return -1;
	if (stream.n == 0)
		return error_set(err, "%s: there is no schema in it", shown);
	return kschema_set(b, stream.documents[0].root, err) ? error_wrap(err, "%s", shown) : 0;
}

int ktarget_load(struct ktarget *t, struct error *err)
{
	if (++t->b->targets > KUSTOMIZE_TARGETS_MAX)
		return error_set(err, "the build reads more than %u kustomizations (KUSTOMIZE_TARGETS_MAX)",
				 KUSTOMIZE_TARGETS_MAX);
	return kustomization_load(t->b, t->root, &t->k, err) || set_schema(t, err) ? -1 : 0;
}

static int check_kind(const struct ktarget *t, bool component, struct error *err)
{
	if (t->k.component == component)
		return 0;
	return error_set(
		err,
		component ? "%s: it is a Kustomization and is listed in `components`: move it to "
			    "`resources`, or give it `kind: Component`"
			  : "%s: it is a Component and is listed in `resources`: move it to `components`",
		t->k.file);
}

/* What a component leaves is merged into something empty, too: specs that one before them selects go. */
static int merge_anew(struct kbuild *b, struct kaccumulated *acc, struct error *err)
{
	if (!acc->config)
		return 0;
	struct kconfig *before = acc->config;
	acc->config = arena_new(b->a, struct kconfig);
	int rc = kconfig_merge(b, acc->config, before, err);
	kconfig_release(before);
	return rc;
}

static int add_directory(struct ktarget *t, const struct kroot *root, struct korigin origin, bool component,
			 struct kaccumulated *acc, struct error *err)
{
	struct ktarget sub = { .b = t->b, .root = root, .tracked = t->tracked, .origin = origin };
	if (ktarget_load(&sub, err) || check_kind(&sub, component, err))
		return -1;
	/* A component works on what is there; a base on its own, which joins it then. */
	if (component)
		return ktarget_accumulate(&sub, acc, err) || kresmap_check_unique(t->b, &acc->map, err) ||
				       merge_anew(t->b, acc, err)
			       ? -1
			       : 0;
	cleanup_accumulated struct kaccumulated own = KACCUMULATED_INIT;
	return ktarget_accumulate(&sub, &own, err) || merge(t->b, acc, &own, err) ? -1 : 0;
}

int ktarget_add_base(struct ktarget *t, const struct kroot *root, struct korigin origin,
		     struct kaccumulated *acc, struct error *err)
{
	return add_directory(t, root, origin, false, acc, err);
}

static int open_directory(struct ktarget *t, const char *path, bool component, struct kaccumulated *acc,
			  struct error *err)
{
	struct kroot root;
	struct korigin origin = t->origin;
	int rc = load_open(t->b, t->root, path, &root, err);
	if (rc)
		return rc;
	if (t->tracked)
		origin = korigin_append(t->b, &t->origin, path);
	return add_directory(t, &root, origin, component, acc, err);
}

/* A text of a list as a path. */
static int path_of(struct ktarget *t, const struct node *item, const char **path, struct error *err)
{
	if (str_find(item->text, '\0', 0) != SIZE_MAX)
		return error_set(err, "%s:%u: a path holds a NUL", t->k.file, item->line);
	*path = arena_str(t->b->a, item->text).p;
	return 0;
}

/* Whether path is a file of the tree; a directory, a remote base, or nothing, otherwise. */
static int is_file(struct ktarget *t, const char *path, bool *file, struct error *err)
{
	enum tree_kind kind = TREE_NONE;
	const struct render_tree *tree = &t->root->tree;
	const char *joined = tree_join(tree, t->b->a, t->root->dir, path);
	int rc = joined ? tree->ops->find(tree->ctx, t->b->a, joined, &kind, NULL, err) : 0;
	*file = kind == TREE_FILE;
	return rc;
}

int ktarget_add_path(struct ktarget *t, const struct node *item, struct kaccumulated *acc, struct error *err)
{
	const char *path = NULL;
	bool file;
	if (path_of(t, item, &path, err))
		return -1;
	int rc = is_file(t, path, &file, err);
	if (rc == 0)
		rc = file ? add_file(t, path, acc, err) : open_directory(t, path, false, acc, err);
	if (rc < 0)
		return error_wrap(err, "%s:%u", t->k.file, item->line);
	return 0; /* what is missing was noted */
}

static int add_components(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	const struct node *list = node_get(t->k.fields, "components");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *item = node_item(list, i);
		const char *path = NULL;
		if (path_of(t, item, &path, err))
			return -1;
		if (open_directory(t, path, true, acc, err) < 0)
			return error_wrap(err, "%s:%u", t->k.file, item->line);
	}
	return 0;
}

/* --- configurations, crds --- */

static int read_document(struct ktarget *t, const struct node *item, bool strict, struct yaml_stream *out,
			 const char **shown, struct error *err)
{
	struct str text;
	const char *path = NULL;
	if (path_of(t, item, &path, err))
		return -1;
	if (kroot_read(t->b, t->root, path, &text, shown, err))
		return error_wrap(err, "%s:%u", t->k.file, item->line);
	struct kres_text from = { .file = *shown, .text = text, .strict = strict };
	return kyaml_parse(t->b, &from, out, err);
}

typedef int add_fn(struct kbuild *b, struct kconfig *c, const char *file, const struct node *n,
		   struct error *err);

/* What the files of a list say. */
static int read_configs(struct ktarget *t, const char *field, bool strict, add_fn *add, struct kconfig *out,
			struct error *err)
{
	const struct node *list = node_get(t->k.fields, field);
	for (size_t i = 0; i < node_count(list); i++) {
		struct yaml_stream stream;
		const char *shown;
		if (read_document(t, node_item(list, i), strict, &stream, &shown, err))
			return -1;
		if (stream.n && add(t->b, out, shown, stream.documents[0].root, err))
			return -1;
	}
	return 0;
}

static int add_configurations(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	struct kconfig own = { 0 }, all = { 0 };
	if (node_count(node_get(t->k.fields, "configurations")) == 0)
		return merge_config(t->b, acc, NULL, err);
	kconfig_default(t->b, &all);
	int rc = read_configs(t, "configurations", true, kconfig_add, &own, err);
	if (rc == 0 && (kconfig_merge(t->b, &all, &own, err) || merge_config(t->b, acc, &all, err)))
		rc = error_wrap(err, "%s: configurations", t->k.file);
	kconfig_release(&own);
	kconfig_release(&all);
	return rc;
}

static int add_crds(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	struct kconfig own = { 0 };
	if (node_count(node_get(t->k.fields, "crds")) == 0)
		return 0;
	int rc = read_configs(t, "crds", false, kconfig_add_crd, &own, err);
	if (rc == 0 && merge_config(t->b, acc, &own, err))
		rc = error_wrap(err, "%s: crds", t->k.file);
	kconfig_release(&own);
	return rc;
}

/* --- vars --- */

static struct str text_in(const struct node *map, const char *key)
{
	return node_text(node_get(map, key));
}

static struct kvar read_var(const struct ktarget *t, const struct node *entry)
{
	const struct node *ref = node_get(entry, "objref");
	struct str api_version = text_in(ref, "apiVersion"), rest;
	struct str path = text_in(node_get(entry, "fieldref"), "fieldPath");
	struct kvar var = { .name = text_in(entry, "name"),
			    .field_path = path.n ? path : STR("metadata.name"),
			    .file = t->k.file,
			    .line = entry->line };
	var.ref = (struct kid){ .group = text_in(ref, "group"),
				.version = text_in(ref, "version"),
				.kind = text_in(ref, "kind"),
				.name = text_in(ref, "name"),
				.namespace = text_in(ref, "namespace") };
	struct str first = str_cut(api_version, '/', &rest);
	if (api_version.n && first.n == api_version.n) {
		var.ref.version = api_version;
	} else if (api_version.n && str_find(rest, '/', 0) == SIZE_MAX) {
		var.ref.group = first;
		var.ref.version = rest;
	}
	return var;
}

/* Without a namespace a var may mean an object in any. */
static bool is_meant(const struct kid *ref, const struct kid *id)
{
	struct kid other = *id;
	if (ref->namespace.n)
		return kid_equal(ref, id);
	other.namespace = ref->namespace;
	other.cluster_scoped = ref->cluster_scoped;
	return kid_equal(ref, &other);
}

/* Whether r is called so now, or was: asked first, because there may be many vars and resources. */
static bool has_name(const struct kres *r, struct str name)
{
	bool found = str_eq(kres_name(r), name);
	for (size_t i = 0; !found && i < r->previous.n; i++)
		found = str_eq(r->previous.at[i].name, name);
	return found;
}

static bool var_matches(struct kbuild *b, const struct kvar *var, const struct kres *r)
{
	struct kid id;
	if (!has_name(r, var->ref.name))
		return false;
	id = kres_id(b, r);
	if (is_meant(&var->ref, &id))
		return true;
	for (size_t i = 0; i < r->previous.n; i++) {
		id = kres_previous_id(b, r, i);
		if (is_meant(&var->ref, &id))
			return true;
	}
	return false;
}

/* A var is bound where it is declared, whatever becomes of the names later. Upstream: MergeVars. */
static int bind_var(struct kbuild *b, struct kvar *var, const struct kresmap *m, struct error *err)
{
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		if (!var_matches(b, var, r))
			continue;
		if (var->bound)
			return error_set(
				err,
				"%s:%u: var `%.*s` could mean the one of %s:%u or that of %s:%u; give "
				"its objref a namespace",
				var->file, var->line, STR_ARG(var->name), var->bound->file, var->bound->line,
				r->file, r->line);
		var->bound = r;
	}
	return 0;
}

static int add_vars(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	const struct node *list = node_get(t->k.fields, "vars");
	for (size_t i = 0; i < node_count(list); i++) {
		struct kvar var = read_var(t, node_item(list, i));
		if (bind_var(t->b, &var, &acc->map, err))
			return -1;
		if (add_var(var, acc, err))
			return -1;
	}
	return 0;
}

/* --- all of it --- */

int ktarget_accumulate(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	const struct node *resources = node_get(t->k.fields, "resources");
	for (size_t i = 0; i < node_count(resources); i++)
		if (ktarget_add_path(t, node_item(resources, i), acc, err))
			return -1;
	if (add_configurations(t, acc, err) || add_crds(t, acc, err))
		return -1;
	if (!t->b->missing_remotes &&
	    (ktarget_generate(t, acc, err) || ktarget_generate_plugins(t, acc, err)))
		return -1;
	if (add_components(t, acc, err))
		return -1;
	if (t->b->missing_remotes)
		return 0;
	if (ktarget_transform(t, acc, err) || ktarget_transform_plugins(t, acc, err) ||
	    ktarget_validate(t, acc, err))
		return -1;
	return add_vars(t, acc, err);
}
