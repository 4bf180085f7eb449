/*
 * hook_refs.h - what git tells a pre-push hook: a line for each ref, `LOCAL-REF LOCAL-SHA REMOTE-REF
 * REMOTE-SHA` (githooks(5)). Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define HOOK_REFS_MAX 200000u	       /* of one push */
#define HOOK_REFS_TEXT_MAX (64u << 20) /* bytes of all lines */

struct hook_ref {
	const char *local;  /* as it was given: "refs/heads/main", "HEAD~1"; "(delete)" */
	const char *sha;    /* that is pushed; "": the ref is deleted */
	const char *remote; /* "refs/heads/main" */
	const char *old;    /* what the other side has there; "": the ref is new */
};

/* Memory from a. -1: a line is none of git's. */
int hook_refs_read(struct arena *a, struct str text, struct hook_ref **out, size_t *n, struct error *err);

/* "main" of "refs/heads/main"; NULL: it is no branch. */
const char *hook_ref_branch(const struct hook_ref *ref);
