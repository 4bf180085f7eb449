/*
 * Input: the name of an image rule on the first line, then an image reference. The parts of a reference make
 * it up again, and a name that is no pattern, or a costly one, does no harm.
 */
#include <stdint.h>
#include <stdlib.h>

#include "render/kustomize/field_transformers.h"
#include "render/kustomize/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(struct str text)
{
	struct kimage image = kimage_split(text);
	size_t n = image.name.n;
	if (image.tag.n)
		n += 1 + image.tag.n;
	if (image.digest.n)
		n += 1 + image.digest.n;
	/* Empty tags and digests lose their mark, nothing else is lost. */
	if (n > text.n || text.n - n > 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kustomize_options options;
	struct arena a = ARENA_INIT;
	struct kbuild b = { .a = &a, .options = &options };
	struct kresmap resources = KRESMAP_INIT;
	struct str rest = { (const char *)data, size }, name = str_cut(rest, '\n', &rest);
	struct node *config = node_map(&a), *rule = node_map(&a), *root = node_map(&a);
	struct node *list = node_seq(&a), *container = node_map(&a);
	struct error err;
	check_parts(rest);
	node_set(&a, rule, STR("name"), node_string(&a, name));
	node_set(&a, rule, STR("newTag"), node_string(&a, STR("new")));
	node_set(&a, config, STR("imageTag"), rule);
	node_set(&a, container, STR("image"), node_string(&a, rest));
	node_push(&a, list, container);
	node_set(&a, root, STR("kind"), node_string(&a, STR("Thing")));
	node_set(&a, root, STR("containers"), list);
	vec_push(&resources.list, kres_new(&b, root, "thing.yaml"));
	struct ktransform_call call = { .build = &b,
					.config = config,
					.step = "images",
					.config_file = "kustomization.yaml",
					.resources = &resources };
	if (size < 4096)
		ktransform_image(&call, &err);
	kresmap_release(&resources);
	vec_release(&b.all);
	arena_release(&a);
	return 0;
}
