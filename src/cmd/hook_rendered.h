/* hook_rendered.h - a directory of rendered objects, brought up to date before a push. */
#pragma once

#include "cmd/command.h"
#include "cmd/commit_check.h"

/*
 * Whether the commit keeps what e renders to. 0: it does, or e keeps nothing. 1: it does not: where the
 * commit is checked out the working tree does now; what is to be done is said on cli->err. -1: err.
 */
int hook_rendered(const struct cli *cli, const char *git_dir, const char *sha,
		  const struct commit_environment *e, struct error *err);
