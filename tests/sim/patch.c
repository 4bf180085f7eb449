/* patch.c - both patches on node trees. */
#include "patch.h"

#include <stdio.h>

struct node *patch_merge(struct arena *a, struct node *target, const struct node *patch)
{
	if (patch->type != NODE_MAP)
		return node_clone(a, patch);
	if (!target || target->type != NODE_MAP)
		target = node_map(a);
	for (size_t i = 0; i < patch->map.n; i++) {
		struct str key = patch->map.pairs[i].key;
		const struct node *value = patch->map.pairs[i].value;
		if (value->type == NODE_NULL)
			node_del(target, key);
		else
			node_set(a, target, arena_str(a, key),
				 patch_merge(a, node_get_str(target, key), value));
	}
	return target;
}

/* RFC 6901: "~1" is "/", "~0" is "~". */
static struct str unescape(struct arena *a, struct str token)
{
	struct str out = arena_str(a, token);
	char *p = (char *)out.p;
	size_t n = 0;
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];
		if (c == '~' && i + 1 < token.n)
			c = token.p[++i] == '1' ? '/' : '~';
		p[n++] = c;
	}
	return (struct str){ p, n };
}

static struct node *child(struct node *at, struct str token)
{
	int64_t i;
	if (at && at->type == NODE_SEQ)
		return str_int64(token, &i) && i >= 0 ? node_item(at, (size_t)i) : NULL;
	return node_get_str(at, token);
}

static bool put(struct arena *a, struct node *parent, struct str last, struct node *value, bool add)
{
	if (parent->type == NODE_MAP) {
		if (!add && !node_get_str(parent, last))
			return false;
		node_set(a, parent, last, value);
		return true;
	}
	int64_t i;
	if (parent->type != NODE_SEQ)
		return false;
	if (add && str_is(last, "-")) {
		node_push(a, parent, value);
		return true;
	}
	if (!str_int64(last, &i) || i < 0 || (size_t)i >= parent->seq.n + (add ? 1 : 0))
		return false;
	if (add) {
		node_push(a, parent, value);
		for (size_t j = parent->seq.n - 1; j > (size_t)i; j--)
			parent->seq.items[j] = parent->seq.items[j - 1];
	}
	parent->seq.items[i] = value;
	return true;
}

static bool take(struct node *parent, struct str last)
{
	int64_t i;
	if (parent->type == NODE_MAP)
		return node_del(parent, last);
	if (parent->type != NODE_SEQ || !str_int64(last, &i) || i < 0 || (size_t)i >= parent->seq.n)
		return false;
	size_t at = (size_t)i;
	memmove(&parent->seq.items[at], &parent->seq.items[at + 1],
		(parent->seq.n - at - 1) * sizeof(parent->seq.items[0]));
	parent->seq.n--;
	return true;
}

static bool operate(struct arena *a, struct node *root, const struct node *operation)
{
	struct str op = node_text(node_get(operation, "op"));
	struct str path = node_text(node_get(operation, "path"));
	const struct node *value = node_get(operation, "value");
	struct node *at = root;
	struct str rest = str_from(path, 1), token = str_cut(rest, '/', &rest);
	while (rest.n && at) {
		at = child(at, unescape(a, token));
		token = str_cut(rest, '/', &rest);
	}
	if (!at || !path.n || path.p[0] != '/')
		return false;
	struct str last = unescape(a, token);
	if (str_is(op, "test"))
		return node_equal(child(at, last), value);
	if (str_is(op, "remove"))
		return take(at, last);
	if (!value || (!str_is(op, "add") && !str_is(op, "replace")))
		return false;
	return put(a, at, last, node_clone(a, value), str_is(op, "add"));
}

int patch_json(struct arena *a, struct node *root, const struct node *operations, char *message, size_t size)
{
	for (size_t i = 0; i < node_count(operations); i++) {
		const struct node *operation = node_item(operations, i);
		if (operate(a, root, operation))
			continue;
		snprintf(message, size, "the server rejected our request: patch operation %zu (%.*s %.*s)", i,
			 STR_ARG(node_text(node_get(operation, "op"))),
			 STR_ARG(node_text(node_get(operation, "path"))));
		return -1;
	}
	return 0;
}
