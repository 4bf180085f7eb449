/* args.c - see args.h. */
#include <strings.h>

#include "render/kustomize/args.h"

static bool same_key(struct str key, const char *name)
{
	return key.n == strlen(name) && strncasecmp(key.p, name, key.n) == 0;
}

const struct node *karg(const struct node *map, const char *key)
{
	const struct node *found = node_get(map, key);
	for (size_t i = 0; !found && map && map->type == NODE_MAP && i < map->map.n; i++)
		if (same_key(map->map.pairs[i].key, key))
			found = map->map.pairs[i].value;
	return found && found->type != NODE_NULL ? found : NULL;
}

static int wrong(const char *file, const struct node *n, const char *key, const char *want, struct error *err)
{
	return error_set(err, "%s:%u: %s must be %s", file, n->line, key, want);
}

int karg_string(const char *file, const struct node *map, const char *key, struct str *out, struct error *err)
{
	const struct node *n = karg(map, key);
	if (n && n->type != NODE_STRING)
		return wrong(file, n, key, "a text; put quotes around it", err);
	if (n)
		*out = n->text;
	return 0;
}

int karg_bool(const char *file, const struct node *map, const char *key, bool *out, struct error *err)
{
	const struct node *n = karg(map, key);
	if (n && n->type != NODE_BOOL)
		return wrong(file, n, key, "true or false", err);
	if (n)
		*out = n->boolean;
	return 0;
}

int karg_int(const char *file, const struct node *map, const char *key, int64_t *out, struct error *err)
{
	const struct node *n = karg(map, key);
	if (n && !node_int(n, out))
		return wrong(file, n, key, "an integer", err);
	return 0;
}

int karg_map(const char *file, const struct node *map, const char *key, const struct node **out,
	     struct error *err)
{
	*out = karg(map, key);
	return *out && (*out)->type != NODE_MAP ? wrong(file, *out, key, "a map", err) : 0;
}

int karg_list(const char *file, const struct node *map, const char *key, const struct node **out,
	      struct error *err)
{
	*out = karg(map, key);
	return *out && (*out)->type != NODE_SEQ ? wrong(file, *out, key, "a list", err) : 0;
}

static int check_fields(const char *file, const struct node *spec, struct error *err)
{
	static const char *const known[] = { "group", "version", "kind", "path", "create" };
	for (size_t i = 0; i < spec->map.n; i++) {
		bool found = false;
		for (size_t k = 0; !found && k < sizeof(known) / sizeof(known[0]); k++)
			found = same_key(spec->map.pairs[i].key, known[k]);
		if (!found)
			return error_set(err,
					 "%s:%u: a field spec has group, version, kind, path and create, "
					 "but no `%.*s`",
					 file, spec->map.pairs[i].key_line, STR_ARG(spec->map.pairs[i].key));
	}
	return 0;
}

int karg_fieldspecs(const char *file, const struct node *list, bool strict, kfieldspecs *out,
		    struct error *err)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *n = node_item(list, i);
		struct kfieldspec spec = { 0 };
		if (n->type == NODE_NULL) {
			vec_push(out, spec);
			continue;
		}
		if (n->type != NODE_MAP)
			return wrong(file, n, "a field spec", "a map with a path", err);
		if (strict && check_fields(file, n, err))
			return -1;
		if (karg_string(file, n, "group", &spec.group, err) ||
		    karg_string(file, n, "version", &spec.version, err) ||
		    karg_string(file, n, "kind", &spec.kind, err) ||
		    karg_string(file, n, "path", &spec.path, err) ||
		    karg_bool(file, n, "create", &spec.create, err))
			return -1;
		vec_push(out, spec);
	}
	return 0;
}
