/*
 * history.h - one history from its seed to its verdict, and the search for a smaller one that fails as well.
 */
#pragma once

#include "world.h"

struct verdict {
	char failure[600]; /* "": every promise held */
	int64_t virtual_ms;
	uint64_t events, requests;
	size_t steps;
};

/* The histories of a seed: of apps, and of pushes. */
void history_run(uint64_t seed, const struct only *only, enum variant variant, bool trace,
		 struct verdict *out);
/* Leaves out apps, objects, fault classes and steps as long as some promise still breaks. */
void history_shrink(uint64_t seed, enum variant variant, struct only *only);
/* "part=apps,apps=2,objects=3,faults=lost+late,skip=0.3.4"; false: malformed. */
bool only_parse(const char *text, struct only *out);
void only_print(const struct only *only, struct buf *out);
