/*
 * plugin.c - generators, transformers and validators that are objects of their own, in files or inline
 * (upstream: configureExternalGenerators and the plugin loader). Those of apiVersion `builtin` are the
 * built-in ones; the others are programs (function.c).
 */
#include "doc/yaml.h"
#include "render/kustomize/fields.h"
#include "render/kustomize/generate.h"
#include "render/kustomize/target.h"

/* --- loading --- */

/* Whether an entry could be anything but a path. */
static bool may_be_inline(struct str s)
{
	struct str text = str_trim(s);
	return text.n == 0 || text.p[0] == '#' || str_find(text, ':', 0) != SIZE_MAX ||
	       str_find(text, '\n', 0) != SIZE_MAX;
}

/* An entry that is an object itself. 1: it is none. */
static int add_inline(struct ktarget *t, const struct node *item, struct kaccumulated *out, struct error *err)
{
	struct error not_inline = ERROR_INIT;
	kres_list list = { 0 };
	if (!may_be_inline(item->text))
		return 1;
	bool block = item->style == NODE_LITERAL || item->style == NODE_FOLDED;
	struct kres_text from = { .file = t->k.file,
				  .text = item->text,
				  .lines_before = item->line - !block };
	size_t warnings = t->b->warnings.n;
	int rc = kres_read(t->b, &from, &list, &not_inline) ? 1 : 0;
	if (rc)
		t->b->warnings.n = warnings;
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		struct kres *r = list.at[i];
		if (t->tracked) {
			struct korigin at = korigin_append(t->b, &t->origin, t->k.name);
			annotate_origin(t->b, r, korigin_text(t->b, &at));
		}
		rc = kresmap_append(t->b, &out->map, r, err);
	}
	vec_release(&list);
	return rc;
}

/* Inline ones come first, as they do upstream. */
static int load(struct ktarget *t, const char *field, struct kaccumulated *out, struct error *err)
{
	const struct node *list = node_get(t->k.fields, field);
	size_t n = node_count(list);
	bool *done = arena_array(t->b->a, bool, n + 1);
	for (size_t i = 0; i < n; i++) {
		int rc = add_inline(t, node_item(list, i), out, err);
		if (rc < 0)
			return -1;
		done[i] = rc == 0;
	}
	for (size_t i = 0; i < n; i++)
		if (!done[i] && ktarget_add_path(t, node_item(list, i), out, err))
			return -1;
	return 0;
}

static bool is_built_in(const struct kres *r)
{
	return str_is(kres_api_version(r), "builtin");
}

/* The object as its own plugin reads it. */
static int config_of(struct ktarget *t, const struct kres *r, struct node **out, struct error *err)
{
	*out = node_copy(t->b->a, r->root);
	return yaml_settle_printed(t->b->a, *out, err) ? error_wrap(err, "%s:%u", r->file, r->line) : 0;
}

static const char *kind_of(struct ktarget *t, const struct kres *r)
{
	return arena_str(t->b->a, kres_kind(r)).p;
}

static const char *step_of(struct ktarget *t, const struct kres *r)
{
	return arena_printf(t->b->a, "%.*s %.*s of %s", STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)),
			    r->file);
}

/* --- generators --- */

/* Name and namespace are those of the configuration's own metadata, unless it says otherwise. */
static void name_after(struct ktarget *t, struct node *args)
{
	static const char *const fields[] = { "name", "namespace" };
	const struct node *metadata = node_get(args, "metadata");
	for (size_t i = 0; i < 2; i++) {
		struct node *own = node_get(metadata, fields[i]);
		if (own && node_text(node_get(args, fields[i])).n == 0)
			node_set(t->b->a, args, str_of(fields[i]), own);
	}
}

static int generate_data(struct ktarget *t, const struct kres *r, const char *kind, kres_list *made,
			 struct error *err)
{
	struct node *config;
	struct kgenerate_call call = {
		.build = t->b, .root = t->root, .kind = kind, .file = r->file, .step = step_of(t, r)
	};
	struct kres *one;
	if (config_of(t, r, &config, err) ||
	    kdecode_lenient(t->b, r->file, config, &kshape_generator, &config, err))
		return -1;
	name_after(t, config);
	call.args = config;
	if (kgenerate(&call, &one, err))
		return -1;
	vec_push(made, one);
	return 0;
}

static struct node *string_at(struct ktarget *t, const struct node *at, const char *text)
{
	struct node *n = node_string(t->b->a, str_of(text));
	n->line = at->line;
	n->origin = at->origin;
	return n;
}

static struct node *map_at(struct ktarget *t, const struct node *at)
{
	struct node *n = node_map(t->b->a);
	n->line = at->line;
	n->origin = at->origin;
	return n;
}

/* A ServiceAccount that stands for one of the cloud (upstream: api/filters/iampolicygenerator). */
static int generate_iam_policy(struct ktarget *t, const struct kres *r, kres_list *made, struct error *err)
{
	struct node *config;
	struct arena *a = t->b->a;
	if (config_of(t, r, &config, err) ||
	    kdecode_lenient(t->b, r->file, config, &kshape_iam_policy, &config, err))
		return -1;
	struct str cloud = node_text(node_get(config, "cloud"));
	const struct node *kubernetes = node_get(config, "kubernetesService");
	const struct node *account = node_get(config, "serviceAccount");
	if (!str_is(cloud, "gke"))
		return error_set(err, "%s:%u: cloud provider `%.*s` is not known: only gke is", r->file,
				 r->line, STR_ARG(cloud));
	struct str name = node_text(node_get(kubernetes, "name"));
	struct str namespace = node_text(node_get(kubernetes, "namespace"));
	struct node *root = map_at(t, config), *metadata = map_at(t, config),
		    *annotations = map_at(t, config);
	struct str email = str_of(arena_printf(a, "%.*s@%.*s.iam.gserviceaccount.com",
					       STR_ARG(node_text(node_get(account, "name"))),
					       STR_ARG(node_text(node_get(account, "projectId")))));
	node_set(a, root, STR("apiVersion"), string_at(t, config, "v1"));
	node_set(a, root, STR("kind"), string_at(t, config, "ServiceAccount"));
	node_set(a, annotations, STR("iam.gke.io/gcp-service-account"), string_at(t, config, email.p));
	node_set(a, metadata, STR("annotations"), annotations);
	node_set(a, metadata, STR("name"), string_at(t, config, arena_str(a, name).p));
	if (namespace.n)
		node_set(a, metadata, STR("namespace"), string_at(t, config, arena_str(a, namespace).p));
	node_set(a, root, STR("metadata"), metadata);
	vec_push(made, kres_new(t->b, root, r->file));
	return 0;
}

static int generate(struct ktarget *t, const struct kres *r, kres_list *made, struct error *err)
{
	struct str kind = kres_kind(r);
	if (!is_built_in(r))
		return kfunction_generate(t, r, made, err);
	if (str_is(kind, "ConfigMapGenerator"))
		return generate_data(t, r, "ConfigMap", made, err);
	if (str_is(kind, "SecretGenerator"))
		return generate_data(t, r, "Secret", made, err);
	if (str_is(kind, "IAMPolicyGenerator"))
		return generate_iam_policy(t, r, made, err);
	if (str_is(kind, "HelmChartInflationGenerator"))
		return error_set(err,
				 "%s:%u: Helm charts are not rendered yet: render the chart with `helm "
				 "template` and list the result in `resources`",
				 r->file, r->line);
	return error_set(err, "%s:%u: %.*s is no generator that is built in", r->file, r->line,
			 STR_ARG(kind));
}

static int run_generator(struct ktarget *t, const struct kres *r, struct kaccumulated *acc, struct error *err)
{
	struct korigin_config origin;
	kres_list made = { 0 };
	int rc = generate(t, r, &made, err);
	bool has_origin = annotate_plugin(t->b, r, &origin);
	for (size_t i = 0; rc == 0 && i < made.n; i++) {
		if (has_origin)
			annotate_generated(t->b, made.at[i], &origin);
		rc = kresmap_absorb(t->b, &acc->map, made.at[i], err);
	}
	vec_release(&made);
	return rc;
}

int ktarget_generate_plugins(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	cleanup_accumulated struct kaccumulated plugins = KACCUMULATED_INIT;
	if (load(t, "generators", &plugins, err))
		return -1;
	for (size_t i = 0; i < plugins.map.list.n; i++)
		if (run_generator(t, plugins.map.list.at[i], acc, err))
			return -1;
	return 0;
}

/* --- transformers --- */

static int transform_built_in(struct ktarget *t, const struct kres *r, const struct korigin_config *origin,
			      struct kresmap *m, struct error *err)
{
	struct kstep step = {
		.kind = kind_of(t, r), .file = r->file, .name = step_of(t, r), .origin = origin
	};
	struct node *config;
	if (config_of(t, r, &config, err))
		return -1;
	step.config = config;
	if (strcmp(step.kind, "HashTransformer") == 0) {
		if (khash_names(t->b, m, err))
			return -1;
		return origin ? annotate_transformed(t->b, m, origin, err) : 0;
	}
	if (strcmp(step.kind, "PrefixSuffixTransformer") == 0) {
		step.kind = "PrefixTransformer";
		step.origin = NULL;
		if (ktarget_run(t, &step, m, err))
			return -1;
		step.kind = "SuffixTransformer";
		step.origin = origin;
	}
	/* Upstream has this one for the field sortOptions alone. */
	int rc = strcmp(step.kind, "SortOrderTransformer") == 0 ? 1 : ktarget_run(t, &step, m, err);
	return rc > 0 ? error_set(err, "%s:%u: %s is no transformer that is built in", r->file, r->line,
				  step.kind)
		      : rc;
}

static int transform(struct ktarget *t, const struct kres *r, bool annotated, struct kresmap *m,
		     struct error *err)
{
	struct korigin_config config;
	const struct korigin_config *origin = annotated && annotate_plugin(t->b, r, &config) ? &config : NULL;
	if (is_built_in(r))
		return transform_built_in(t, r, origin, m, err);
	if (kfunction_transform(t, r, m, err))
		return -1;
	return origin ? annotate_transformed(t->b, m, origin, err) : 0;
}

int ktarget_transform_plugins(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	cleanup_accumulated struct kaccumulated plugins = KACCUMULATED_INIT;
	if (load(t, "transformers", &plugins, err))
		return -1;
	for (size_t i = 0; i < plugins.map.list.n; i++)
		if (transform(t, plugins.map.list.at[i], true, &acc->map, err))
			return -1;
	return 0;
}

/* --- validators --- */

/* Whether two trees are the same down to how and where each value was written: a value that was put in anew
 * has another place. */
static bool is_same(const struct node *a, const struct node *b)
{
	size_t n = node_count(a);
	if (a->type != b->type || a->line != b->line || a->column != b->column || a->style != b->style)
		return false;
	if (a->type != NODE_MAP && a->type != NODE_SEQ)
		return str_eq(a->text, b->text);
	if (n != node_count(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (a->type == NODE_SEQ && !is_same(a->seq.items[i], b->seq.items[i]))
			return false;
		if (a->type == NODE_MAP && (!str_eq(a->map.pairs[i].key, b->map.pairs[i].key) ||
					    !is_same(a->map.pairs[i].value, b->map.pairs[i].value)))
			return false;
	}
	return true;
}

/* A resource as it was before a validator. */
struct seen {
	struct node *root;
	size_t previous, prefixes, suffixes;
};

/* A validator may leave a label that says so, and nothing else. Upstream takes that label out by writing the
 * labels anew, so that it is content only with a resource that has no others. It notes a former name in an
 * annotation, as JSON patches do even when they only test: that is a change, too. */
static bool is_unchanged(struct kbuild *b, const struct seen *before, const struct kres *after)
{
	struct node *now = node_copy(b->a, after->root), *metadata = node_get(now, "metadata");
	if (before->previous != after->previous.n || before->prefixes != after->prefixes.n ||
	    before->suffixes != after->suffixes.n)
		return false;
	struct node *labels = node_get(metadata, "labels");
	if (node_del(labels, STR("validated-by"))) {
		if (node_count(labels))
			return false;
		node_del(metadata, STR("labels"));
	}
	return is_same(before->root, now);
}

static int validate(struct ktarget *t, const struct kres *r, struct kaccumulated *acc, struct error *err)
{
	struct kbuild *b = t->b;
	size_t n = acc->map.list.n;
	struct seen *before = arena_array(b->a, struct seen, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct kres *at = acc->map.list.at[i];
		before[i] = (struct seen){ node_copy(b->a, at->root), at->previous.n, at->prefixes.n,
					   at->suffixes.n };
	}
	if (transform(t, r, false, &acc->map, err))
		return -1;
	bool same = n == acc->map.list.n;
	for (size_t i = 0; same && i < n; i++)
		same = is_unchanged(b, &before[i], acc->map.list.at[i]);
	if (same)
		return 0;
	return error_set(err, "%s:%u: the validator changes resources: list it in `transformers`", r->file,
			 r->line);
}

int ktarget_validate(struct ktarget *t, struct kaccumulated *acc, struct error *err)
{
	cleanup_accumulated struct kaccumulated plugins = KACCUMULATED_INIT;
	if (load(t, "validators", &plugins, err))
		return -1;
	for (size_t i = 0; i < plugins.map.list.n; i++)
		if (validate(t, plugins.map.list.at[i], acc, err))
			return -1;
	return 0;
}
