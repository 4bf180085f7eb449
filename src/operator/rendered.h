/*
 * rendered.h - files of a commit or of a directory, as the objects that a cluster is to have: the one place
 * where the types of render are told apart. On any thread.
 */
#pragma once

#include "deploy/cluster/prepare.h"
#include "operator/exec_render.h"
#include "operator/spec.h"
#include "render/environments.h"
#include "render/substitute.h"
#include "render/tree.h"
#include "repo/tree.h"

/* A path as a Repo's user writes it ("./apps/", ".") as one of a tree (tree.h); it has no "..". Into a. */
const char *rendered_path(struct arena *a, const char *path);

/* What a render needs beyond the tree, from whoever asks for it. Each may be NULL: then it is not to be had.
 */
struct rendered_ops {
	/* Manifests below a path of the tree, for type plain, with all that is wrong with single ones. 0, or
	 * -1: there is no such path. */
	int (*files)(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err);
	/* ConfigMaps and Secrets that an environment takes variables from, added to out. 1: not known yet; it
	 * is noted, and the render is made again. */
	int (*values)(void *ctx, const struct environments_source *from, size_t n,
		      struct substitute_values *out, struct error *err);
	/* For generators that read `KEY` without a value. */
	const char *(*getenv)(void *ctx, const char *name);
};

/* The App that is rendered. */
struct rendered_app {
	const char *namespace, *name, *repo, *revision; /* as in its spec */
};

struct rendered_request {
	const struct render_tree *tree;
	const char *root; /* of the repository in the tree, where capstan.yaml is; "" mostly */
	const char *path; /* of the tree: the directory that is rendered */
	const struct rendered_ops *ops;
	void *ctx;
	const struct exec_render *exec; /* who may be run, and how; NULL: no program is run */
	const struct render_spec *spec;
	const struct substitute_values *values; /* of the spec; NULL: nothing is substituted */
	const char *namespace;			/* that an environment must agree with; NULL: any */
	struct origins *origins;		/* or NULL */
	const struct rendered_app
		*app; /* `images` of capstan.yaml become ImageRules of its; NULL: they do not */
};

enum {
	RENDERED_LACKS_REMOTES = 1, /* the tree noted which */
	RENDERED_LACKS_VALUES,	    /* ops->values did */
};

/*
 * Everything that is wrong is in out->diags, also what fails the render as a whole. Positive: it lacks
 * something that its caller can bring; out is empty then. Memory from a.
 */
int rendered_objects(struct arena *a, const struct rendered_request *request, struct render_output *out);

/* The same as items of a cluster driver; *out is NULL when something is lacking. */
int rendered_desired(const struct rendered_request *request, const struct prepare_options *prepare,
		     struct desired **out);

/* The variables that stand in capstan.yaml itself, added to out. */
int rendered_environment_values(const struct environment *e, struct substitute_values *out,
				struct error *err);
/* What an environment says, as the spec of an App would. Borrows from e. */
void rendered_environment_spec(struct arena *a, const struct environment *e, struct render_spec *out);
