/*
 * normalise.c - defaults that are part of list keys (protocol), stringData, and fields that are the server's
 * own.
 */
#include "deploy/cluster/normalise.h"

#include <openssl/evp.h>

#include "deploy/cluster/kinds.h"

static void default_protocol(struct arena *a, const struct node *ports)
{
	for (size_t i = 0; ports && ports->type == NODE_SEQ && i < node_count(ports); i++) {
		struct node *port = node_item(ports, i);
		const struct node *protocol = node_get(port, "protocol");
		if (port->type == NODE_MAP && (!protocol || protocol->type == NODE_NULL))
			node_set(a, port, STR("protocol"), node_string(a, STR("TCP")));
	}
}

static void default_ports(struct arena *a, const struct render_object *o)
{
	static const char *const lists[] = { "containers", "initContainers", "ephemeralContainers" };
	if (str_is(o->group, "") && str_is(o->kind, "Service"))
		default_protocol(a, node_at(o->root, "spec.ports"));
	const char *path = kind_pod_spec(o->group, o->kind);
	const struct node *spec = path ? node_at(o->root, path) : NULL;
	for (size_t l = 0; spec && l < sizeof(lists) / sizeof(lists[0]); l++) {
		const struct node *containers = node_get(spec, lists[l]);
		for (size_t i = 0; containers && containers->type == NODE_SEQ && i < node_count(containers);
		     i++)
			default_protocol(a, node_get(node_item(containers, i), "ports"));
	}
}

static struct str encode_base64(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, 4 * ((text.n + 2) / 3) + 1);
	int n = EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text.p, (int)text.n);
	return (struct str){ out, (size_t)n };
}

static bool is_base64(struct str text)
{
	size_t digits = 0, padding = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '\n' || c == '\r')
			continue;
		bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     c == '+' || c == '/';
		if ((!digit && c != '=') || (digit && padding))
			return false;
		digits += digit;
		padding += c == '=';
	}
	return (digits + padding) % 4 == 0 && padding <= 2;
}

/* stringData is write-only at the server: applied as data it can be compared, and removed. */
static int merge_string_data(struct arena *a, struct node *root, const struct node **at, struct error *err)
{
	struct node *from = node_get(root, "stringData"), *to = node_get(root, "data");
	for (size_t i = 0; to && to->type == NODE_MAP && i < node_count(to); i++) {
		const struct node_pair *pair = &to->map.pairs[i];
		if (pair->value->type == NODE_NULL ||
		    (node_is_string(pair->value) && is_base64(pair->value->text)))
			continue;
		*at = pair->value;
		return error_set(err, "data.%.*s is not base64; put plain text under stringData",
				 STR_ARG(pair->key));
	}
	if (!from || from->type != NODE_MAP)
		return 0;
	if (!to || to->type != NODE_MAP) {
		to = node_map(a);
		node_set(a, root, STR("data"), to);
	}
	for (size_t i = 0; i < node_count(from); i++) {
		const struct node_pair *pair = &from->map.pairs[i];
		if (!node_is_string(pair->value)) {
			*at = pair->value;
			return error_set(err, "stringData.%.*s is not a string; quote it",
					 STR_ARG(pair->key));
		}
		node_set(a, to, pair->key, node_string(a, encode_base64(a, pair->value->text)));
	}
	node_del(root, STR("stringData"));
	return 0;
}

static void drop_server_fields(struct render_object *o)
{
	static const char *const names[] = { "creationTimestamp", "managedFields", "uid",
					     "resourceVersion",	  "generation",	   "selfLink" };
	struct node *metadata = node_get(o->root, "metadata");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		node_del(metadata, str_of(names[i]));
	if (!str_is(o->kind, "CustomResourceDefinition") || !str_is(o->group, "apiextensions.k8s.io"))
		node_del(o->root, STR("status"));
}

int normalise(struct arena *a, struct render_object *o, const struct node **at, struct error *err)
{
	drop_server_fields(o);
	default_ports(a, o);
	if (str_is(o->group, "") && str_is(o->kind, "Secret"))
		return merge_string_data(a, o->root, at, err);
	return 0;
}
