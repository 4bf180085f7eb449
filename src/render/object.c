/*
 * object.c - a document becomes an object that can be applied: lists are flattened as kubectl does,
 * names are checked as far as a path of the API would need it (the server knows each kind's finer
 * rules), and no object is there twice.
 */
#include <stdio.h>

#include "doc/json.h"
#include "doc/origin.h"
#include "render/collect.h"
#include "render/substitute_parts.h"

/* Longest name or namespace of the API, in bytes. */
enum { NAME_MAX_BYTES = 253 };

/* A document that is being checked: the object so far, and what to call it in a message. */
struct candidate {
	struct render_collect *c;
	struct render_object object;
	const char *label;
	bool template; /* a part of its identity is still to be substituted */
};

#define refuse(k, at, ...)                                                                        \
	collect_diag((k)->c, RENDER_ERROR, origin_file_of((k)->c->origins, at, (k)->object.file), \
		     (at)->line ? (at)->line : (k)->object.line, (at)->column, (k)->label, __VA_ARGS__)

static const char *type_name(const struct node *n)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",	   [NODE_BOOL] = "a boolean", [NODE_INT] = "a number",
		[NODE_FLOAT] = "a number", [NODE_STRING] = "a text",  [NODE_MAP] = "a map",
		[NODE_SEQ] = "a list",
	};
	return names[n->type];
}

/* As much of a text as a message needs; up to a line break or the like. */
static struct str short_text(struct str s)
{
	size_t n = 0;
	while (n < s.n && n < 80 && (unsigned char)s.p[n] >= 0x20 && s.p[n] != 0x7f)
		n++;
	return (struct str){ s.p, n };
}

/* "Deployment shop/api", "Namespace shop", or as much as is known; NULL when nothing is. */
static const char *label_of(struct arena *a, const struct node *root)
{
	struct str kind = short_text(node_text(node_get(root, "kind")));
	struct str name = short_text(node_text(node_at(root, "metadata.name")));
	struct str namespace = short_text(node_text(node_at(root, "metadata.namespace")));
	if (!kind.n && !name.n)
		return NULL;
	return arena_printf(a, "%.*s%s%.*s%s%.*s", STR_ARG(kind), kind.n && name.n ? " " : "",
			    STR_ARG(namespace), namespace.n && name.n ? "/" : "", STR_ARG(name));
}

/* Whether a text is checked only after substitution. */
static bool is_later(struct candidate *k, struct str text)
{
	bool later = k->c->templates && expression_is_in(text);
	k->template |= later;
	return later;
}

/* The text of a field that must be a string; false when it is not there or was refused. */
static bool text_field(struct candidate *k, const struct node *map, const char *field, const char *path,
		       struct str *out)
{
	const struct node *n = node_get(map, field);
	if (!n || n->type == NODE_NULL)
		return false;
	if (n->type != NODE_STRING) {
		refuse(k, n, "%s is %s, it must be a text: quote it", path, type_name(n));
		return false;
	}
	*out = n->text;
	return n->text.n > 0;
}

/* What could not be one segment of a path of the API (see apimachinery's path segment names). */
static const char *bad_segment(struct str s)
{
	if (s.n > NAME_MAX_BYTES)
		return "is longer than 253 bytes";
	if (str_is(s, ".") || str_is(s, ".."))
		return "may not be `.` or `..`";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '/' || c == '%')
			return "may not contain `/` or `%`";
		if (c <= ' ' || c == 0x7f)
			return "may not contain white space or control characters";
	}
	return NULL;
}

static bool is_label(struct str s, bool upper)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum =
			(c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
		if (!alnum && (c != '-' || i == 0 || i + 1 == s.n))
			return false;
	}
	return s.n > 0 && s.n <= 63;
}

/* DNS-1123 subdomain: labels between dots. */
static bool is_group(struct str s)
{
	if (s.n > NAME_MAX_BYTES || (s.n && s.p[s.n - 1] == '.'))
		return false;
	while (s.n)
		if (!is_label(str_cut(s, '.', &s), false))
			return false;
	return true;
}

static bool check_type(struct candidate *k)
{
	struct node *root = k->object.root;
	struct str api_version = { "", 0 }, rest;
	size_t before = k->c->n_errors;
	if (!text_field(k, root, "apiVersion", "apiVersion", &api_version) && k->c->n_errors == before)
		refuse(k, root, "apiVersion is missing");
	else if (k->c->n_errors == before) {
		struct str first = str_cut(api_version, '/', &rest);
		bool has_group = first.n < api_version.n;
		k->object.group = has_group ? first : (struct str){ "", 0 };
		k->object.version = has_group ? rest : first;
		if (!is_later(k, api_version) && ((has_group && first.n == 0) || !is_group(k->object.group) ||
						  !is_label(k->object.version, false)))
			refuse(k, node_get(root, "apiVersion"),
			       "apiVersion `%.*s` is not of the form v1 or group/v1",
			       STR_ARG(short_text(api_version)));
	}
	size_t between = k->c->n_errors;
	if (!text_field(k, root, "kind", "kind", &k->object.kind)) {
		if (k->c->n_errors == between)
			refuse(k, root, "kind is missing");
	} else if (!is_later(k, k->object.kind) && !is_label(k->object.kind, true)) {
		refuse(k, node_get(root, "kind"), "kind `%.*s` is not the name of a kind",
		       STR_ARG(short_text(k->object.kind)));
	}
	return k->c->n_errors == before;
}

static bool check_namespace(struct candidate *k, const struct node *metadata)
{
	size_t before = k->c->n_errors;
	if (text_field(k, metadata, "namespace", "metadata.namespace", &k->object.namespace) &&
	    !is_later(k, k->object.namespace) && !is_label(k->object.namespace, false))
		refuse(k, node_get(metadata, "namespace"),
		       "metadata.namespace `%.*s` is not a valid name: at most 63 of a-z, 0-9 and `-`",
		       STR_ARG(short_text(k->object.namespace)));
	return k->c->n_errors == before;
}

static bool check_metadata(struct candidate *k)
{
	const struct node *metadata = node_get(k->object.root, "metadata");
	if (!metadata || metadata->type == NODE_NULL) {
		refuse(k, k->object.root, "metadata.name is missing");
		return false;
	}
	if (metadata->type != NODE_MAP) {
		refuse(k, metadata, "metadata is %s, it must be a map", type_name(metadata));
		return false;
	}
	size_t before = k->c->n_errors;
	const char *bad;
	if (text_field(k, metadata, "name", "metadata.name", &k->object.name)) {
		bad = is_later(k, k->object.name) ? NULL : bad_segment(k->object.name);
		if (bad)
			refuse(k, node_get(metadata, "name"), "metadata.name `%.*s` %s",
			       STR_ARG(short_text(k->object.name)), bad);
	} else if (k->c->n_errors == before && node_get(metadata, "generateName")) {
		refuse(k, node_get(metadata, "generateName"),
		       "metadata.generateName would make a new object at every sync: give it a metadata.name");
	} else if (k->c->n_errors == before) {
		refuse(k, metadata, "metadata.name is missing");
	}
	bool namespace_good = check_namespace(k, metadata);
	return namespace_good && k->c->n_errors == before;
}

static bool is_first(struct candidate *k)
{
	struct render_object *o = &k->object;
	cleanup_buf struct buf key = BUF_INIT;
	struct str parts[] = { o->group, o->kind, o->namespace, o->name };
	for (size_t i = 0; i < 4; i++) {
		buf_add_str(&key, parts[i]);
		buf_addc(&key, '/'); /* which none of them can hold */
	}
	struct render_place *first = map_get(&k->c->seen, buf_str(&key));
	if (first) {
		struct render_diag *diag =
			refuse(k, o->root,
			       "is there twice: first at %s:%u, again here; the first is used, remove one",
			       first->file, first->line);
		if (diag)
			diag->duplicate = true;
		return false;
	}
	struct render_place *place = arena_new(k->c->a, struct render_place);
	*place = (struct render_place){ o->file, o->line };
	map_put(&k->c->seen, buf_str(&key), place);
	return true;
}

static void collect_object(struct render_collect *c, const char *file, struct node *root)
{
	struct candidate k = { .c = c };
	k.object.file = file;
	k.object.line = root->line;
	k.object.root = root;
	if (root->type != NODE_MAP) {
		refuse(&k, root, "an object is a map with apiVersion, kind and metadata; this is %s",
		       type_name(root));
		return;
	}
	/* Known only when needed: most objects are good. */
	size_t errors = c->n_errors;
	k.label = label_of(c->a, root);
	bool typed = check_type(&k);
	bool named = check_metadata(&k);
	if (!typed || !named || c->n_errors != errors || (!k.template && !is_first(&k)))
		return;
	if (c->objects.n >= RENDER_OBJECTS_MAX) {
		if (!c->full)
			refuse(&k, root, "the app has more than %u objects (RENDER_OBJECTS_MAX): split it",
			       RENDER_OBJECTS_MAX);
		c->full = true;
		return;
	}
	vec_push(&c->objects, k.object);
}

/* kubectl gives items of a typed list that say neither kind nor apiVersion those of the list. */
static void inherit_type(struct arena *a, const struct node *list, struct node *item)
{
	struct str kind = node_text(node_get(list, "kind"));
	kind.n -= 4; /* "List" */
	if (item->type != NODE_MAP || kind.n == 0 || node_get(item, "kind") || node_get(item, "apiVersion"))
		return;
	node_set(a, item, STR("kind"), node_string(a, kind));
	node_set(a, item, STR("apiVersion"), node_string(a, node_text(node_get(list, "apiVersion"))));
}

static bool is_list(const struct node *root)
{
	return str_ends(node_text(node_get(root, "kind")), STR("List")) && node_get(root, "items");
}

static void collect_nested(struct render_collect *c, const char *file, struct node *root, unsigned depth)
{
	if (!is_list(root)) {
		collect_object(c, file, root);
		return;
	}
	const struct node *items = node_get(root, "items");
	const char *label = label_of(c->a, root);
	if (depth > RENDER_LIST_DEPTH_MAX) {
		collect_diag(c, RENDER_ERROR, file, root->line, root->column, label,
			     "lists are nested deeper than %u levels (RENDER_LIST_DEPTH_MAX)",
			     RENDER_LIST_DEPTH_MAX);
		return;
	}
	if (items->type != NODE_SEQ && items->type != NODE_NULL) {
		collect_diag(c, RENDER_ERROR, file, items->line, items->column, label,
			     "items is %s, it must be a list", type_name(items));
		return;
	}
	for (size_t i = 0; i < node_count(items); i++) {
		inherit_type(c->a, root, node_item(items, i));
		collect_nested(c, file, node_item(items, i), depth + 1);
	}
}

void collect_document(struct render_collect *c, const char *file, struct node *root)
{
	collect_nested(c, file, root, 1);
}

struct str render_encode(struct arena *a, const struct render_object *object)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_write_sorted(&text, object->root);
	return arena_str(a, buf_str(&text));
}

struct hash render_hash(const struct render_object *object)
{
	return json_hash(object->root);
}
