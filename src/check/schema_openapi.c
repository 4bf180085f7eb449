/*
 * schema_openapi.c - the kinds of an OpenAPI document, such as `kubectl get --raw /openapi/v2` prints or an
 * operator's project publishes; see schema.h.
 */
#include "check/schema_learn.h"

/* Types that say less than they mean: how Kubernetes reads them is known by their names. */
static bool special(struct str name, struct schema *out)
{
	static const struct {
		const char *end;
		enum schema_shape shape;
	} known[] = {
		{ ".Quantity", SCHEMA_QUANTITY }, { ".IntOrString", SCHEMA_INT_OR_STRING },
		{ ".RawExtension", SCHEMA_ANY },  { ".FieldsV1", SCHEMA_ANY },
		{ ".v1.JSON", SCHEMA_ANY },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!str_ends(name, str_of(known[i].end)))
			continue;
		out->shape = known[i].shape;
		return true;
	}
	return false;
}

static void learn_model(struct learn *l, const struct node *model, const struct schema *schema)
{
	const struct node *kinds = node_get(model, "x-kubernetes-group-version-kind");
	/* Options of requests are said to be of every group; objects of one. */
	if (!kinds || kinds->type != NODE_SEQ || node_count(kinds) != 1)
		return;
	const struct node *gvk = node_item(kinds, 0);
	struct schema_kind kind = {
		.group = node_text(node_get(gvk, "group")),
		.version = node_text(node_get(gvk, "version")),
		.kind = node_text(node_get(gvk, "kind")),
		.schema = schema,
		.mask = 0xff,
	};
	if (kind.version.n == 0 || kind.kind.n == 0 || str_ends(kind.kind, STR("List")))
		return;
	const struct schema_kind *known = schemas_find(l->s, kind.group, kind.version, kind.kind);
	kind.namespaced = known ? known->namespaced : true;
	if (!learn_kind(l->s, &kind))
		l->say(l->ctx, gvk, "too many kinds (SCHEMA_KINDS_MAX): this one is not used");
}

bool schemas_learn_openapi(struct schemas *s, const struct node *root, schema_say_fn *say, void *ctx)
{
	const struct node *models = node_get(root, "definitions");
	models = models ? models : node_at(root, "components.schemas");
	if (!models || models->type != NODE_MAP)
		return false;
	struct map refs = MAP_INIT;
	struct learn l = { .s = s, .say = say, .ctx = ctx, .refs = &refs };
	/* First a place for each, so that models may refer to each other in any order, and to themselves. */
	for (size_t i = 0; i < models->map.n; i++)
		map_put(&refs, models->map.pairs[i].key, arena_new(s->a, struct schema));
	for (size_t i = 0; i < models->map.n; i++) {
		const struct node_pair *p = &models->map.pairs[i];
		struct schema *schema = map_get(&refs, p->key);
		if (!special(p->key, schema) && p->value->type == NODE_MAP)
			learn_into(&l, p->value, schema);
	}
	for (size_t i = 0; i < models->map.n; i++)
		learn_model(&l, models->map.pairs[i].value, map_get(&refs, models->map.pairs[i].key));
	map_release(&refs);
	return true;
}
