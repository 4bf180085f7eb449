/* discovery_parse.c - see discovery_parse.h. The documents come from a server, so nothing in them is trusted.
 */
#include "kube/discovery_parse.h"

#include "base/vec.h"
#include "kube/client_parts.h"

struct kube_kinds *kube_kinds_new(void)
{
	return mem_alloc(sizeof(struct kube_kinds));
}

void kube_kinds_free(struct kube_kinds *kinds)
{
	if (!kinds)
		return;
	map_release(&kinds->by_kind);
	arena_release(&kinds->arena);
	free(kinds);
}

void kube_paths_add(struct kube_paths *paths, const char *path, const char *group, const char *version,
		    bool optional)
{
	if (paths->n >= KUBE_PATHS_MAX)
		return;
	struct kube_path p = { arena_strdup(&paths->arena, path), arena_strdup(&paths->arena, group),
			       arena_strdup(&paths->arena, version), optional };
	vec_push(paths, p);
}

#define KEY_MAX 520

/* False when the names are longer than any server allows. */
static bool make_key(char out[KEY_MAX], struct str group, struct str kind, struct str *key)
{
	if (group.n + kind.n + 2 > KEY_MAX)
		return false;
	if (group.n)
		memcpy(out, group.p, group.n);
	out[group.n] = '/';
	if (kind.n)
		memcpy(out + group.n + 1, kind.p, kind.n);
	*key = (struct str){ out, group.n + kind.n + 1 };
	return true;
}

void kube_kinds_add(struct kube_kinds *kinds, const struct kube_resource *from)
{
	char memory[KEY_MAX];
	struct str key;
	if (!from->kind.n || !from->plural.n || kinds->by_kind.n >= KUBE_KINDS_MAX ||
	    !make_key(memory, from->group, from->kind, &key))
		return;
	struct kube_kind *first = map_get(&kinds->by_kind, key), *last = first;
	for (struct kube_kind *k = first; k; k = k->next) {
		if (str_eq(k->resource.version, from->version))
			return;
		last = k;
	}
	struct arena *a = &kinds->arena;
	struct kube_kind *k = arena_new(a, struct kube_kind);
	k->resource = *from;
	k->resource.group = arena_str(a, from->group);
	k->resource.version = arena_str(a, from->version);
	k->resource.kind = arena_str(a, from->kind);
	k->resource.plural = arena_str(a, from->plural);
	k->resource.preferred = !first;
	if (last)
		last->next = k;
	else
		map_put(&kinds->by_kind, key, k);
}

static bool has_text(const struct node *seq, const char *text)
{
	for (size_t i = 0; i < node_count(seq); i++)
		if (str_is(node_text(node_item(seq, i)), text))
			return true;
	return false;
}

static bool has_subresource(const struct node *seq, const char *name)
{
	for (size_t i = 0; i < node_count(seq); i++)
		if (str_is(node_text(node_get(node_item(seq, i), "subresource")), name))
			return true;
	return false;
}

static void keep_stale(struct kube_kinds *kinds, const struct kube_kinds *before, struct str group,
		       struct str version)
{
	struct map_entry *e;
	if (!before)
		return;
	for (size_t i = 0; (e = map_next(&before->by_kind, &i));)
		for (const struct kube_kind *k = e->value; k; k = k->next)
			if (str_eq(k->resource.group, group) && str_eq(k->resource.version, version))
				kube_kinds_add(kinds, &k->resource);
}

static void read_group(struct kube_kinds *kinds, const struct node *item, const struct kube_kinds *before)
{
	struct str group = node_text(node_at(item, "metadata.name"));
	const struct node *versions = node_get(item, "versions");
	for (size_t v = 0; v < node_count(versions); v++) {
		const struct node *version = node_item(versions, v);
		const struct node *resources = node_get(version, "resources");
		struct str name = node_text(node_get(version, "version"));
		if (str_is(node_text(node_get(version, "freshness")), "Stale") && node_count(resources) == 0)
			keep_stale(kinds, before, group, name);
		for (size_t i = 0; i < node_count(resources); i++) {
			const struct node *n = node_item(resources, i);
			struct kube_resource r = {
				.group = group,
				.version = name,
				.kind = node_text(node_at(n, "responseKind.kind")),
				.plural = node_text(node_get(n, "resource")),
				.namespaced = str_is(node_text(node_get(n, "scope")), "Namespaced"),
				.has_status = has_subresource(node_get(n, "subresources"), "status"),
				.watchable = has_text(node_get(n, "verbs"), "watch"),
			};
			kube_kinds_add(kinds, &r);
		}
	}
}

static void read_resources(struct kube_kinds *kinds, const struct kube_path *path, const struct node *list)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *n = node_item(list, i);
		struct kube_resource r = {
			.group = str_of(path->group),
			.version = str_of(path->version),
			.kind = node_text(node_get(n, "kind")),
			.plural = node_text(node_get(n, "name")),
			.namespaced = node_bool(node_get(n, "namespaced"), false),
			.watchable = has_text(node_get(n, "verbs"), "watch"),
		};
		if (str_find(r.plural, '/', 0) == SIZE_MAX)
			kube_kinds_add(kinds, &r);
	}
	/* Subresources are entries of their own, "pods/status", anywhere in the list. */
	for (size_t i = 0; i < node_count(list); i++) {
		struct str rest, name = node_text(node_get(node_item(list, i), "name"));
		struct str plural = str_cut(name, '/', &rest);
		struct map_entry *e;
		if (!str_is(rest, "status"))
			continue;
		for (size_t m = 0; (e = map_next(&kinds->by_kind, &m));)
			for (struct kube_kind *k = e->value; k; k = k->next)
				if (str_is(k->resource.group, path->group) &&
				    str_is(k->resource.version, path->version) &&
				    str_eq(k->resource.plural, plural))
					k->resource.has_status = true;
	}
}

static void add_version(struct kube_paths *paths, struct str group, struct str version)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *path = group.n ? arena_printf(&a, "/apis/%.*s/%.*s", STR_ARG(group), STR_ARG(version))
				   : arena_printf(&a, "/api/%.*s", STR_ARG(version));
	kube_paths_add(paths, path, arena_str(&a, group).p, arena_str(&a, version).p, true);
}

static void read_group_list(struct kube_paths *paths, const struct node *groups)
{
	for (size_t g = 0; g < node_count(groups); g++) {
		const struct node *group = node_item(groups, g), *versions = node_get(group, "versions");
		struct str name = node_text(node_get(group, "name"));
		struct str best = node_text(node_at(group, "preferredVersion.version"));
		if (best.n)
			add_version(paths, name, best);
		for (size_t v = 0; v < node_count(versions); v++) {
			struct str version = node_text(node_get(node_item(versions, v), "version"));
			if (version.n && !str_eq(version, best))
				add_version(paths, name, version);
		}
	}
}

void kube_kinds_read(struct kube_kinds *kinds, struct kube_paths *paths, size_t i, const struct node *body,
		     const struct kube_kinds *before)
{
	struct str kind = node_text(node_get(body, "kind"));
	const struct node *items = node_get(body, "items");
	if (str_is(kind, "APIGroupDiscoveryList")) {
		for (size_t g = 0; g < node_count(items); g++)
			read_group(kinds, node_item(items, g), before);
	} else if (str_is(kind, "APIVersions")) {
		const struct node *versions = node_get(body, "versions");
		for (size_t v = 0; v < node_count(versions); v++)
			add_version(paths, STR(""), node_text(node_item(versions, v)));
	} else if (str_is(kind, "APIGroupList")) {
		read_group_list(paths, node_get(body, "groups"));
	} else if (str_is(kind, "APIResourceList")) {
		read_resources(kinds, &paths->at[i], node_get(body, "resources"));
	}
}

const struct kube_resource *kube_kinds_find(const struct kube_kinds *kinds, struct str group,
					    struct str version, struct str kind)
{
	char memory[KEY_MAX];
	struct str key;
	if (!kinds || !make_key(memory, group, kind, &key))
		return NULL;
	for (const struct kube_kind *k = map_get(&kinds->by_kind, key); k; k = k->next)
		if (version.n == 0 || str_eq(k->resource.version, version))
			return &k->resource;
	return NULL;
}
