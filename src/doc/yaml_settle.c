/*
 * yaml_settle.c - trees of YAML_KYAML keep scalars as they were written, because kustomize copies, joins and
 * compares these texts. At the end kustomize prints its tree and reads that again: so does this file, node by
 * node, without the text between.
 */
#include <math.h>
#include <stdlib.h>

#include "doc/number.h"
#include "doc/yaml_parts.h"

static const enum node_type types[] = {
	[YAML_KIND_NULL] = NODE_NULL,	[YAML_KIND_BOOL] = NODE_BOOL,	  [YAML_KIND_INT] = NODE_INT,
	[YAML_KIND_FLOAT] = NODE_FLOAT, [YAML_KIND_STRING] = NODE_STRING,
};

struct node *yaml_kubectl_scalar(struct arena *a, struct str text)
{
	struct yaml_scalar scalar;
	struct node *n = arena_new(a, struct node);
	yaml_resolve(a, YAML_KUBECTL, text, (struct str){ "", 0 }, true, &scalar,
		     NULL); /* no tag: no error */
	n->type = scalar.infinite ? NODE_STRING : types[scalar.kind];
	n->boolean = scalar.kind == YAML_KIND_BOOL && scalar.boolean;
	if (n->type == NODE_STRING)
		n->text = text;
	else if (n->type == NODE_INT)
		n->text = scalar.text;
	else if (n->type == NODE_FLOAT)
		number_set(a, n, scalar.text);
	return n;
}

struct node *yaml_kyaml_scalar(struct arena *a, struct str text)
{
	struct yaml_scalar scalar;
	struct node *n = arena_new(a, struct node);
	yaml_resolve(a, YAML_KYAML, text, (struct str){ "", 0 }, true, &scalar, NULL); /* no tag: no error */
	n->type = types[scalar.kind];
	n->style = scalar.time ? NODE_TIMESTAMP : NODE_PLAIN;
	n->boolean = scalar.kind == YAML_KIND_BOOL && scalar.boolean;
	n->untagged = true;
	n->text = text;
	return n;
}

static int mismatch(const struct node *n, struct error *err)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",
		[NODE_BOOL] = "a boolean",
		[NODE_INT] = "an integer",
		[NODE_FLOAT] = "a number",
	};
	return error_set(err, "`%.*s` stands where %s was; quote that one if it may become a text",
			 (int)(n->text.n > 80 ? 80 : n->text.n), n->text.p, names[n->type]);
}

static void settle_float(struct arena *a, struct node *n, double value)
{
	char text[NUMBER_TEXT_MAX];
	number_shortest(value, text);
	n->text = arena_str(a, str_of(text));
	/* What is printed for it is read again: an integer that no 64 bits hold is a double then. */
	bool fits = value >= -0x1p63 && value < 0x1p64;
	n->type = fits && number_is_integer(n->text) ? NODE_INT : NODE_FLOAT;
}

static int settle_scalar(struct arena *a, struct node *n, struct error *err)
{
	struct yaml_scalar scalar;
	/* A number that was put where a quoted text stood has its quotes: printed and read again it is a
	 * text. */
	if (n->type != NODE_STRING && n->style != NODE_PLAIN)
		n->type = NODE_STRING;
	if (n->type == NODE_STRING) {
		if (n->style == NODE_TIMESTAMP)
			yaml_rfc3339(a, n->text, &n->text);
		return 0;
	}
	yaml_resolve(a, YAML_KYAML, n->text, (struct str){ "", 0 }, true, &scalar, NULL);
	if (scalar.infinite)
		return error_set(err, "`%.*s` cannot be printed: JSON has no such number", STR_ARG(n->text));
	if (n->type == NODE_NULL && scalar.kind == YAML_KIND_NULL)
		return 0;
	if (n->type == NODE_BOOL && scalar.kind == YAML_KIND_BOOL) {
		n->boolean = scalar.boolean;
		return 0;
	}
	if (n->type == NODE_INT && scalar.kind == YAML_KIND_INT) {
		n->text = scalar.text;
		return 0;
	}
	if (n->type == NODE_FLOAT && (scalar.kind == YAML_KIND_FLOAT || scalar.kind == YAML_KIND_INT)) {
		settle_float(a, n, strtod(arena_strndup(a, scalar.text.p, scalar.text.n), NULL));
		return 0;
	}
	return mismatch(n, err);
}

int yaml_settle(struct arena *a, struct node *root, struct error *err)
{
	if (root->type == NODE_MAP) {
		for (size_t i = 0; i < root->map.n; i++)
			if (yaml_settle(a, root->map.pairs[i].value, err))
				return error_wrap(err, "%.*s", STR_ARG(root->map.pairs[i].key));
		return 0;
	}
	if (root->type == NODE_SEQ) {
		for (size_t i = 0; i < root->seq.n; i++)
			if (yaml_settle(a, root->seq.items[i], err))
				return error_wrap(err, "%zu", i);
		return 0;
	}
	return settle_scalar(a, root, err);
}
