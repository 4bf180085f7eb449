/*
 * diff.h - what `capstan diff` compares: each object as git would make it, and as it is; for diff*.c only.
 */
#pragma once

#include "cmd/checkout.h"
#include "cmd/cluster.h"
#include "cmd/local_objects.h"
#include "deploy/desired.h"

struct diff_given { /* options */
	const char *name;
	bool app, no_prune;
	struct local_objects_given given;
};

struct compared {
	struct str key, version;
	const char *file; /* NULL: no longer in git */
	uint32_t line;
	const struct node *git;	 /* as a dry run of the apply made it; as written when it cannot be made yet;
				    NULL: pruned */
	const struct node *live; /* NULL: not there */
	const char *failure;	 /* the server refused, or did not answer */
};

struct comparison {
	struct cluster *cluster;
	const char *name;
	struct local_objects *objects;	 /* of this machine; or NULL */
	const struct checkout *checkout; /* an App's, instead of them; or NULL */
	/* Rendered already, of no App: instead of both; without an inventory, so that nothing is pruned. */
	const struct render_output *output;
	bool prune;
	/* Filled: */
	struct arena arena;
	struct desired *desired;
	struct compared *all;
	size_t n;
	size_t open; /* answers that are awaited */
};

/* -1: nothing could be compared. What is wrong with single objects is in them, and in desired->problems. */
int comparison_run(struct comparison *c, struct error *err);
void comparison_release(struct comparison *c);

/* An object without what the server fills in, and what kubectl remembers of its own applies; a copy in a.
 * NULL stays NULL. */
struct node *comparison_clean(struct arena *a, const struct node *object);
