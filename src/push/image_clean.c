/*
 * image_clean.c - the decision. A digest is what counts: two tags of one image stay together, since removing
 * the manifest takes both.
 */
#include "push/image_clean.h"

#include "base/hash.h"
#include "render/images.h"

static bool is_named(const struct image_clean *c, const struct image_there *image)
{
	for (size_t i = 0; i < c->n_named; i++) {
		struct image_ref ref = image_ref_split(str_of(c->named[i]));
		if (image->digest && str_is(ref.digest, image->digest))
			return true; /* whatever name it goes by: a mirror's, too */
		if (!str_is(ref.name, c->repository))
			continue;
		if ((!ref.digest.n && !ref.tag.n) || (ref.tag.n && str_is(ref.tag, image->tag)))
			return true;
	}
	return false;
}

static bool is_ours(const struct image_there *image)
{
	struct str tag = str_of(image->tag);
	if (tag.n != 2 + HASH_HEX_LEN || !str_starts(tag, STR("c-")))
		return false;
	for (size_t i = 2; i < tag.n; i++)
		if (!strchr("0123456789abcdef", tag.p[i]))
			return false;
	return true;
}

/* Newest first; those of equal age by tag, so that it is always the same. */
static int newest_first(const void *x, const void *y, void *images)
{
	const struct image_there *list = images;
	const struct image_there *a = &list[*(const size_t *)x], *b = &list[*(const size_t *)y];
	if (a->created_ms != b->created_ms)
		return a->created_ms > b->created_ms ? -1 : 1;
	return strcmp(a->tag, b->tag);
}

static bool may_go(const struct image_clean *c, const struct image_there *image)
{
	return is_ours(image) && image->digest && image->created_ms > 0 &&
	       c->now_ms - image->created_ms >= c->keep_ms && !is_named(c, image);
}

/* Whether an image that stays has the same digest. */
static bool is_shared(const struct image_clean *c, const bool *stays, const char *digest)
{
	for (size_t i = 0; i < c->n_images; i++)
		if (stays[i] && c->images[i].digest && strcmp(c->images[i].digest, digest) == 0)
			return true;
	return false;
}

size_t image_clean_decide(struct arena *a, const struct image_clean *c, size_t **out)
{
	size_t n = 0;
	size_t *order = arena_array(a, size_t, c->n_images + 1),
	       *go = arena_array(a, size_t, c->n_images + 1);
	bool *stays = arena_array(a, bool, c->n_images + 1);
	*out = go;
	if (!c->complete)
		return 0;
	for (size_t i = 0; i < c->n_images; i++)
		order[i] = i;
	if (c->n_images)
		qsort_r(order, c->n_images, sizeof(*order), newest_first, (void *)c->images);
	for (size_t i = 0; i < c->n_images; i++)
		stays[order[i]] = i < c->keep || !may_go(c, &c->images[order[i]]);
	for (size_t i = c->n_images; i-- > 0 && n < IMAGE_CLEAN_MAX;)
		if (!stays[order[i]] && !is_shared(c, stays, c->images[order[i]].digest))
			go[n++] = order[i];
	return n;
}
