/*
 * push_clean_images.h - old images of builds taken from registries, by the policy of push/image_clean.h: what
 * a cluster, a hosted repository or a configuration repository names stays.
 */
#pragma once

#include "cmd/command.h"

struct clean_images {
	const char *home; /* of the push service */
	size_t keep;
	int64_t keep_ms;
	bool dry_run;
};

/* Prints what goes, or would. Something that could not be looked at is a warning on cli->err, and what it may
 * name stays. -1: err, nothing was looked at at all. */
int push_clean_images(struct cli *cli, const struct clean_images *options, struct error *err);
