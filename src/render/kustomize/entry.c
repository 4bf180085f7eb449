/*
 * entry.c - single values of a configuration, as Go's decoder assigns them to the fields of a struct: names
 * match in any case, and a text field takes numbers and booleans too (sigs.k8s.io/yaml sees to that).
 */
#include <strings.h>

#include "render/kustomize/select.h"

const struct node *kentry_get(const struct node *map, const char *key)
{
	const struct node *found = NULL;
	size_t n = strlen(key);
	if (!map || map->type != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->map.n; i++) {
		const struct node_pair *pair = &map->map.pairs[i];
		if (pair->key.n == n && strncasecmp(pair->key.p, key, n) == 0 &&
		    pair->value->type != NODE_NULL)
			found = pair->value;
	}
	return found;
}

static int wrong_type(const struct node *n, const char *key, const char *file, const char *want,
		      struct error *err)
{
	return error_set(err, "%s:%u: %s must be %s", file, n->line, key, want);
}

int kentry_text(const struct node *map, const char *key, const char *file, struct str *out, struct error *err)
{
	const struct node *n = kentry_get(map, key);
	*out = (struct str){ "", 0 };
	if (!n)
		return 0;
	if (n->type == NODE_MAP || n->type == NODE_SEQ)
		return wrong_type(n, key, file, "a text", err);
	if (n->type == NODE_BOOL)
		*out = n->boolean ? STR("true") : STR("false");
	else
		*out = n->text;
	return 0;
}

int kentry_bool(const struct node *map, const char *key, const char *file, bool *out, struct error *err)
{
	const struct node *n = kentry_get(map, key);
	*out = false;
	if (!n)
		return 0;
	if (n->type != NODE_BOOL)
		return wrong_type(n, key, file, "true or false", err);
	*out = n->boolean;
	return 0;
}
