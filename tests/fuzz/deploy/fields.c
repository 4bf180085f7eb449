/* A live object from a hostile server: hash, health and take-over survive it, and the hash ignores what is
 * not ours. */
#include <stdlib.h>

#include "deploy/cluster/live.h"
#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf patch = BUF_INIT;
	struct node *object, *steps;
	struct live live;
	struct str text = { (const char *)data, size };
	if (json_parse(&a, text, false, &object, NULL) != 0)
		return 0;
	if (!live_read(&a, object, STR(""), STR("ConfigMap"), 1767225660, &live))
		return 0;
	if (takeover_needed(object)) {
		takeover_patch(&a, object, &patch);
		if (json_parse(&a, buf_str(&patch), true, &steps, NULL) != 0)
			abort();
	}
	struct node *metadata = node_get(object, "metadata");
	node_set(&a, metadata, STR("resourceVersion"), node_string(&a, STR("12345")));
	if (!hash_eq(live.hash, fields_hash(object, "capstan")))
		abort();
	struct node *list = node_get(metadata, "managedFields");
	if (list && list->type == NODE_SEQ)
		node_push(&a, list, node_map(&a)); /* one more manager */
	if (!hash_eq(live.hash, fields_hash(object, "capstan")))
		abort();
	return 0;
}
