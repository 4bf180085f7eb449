/*
 * deploy_edit.h - new images and variables of an environment, or of a directory, as changed files of one
 * commit of its repository, by the rules of operator/image_edit.h.
 */
#pragma once

#include "render/images.h"
#include "repo/commit.h"

struct deploy_change {
	const char *environment; /* NULL: path is none's */
	const char *path;	 /* without environment: the directory, cleaned */
	const struct image_change *images;
	size_t n_images;
	const char *const *set; /* "NAME=VALUE", of the environment's `substitute` */
	size_t n_set;
	/* Of the last call of deploy_edit(): */
	char parent[SHA_HEX_MAX + 1];
	struct arena arena; /* of `files` */
	const char **files; /* that were changed */
	size_t n_files;
};

/* A commit_edit_fn; ctx is a struct deploy_change. */
int deploy_edit(void *ctx, struct arena *a, const char *git_dir, const char *parent, struct commit_spec *spec,
		struct error *err);
