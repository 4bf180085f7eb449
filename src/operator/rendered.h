/*
 * rendered.h - files of a commit or of a directory, as the objects that a cluster is to have: the one place
 * where the types of render are told apart. On any thread.
 */
#pragma once

#include "deploy/cluster/prepare.h"
#include "operator/spec.h"
#include "render/substitute.h"
#include "render/tree.h"
#include "repo/tree.h"

bool rendered_is_manifest(struct str name); /* *.yaml, *.yml, *.json */

/* A path as a Repo's user writes it ("./apps/", ".") as one of a tree (tree.h); it has no "..". Into a. */
const char *rendered_path(struct arena *a, const char *path);

/* Manifests below a path, for type plain: with all that is wrong with single ones. 0, or -1: there is no such
 * path. */
typedef int rendered_files_fn(void *ctx, const char *path, struct arena *a, struct repo_files *out,
			      struct error *err);

struct rendered_request {
	const struct render_tree *tree;
	const char *path; /* of the tree: the directory that is rendered */
	/* How plain manifests are read, and what path is called then. */
	rendered_files_fn *files;
	void *files_ctx;
	const char *files_path;

	const struct render_spec *spec;
	const struct substitute_values
		*values;	 /* with render_spec_substitutes(); inline ones are in it, too */
	struct origins *origins; /* or NULL */
	const char *(*getenv)(void *ctx, const char *name); /* for generators; NULL: nothing is set */
	bool unrestricted; /* kustomizations may read files outside of their directory */
};

/*
 * Everything that is wrong is in out->diags, also what fails the render as a whole. 1: remote bases must be
 * fetched first (the tree noted them). Memory from a.
 */
int rendered_objects(struct arena *a, const struct rendered_request *request, struct render_output *out);

/* The same as items of a cluster driver. Never NULL unless 1 is returned. */
int rendered_desired(const struct rendered_request *request, const struct prepare_options *prepare,
		     struct desired **out);
