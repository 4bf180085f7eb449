/*
 * hook_worktree.h - files of a working tree written by a hook, without a step outside of the tree: links on
 * the way are not followed, and what somebody is working on is not overwritten.
 */
#pragma once

#include "cmd/commit_rendered.h"

enum {
	WORKTREE_SAME = 0, /* it is there as it is to be */
	WORKTREE_WRITTEN,  /* or taken away */
	WORKTREE_BUSY,	   /* neither as in the commit nor as it is to be: not touched */
};

/* root: of the working tree. One of the above, or -1. */
int worktree_apply(const char *root, const struct rendered_file *file, struct error *err);
