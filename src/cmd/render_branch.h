/*
 * render_branch.h - `capstan render --to-branch`: rendered objects committed to a branch, one file an object.
 */
#pragma once

#include "cmd/local_objects.h"

struct branch_given {	       /* options */
	const char *to_branch; /* with {env} for the environment's name */
	const char *push;      /* a remote's name; NULL: the local branch only */
	bool secrets;
};

/* Of one directory or environment, whose objects were rendered without error. Says on cli->out what came of
 * it. */
int render_branch(struct cli *cli, const struct branch_given *given, const struct local_objects *objects,
		  const struct render_output *out, struct error *err);
