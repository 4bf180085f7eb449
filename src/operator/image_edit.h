/*
 * image_edit.h - new images and variables written into the files of one commit, for several places at once:
 * environments, directories, and (of an ImageRule) all files below a directory.
 *
 * Of an environment or a directory, in this order, all of the first kind that there is for an image: values
 * with setter comments; entries of `images` in its kustomization file, or in the environment's `kustomize` in
 * capstan.yaml; where there is no kustomization, the containers of manifests. An image that the rendered
 * objects use, and that nothing sets, gets an entry of the kustomization. Afterwards all is rendered again:
 * the objects must use the new image.
 *
 * Of all files below a directory (`policy` without environment): values with setter comments of the policy;
 * and in kustomization files that have none, entries of `images`. Nothing is rendered: charts and bases of
 * other tools may be among them.
 */
#pragma once

#include "operator/trees.h"
#include "render/images.h"
#include "repo/commit.h"

#define IMAGE_ITEMS_MAX 256u /* of one commit */

/* Where other repositories come from, as bases of kustomizations. */
struct image_remotes {
	/* As render_tree_ops.remote. */
	int (*find)(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		    struct error *err);
	/* Before each render, round from 0 on: has what the one before asked for. 1: it cannot be had here,
	 * and what would be rendered is not looked at. */
	int (*round)(void *ctx, unsigned round, struct error *err);
	void *ctx;
};

/* One place, and what it gets. */
struct image_item {
	const char *environment; /* of capstan.yaml, or NULL: */
	const char *path;	 /* a directory, cleaned */
	const char *policy; /* "ns:name": setter comments of that name only; NULL: those that stand for it */
	const struct image_change *images;
	size_t n_images;
	const char *const *set; /* "NAME=VALUE", of the environment's `substitute` */
	size_t n_set;
	const char *option; /* how messages call an image: "--image" */
	struct error error; /* of the last call, with each_alone; "": it was written, or is there already */
};

struct image_edit {
	struct image_item *items;
	size_t n;
	bool each_alone; /* what cannot be written is left out, and says why; else it fails all */
	struct image_remotes remotes;
	/* Of the last call: */
	char parent[SHA_HEX_MAX + 1];
	struct arena arena; /* of `files` */
	const char **files; /* that were changed */
	size_t n_files;
};

/* A commit_edit_fn; ctx is a struct image_edit. */
int image_edit(void *ctx, struct arena *a, const char *git_dir, const char *parent, struct commit_spec *spec,
	       struct error *err);
