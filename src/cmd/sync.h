/* sync.h - the three ways of `capstan sync`; for sync*.c only. */
#pragma once

#include "cmd/cluster.h"
#include "cmd/local_objects.h"

struct sync_options {
	const char *name, *apps, *state;
	bool app, no_prune, no_wait, force, allow_empty;
	struct local_objects_given given;
};

int sync_dir(struct cli *cli, const char *dir);	 /* sync_dir.c: from here; NULL: with --env */
int sync_app(struct cli *cli, const char *name); /* sync_app.c: by the operator */
int sync_apps(struct cli *cli);			 /* sync_apps.c: Apps of a file, with no cluster */
