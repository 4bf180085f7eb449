/*
 * read.c - text becomes resources, as upstream's resource factory makes them of it (kio.FromBytes, then
 * RNodesFromBytes): lists are flattened, what is empty is dropped, what has no kind or name is refused.
 */
#include "doc/yaml.h"
#include "render/kustomize/build.h"
#include "render/kustomize/patch.h"

struct reader {
	struct kbuild *b;
	const char *file;
	VEC(struct node *) queue;
	struct error *err;
};

static bool is_empty(const struct node *n)
{
	return n->type == NODE_NULL || ((n->type == NODE_MAP || n->type == NODE_SEQ) && node_count(n) == 0);
}

static struct str kind_of(const struct node *n)
{
	return knode_text(node_get(n, "kind"));
}

/* Upstream: GetValidatedMetadata. An apiVersion is not asked for. */
static int check(const struct reader *r, const struct node *n)
{
	struct str kind = kind_of(n), name = knode_text(node_get(node_get(n, "metadata"), "name"));
	if (n->type != NODE_MAP)
		return error_set(r->err, "%s:%u: a resource is a map with apiVersion, kind and metadata.name",
				 r->file, n->line);
	if (kind.n == 0)
		return error_set(r->err, "%s:%u: kind is missing", r->file, n->line);
	if (name.n == 0 && !str_ends(kind, STR("List")))
		return error_set(r->err, "%s:%u: %.*s: metadata.name is missing", r->file, n->line,
				 STR_ARG(kind));
	return 0;
}

static int enqueue(struct reader *r, struct node *n)
{
	if (is_empty(n))
		return 0;
	if (check(r, n))
		return -1;
	vec_push(&r->queue, n);
	return 0;
}

/* What upstream's byte reader unwraps without another look at the values. */
static bool is_wrapper(const struct node *n)
{
	struct str kind = kind_of(n);
	return (str_is(kind, "List") || str_is(kind, "ResourceList")) &&
	       (node_get(n, "items") || node_get(n, "functionConfig"));
}

static int enqueue_items(struct reader *r, const struct node *wrapper)
{
	const struct node *items = node_get(wrapper, "items");
	if (items && items->type != NODE_SEQ && items->type != NODE_NULL)
		return error_set(r->err, "%s:%u: %.*s: items must be a list", r->file, items->line,
				 STR_ARG(kind_of(wrapper)));
	for (size_t i = 0; i < node_count(items); i++)
		if (enqueue(r, node_item(items, i)))
			return -1;
	return 0;
}

/* Scalars as they are once JSON was made of them and read again: upstream does that to items of FooLists. */
static void as_json(struct node *n)
{
	switch (n->type) {
	case NODE_MAP:
		for (size_t i = 0; i < n->map.n; i++)
			as_json(n->map.pairs[i].value);
		break;
	case NODE_SEQ:
		for (size_t i = 0; i < n->seq.n; i++)
			as_json(n->seq.items[i]);
		break;
	case NODE_STRING:
		n->style = NODE_DOUBLE_QUOTED;
		break;
	case NODE_BOOL:
		n->text = n->boolean ? STR("true") : STR("false");
		n->style = NODE_PLAIN;
		break;
	case NODE_NULL:
		n->text = STR("null");
		n->style = NODE_PLAIN;
		break;
	case NODE_INT:
	case NODE_FLOAT:
		n->style = NODE_PLAIN;
		break;
	}
}

/* Block texts as any other: JSON is made of them without their being printed in between. */
static void forget_blocks(struct node *n)
{
	if (n->type == NODE_STRING && (n->style == NODE_LITERAL || n->style == NODE_FOLDED))
		n->style = NODE_DOUBLE_QUOTED;
	for (size_t i = 0; i < node_count(n); i++)
		forget_blocks(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i]);
}

/* A FooList: its items go to the end of the queue. 1: it is none. */
static int expand_list(struct reader *r, struct node *n)
{
	struct str kind = kind_of(n);
	struct node *items = node_get(n, "items");
	if (!str_ends(kind, STR("List")) || !items)
		return 1;
	if (items->type == NODE_NULL)
		return 0;
	if (items->type != NODE_SEQ)
		return error_set(r->err, "%s:%u: %.*s: items must be a list", r->file, items->line,
				 STR_ARG(kind));
	forget_blocks(items);
	if (yaml_settle_printed(r->b->a, items, r->err))
		return error_wrap(r->err, "%s:%u: %.*s: items", r->file, items->line, STR_ARG(kind));
	as_json(items);
	for (size_t i = 0; i < items->seq.n; i++) {
		struct node *item = items->seq.items[i];
		if (is_wrapper(item) ? enqueue_items(r, item) : enqueue(r, item))
			return -1;
	}
	return 0;
}

static int collect(struct reader *r, kres_list *out)
{
	for (size_t i = 0; i < r->queue.n; i++) {
		struct node *n = r->queue.at[i];
		int rc = expand_list(r, n);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		if (++r->b->resources > KUSTOMIZE_RESOURCES_MAX)
			return error_set(r->err,
					 "%s:%u: the build has more than %u resources "
					 "(KUSTOMIZE_RESOURCES_MAX): split it",
					 r->file, n->line, KUSTOMIZE_RESOURCES_MAX);
		struct kres *made = kres_new(r->b, n, r->file);
		if (kinternals_read(r->b, made, r->err))
			return -1;
		vec_push(out, made);
	}
	return 0;
}

/* What a reader of texts shows and says: "FILE:LINE:COLUMN: ...". */
static int read_yaml(struct kbuild *b, const char *file, struct str text, const struct yaml_options *options,
		     struct yaml_stream *out, struct error *err)
{
	int rc = yaml_parse_as(b->a, text, options, out, NULL);
	for (size_t i = 0; i < out->n_warnings; i++)
		kbuild_warn(b, "%s:%u: %s", file, out->warnings[i].line, out->warnings[i].text);
	if (rc == 0)
		return 0;
	const struct yaml_error *e = &out->errors[0];
	return e->column ? error_set(err, "%s:%u:%u: %s", file, e->line, e->column, e->text)
			 : error_set(err, "%s:%u: %s", file, e->line, e->text);
}

int kres_read(struct kbuild *b, const struct kres_text *from, kres_list *out, struct error *err)
{
	struct yaml_options options = {
		.dialect = YAML_KYAML,
		.origin = origin_file(b->origins, from->file),
		.twice = from->patch ? YAML_TWICE_FIRST : YAML_TWICE_REFUSED,
		.any_key = from->patch,
		.as_it_ends = true,
		.lines_before = from->lines_before,
		.keys = b->keys,
	};
	struct yaml_stream stream;
	if (read_yaml(b, from->file, from->text, &options, &stream, err))
		return -1;
	struct reader r = { .b = b, .file = from->file, .err = err };
	int rc = 0;
	if (stream.n == 1 && is_wrapper(stream.documents[0].root))
		rc = enqueue_items(&r, stream.documents[0].root);
	else
		for (size_t i = 0; rc == 0 && i < stream.n; i++)
			rc = enqueue(&r, stream.documents[i].root);
	if (rc == 0)
		rc = collect(&r, out);
	vec_release(&r.queue);
	return rc;
}

int kres_parse(struct kbuild *b, const char *file, struct str text, kres_list *out, struct error *err)
{
	return kres_read(b, &(struct kres_text){ .file = file, .text = text }, out, err);
}

int kyaml_parse(struct kbuild *b, const struct kres_text *from, struct yaml_stream *out, struct error *err)
{
	struct yaml_options options = {
		.dialect = YAML_KUBECTL,
		.origin = origin_file(b->origins, from->file),
		.twice = from->strict ? YAML_TWICE_REFUSED : YAML_TWICE_LAST,
		.as_it_ends = true,
		.lines_before = from->lines_before,
		.keys = b->keys,
	};
	return read_yaml(b, from->file, from->text, &options, out, err);
}
