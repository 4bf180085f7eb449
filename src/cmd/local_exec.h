/*
 * local_exec.h - runs KRM functions of a local kustomization as programs of this machine, for `capstan build
 * --enable-alpha-plugins --enable-exec`. They are not confined: the person said that they are trusted.
 */
#pragma once

#include "cmd/local_tree.h"
#include "doc/node.h"

#define LOCAL_EXEC_TIMEOUT_MS 600000
#define LOCAL_EXEC_OUTPUT_MAX (64u << 20)

struct local_exec_context {
	struct local_tree *tree;
	const char *env; /* "NAME=VALUE" from the command line, or NULL */
};

/* A kustomize_exec_fn; ctx is a struct local_exec_context. */
int local_exec(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
	       struct str *out, struct error *err);
