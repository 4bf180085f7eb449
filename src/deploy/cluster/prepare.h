/*
 * prepare.h - rendered objects to items that can be applied: normalised, labelled, in stages. Pure.
 *
 * Sources: Flux pkg/ssa normalize and stages; see docs/concepts for the order.
 */
#pragma once

#include "deploy/desired.h"
#include "render/render.h"

#define LABEL_APP "capstan.dev/app"		/* the App's name */
#define LABEL_NAMESPACE "capstan.dev/namespace" /* the App's namespace */
#define ANNOTATION_PRUNE "capstan.dev/prune"
#define ANNOTATION_FORCE "capstan.dev/force"
#define ANNOTATION_RECONCILE "capstan.dev/reconcile"
#define FIELD_MANAGER "capstan"

struct prepare_options {
	const char *app_name, *app_namespace; /* owner labels */
	const char *target_namespace;	      /* for namespaced objects that name none */
	/* Whether a kind is namespaced: 1 yes, 0 no, -1 not known. Built-in kinds are known without asking.
	 * It may be called from a worker: it reads a table that its owner does not change meanwhile. May be
	 * NULL. */
	int (*scope)(void *ctx, struct str group, struct str kind);
	void *scope_ctx;
	bool all_places; /* item->places tells of metadata, too: for people who ask where values come from */
};

/* Where a kind stands in the order of apply; prune goes the other way round. */
void cluster_rank(struct str group, struct str kind, uint16_t *stage, uint16_t *rank);

/* Takes what render made; out (from desired_new()) gets items, and problems (its own and those of the
 * render). */
void cluster_prepare(const struct prepare_options *options, const struct render_output *in,
		     struct desired *out);
