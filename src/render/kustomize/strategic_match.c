/* strategic_match.c - elements of lists by the values of their keys. See strategic.h. */
#include "render/kustomize/strategic.h"

struct str merge_text(const struct node *n)
{
	if (!n || n->type == NODE_MAP || n->type == NODE_SEQ)
		return (struct str){ "", 0 };
	return n->text;
}

bool merge_is_missing(const struct node *n)
{
	return !n || n->type == NODE_NULL;
}

static bool is_scalar(const struct node *n)
{
	return n->type != NODE_MAP && n->type != NODE_SEQ;
}

/*
 * Upstream's FieldMatcher: the field `key` of element, which must have that value when `exact` or when the
 * value is not ""; the element itself for the key "". *out NULL: it does not fit.
 */
static int match_field(struct merge *m, struct node *element, struct str key, struct str value, bool exact,
		       struct node **out)
{
	*out = NULL;
	if (merge_is_missing(element))
		return 0;
	if (key.n == 0) {
		if (!is_scalar(element))
			return error_set(m->err, "line %u: an element is no plain value like the others",
					 element->line);
		*out = str_eq(element->text, value) ? element : NULL;
		return 0;
	}
	if (element->type != NODE_MAP)
		return error_set(m->err, "line %u: an element is no map with %.*s", element->line,
				 STR_ARG(key));
	struct node *field = node_get_str(element, key);
	if (field && (!(exact || value.n) || str_eq(merge_text(field), value)))
		*out = field;
	return 0;
}

static int fits(struct merge *m, struct node *element, struct texts keys, struct texts values, bool *out)
{
	struct node *found = NULL;
	*out = true;
	for (size_t i = 0; i < keys.n && *out; i++) {
		if (i < values.n && match_field(m, element, keys.at[i], values.at[i], false, &found))
			return -1;
		*out = found;
	}
	return 0;
}

int merge_set_element(struct merge *m, struct node *list, struct node *element, struct texts keys,
		      struct texts values)
{
	bool of_maps = keys.n && keys.at[0].n && values.n && values.at[0].n, found = false;
	uint32_t n = 0;
	for (uint32_t i = 0; i < list->seq.n; i++) {
		struct node *one = list->seq.items[i];
		bool same;
		if (merge_is_missing(one) || (one->type == NODE_MAP && one->map.n == 0))
			continue;
		if (of_maps && one->type != NODE_MAP) {
			list->seq.items[n++] = one;
			continue;
		}
		if (fits(m, one, keys, values, &same))
			return -1;
		if (same) {
			found = true;
			one = element;
		}
		if (same ? element != NULL : values.n > 0)
			list->seq.items[n++] = one;
	}
	list->seq.n = n;
	if (!merge_is_missing(element) && !found)
		node_push(m->b->a, list, element);
	return 0;
}

static bool has_fields(const struct node *element, struct texts keys, struct texts values)
{
	for (size_t i = 0; i < keys.n; i++) {
		const struct node *field = node_get_str(element, keys.at[i]);
		if (!field || !str_eq(merge_text(field), values.at[i]))
			return false;
	}
	return true;
}

struct node *merge_find_element(const struct node *list, struct texts keys, struct texts values)
{
	if (!list || list->type != NODE_SEQ)
		return NULL;
	bool plain = keys.n == 0 || keys.at[0].n == 0;
	struct str value = values.n ? values.at[0] : (struct str){ "", 0 };
	if (!plain && keys.n != values.n)
		return NULL;
	for (uint32_t i = 0; i < list->seq.n; i++) {
		struct node *one = list->seq.items[i];
		if (plain ? str_eq(merge_text(one), value)
			  : one->type == NODE_MAP && has_fields(one, keys, values))
			return one;
	}
	return NULL;
}
