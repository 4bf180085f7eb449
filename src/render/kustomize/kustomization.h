/*
 * kustomization.h - one kustomization file, read and checked. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kustomization {
	const char *file; /* as shown to people */
	const char *name; /* in its directory: "kustomization.yaml" */
	/*
	 * Its fields: of the right types, none of them null, names as documented. `bases`, `imageTags`, `env`
	 * and `helmChartInflationGenerator` have become `resources`, `images`, `envs` and `helmCharts`.
	 */
	struct node *fields;
	bool component;
};

/* The one in the directory of root. -1: there is none, or more than one, or it is wrong. */
int kustomization_load(struct kbuild *b, const struct kroot *root, struct kustomization *out,
		       struct error *err);

/* One that was parsed already (sigs.k8s.io/yaml's rules), shown as `file`. */
int kustomization_read(struct kbuild *b, const struct node *document, const char *file,
		       struct kustomization *out, struct error *err);
