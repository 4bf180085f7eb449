/*
 * build.c - a build from end to end: the kustomization with its bases is accumulated; then, once for all of
 * it, names get their hashes, references follow the names, vars are resolved, and what is only local drops
 * out.
 */
#include "render/kustomize/build.h"

#include "doc/yaml.h"
#include "render/kustomize/generate.h"
#include "render/kustomize/load.h"
#include "render/kustomize/schema.h"
#include "render/kustomize/target.h"

/* What the label of `buildMetadata: [managedByLabel]` says: the version whose output this is. */
#define BUILD_VERSION "kustomize-v5.8.1"

void kbuild_warn(struct kbuild *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = arena_vprintf(b->a, fmt, ap);
	va_end(ap);
	vec_push(&b->warnings, text);
}

void kbuild_release(struct kbuild *b)
{
	for (size_t i = 0; i < b->all.n; i++)
		kres_release(b->all.at[i]);
	vec_release(&b->all);
	vec_release(&b->warnings);
	if (b->config)
		kconfig_release(b->config);
}

int kbuild_check_memory(const struct kbuild *b, struct error *err)
{
	if (b->a->used - b->memory_before <= KUSTOMIZE_MEMORY_MAX)
		return 0;
	return error_set(err, "the build grows over %llu MiB (KUSTOMIZE_MEMORY_MAX); split it",
			 KUSTOMIZE_MEMORY_MAX >> 20);
}

/* --- the end of a build --- */

static bool wants(const struct ktarget *t, const char *what)
{
	const struct node *list = node_get(t->k.fields, "buildMetadata");
	for (size_t i = 0; i < node_count(list); i++)
		if (str_is(node_item(list, i)->text, what))
			return true;
	return false;
}

/* Upstream: IgnoreLocal, which also looks at every resource once more. */
static int drop_local(struct kbuild *b, struct kresmap *m, struct error *err)
{
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		struct str kind = kres_kind(r), name = kres_name(r);
		if (r->gone || kres_is_empty(r))
			continue;
		if (kind.n == 0 || (name.n == 0 && !str_ends(kind, STR("List"))))
			return error_set(err, "%s:%u: after all changes it has no %s", r->file, r->line,
					 kind.n ? "metadata.name" : "kind");
		const struct node *local = node_get(kres_annotations(r), "config.kubernetes.io/local-config");
		if (local && !str_is(local->type == NODE_NULL ? local->text : knode_text(local), "false"))
			r->gone = true;
	}
	kresmap_drop_gone(m);
	return 0;
}

static struct node *text_node(struct kbuild *b, const char *text)
{
	return node_string(b->a, str_of(text));
}

static int sort(struct ktarget *t, struct kresmap *m, struct error *err)
{
	struct kbuild *b = t->b;
	struct node *own = node_get(t->k.fields, "sortOptions"), *config = node_map(b->a);
	if (!own && b->options->order == KUSTOMIZE_ORDER_NONE)
		return 0;
	if (own && b->options->order != KUSTOMIZE_ORDER_DEFAULT)
		kbuild_warn(b, "%s:%u: sortOptions are used, not the order that was asked for (--reorder)",
			    t->k.file, own->line);
	if (!own) {
		own = node_map(b->a);
		node_set(b->a, own, STR("order"), text_node(b, "legacy"));
	}
	node_set(b->a, config, STR("sortOptions"), own);
	struct kstep step = { .kind = "SortOrderTransformer",
			      .config = config,
			      .file = t->k.file,
			      .name = arena_printf(b->a, "sortOptions of %s", t->k.file) };
	return ktarget_run(t, &step, m, err) ? -1 : 0;
}

static int add_managed_by(struct ktarget *t, struct kresmap *m, struct error *err)
{
	struct kbuild *b = t->b;
	if (!wants(t, "managedByLabel") && !b->options->managed_by)
		return 0;
	struct node *config = node_map(b->a), *labels = node_map(b->a);
	kfieldspecs specs = { 0 };
	struct kfieldspec spec = { .path = STR("metadata/labels"), .create = true };
	node_set(b->a, labels, STR("app.kubernetes.io/managed-by"), text_node(b, BUILD_VERSION));
	node_set(b->a, config, STR("labels"), labels);
	vec_push(&specs, spec);
	node_set(b->a, config, STR("fieldSpecs"), kfieldspecs_node(b, &specs));
	vec_release(&specs);
	struct kstep step = { .kind = "LabelTransformer",
			      .config = config,
			      .file = t->k.file,
			      .name = arena_printf(b->a, "buildMetadata of %s", t->k.file) };
	return ktarget_run(t, &step, m, err) ? -1 : 0;
}

static int finish(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	struct kbuild *b = t->b;
	const struct kconfig *config = kaccumulated_config(b, acc);
	if (khash_names(b, &acc->map, err) || knameref_fix(b, config, &acc->map, err) ||
	    kvars_resolve(b, config, &acc->vars, &acc->map, err) || drop_local(b, &acc->map, err) ||
	    kresmap_check_unique(b, &acc->map, err) || sort(t, &acc->map, err) ||
	    add_managed_by(t, &acc->map, err))
		return -1;
	annotate_finish(b, &acc->map, wants(t, "originAnnotations"), wants(t, "transformerAnnotations"));
	return kbuild_check_memory(b, err);
}

/* --- the result --- */

/* Upstream writes annotations anew at the end, with keys that nothing quotes: then `"1"` is a number. */
static int check_annotations(struct kbuild *b, const struct kres *r, struct error *err)
{
	const struct node *annotations = kres_annotations(r);
	for (size_t i = 0; i < node_count(annotations); i++) {
		struct str key = annotations->map.pairs[i].key;
		const struct node *read = yaml_kyaml_scalar(b->a, key);
		if (read->type != NODE_STRING || read->style == NODE_TIMESTAMP)
			return error_set(err,
					 "metadata.annotations: kustomize cannot print the key `%.*s`: "
					 "without quotes it is no text",
					 STR_ARG(key));
	}
	return 0;
}

static int settle(struct kbuild *b, struct kresmap *m, struct kustomize_result *out, struct error *err)
{
	out->objects = arena_array(b->a, struct kustomize_object, m->list.n + 1);
	out->n = 0;
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		struct kid id = kres_id(b, r);
		if (yaml_settle_printed(b->a, r->root, err) || check_annotations(b, r, err))
			return error_wrap(err, "%s:%u: %s", r->file, r->line, kid_text(b->a, &id));
		out->objects[out->n++] = (struct kustomize_object){
			.root = r->root,
			.file = r->file,
			.line = r->line,
			.group = id.group,
			.version = id.version,
			.kind = id.kind,
			.name = id.name,
			.namespace = id.cluster_scoped ? (struct str){ "", 0 } : kid_effective_namespace(&id),
		};
	}
	return 0;
}

static void keep_warnings(struct kbuild *b, struct kustomize_result *out)
{
	out->warnings = arena_array(b->a, const char *, b->warnings.n + 1);
	if (b->warnings.n)
		memcpy(out->warnings, b->warnings.at, b->warnings.n * sizeof(const char *));
	out->n_warnings = b->warnings.n;
}

/* --- the beginning --- */

/* An App's own additions are an overlay in a directory of its own, of which nobody needs to know. */
static int accumulate_overlay(struct ktarget *t, const struct kroot *base, struct kaccumulated *acc,
			      struct error *err)
{
	struct kbuild *b = t->b;
	const struct kustomize_options *o = b->options;
	if (kustomization_read(b, o->overlay, o->overlay_name ? o->overlay_name : "overlay", &t->k, err))
		return -1;
	t->tracked = node_count(node_get(t->k.fields, "buildMetadata")) > 0;
	if (ktarget_add_base(t, base, t->origin, acc, err))
		return -1;
	return ktarget_accumulate(t, acc, err);
}

static int accumulate(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	if (t->b->options->overlay)
		return accumulate_overlay(t, t->root, acc, err);
	if (ktarget_load(t, err))
		return -1;
	t->tracked = node_count(node_get(t->k.fields, "buildMetadata")) > 0;
	return ktarget_accumulate(t, acc, err);
}

static int open_root(struct kbuild *b, const struct render_tree *tree, const char *dir, struct kroot *out,
		     struct error *err)
{
	enum tree_kind kind;
	*out = (struct kroot){ .tree = *tree };
	if (tree->ops->find(tree->ctx, b->a, dir, &kind, &out->dir, err))
		return -1;
	if (kind != TREE_DIR)
		return error_set(err,
				 kind == TREE_FILE ? "%s: it is a file, a directory is needed"
						   : "%s: there is no such directory",
				 tree_shown(tree, b->a, dir));
	return 0;
}

static int build(struct kbuild *b, const struct kroot *root, struct kustomize_result *out, struct error *err)
{
	cleanup_accumulated struct kaccumulated acc = KACCUMULATED_INIT;
	struct ktarget t = { .b = b, .root = root, .origin = { "", "", "" } };
	int rc = accumulate(&t, &acc, err);
	/* What went wrong may be for want of what is missing: it is fetched first. */
	if (b->missing_remotes)
		return 1;
	if (rc == 0 && finish(&t, &acc, err) == 0)
		return settle(b, &acc.map, out, err);
	return -1;
}

static struct kbuild begin(struct arena *a, const struct kustomize_options *options)
{
	return (struct kbuild){ .a = a,
				.options = options,
				.origins = options->origins,
				.keys = yaml_keys_new(a),
				.memory_before = a->used };
}

static void end(struct kbuild *b, struct kustomize_result *out)
{
	keep_warnings(b, out);
	kbuild_release(b);
}

int kustomize_build(struct arena *a, const struct render_tree *tree, const char *dir,
		    const struct kustomize_options *options, struct kustomize_result *out, struct error *err)
{
	struct kbuild b = begin(a, options);
	struct kroot root;
	b.schema = kschema_new(&b);
	*out = (struct kustomize_result){ 0 };
	int rc = open_root(&b, tree, dir, &root, err);
	if (rc == 0)
		rc = build(&b, &root, out, err);
	end(&b, out);
	return rc;
}

bool kustomize_is_remote(const char *reference)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct repospec spec;
	return repospec_parse(&scratch, reference, &spec);
}

int kustomize_build_remote(struct arena *a, const struct render_tree *tree, const char *reference,
			   const struct kustomize_options *options, struct kustomize_result *out,
			   struct error *err)
{
	struct kbuild b = begin(a, options);
	struct kroot root;
	struct repospec spec;
	b.schema = kschema_new(&b);
	*out = (struct kustomize_result){ 0 };
	int rc = repospec_parse(a, reference, &spec)
			 ? load_open_remote(&b, tree, NULL, &spec, &root, err)
			 : error_set(err, "%s: it is no reference to a git repository", reference);
	if (rc == 0)
		rc = build(&b, &root, out, err);
	end(&b, out);
	return rc;
}

void kustomize_print(const struct kustomize_result *result, struct buf *out)
{
	for (size_t i = 0; i < result->n; i++) {
		if (i)
			buf_adds(out, "---\n");
		yaml_write(out, result->objects[i].root);
	}
}
