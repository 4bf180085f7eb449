/*
 * bases.h - other repositories that kustomizations use as bases, for commands: in the user's cache directory,
 * with the user's own git settings. Nothing is opened before a render asks for one.
 *
 *     bases_round(), render; while it lacks remotes: again
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
/* Before each render, round from 0 on: fetches what the one before asked for and is not here. Trees that were
 * given out before are void. -1: it cannot be had, or bases are nested deeper than BASES_ROUNDS_MAX. */
int bases_round(struct bases *b, unsigned round, struct error *err);
