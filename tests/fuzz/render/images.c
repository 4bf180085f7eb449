/*
 * The first line is a change of images ("web=registry/web:v1"), the rest is a file: written as a
 * kustomization, by its setter comments and as a manifest. What was written once is not written again, and
 * names that were read are printed as they were.
 */
#include <stdlib.h>

#include "render/images.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static int write_setters(struct arena *a, struct edit *e, const struct image_change *c, struct error *err)
{
	struct image_policies policies = { .n = 0 };
	size_t n = 0;
	for (int i = 0; i < 2; i++)
		if (images_find_policies(e, a, c, &policies, err) < 0)
			return -1;
	return images_at_setters(e, a, c, &policies, &n, err);
}

static int write_all(struct arena *a, struct edit *e, const struct image_change *c, struct error *err)
{
	size_t n = 0;
	if (write_setters(a, e, c, err) < 0 || images_in_manifest(e, c, &n, err) < 0)
		return -1;
	return edit_documents(e) ? images_in_kustomization(e, STR(""), c, c->name, err) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct image_change c;
	struct edit *e;
	struct str file, line = str_cut((struct str){ (const char *)data, size }, '\n', &file);
	if (image_change_read(&a, line, &c, &err) < 0) {
		check(err.text[0]);
		return 0;
	}
	image_ref_write(&text, &c.image);
	check(str_eq(buf_str(&text), c.text));
	if (edit_open(&a, "f", file, &e, &err) < 0 || write_all(&a, e, &c, &err) < 0) {
		check(err.text[0]);
		return 0;
	}
	/* A name that is another one from now on is not found again. */
	if (!image_change_is_for(&c, c.image.name))
		return 0;
	struct str once = edit_text(e);
	check(edit_open(&a, "f", once, &e, NULL) == 0);
	check(write_all(&a, e, &c, NULL) == 0 && str_eq(edit_text(e), once));
	return 0;
}
