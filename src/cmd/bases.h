/*
 * bases.h - other repositories that kustomizations use as bases, for commands: in the user's cache directory,
 * with the user's own git settings. Nothing is opened before a render asks for one.
 *
 *     render; it lacks remotes -> bases_fetch(), render again; at most BASES_ROUNDS_MAX times
 */
#pragma once

#include "operator/trees.h"

#define BASES_ROUNDS_MAX 8 /* bases of bases of other repositories */

struct bases {
	bool offline, refresh; /* as remote_cache_options says */
	/* Private: */
	struct arena arena;
	struct remote_cache *cache;
	struct tree_remotes *trees;
};

void bases_release(struct bases *b);

/* As render_tree_ops.remote. */
int bases_find(struct bases *b, const char *url, const char *ref, bool submodules, struct render_tree *out,
	       struct error *err);
/* Fetches what was asked for and is not here. Trees that were given out before are void. */
int bases_fetch(struct bases *b, struct error *err);
