/* replacement_read.c - `replacements:` as Go structs would be filled from them (types.Replacement). */
#include "doc/yaml.h"
#include "render/kustomize/args.h"
#include "render/kustomize/replacement.h"

static int read_options(const char *file, const struct node *map, struct kreplace_options *out,
			struct error *err)
{
	const struct node *options;
	struct str encoding; /* upstream knows it, but does nothing with it */
	if (karg_map(file, map, "options", &options, err) ||
	    karg_string(file, options, "delimiter", &out->delimiter, err) ||
	    karg_int(file, options, "index", &out->index, err) ||
	    karg_string(file, options, "encoding", &encoding, err) ||
	    karg_bool(file, options, "create", &out->create, err))
		return -1;
	return 0;
}

static int read_source(struct kbuild *b, const char *file, const struct node *map, struct kreplacement *out,
		       struct error *err)
{
	struct kreplace_source *source = arena_new(b->a, struct kreplace_source);
	source->line = map->line;
	if (karg_string(file, map, "group", &source->group, err) ||
	    karg_string(file, map, "version", &source->version, err) ||
	    karg_string(file, map, "kind", &source->kind, err) ||
	    karg_string(file, map, "name", &source->name, err) ||
	    karg_string(file, map, "namespace", &source->namespace, err) ||
	    karg_string(file, map, "fieldPath", &source->field_path, err) ||
	    read_options(file, map, &source->options, err))
		return -1;
	out->source = source;
	return 0;
}

static int read_rejects(struct kbuild *b, const char *file, const struct node *list,
			struct kreplace_target *out, struct error *err)
{
	for (size_t i = 0; i < node_count(list); i++) {
		struct kselector selector;
		if (node_item(list, i)->type != NODE_MAP)
			return error_set(err, "%s:%u: reject is a list of selectors", file,
					 node_item(list, i)->line);
		if (kselector_read(b, node_item(list, i), file, &selector, err))
			return -1;
		vec_push(&out->reject, selector);
	}
	return 0;
}

static int read_target(struct kbuild *b, const char *file, const struct node *map,
		       struct kreplace_target *out, struct error *err)
{
	const struct node *select, *reject, *paths;
	if (map->type != NODE_MAP)
		return error_set(err, "%s:%u: a target is a map with select and fieldPaths", file, map->line);
	out->line = map->line;
	if (karg_map(file, map, "select", &select, err) || karg_list(file, map, "reject", &reject, err) ||
	    karg_list(file, map, "fieldPaths", &paths, err) || read_options(file, map, &out->options, err) ||
	    read_rejects(b, file, reject, out, err))
		return -1;
	if (select && kselector_read(b, select, file, &out->select, err))
		return -1;
	out->selects = select != NULL;
	for (size_t i = 0; i < node_count(paths); i++) {
		const struct node *path = node_item(paths, i);
		if (path->type != NODE_STRING)
			return error_set(err, "%s:%u: fieldPaths is a list of texts", file, path->line);
		vec_push(&out->field_paths, path->text);
	}
	if (out->field_paths.n == 0)
		vec_push(&out->field_paths, STR("metadata.name"));
	return 0;
}

static int read_one(struct kbuild *b, const char *file, const struct node *map, struct kreplacement *out,
		    struct error *err)
{
	const struct node *source, *targets;
	struct str value;
	out->file = file;
	out->line = map->line;
	if (map->type == NODE_NULL)
		return 0;
	if (map->type != NODE_MAP)
		return error_set(err, "%s:%u: a replacement is a map with source and targets", file,
				 map->line);
	out->value = karg(map, "sourceValue");
	if (karg_string(file, map, "sourceValue", &value, err) ||
	    karg_map(file, map, "source", &source, err) || karg_list(file, map, "targets", &targets, err) ||
	    (source && read_source(b, file, source, out, err)))
		return -1;
	out->targeted = targets != NULL;
	for (size_t i = 0; i < node_count(targets); i++) {
		struct kreplace_target target = { 0 };
		int rc = read_target(b, file, node_item(targets, i), &target, err);
		vec_push(&out->targets, target);
		if (rc)
			return -1;
	}
	return 0;
}

static int add(struct kbuild *b, const char *file, const struct node *map, kreplacements *out,
	       struct error *err)
{
	struct kreplacement one = { 0 };
	if (out->n >= KREPLACEMENTS_MAX)
		return error_set(err, "%s:%u: more than %u replacements (KREPLACEMENTS_MAX)", file, map->line,
				 KREPLACEMENTS_MAX);
	int rc = read_one(b, file, map, &one, err);
	vec_push(out, one);
	return rc;
}

/* A file holds one replacement, or a list of them. */
static int add_file(const struct ktransform_call *call, struct str path, kreplacements *out,
		    struct error *err)
{
	struct kbuild *b = call->build;
	struct str text;
	const char *shown;
	struct yaml_stream stream;
	if (kroot_read(b, call->root, arena_str(b->a, path).p, &text, &shown, err))
		return -1;
	if (kyaml_parse(b, &(struct kres_text){ .file = shown, .text = text }, &stream, err))
		return -1;
	const struct node *root = stream.n ? stream.documents[0].root : NULL;
	if (!root || (root->type != NODE_SEQ && root->type != NODE_MAP))
		return error_set(err, "%s: a replacement, or a list of them, is needed", shown);
	if (root->type == NODE_MAP)
		return add(b, shown, root, out, err);
	for (size_t i = 0; i < root->seq.n; i++)
		if (add(b, shown, root->seq.items[i], out, err))
			return -1;
	return 0;
}

int kreplacements_read(const struct ktransform_call *call, kreplacements *out, struct error *err)
{
	const char *file = call->config_file;
	const struct node *list;
	if (karg_list(file, call->config, "replacements", &list, err))
		return -1;
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *item = node_item(list, i);
		struct str path = { "", 0 };
		if (karg_string(file, item, "path", &path, err))
			return -1;
		if (path.n && (karg(item, "source") || node_count(karg(item, "targets"))))
			return error_set(err, "%s:%u: a replacement has either a path, or source and targets",
					 file, item->line);
		if (path.n ? add_file(call, path, out, err) : add(call->build, file, item, out, err))
			return path.n ? error_wrap(err, "%s:%u", file, item->line) : -1;
	}
	return 0;
}

void kreplacements_release(kreplacements *list)
{
	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = 0; k < list->at[i].targets.n; k++) {
			vec_release(&list->at[i].targets.at[k].reject);
			vec_release(&list->at[i].targets.at[k].field_paths);
		}
		vec_release(&list->at[i].targets);
	}
	vec_release(list);
}
