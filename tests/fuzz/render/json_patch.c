/*
 * A resource, and behind a NUL a JSON patch for it: it fails with a word, or what comes of it can be printed
 * and reads back.
 */
#include <stdlib.h>

#include "doc/yaml.h"
#include "render/kustomize/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void read_back(struct arena *a, struct node *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct yaml_stream stream;
	struct error err = ERROR_INIT;
	check(yaml_settle(a, n, &err) == 0);
	yaml_write(&text, n);
	check(yaml_parse(a, buf_str(&text), &stream, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str patch_text,
		resource = str_cut((struct str){ (const char *)data, size }, '\0', &patch_text);
	struct kbuild b = { .a = &a };
	struct error err = ERROR_INIT;
	const struct kres_text from = { .file = "patch.yaml", .text = patch_text, .patch = true };
	struct kjson_patch patch;
	kres_list list = { 0 };
	if (size > 1 << 15)
		return 0;
	b.schema = kschema_new(&b);
	if (kres_parse(&b, "res.yaml", resource, &list, NULL) == 0 && list.n &&
	    kjson_patch_read(&b, &from, &patch, &err) == 0) {
		kres_store_previous(&b, list.at[0]);
		if (kjson_patch_apply(&b, list.at[0], &patch, "patch 1", &err))
			check(err.text[0]);
		else
			read_back(&a, list.at[0]->root);
	}
	vec_release(&list);
	kbuild_release(&b);
	return 0;
}
