/*
 * hash.c - the hash of a generated resource that ends its name (upstream: api/hasher): ten digits of a
 * SHA-256 over the JSON of kind, data and a name that is always empty, because upstream looks it up under
 * "metadata/name". Digits that could make words are changed to letters.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "doc/json.h"
#include "doc/number.h"
#include "doc/yaml.h"
#include "render/kustomize/generate.h"
#include "render/kustomize/transform.h"

/* JSON numbers pass through a double there. */
static void as_doubles(struct arena *a, struct node *n)
{
	char text[NUMBER_TEXT_MAX];
	if (n->type == NODE_INT || n->type == NODE_FLOAT) {
		number_shortest(strtod(arena_strndup(a, n->text.p, n->text.n), NULL), text);
		n->text = arena_str(a, str_of(text));
	}
	for (size_t i = 0; i < node_count(n); i++)
		as_doubles(a, n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i]);
}

/* A field as it enters the hash: "" when it is not there. */
static struct node *hashed_value(struct kbuild *b, const struct node *value)
{
	struct error ignored = ERROR_INIT;
	if (!value || (value->type != NODE_MAP && value->type != NODE_SEQ))
		return node_string(b->a, knode_text(value));
	struct node *copy = node_copy(b->a, value);
	if (yaml_settle(b->a, copy, &ignored) == 0)
		as_doubles(b->a, copy);
	return copy->type == NODE_MAP ? copy : node_null(b->a);
}

static void add_optional(struct kbuild *b, struct node *map, const struct kres *r, const char *field)
{
	const struct node *value = node_get(r->root, field);
	if (value && value->type == NODE_MAP)
		node_set(b->a, map, str_of(field), hashed_value(b, value));
}

static struct node *hashed(struct kbuild *b, const struct kres *r)
{
	struct str kind = kres_kind(r);
	bool secret = str_is(kind, "Secret");
	if (!secret && !str_is(kind, "ConfigMap"))
		return hashed_value(b, r->root);
	struct node *map = node_map(b->a);
	node_set(b->a, map, STR("kind"), node_string(b->a, kind));
	node_set(b->a, map, STR("name"), node_string(b->a, STR("")));
	node_set(b->a, map, STR("data"), hashed_value(b, node_get(r->root, "data")));
	if (secret)
		node_set(b->a, map, STR("type"), hashed_value(b, node_get(r->root, "type")));
	add_optional(b, map, r, secret ? "stringData" : "binaryData");
	return map;
}

static char letter(char digit)
{
	static const char from[] = "013ae", to[] = "ghkmt";
	const char *at = strchr(from, digit);
	return at ? to[at - from] : digit;
}

void khash(struct kbuild *b, const struct kres *r, char out[KHASH_LEN + 1])
{
	cleanup_buf struct buf json = BUF_INIT, text = BUF_INIT;
	char digits[HASH_HEX_LEN + 1];
	json_write_sorted(&json, hashed(b, r));
	json_escape_html(&text, buf_str(&json));
	hash_hex(hash_of(buf_str(&text)), digits);
	for (size_t i = 0; i < KHASH_LEN; i++)
		out[i] = letter(digits[i]);
	out[KHASH_LEN] = '\0';
}

int khash_names(struct kbuild *b, struct kresmap *m, struct error *err)
{
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		char hash[KHASH_LEN + 1];
		if (!r->needs_hash)
			continue;
		if (kres_name(r).n == 0)
			return error_set(err, "%s:%u: it has no name any more that a hash could be added to",
					 r->file, r->line);
		khash(b, r, hash);
		kres_store_previous(b, r);
		struct node *metadata = node_get(r->root, "metadata"), *name = node_get(metadata, "name");
		struct str text = kres_name(r);
		struct node *hashed_name =
			node_string(b->a, str_of(arena_printf(b->a, "%.*s-%s", STR_ARG(text), hash)));
		hashed_name->line = r->line;
		hashed_name->origin = origin_step(b->origins, r->file, "hash of the content", name);
		node_set(b->a, metadata, STR("name"), hashed_name);
		kresmap_touch(m);
	}
	return 0;
}
