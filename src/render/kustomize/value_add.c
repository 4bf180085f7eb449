/* value_add.c - ValueAddTransformer: one value for fields of many resources, also as a part of a file path.
 */
#include "doc/yaml.h"
#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/namespace.h"
#include "render/kustomize/select.h"

struct adding {
	const struct ktransform_call *call;
	struct kwriter w;
	struct str value;
	struct error *err;
};

struct add_target {
	const char *file;
	const struct node *selector; /* NULL: all */
	struct str field_path;
	int64_t position; /* 0: the value is all; i: the i-th part of a file path */
};

static int read_target(const char *file, const struct node *map, struct add_target *out, struct error *err)
{
	*out = (struct add_target){ .file = file };
	if (map->type != NODE_MAP)
		return error_set(err, "%s:%u: a target is a map with selector and fieldPath", file,
				 map->line);
	if (karg_map(file, map, "selector", &out->selector, err) ||
	    karg_string(file, map, "fieldPath", &out->field_path, err) ||
	    karg_int(file, map, "filePathPosition", &out->position, err))
		return -1;
	if (out->field_path.n == 0)
		return error_set(err, "%s:%u: fieldPath of a target must not be empty", file, map->line);
	if (out->position < 0)
		return error_set(err, "%s:%u: filePathPosition must not be negative", file, map->line);
	return 0;
}

/* --- a part of a file path --- */

/* Upstream splits and joins with Go's filepath, which drops empty and "." parts, and resolves "..". */
struct file_path {
	bool absolute;
	VEC(struct str) parts;
};

static void split_file_path(struct str text, struct file_path *out)
{
	out->absolute = text.n && text.p[0] == '/';
	while (text.n) {
		size_t n = text.n;
		struct str part = str_cut(text, '/', &text);
		if (part.n)
			vec_push(&out->parts, part);
		if (part.n == n)
			break;
	}
}

static struct str join_file_path(struct arena *a, struct file_path *path)
{
	struct buf out = BUF_INIT;
	size_t n = 0;
	for (size_t i = 0; i < path->parts.n; i++) {
		struct str part = path->parts.at[i];
		if (str_is(part, "."))
			continue;
		if (str_is(part, "..") && n && !str_is(path->parts.at[n - 1], ".."))
			n--;
		else if (!str_is(part, "..") || !path->absolute)
			path->parts.at[n++] = part;
	}
	for (size_t i = 0; i < n; i++) {
		if (i || path->absolute)
			buf_addc(&out, '/');
		buf_add_str(&out, path->parts.at[i]);
	}
	if (out.n == 0)
		buf_addc(&out, path->absolute ? '/' : '.');
	struct str copy = arena_str(a, buf_str(&out));
	buf_release(&out);
	return copy;
}

static struct str insert_part(struct arena *a, struct str text, int64_t position, struct str value)
{
	struct file_path path = { 0 };
	split_file_path(text, &path);
	size_t at = (uint64_t)position - 1 < path.parts.n ? (size_t)position - 1 : path.parts.n;
	vec_push(&path.parts, value);
	for (size_t i = path.parts.n - 1; i > at; i--)
		path.parts.at[i] = path.parts.at[i - 1];
	path.parts.at[at] = value;
	struct str joined = join_file_path(a, &path);
	vec_release(&path.parts);
	return joined;
}

/* --- the field --- */

static int add_field(struct adding *k, const struct add_target *t, struct kres *r)
{
	struct arena *a = k->call->build->a;
	struct kpath path;
	struct node *n;
	if (kpath_split(a, t->field_path, '/', &path, k->err) ||
	    kpath_lookup_create(&k->w, r->root, &path, NODE_STRING, &n, k->err) ||
	    kvalue_expect(n, NODE_STRING, k->err))
		return -1;
	if (n)
		kwrite_scalar(&k->w, n,
			      t->position ? insert_part(a, kvalue_text(n), t->position, k->value) : k->value);
	return 0;
}

static int add_to_all(struct adding *k, const struct add_target *t, const kres_list *list)
{
	struct knamespacing namespacing = { .namespace = k->value };
	for (size_t i = 0; i < list->n; i++) {
		struct kres *r = list->at[i];
		int rc = str_is(t->field_path, "metadata/namespace")
				 ? knamespace_set(&k->w, &namespacing, r, k->err)
				 : add_field(k, t, r);
		if (rc)
			return error_wrap(k->err, "%s:%u: %.*s %.*s: field `%.*s`", r->file, r->line,
					  STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)),
					  STR_ARG(t->field_path));
	}
	return 0;
}

static int add_target(struct adding *k, const struct add_target *t)
{
	struct kbuild *b = k->call->build;
	struct kselector selector;
	kres_list list = { 0 };
	int rc = 0;
	if (t->selector) {
		rc = kselector_read(b, t->selector, t->file, &selector, k->err);
		if (rc == 0)
			rc = kselect(b, &selector, k->call->resources, &list, k->err);
	} else {
		for (size_t i = 0; i < k->call->resources->list.n; i++)
			vec_push(&list, k->call->resources->list.at[i]);
	}
	if (rc == 0)
		rc = add_to_all(k, t, &list);
	vec_release(&list);
	return rc;
}

/* --- the configuration --- */

/* targets: the list of targets, or NULL. Only checks when `run` is not set. */
static int each_target(struct adding *k, const char *file, const struct node *targets, bool run)
{
	for (size_t i = 0; i < node_count(targets); i++) {
		struct add_target target;
		if (read_target(file, node_item(targets, i), &target, k->err))
			return -1;
		if (run && add_target(k, &target))
			return -1;
	}
	return 0;
}

/* Targets in a file of their own. */
static int read_file(struct adding *k, struct str path, const char **file, const struct node **targets)
{
	struct kbuild *b = k->call->build;
	struct str text;
	struct yaml_stream stream;
	if (kroot_read(b, k->call->root, arena_str(b->a, path).p, &text, file, k->err))
		return -1;
	if (kyaml_parse(b, &(struct kres_text){ .file = *file, .text = text }, &stream, k->err))
		return -1;
	return stream.n ? karg_list(*file, stream.documents[0].root, "targets", targets, k->err) : 0;
}

static struct str base_name(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	return str_of(slash ? slash + 1 : dir);
}

int ktransform_value_add(const struct ktransform_call *call, struct error *err)
{
	struct adding k = { .call = call, .err = err, .w = kwriter_of(call, karg(call->config, "value")) };
	const char *own = call->config_file, *file = NULL;
	const struct node *targets, *more = NULL;
	struct str path = { "", 0 };
	if (karg_string(own, call->config, "value", &k.value, err) ||
	    karg_list(own, call->config, "targets", &targets, err) ||
	    karg_string(own, call->config, "targetFilePath", &path, err))
		return -1;
	k.value = str_trim(k.value);
	if (k.value.n == 0)
		k.value = base_name(call->root->dir);
	if (path.n && read_file(&k, path, &file, &more))
		return -1;
	if (node_count(targets) + node_count(more) == 0)
		return error_set(err, "%s:%u: at least one target is needed", own, call->config->line);
	if (each_target(&k, own, targets, false) || each_target(&k, file, more, false))
		return -1;
	int rc = each_target(&k, own, targets, true);
	if (rc == 0)
		rc = each_target(&k, file, more, true);
	kresmap_touch(call->resources);
	return rc;
}
