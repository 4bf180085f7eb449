/* hide.c - see hide.h. */
#include "cmd/hide.h"

bool hide_is_secret(const struct node *object)
{
	return str_is(node_text(node_get(object, "kind")), "Secret") &&
	       str_is(node_text(node_get(object, "apiVersion")), "v1");
}

/* How many bytes base64 text stands for; its own length when it is none. */
static size_t decoded_size(struct str text)
{
	size_t letters = 0, padding = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			      c == '+' || c == '/';
		if (c == '=')
			padding++;
		else if (letter && padding == 0)
			letters++;
		else if (c != '\n' && c != '\r')
			return text.n;
	}
	return letters * 3 / 4;
}

static void hide_values(struct arena *a, struct node *map, bool base64)
{
	if (!map)
		return;
	if (map->type != NODE_MAP) { /* malformed, and still not to be shown */
		*map = *node_string(a, STR("(hidden)"));
		return;
	}
	for (size_t i = 0; i < map->map.n; i++) {
		struct node *value = map->map.pairs[i].value;
		struct str text = node_text(value);
		size_t size = base64 ? decoded_size(text) : text.n;
		const char *shown =
			node_is_string(value) ? arena_printf(a, "(hidden: %zu bytes)", size) : "(hidden)";
		map->map.pairs[i].value = node_string(a, str_of(shown));
	}
}

void hide_secrets(struct arena *a, struct node *object)
{
	struct node *items = node_get(object, "items");
	for (size_t i = 0; i < node_count(items); i++)
		if (items->type == NODE_SEQ)
			hide_secrets(a, items->seq.items[i]);
	if (!hide_is_secret(object))
		return;
	hide_values(a, node_get(object, "data"), true);
	hide_values(a, node_get(object, "stringData"), false);
	struct node *annotations = node_at(object, "metadata.annotations");
	if (annotations)
		node_del(annotations, STR("kubectl.kubernetes.io/last-applied-configuration"));
}
