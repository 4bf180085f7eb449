/* live.c - the few facts that are kept of a live object; see live.h. */
#include "deploy/cluster/live.h"

#include "deploy/cluster/prepare.h"

const char *health_name(enum health h)
{
	static const char *const names[] = {
		[HEALTH_UNKNOWN] = "Unknown",	      [HEALTH_CURRENT] = "Current",
		[HEALTH_PROGRESSING] = "Progressing", [HEALTH_FAILED] = "Failed",
		[HEALTH_TERMINATING] = "Terminating", [HEALTH_MISSING] = "Missing",
	};
	return names[h];
}

static bool is_disabled(const struct node *annotations, const char *name)
{
	return str_is(node_text(node_get(annotations, name)), "disabled");
}

bool live_read(struct arena *a, const struct node *object, struct str fallback_group,
	       struct str fallback_kind, int64_t now_wall_s, struct live *out)
{
	*out = (struct live){ 0 };
	const struct node *metadata = node_get(object, "metadata");
	struct key k = { .kind = node_text(node_get(object, "kind")),
			 .namespace = node_text(node_get(metadata, "namespace")),
			 .name = node_text(node_get(metadata, "name")) };
	struct str api_version = node_text(node_get(object, "apiVersion")), rest;
	k.group = str_cut(api_version, '/', &rest);
	out->version = rest;
	if (str_find(api_version, '/', 0) == SIZE_MAX) {
		k.group = STR("");
		out->version = api_version;
	}
	if (!k.kind.n) {
		k.kind = fallback_kind;
		k.group = fallback_group;
	}
	if (!k.name.n || !k.kind.n)
		return false;
	out->key = str_of(key_text(a, k));
	out->uid = node_text(node_get(metadata, "uid"));
	int64_t number = 0;
	if (str_int64(node_text(node_get(metadata, "resourceVersion")), &number))
		out->resource_version = (uint64_t)number;
	node_int(node_get(metadata, "generation"), &out->generation);
	const struct node *labels = node_get(metadata, "labels");
	out->owner_app = node_text(node_get(labels, LABEL_APP));
	out->owner_namespace = node_text(node_get(labels, LABEL_NAMESPACE));
	out->prune_disabled = is_disabled(node_get(metadata, "annotations"), ANNOTATION_PRUNE);
	out->deleting = node_text(node_get(metadata, "deletionTimestamp")).n > 0;
	out->hash = fields_hash(object, FIELD_MANAGER);
	health_of_kind(k.group, k.kind, object, now_wall_s, &out->health);
	return true;
}
