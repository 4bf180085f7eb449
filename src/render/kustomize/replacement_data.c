/*
 * replacement_data.c - fields inside of a text: data.config\.json.database.host leads into the JSON (or YAML)
 * that a ConfigMap holds as one string (upstream: setValueInStructuredData). JSON is printed with sorted
 * keys, YAML as it was but for what go-yaml changes by reading and writing it. Comments, which go-yaml keeps,
 * are lost: that is warned of.
 */
#include "doc/json.h"
#include "doc/yaml.h"
#include "doc/yaml_keep.h"
#include "render/kustomize/replacement.h"

struct inside {
	const struct kwriter *w;
	const char *file;    /* of the object, as shown to people */
	struct node *scalar; /* that holds the text */
	struct str text;
	struct yaml_keep *keep;
	struct node *root; /* of what it holds */
};

/* The first scalar on the way; 1: there is none, or it is the end of the way. */
static int find_scalar(struct node *object, const struct kpath *path, struct kpath *rest, struct node **out)
{
	struct error ignored;
	struct node *n = object;
	for (size_t i = 0; i + 1 < path->n; i++) {
		struct kpath part = { path->parts + i, 1 };
		if (kpath_lookup(n, &part, &n, &ignored) || !n)
			return 1;
		if (!kvalue_is_scalar(n))
			continue;
		*out = n;
		*rest = (struct kpath){ path->parts + i + 1, path->n - i - 1 };
		return 0;
	}
	return 1;
}

/* A copy in which nothing says what it once looked like. */
static struct node *copy_bare(struct arena *a, const struct node *value)
{
	struct node *copy = arena_new(a, struct node);
	*copy = *value;
	copy->origin = 0;
	if (value->type == NODE_MAP && value->map.n) {
		copy->map.cap = value->map.n;
		copy->map.pairs = arena_array(a, struct node_pair, value->map.n);
		for (size_t i = 0; i < value->map.n; i++) {
			copy->map.pairs[i] = value->map.pairs[i];
			copy->map.pairs[i].value = copy_bare(a, value->map.pairs[i].value);
		}
	} else if (value->type == NODE_SEQ && value->seq.n) {
		copy->seq.cap = value->seq.n;
		copy->seq.items = arena_array(a, struct node *, value->seq.n);
		for (size_t i = 0; i < value->seq.n; i++)
			copy->seq.items[i] = copy_bare(a, value->seq.items[i]);
	}
	return copy;
}

/* 1: nothing is there to be written. */
static int write_inside(const struct inside *in, const struct kpath *path, const struct node *value,
			bool create)
{
	struct kbuild silent = *in->w->build;
	silent.origins = NULL; /* nodes of the text have their number for other things */
	struct kwriter w = { .build = &silent };
	struct kmatch how = { silent.a, create ? &w : NULL,
			      value->type == NODE_MAP || value->type == NODE_SEQ ? value->type
										 : NODE_STRING };
	struct error ignored;
	knode_list found = { 0 };
	int rc = kpath_match(&how, in->root, path, &found, &ignored) || found.n == 0;
	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		struct node *n = found.at[i];
		uint32_t looks = n->origin;
		if (!kvalue_is_scalar(n) || yaml_keep_is_alias(in->keep, n)) {
			*n = *copy_bare(silent.a, value);
			continue;
		}
		kwrite_text(&w, n, kvalue_text(value));
		n->origin = looks;
	}
	vec_release(&found);
	return rc;
}

static int print_json(const struct inside *in, struct buf *out)
{
	struct error ignored;
	struct arena *a = in->w->build->a;
	cleanup_buf struct buf json = BUF_INIT;
	struct node *settled = node_copy(a, in->root);
	if (yaml_settle(a, settled, &ignored))
		return 1;
	bool lines = memmem(in->text.p, in->text.n, "\n", 1) && memmem(in->text.p, in->text.n, "  ", 2);
	if (lines)
		json_write_pretty(&json, settled);
	else
		json_write_sorted(&json, settled);
	json_escape_html(out, str_trim(buf_str(&json)));
	return 0;
}

static int print(const struct inside *in, struct buf *out)
{
	struct str trimmed = str_trim(in->text);
	struct error ignored;
	if (trimmed.n && (trimmed.p[0] == '{' || trimmed.p[0] == '['))
		return print_json(in, out);
	if (yaml_keep_write(in->keep, in->root, out, &ignored))
		return 1;
	if (yaml_keep_has_comments(in->text))
		kbuild_warn(in->w->build, "%s:%u: a replacement in this YAML text drops the comments in it",
			    origin_file_of(in->w->build->origins, in->scalar, in->file), in->scalar->line);
	return 0;
}

int kreplace_in_text(const struct kwriter *w, const char *file, struct node *object, const struct kpath *path,
		     const struct node *value, bool create)
{
	struct inside in = { .w = w, .file = file };
	struct kpath rest;
	struct error ignored;
	cleanup_buf struct buf text = BUF_INIT;
	if (find_scalar(object, path, &rest, &in.scalar))
		return 1;
	in.text = kvalue_text(in.scalar);
	if (yaml_keep_read(w->build->a, in.text, &in.keep, &in.root, &ignored))
		return 1;
	if (write_inside(&in, &rest, value, create) || print(&in, &text))
		return 1;
	kwrite_text(w, in.scalar, arena_str(w->build->a, str_trim(buf_str(&text))));
	return 0;
}
