/* generate.c - ConfigMaps and Secrets out of keys and values (upstream: api/internal/generators). */
#include "render/kustomize/generate.h"

#include "doc/yaml.h"
#include "render/kustomize/keyvalue.h"

/* --- nodes --- */

static struct node *made(const struct kgenerate_call *c, struct node *n, const struct node *at)
{
	n->line = at->line;
	n->column = at->column;
	n->origin = origin_step(c->build->origins, c->file, c->step, NULL);
	return n;
}

static void set_text(const struct kgenerate_call *c, struct node *map, const char *key, struct str text,
		     const struct node *at)
{
	node_set(c->build->a, map, str_of(key), made(c, node_string(c->build->a, text), at));
}

static struct node *map_in(const struct kgenerate_call *c, struct node *map, const char *key)
{
	struct node *in = node_get(map, key);
	if (!in) {
		in = made(c, node_map(c->build->a), c->args);
		node_set(c->build->a, map, str_of(key), in);
	}
	return in;
}

/* --- base64, in lines of 70 as upstream writes it --- */

enum { BASE64_LINE = 70 };

struct str kbase64(struct arena *a, struct str in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = (in.n + 2) / 3 * 4, lines = length / BASE64_LINE + 1;
	char *out = arena_alloc(a, length + lines + 1);
	size_t n = 0, column = 0;
	for (size_t i = 0; i < in.n; i += 3) {
		uint32_t bits = (uint32_t)(unsigned char)in.p[i] << 16;
		bits |= i + 1 < in.n ? (uint32_t)(unsigned char)in.p[i + 1] << 8 : 0;
		bits |= i + 2 < in.n ? (unsigned char)in.p[i + 2] : 0;
		char group[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
				  i + 1 < in.n ? digits[bits >> 6 & 63] : '=',
				  i + 2 < in.n ? digits[bits & 63] : '=' };
		for (size_t k = 0; k < 4; k++) {
			out[n++] = group[k];
			if (++column == BASE64_LINE) {
				out[n++] = '\n';
				column = 0;
			}
		}
	}
	if (lines > 1 && column)
		out[n++] = '\n';
	return (struct str){ out, n };
}

static struct node *value_node(const struct kgenerate_call *c, const struct keyvalue *pair, struct str text)
{
	struct node *n = node_string(c->build->a, text);
	n->line = pair->line;
	n->column = pair->column;
	n->origin = origin_step(c->build->origins, pair->file, c->step, NULL);
	/* The quotes stay when a patch puts a number there, which makes it a text. */
	if (str_find(text, '\n', 0) != SIZE_MAX)
		n->style = NODE_LITERAL;
	else if (yaml_was_special(text))
		n->style = NODE_DOUBLE_QUOTED;
	return n;
}

/* Keys come sorted, so that each map is built without searching it. */
static void put_data(const struct kgenerate_call *c, struct node *root, const keyvalues *pairs)
{
	bool secret = strcmp(c->kind, "Secret") == 0;
	if (secret)
		map_in(c, root, "data");
	for (size_t i = 0; i < pairs->n; i++) {
		const struct keyvalue *pair = &pairs->at[i];
		bool binary = !secret && !str_utf8(pair->value);
		struct str text = secret || binary ? kbase64(c->build->a, pair->value) : pair->value;
		node_add(c->build->a, map_in(c, root, binary ? "binaryData" : "data"), pair->key,
			 value_node(c, pair, text));
	}
}

/* --- options --- */

/* Values of the entry's own options count before those of the kustomization's generatorOptions. */
static void put_options_map(const struct kgenerate_call *c, struct node *root, const char *field)
{
	const struct node *own = node_get(node_get(c->args, "options"), field);
	const struct node *global = node_get(c->options, field);
	if (node_count(own) + node_count(global) == 0)
		return;
	struct node *map = map_in(c, map_in(c, root, "metadata"), field);
	const struct node *from[] = { global, own };
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < node_count(from[i]); k++) {
			const struct node_pair *pair = &from[i]->map.pairs[k];
			struct node *text = made(c, node_string(c->build->a, pair->value->text), pair->value);
			text->style = NODE_SINGLE_QUOTED;
			node_set(c->build->a, map, pair->key, text);
		}
}

static bool option(const struct kgenerate_call *c, const char *field)
{
	return node_bool(node_get(node_get(c->args, "options"), field), false) ||
	       node_bool(node_get(c->options, field), false);
}

/* --- making one --- */

static void put_head(const struct kgenerate_call *c, struct node *root)
{
	const struct node *name = node_get(c->args, "name"), *namespace = node_get(c->args, "namespace");
	struct str type = node_text(node_get(c->args, "type"));
	set_text(c, root, "apiVersion", STR("v1"), c->args);
	set_text(c, root, "kind", str_of(c->kind), c->args);
	struct node *metadata = map_in(c, root, "metadata");
	set_text(c, metadata, "name", name->text, name);
	if (node_text(namespace).n)
		set_text(c, metadata, "namespace", namespace->text, namespace);
	if (strcmp(c->kind, "Secret") == 0)
		set_text(c, root, "type", type.n ? type : STR("Opaque"), c->args);
}

int kgenerate(const struct kgenerate_call *c, struct kres **out, struct error *err)
{
	keyvalues pairs = { 0 };
	if (node_text(node_get(c->args, "name")).n == 0)
		return error_set(err, "%s:%u: a generated %s needs a name", c->file, c->args->line, c->kind);
	if (keyvalues_load(c->build, c->root, c->args, c->file, &pairs, err)) {
		vec_release(&pairs);
		return -1;
	}
	struct node *root = made(c, node_map(c->build->a), c->args);
	put_head(c, root);
	put_data(c, root, &pairs);
	vec_release(&pairs);
	put_options_map(c, root, "labels");
	put_options_map(c, root, "annotations");
	if (option(c, "immutable")) {
		struct node *yes = made(c, node_bool_new(c->build->a, true), c->args);
		yes->text = STR("true");
		node_set(c->build->a, root, STR("immutable"), yes);
	}
	*out = kres_new(c->build, root, c->file);
	(*out)->line = c->args->line;
	(*out)->needs_hash = !option(c, "disableNameSuffixHash");
	(*out)->behavior = kbehavior_read(node_text(node_get(c->args, "behavior")));
	(*out)->generated = true;
	return 0;
}
