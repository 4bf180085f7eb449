/*
 * fields.c - an object projected onto the fields one manager owns, and hashed.
 *
 * fieldsV1 (structured-merge-diff v4): "f:NAME" a field, "k:{...}" an item of an associative list by its
 * keys, "v:VALUE" an element of a set, "i:N" by index, "." the item itself. A leaf is an empty map: all of
 * what is there.
 */
#include "deploy/cluster/live.h"

#include <openssl/evp.h>

#include "doc/json.h"

struct projection {
	EVP_MD_CTX *ctx;
	struct buf scratch;
};

static void feed(struct projection *p, struct str text)
{
	uint32_t n = (uint32_t)text.n;
	EVP_DigestUpdate(p->ctx, &n, sizeof(n));
	EVP_DigestUpdate(p->ctx, text.p, text.n);
}

static void feed_value(struct projection *p, const struct node *value)
{
	buf_clear(&p->scratch);
	if (value)
		json_write_sorted(&p->scratch, value);
	feed(p, value ? buf_str(&p->scratch) : STR("absent"));
}

/* The item of an associative list whose fields equal every pair of keys. */
static const struct node *find_item(const struct node *list, const struct node *keys)
{
	for (size_t i = 0; i < node_count(list) && list->type == NODE_SEQ; i++) {
		const struct node *item = node_item(list, i);
		bool match = true;
		for (size_t k = 0; match && k < node_count(keys); k++)
			match = node_equal(node_get_str(item, keys->map.pairs[k].key),
					   keys->map.pairs[k].value);
		if (match)
			return item;
	}
	return NULL;
}

static const struct node *find_element(const struct node *list, const struct node *value)
{
	for (size_t i = 0; list && list->type == NODE_SEQ && i < node_count(list); i++)
		if (node_equal(node_item(list, i), value))
			return node_item(list, i);
	return NULL;
}

static const struct node *parse_element(struct arena *a, struct str text)
{
	struct node *value;
	return json_parse(a, text, false, &value, NULL) == 0 ? value : NULL;
}

static const struct node *step_into(struct arena *a, const struct node *at, struct str element)
{
	struct str rest = str_from(element, 2);
	int64_t index;
	if (str_starts(element, STR("f:")))
		return node_get_str(at, rest);
	if (str_starts(element, STR("k:")))
		return find_item(at, parse_element(a, rest));
	if (str_starts(element, STR("v:")))
		return find_element(at, parse_element(a, rest));
	if (str_starts(element, STR("i:")) && str_int64(rest, &index) && index >= 0)
		return at && at->type == NODE_SEQ ? node_item(at, (size_t)index) : NULL;
	return NULL;
}

static void project(struct projection *p, struct arena *a, const struct node *fields, const struct node *at)
{
	for (size_t i = 0; i < node_count(fields) && fields->type == NODE_MAP; i++) {
		struct str element = fields->map.pairs[i].key;
		const struct node *below = fields->map.pairs[i].value;
		feed(p, element);
		if (str_is(element, ".")) {
			feed(p, at ? STR("here") : STR("absent"));
			continue;
		}
		const struct node *value = step_into(a, at, element);
		if (!node_count(below)) {
			feed_value(p, value);
			continue;
		}
		feed(p, STR("{"));
		project(p, a, below, value);
		feed(p, STR("}"));
	}
}

static const struct node *owned_fields(const struct node *object, const char *manager)
{
	const struct node *list = node_at(object, "metadata.managedFields");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *e = node_item(list, i);
		if (str_is(node_text(node_get(e, "manager")), manager) &&
		    str_is(node_text(node_get(e, "operation")), "Apply") &&
		    !node_text(node_get(e, "subresource")).n)
			return node_get(e, "fieldsV1");
	}
	return NULL;
}

struct hash fields_hash(const struct node *object, const char *manager)
{
	struct hash hash = { { 0 } };
	const struct node *fields = owned_fields(object, manager);
	if (!node_count(fields))
		return hash;
	cleanup_arena struct arena a = ARENA_INIT;
	struct projection p = { .ctx = EVP_MD_CTX_new() };
	if (!p.ctx || !EVP_DigestInit_ex(p.ctx, EVP_sha256(), NULL))
		abort();
	project(&p, &a, fields, object);
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(p.ctx, digest, NULL);
	EVP_MD_CTX_free(p.ctx);
	buf_release(&p.scratch);
	memcpy(hash.bytes, digest, sizeof(hash.bytes));
	return hash;
}
