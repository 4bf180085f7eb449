/*
 * patches.c - the built-in transformers that patch: what they are given becomes patches, each read once, and
 * these go to the resources that they name or that a target selects.
 */
#include "doc/yaml.h"
#include "render/kustomize/decode.h"
#include "render/kustomize/patch.h"
#include "render/kustomize/select.h"
#include "render/kustomize/transform.h"

/* --- configurations --- */

static const struct kshape_field option_fields[] = {
	{ "allowNameChange", &kshape_bool },
	{ "allowKindChange", &kshape_bool },
	{ NULL },
};
static const struct kshape option_shape = { .kind = KSHAPE_STRUCT, .fields = option_fields };

static const struct kshape_field patch_fields[] = {
	{ "path", &kshape_string },
	{ "patch", &kshape_string },
	{ "target", &kselector_shape },
	{ "options", &option_shape },
	{ NULL },
};
static const struct kshape patch_shape = { .kind = KSHAPE_STRUCT, .fields = patch_fields };

static const struct kshape_field json_fields[] = {
	{ "target", &kselector_shape },
	{ "path", &kshape_string },
	{ "jsonOp", &kshape_string },
	{ NULL },
};
static const struct kshape json_shape = { .kind = KSHAPE_STRUCT, .fields = json_fields };

static const struct kshape_field strategic_fields[] = {
	{ "paths", &kshape_strings },
	{ "patches", &kshape_string },
	{ NULL },
};
static const struct kshape strategic_shape = { .kind = KSHAPE_STRUCT, .fields = strategic_fields };

static int bad_config(const struct ktransform_call *call, struct error *err, const char *why)
{
	return error_set(err, "%s:%u: %s", call->config_file, call->config->line, why);
}

/* --- texts of patches --- */

struct source {
	struct str text;
	const char *file; /* that lines are in, as shown to people */
	uint32_t shift;	  /* lines of file before the text's first one */
};

/* A patch that stands in the configuration itself. */
static struct source inline_source(const struct ktransform_call *call, const struct node *value)
{
	bool block = value->style == NODE_LITERAL || value->style == NODE_FOLDED;
	uint32_t line = value->line ? value->line : 1;
	return (struct source){ value->text, call->config_file, block ? line : line - 1 };
}

/* Without white space at both ends; lines still count. */
static void trim(struct source *s)
{
	struct str text = str_trim(s->text);
	for (const char *p = s->text.p; text.n && p < text.p; p++)
		s->shift += *p == '\n';
	s->text = text;
}

static int file_source(const struct ktransform_call *call, const struct node *path, struct source *out,
		       struct error *err)
{
	struct kbuild *b = call->build;
	out->shift = 0;
	if (kroot_read(b, call->root, arena_str(b->a, path->text).p, &out->text, &out->file, err))
		return error_wrap(err, "%s:%u", call->config_file, path->line);
	return 0;
}

static struct kres_text text_of(const struct source *s)
{
	return (struct kres_text){
		.file = s->file,
		.text = s->text,
		.lines_before = s->shift,
		.patch = true,
	};
}

/* Appends the patches of s to out. */
static int read_strategic(const struct ktransform_call *call, const struct source *s, kres_list *out,
			  struct error *err)
{
	struct kres_text from = text_of(s);
	return kres_read(call->build, &from, out, err);
}

static int read_json(const struct ktransform_call *call, const struct source *s, struct kjson_patch *out,
		     struct error *err)
{
	struct kres_text from = text_of(s);
	return kjson_patch_read(call->build, &from, out, err);
}

/* --- applying --- */

/* Upstream copies a patch's metadata onto itself before it goes to what a target selects: its labels and
 * annotations are texts then, so that a null there says "null" and takes nothing away. */
static void prepare_for_target(struct kbuild *b, struct kres *patch)
{
	struct node *metadata = node_get(patch->root, "metadata");
	if (metadata && metadata->type == NODE_MAP) {
		kinternals_texts(b, metadata, STR("labels"));
		kinternals_texts(b, metadata, STR("annotations"));
	}
}

/* Then it gets the version of what it is for. */
static void take_version(struct kbuild *b, struct kres *patch, const struct kres *r)
{
	const struct node *own = node_get(r->root, "apiVersion");
	struct str version = knode_text(own);
	struct node *n = node_get(patch->root, "apiVersion");
	if (own && (own->type == NODE_MAP || own->type == NODE_SEQ))
		return; /* that goes wrong in the merge */
	if (version.n == 0)
		node_del(patch->root, STR("apiVersion"));
	else if (!n || !str_eq(knode_text(n), version))
		node_set(b->a, patch->root, STR("apiVersion"), yaml_kyaml_scalar(b->a, version));
}

static int apply_strategic(const struct ktransform_call *call, struct kres *r, const struct kres *patch,
			   struct error *err)
{
	if (patch->allow_name_change || patch->allow_kind_change)
		kresmap_touch(call->resources);
	if (kpatch_strategic(call->build, r, patch, call->step, err))
		return -1;
	return kbuild_check_memory(call->build, err);
}

/* Two resources may have come to the same identity. */
static int check_unique(const struct ktransform_call *call, struct error *err)
{
	struct kbuild *b = call->build;
	struct kresmap *m = call->resources;
	kres_list same = { 0 };
	int rc = 0;
	if (m->unique)
		return 0;
	for (size_t i = 0; rc == 0 && i < m->list.n; i++) {
		struct kid id = kres_id(b, m->list.at[i]);
		same.n = 0;
		kresmap_by_current_id(b, m, &id, &same);
		if (same.n > 1)
			rc = error_set(err, "%s:%u and %s:%u are both %s after the patch", same.at[0]->file,
				       same.at[0]->line, same.at[1]->file, same.at[1]->line,
				       kid_text(b->a, &id));
	}
	m->unique = rc == 0;
	vec_release(&same);
	return rc;
}

static int apply_selected(const struct ktransform_call *call, struct kres *r, struct kres *patch,
			  struct error *err)
{
	take_version(call->build, patch, r);
	if (apply_strategic(call, r, patch, err))
		return -1;
	/* One that had none gets none, which is something to upstream. */
	if (!r->gone && !node_get(r->root, "apiVersion"))
		node_set(call->build->a, r->root, STR("apiVersion"),
			 yaml_kyaml_scalar(call->build->a, (struct str){ "", 0 }));
	return 0;
}

/* Resources by their address. */
static bool put_resource(struct map *set, struct kres *r)
{
	return map_put(set, (struct str){ (const char *)&r, sizeof(r) }, r) == NULL;
}

/* Adds what has the identity of one that is selected: upstream goes by identities. */
static void add_namesakes(const struct ktransform_call *call, kres_list *selected)
{
	struct kbuild *b = call->build;
	struct kresmap *m = call->resources;
	struct map there = MAP_INIT, done = MAP_INIT;
	kres_list same = { 0 };
	size_t n = selected->n;
	if (m->unique)
		return;
	for (size_t i = 0; i < n; i++) {
		struct kid id = kres_id(b, selected->at[i]);
		if (done.n && map_get(&done, str_of(kid_text(b->a, &id))))
			continue;
		same.n = 0;
		kresmap_by_current_id(b, m, &id, &same);
		if (same.n < 2)
			continue;
		for (size_t k = 0; there.n == 0 && k < n; k++)
			put_resource(&there, selected->at[k]);
		for (size_t k = 0; k < same.n; k++)
			if (put_resource(&there, same.at[k]))
				vec_push(selected, same.at[k]);
		map_put(&done, str_of(kid_text(b->a, &id)), b);
	}
	map_release(&there);
	map_release(&done);
	vec_release(&same);
}

/* Upstream's ResMap.ApplySmPatch. */
static int apply_to_all(const struct ktransform_call *call, kres_list *selected, struct kres *patch,
			struct error *err)
{
	prepare_for_target(call->build, patch);
	add_namesakes(call, selected);
	for (size_t i = 0; i < selected->n; i++)
		if (apply_selected(call, selected->at[i], patch, err))
			return -1;
	kresmap_drop_gone(call->resources);
	return check_unique(call, err);
}

/* The one resource that has, or had, the patch's identity. */
static int find_named(const struct ktransform_call *call, const struct kres *patch, struct kres **out,
		      struct error *err)
{
	struct kbuild *b = call->build;
	struct kid id = kres_id(b, patch);
	kres_list found = { 0 };
	size_t n = 0;
	kresmap_by_any_id(b, call->resources, &id, &found);
	for (size_t i = 0; i < found.n; i++)
		if (!found.at[i]->gone && !kres_is_empty(found.at[i]))
			found.at[n++] = found.at[i];
	*out = n ? found.at[0] : NULL;
	const struct kres *other = n > 1 ? found.at[1] : NULL;
	vec_release(&found);
	if (n == 1)
		return 0;
	if (n == 0)
		return error_set(err,
				 "%s:%u: no resource is %s: the patch has nothing to change; correct its "
				 "apiVersion, kind, name or namespace, or give it a target",
				 patch->file, patch->line, kid_text(b->a, &id));
	return error_set(err, "%s:%u: %s is more than one resource (%s:%u, %s:%u); give the patch a target",
			 patch->file, patch->line, kid_text(b->a, &id), (*out)->file, (*out)->line,
			 other->file, other->line);
}

static int read_target(const struct ktransform_call *call, const struct node *target, kres_list *selected,
		       struct error *err)
{
	struct kselector selector;
	if (kselector_read(call->build, target, call->config_file, &selector, err))
		return -1;
	return kselect(call->build, &selector, call->resources, selected, err);
}

static int apply_json(const struct ktransform_call *call, const struct node *target,
		      const struct kjson_patch *patch, bool note_names, struct error *err)
{
	kres_list selected = { 0 };
	int rc = read_target(call, target, &selected, err);
	for (size_t i = 0; rc == 0 && i < selected.n; i++) {
		if (note_names)
			kres_store_previous(call->build, selected.at[i]);
		rc = kjson_patch_apply(call->build, selected.at[i], patch, call->step, err);
		if (rc == 0)
			rc = kbuild_check_memory(call->build, err);
	}
	if (selected.n)
		kresmap_touch(call->resources);
	vec_release(&selected);
	return rc;
}

/* --- PatchTransformer --- */

static void allow_changes(struct kbuild *b, const struct node *options, kres_list *patches)
{
	bool name = node_bool(node_get(options, "allowNameChange"), false),
	     kind = node_bool(node_get(options, "allowKindChange"), false);
	for (size_t i = 0; (name || kind) && i < patches->n; i++) {
		struct kres *patch = patches->at[i];
		patch->allow_name_change = name;
		patch->allow_kind_change = kind;
		/* Upstream notes that among the patch's annotations, which are texts then. */
		kinternals_texts(b, node_get(patch->root, "metadata"), STR("annotations"));
	}
}

static int apply_patches(const struct ktransform_call *call, const struct node *target, kres_list *patches,
			 struct error *err)
{
	if (target) {
		kres_list selected = { 0 };
		if (patches->n > 1)
			return bad_config(call, err,
					  "a target goes with one patch only, and this text holds several");
		int rc = read_target(call, target, &selected, err);
		if (rc == 0)
			rc = apply_to_all(call, &selected, patches->at[0], err);
		vec_release(&selected);
		return rc;
	}
	for (size_t i = 0; i < patches->n; i++) {
		struct kres *r;
		if (find_named(call, patches->at[i], &r, err) ||
		    apply_strategic(call, r, patches->at[i], err))
			return -1;
	}
	return 0;
}

/* The text is of either sort. What is empty does nothing. */
static int apply_text(const struct ktransform_call *call, const struct node *config, const struct source *s,
		      struct error *err)
{
	const struct node *target = node_get(config, "target");
	struct error strategic_err = ERROR_INIT;
	kres_list patches = { 0 };
	struct kjson_patch json;
	int rc = read_strategic(call, s, &patches, &strategic_err);
	if (rc == 0) {
		allow_changes(call->build, node_get(config, "options"), &patches);
		rc = patches.n ? apply_patches(call, target, &patches, err) : 0;
	} else if (read_json(call, s, &json, err) || !json.operations) {
		bool list = s->text.n && (s->text.p[0] == '[' || s->text.p[0] == '-');
		if (!list)
			error_set(err, "%s", strategic_err.text);
		error_wrap(err, "%s:%u: the patch cannot be read", call->config_file, call->config->line);
	} else if (!target) {
		rc = bad_config(call, err, "a JSON patch needs a target");
	} else {
		rc = apply_json(call, target, &json, true, err);
	}
	vec_release(&patches); /* the patches are the build's */
	return rc;
}

static int patch_transformer(const struct ktransform_call *call, struct error *err)
{
	struct node *config;
	if (kdecode_lenient(call->build, call->config_file, call->config, &patch_shape, &config, err))
		return -1;
	const struct node *path = node_get(config, "path"), *patch = node_get(config, "patch");
	struct source s = { .text = { "", 0 } };
	if (patch) {
		s = inline_source(call, patch);
		trim(&s);
	}
	bool has_path = node_text(path).n > 0;
	if (!has_path && s.text.n == 0)
		return bad_config(call, err, "a patch needs `path` or `patch`");
	if (has_path && s.text.n)
		return bad_config(call, err, "a patch has either `path` or `patch`, not both");
	if (has_path && file_source(call, path, &s, err))
		return -1;
	return apply_text(call, config, &s, err);
}

/* --- PatchStrategicMergeTransformer --- */

/* What stands in `paths` may be a patch itself: only what is none is a file. */
static int read_path(const struct ktransform_call *call, const struct node *path, kres_list *out,
		     struct error *err)
{
	struct source s = inline_source(call, path);
	if (read_strategic(call, &s, out, NULL) == 0)
		return 0;
	if (file_source(call, path, &s, err))
		return -1;
	return read_strategic(call, &s, out, err);
}

static int read_all(const struct ktransform_call *call, const struct node *paths, const struct node *patches,
		    kres_list *out, struct error *err)
{
	for (size_t i = 0; i < node_count(paths); i++)
		if (read_path(call, paths->seq.items[i], out, err))
			return -1;
	if (node_text(patches).n) {
		struct source s = inline_source(call, patches);
		if (read_strategic(call, &s, out, err))
			return -1;
	}
	return out->n ? 0 : bad_config(call, err, "patch appears to be empty");
}

static int strategic_transformer(const struct ktransform_call *call, struct error *err)
{
	struct node *config;
	if (kdecode_lenient(call->build, call->config_file, call->config, &strategic_shape, &config, err))
		return -1;
	const struct node *paths = node_get(config, "paths"), *patches = node_get(config, "patches");
	if (node_count(paths) == 0 && node_text(patches).n == 0)
		return bad_config(call, err, "there is no patch: give `paths` or `patches`");
	kres_list list = { 0 };
	int rc = read_all(call, paths, patches, &list, err);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		struct kres *r;
		rc = find_named(call, list.at[i], &r, err);
		kres_list one = { 0 };
		if (rc == 0) {
			vec_push(&one, r);
			rc = apply_to_all(call, &one, list.at[i], err);
		}
		vec_release(&one);
	}
	vec_release(&list); /* the patches are the build's */
	return rc;
}

/* --- PatchJson6902Transformer --- */

static int json_source(const struct ktransform_call *call, const struct node *config, struct source *out,
		       struct error *err)
{
	const struct node *path = node_get(config, "path"), *text = node_get(config, "jsonOp");
	if (node_text(path).n == 0 && node_text(text).n == 0)
		return bad_config(call, err, "a JSON patch needs `path` or `patch`");
	if (node_text(path).n && node_text(text).n)
		return bad_config(call, err, "a JSON patch has either `path` or `patch`, not both");
	if (node_text(path).n == 0) {
		*out = inline_source(call, text);
		return 0;
	}
	if (file_source(call, path, out, err))
		return -1;
	return out->text.n ? 0 : error_set(err, "%s: the patch is empty", out->file);
}

static int json_transformer(const struct ktransform_call *call, struct error *err)
{
	struct node *config;
	struct source s;
	struct kjson_patch patch;
	if (kdecode_lenient(call->build, call->config_file, call->config, &json_shape, &config, err))
		return -1;
	const struct node *target = node_get(config, "target");
	if (node_text(node_get(target, "name")).n == 0)
		return bad_config(call, err, "the target of a JSON patch needs a name");
	if (json_source(call, config, &s, err) || read_json(call, &s, &patch, err))
		return -1;
	if (node_count(patch.operations) == 0)
		return bad_config(call, err, "patch appears to be empty");
	return apply_json(call, target, &patch, false, err);
}

const struct ktransformer kpatch_transformers[] = {
	{ "PatchTransformer", patch_transformer },
	{ "PatchStrategicMergeTransformer", strategic_transformer },
	{ "PatchJson6902Transformer", json_transformer },
	{ NULL, NULL },
};
