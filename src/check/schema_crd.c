/* schema_crd.c - the kinds that a CustomResourceDefinition brings; see schema.h. */
#include "check/schema_learn.h"

static const struct schema *root_schema(struct learn *l, const struct node *openapi)
{
	if (!openapi || openapi->type != NODE_MAP)
		return NULL;
	struct schema *root = arena_new(l->s->a, struct schema);
	learn_into(l, openapi, root);
	if (root->shape != SCHEMA_OBJECT)
		return NULL;
	learn_object_fields(l->s, root);
	return root;
}

static void learn_version(struct learn *l, const struct node *spec, const struct node *version,
			  const struct node *openapi)
{
	struct str name = node_text(node_get(version, "name"));
	struct schema_kind kind = {
		.group = node_text(node_get(spec, "group")),
		.version = name.n ? name : node_text(node_get(spec, "version")),
		.kind = node_text(node_at(spec, "names.kind")),
		.mask = node_bool(node_get(version, "served"), true) ? 0xff : 0,
		.namespaced = !str_is(node_text(node_get(spec, "scope")), "Cluster"),
		.deprecated = node_bool(node_get(version, "deprecated"), false),
		.warning = node_text(node_get(version, "deprecationWarning")),
	};
	if (kind.group.n == 0 || kind.version.n == 0 || kind.kind.n == 0) {
		l->say(l->ctx, version ? version : spec,
		       "the definition lacks spec.group, spec.names.kind or the name of a version: it is not used");
		return;
	}
	const struct node *own = node_at(version, "schema.openAPIV3Schema");
	kind.schema = root_schema(l, own ? own : openapi);
	if (!kind.schema)
		l->say(l->ctx, version ? version : spec,
		       "the version has no schema of an object: fields of its objects are not checked");
	if (!learn_kind(l->s, &kind))
		l->say(l->ctx, spec, "too many kinds (SCHEMA_KINDS_MAX): this one is not used");
}

bool schemas_learn_crd(struct schemas *s, const struct node *root, schema_say_fn *say, void *ctx)
{
	struct str api = node_text(node_get(root, "apiVersion"));
	const struct node *spec = node_get(root, "spec"), *versions = node_get(spec, "versions");
	if (!str_is(node_text(node_get(root, "kind")), "CustomResourceDefinition") ||
	    !str_starts(api, STR("apiextensions.k8s.io/")) || !spec || spec->type != NODE_MAP)
		return false;
	struct learn l = { .s = s, .say = say, .ctx = ctx };
	/* v1beta1 kept unknown fields unless it was told not to. */
	l.preserve = node_bool(node_get(spec, "preserveUnknownFields"), !str_ends(api, STR("/v1")));
	const struct node *openapi = node_at(spec, "validation.openAPIV3Schema");
	size_t n = versions && versions->type == NODE_SEQ ? node_count(versions) : 0;
	for (size_t i = 0; i < n; i++)
		learn_version(&l, spec, node_item(versions, i), openapi);
	if (n == 0)
		learn_version(&l, spec, NULL, openapi);
	return true;
}
