/*
 * takeover.c - fields that kubectl owns move to us, so that what git drops goes away.
 *
 * As client-go's csaupgrade does: the other managers' entries become ours (union of fieldsV1), by a JSON
 * patch that replaces metadata.managedFields and tests the resourceVersion.
 */
#include "deploy/cluster/live.h"
#include "deploy/cluster/prepare.h"
#include "doc/json.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static bool is_client_side(const struct node *entry)
{
	struct str manager = node_text(node_get(entry, "manager"));
	if (node_text(node_get(entry, "subresource")).n)
		return false;
	return str_starts(manager, STR("kubectl")) || str_is(manager, "before-first-apply");
}

static bool is_ours(const struct node *entry)
{
	return str_is(node_text(node_get(entry, "manager")), FIELD_MANAGER) &&
	       str_is(node_text(node_get(entry, "operation")), "Apply") &&
	       !node_text(node_get(entry, "subresource")).n;
}

bool takeover_needed(const struct node *object)
{
	const struct node *list = node_at(object, "metadata.managedFields");
	for (size_t i = 0; i < node_count(list); i++)
		if (is_client_side(node_item(list, i)))
			return true;
	return false;
}

/*
 * Adds to `to` every path of `from`. An empty map is the path itself; beside paths below it that is said by
 * ".": an empty emptyDir of one manager and its sizeLimit of another.
 */
static void unite(struct arena *a, struct node *to, const struct node *from)
{
	for (size_t i = 0; from && from->type == NODE_MAP && i < node_count(from); i++) {
		const struct node_pair *pair = &from->map.pairs[i];
		struct node *below = node_get_str(to, pair->key);
		if (!below) {
			node_set(a, to, pair->key, node_clone(a, pair->value));
			continue;
		}
		if (below->type != NODE_MAP || pair->value->type != NODE_MAP)
			continue;
		if (!node_count(below) != !node_count(pair->value))
			node_set(a, below, STR("."), node_map(a));
		unite(a, below, pair->value);
	}
}

static struct node *new_entry(struct arena *a, const struct node *object)
{
	struct node *e = node_map(a);
	node_set(a, e, STR("manager"), node_string(a, STR(FIELD_MANAGER)));
	node_set(a, e, STR("operation"), node_string(a, STR("Apply")));
	node_set(a, e, STR("apiVersion"), node_string(a, node_text(node_get(object, "apiVersion"))));
	node_set(a, e, STR("fieldsType"), node_string(a, STR("FieldsV1")));
	node_set(a, e, STR("fieldsV1"), node_map(a));
	return e;
}

/* With the path go the maps that it leaves empty: an empty "f:annotations" would mean all annotations. */
static bool disown(struct node *fields, const char *const *path, size_t n)
{
	struct node *below = node_get(fields, path[0]);
	if (n > 1 && (!disown(below, path + 1, n - 1) || node_count(below)))
		return false;
	return node_del(fields, str_of(path[0]));
}

static struct node *our_fields(struct arena *a, struct node *ours)
{
	struct node *fields = node_get(ours, "fieldsV1");
	if (fields && fields->type == NODE_MAP)
		return fields;
	fields = node_map(a);
	node_set(a, ours, STR("fieldsV1"), fields);
	return fields;
}

/* The list with the others' entries folded into ours. */
static struct node *folded(struct arena *a, const struct node *object)
{
	static const char field[] = "f:" LAST_APPLIED;
	static const char *const last_applied[] = { "f:metadata", "f:annotations", field };
	const struct node *list = node_at(object, "metadata.managedFields");
	struct node *ours = NULL, *out = node_seq(a);
	for (size_t i = 0; i < node_count(list) && !ours; i++)
		if (is_ours(node_item(list, i)))
			ours = node_clone(a, node_item(list, i));
	ours = ours ? ours : new_entry(a, object);
	struct node *fields = our_fields(a, ours);
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *e = node_item(list, i);
		if (is_client_side(e) || is_ours(e))
			unite(a, fields, node_get(e, "fieldsV1"));
		else
			node_push(a, out, node_clone(a, e));
	}
	/* The annotation goes away with the same patch; nobody may own a field that is not there. */
	disown(fields, last_applied, 3);
	node_push(a, out, ours);
	return out;
}

void takeover_patch(struct arena *a, const struct node *object, struct buf *out)
{
	buf_adds(out, "[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":");
	json_write_string(out, node_text(node_at(object, "metadata.resourceVersion")));
	buf_adds(out, "},{\"op\":\"replace\",\"path\":\"/metadata/managedFields\",\"value\":");
	json_write(out, folded(a, object));
	buf_addc(out, '}');
	if (node_get(node_at(object, "metadata.annotations"), LAST_APPLIED))
		buf_adds(
			out,
			",{\"op\":\"remove\",\"path\":\"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration\"}");
	buf_addc(out, ']');
}
