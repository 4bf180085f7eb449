/*
 * local_exec.h - runs KRM functions of a local kustomization as programs of this machine, for `capstan build
 * --enable-alpha-plugins --enable-exec`. They are not confined: the person said that they are trusted.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

#define LOCAL_EXEC_TIMEOUT_MS 600000
#define LOCAL_EXEC_OUTPUT_MAX (64u << 20)

/* A kustomize_exec_fn; ctx is "NAME=VALUE" from the command line, or NULL. */
int local_exec(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
	       struct str *out, struct error *err);
