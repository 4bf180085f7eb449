/* manifests.c - see manifests.h. */
#include "cmd/manifests.h"

#include <string.h>

#include "base/vec.h"
#include "cmd/manifests_push.h"
#include "doc/yaml.h"

#define DEFAULT_IMAGE "localhost/capstan:" CAPSTAN_VERSION /* as `make image` names it */
#define DEFAULT_PUSH_IMAGE "localhost/capstan-push:" CAPSTAN_VERSION
#define DEFAULT_NAMESPACE "capstan-system"

static bool is_wanted(const char *path, const struct manifest_options *options)
{
	if (push_manifests_has(path) && !options->with_push)
		return false;
	if (strncmp(path, "crds/", 5) == 0)
		return true;
	if (options->crds_only)
		return false;
	return options->full_rights || !strstr(path, "rbac-deployer");
}

/* Every text that is exactly `from` becomes `to`: the namespace in metadata, subjects and the like. */
static void replace_text(struct arena *a, struct node *n, const char *from, const char *to)
{
	for (size_t i = 0; n->type == NODE_MAP && i < n->map.n; i++)
		replace_text(a, n->map.pairs[i].value, from, to);
	for (size_t i = 0; n->type == NODE_SEQ && i < n->seq.n; i++)
		replace_text(a, n->seq.items[i], from, to);
	if (n->type == NODE_STRING && str_is(n->text, from))
		n->text = str_of(arena_strdup(a, to));
}

static void adapt(struct arena *a, const char *path, struct node *root,
		  const struct manifest_options *options)
{
	if (push_manifests_has(path))
		push_manifests_adapt(a, root, options);
	replace_text(a, root, "@PUSH_IMAGE@", options->push.image ? options->push.image : DEFAULT_PUSH_IMAGE);
	replace_text(a, root, "@IMAGE@", options->image ? options->image : DEFAULT_IMAGE);
	if (options->namespace)
		replace_text(a, root, DEFAULT_NAMESPACE, options->namespace);
	if (options->namespace && push_manifests_has(path))
		replace_text(a, root, PUSH_NAMESPACE_DEFAULT, push_manifests_namespace(a, options));
	if (options->replicas > 0 && !push_manifests_has(path) &&
	    str_is(node_text(node_get(root, "kind")), "Deployment"))
		node_set(a, node_get(root, "spec"), STR("replicas"), node_int_new(a, options->replicas));
}

static struct manifest read_manifest(struct node *root)
{
	struct str version, group = str_cut(node_text(node_get(root, "apiVersion")), '/', &version);
	if (!version.n) {
		version = group;
		group = STR("");
	}
	struct str kind = node_text(node_get(root, "kind"));
	return (struct manifest){
		.root = root,
		.group = group,
		.version = version,
		.kind = kind,
		.namespace = node_text(node_at(root, "metadata.namespace")),
		.name = node_text(node_at(root, "metadata.name")),
		.crd = str_is(kind, "CustomResourceDefinition"),
	};
}

size_t manifests(struct arena *a, const struct manifest_options *options, struct manifest **out)
{
	VEC(struct manifest) list = { 0 };
	for (const struct embedded *e = embedded_manifests; e->path; e++) {
		struct yaml_stream stream = { 0 };
		if (!is_wanted(e->path, options))
			continue;
		yaml_parse(a, str_of(e->text), &stream, NULL);
		for (size_t i = 0; i < stream.n; i++) {
			adapt(a, e->path, stream.documents[i].root, options);
			vec_push(&list, read_manifest(stream.documents[i].root));
		}
	}
	size_t n = list.n;
	*out = arena_array(a, struct manifest, n + 1);
	if (n)
		memcpy(*out, list.at, n * sizeof(**out));
	vec_release(&list);
	return n;
}

const char *manifest_name(struct arena *a, const struct manifest *m)
{
	return arena_printf(a, "%.*s %.*s%s%.*s", STR_ARG(m->kind), STR_ARG(m->namespace),
			    m->namespace.n ? "/" : "", STR_ARG(m->name));
}
