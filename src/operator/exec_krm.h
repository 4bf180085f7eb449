/*
 * exec_krm.h - KRM functions that are programs (kustomize's `exec`), run confined as renderers are: for a
 * kustomize build that may run them (struct kustomize_options).
 *
 * The program gets a copy of the kustomization's directory, runs in it, and reads the ResourceList from its
 * stdin. Unlike upstream's it has no network and a clean environment: what it needs is in `envs`.
 */
#pragma once

#include "operator/exec_render.h"

struct exec_krm {
	const struct exec_render *options;
	const struct render_tree *tree; /* of the build */
	const char *const *env;		/* NULL-terminated, over the function's own `envs`; or NULL */
};

/* A kustomize_exec_fn; ctx is a struct exec_krm. function: the annotation's `exec`: path, args, envs. */
int exec_krm_run(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
		 struct str *out, struct error *err);
