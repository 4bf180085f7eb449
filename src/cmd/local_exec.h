/*
 * local_exec.h - runs KRM functions of a local kustomization as programs of this machine, for `capstan build
 * --enable-alpha-plugins --enable-exec`. As kustomize's they are not confined: the person said that they are
 * trusted. With --confine they run as renderers do (operator/exec_render.h), on a copy of their directory.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"
#include "render/tree.h"

#define LOCAL_EXEC_TIMEOUT_MS 600000
#define LOCAL_EXEC_OUTPUT_MAX (64u << 20)

struct local_exec {
	const char *env; /* "NAME=VALUE" from the command line, or NULL */
	bool confine;
	const struct render_tree *tree; /* of the build; what a confined function's copy is made of */
	const char *program;		/* for lines on standard error */
	bool begun;			/* it was made sure that this machine can confine */
};

/* A kustomize_exec_fn; ctx is a struct local_exec. */
int local_exec(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
	       struct str *out, struct error *err);
