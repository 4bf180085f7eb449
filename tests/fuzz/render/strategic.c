/*
 * A resource, and behind a NUL a strategic merge patch for it: what comes of them can be printed, and both
 * ways of merging long lists come to the same.
 */
#include <stdlib.h>

#include "doc/yaml.h"
#include "render/kustomize/strategic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static struct node *parse(struct arena *a, struct str text)
{
	const struct yaml_options options = { .dialect = YAML_KYAML };
	struct yaml_stream stream;
	if (yaml_parse_as(a, text, &options, &stream, NULL) || stream.n == 0 ||
	    stream.documents[0].root->type != NODE_MAP)
		return NULL;
	return stream.documents[0].root;
}

/* The merged text, or why there is none. */
static void merge(struct str resource, struct str patch, bool literal, struct buf *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct kbuild b = { .a = &a };
	struct merge m = { .b = &b, .scratch = &a, .err = &err, .literal = literal };
	struct merged merged;
	struct node *dest = parse(&a, resource), *from = parse(&a, patch);
	if (!dest || !from)
		return;
	b.schema = kschema_new(&b);
	if (merge_walk(&m, NULL, dest, from, &merged)) {
		check(err.text[0]);
		buf_adds(out, "failed");
		return;
	}
	if (!merged.node)
		return;
	if (yaml_settle(&a, merged.node, &err) == 0)
		yaml_write(out, merged.node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str patch, resource = str_cut((struct str){ (const char *)data, size }, '\0', &patch);
	cleanup_buf struct buf one = BUF_INIT, other = BUF_INIT;
	if (size > 1 << 15)
		return 0;
	merge(resource, patch, false, &one);
	merge(resource, patch, true, &other);
	check(str_eq(buf_str(&one), buf_str(&other)));
	return 0;
}
