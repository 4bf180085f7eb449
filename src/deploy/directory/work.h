/*
 * work.h - what the driver does on a worker thread: look, plan, apply, remove; room-internal.
 *
 * A struct work is handed to a worker whole and comes back whole; it shares nothing with the loop but `stop`,
 * the paths (which do not change) and the desired set (read only, kept alive by the driver).
 */
#pragma once

#include <stdatomic.h>

#include "deploy/desired.h"
#include "deploy/directory/ledger.h"
#include "deploy/driver.h"

#define WORK_PROBLEMS_MAX 1000 /* kept; the rest is counted in one more */

enum work_kind {
	WORK_LOOK, /* at the entries that are marked */
	WORK_PLAN, /* every entry and every item; counts */
	WORK_APPLY,
	WORK_REMOVE,
	WORK_SAVE, /* the ledger alone */
};

struct work_paths {
	char *root, *state_dir, *file; /* file: the inventory */
	bool has_command;
};

struct work {
	enum work_kind kind;
	const struct work_paths *paths;
	struct ledger ledger;	       /* its own copy; comes back changed */
	const struct desired *desired; /* PLAN, APPLY */
	struct apply_options options;  /* APPLY */
	bool orphan;		       /* REMOVE */
	bool sweep;		       /* PLAN: take away what a killed process left */
	atomic_bool stop;	       /* set by the loop: stop between two files */

	/* Results. */
	struct arena arena; /* of the problems */
	VEC(struct problem) problems;
	size_t dropped_problems;
	bool changed; /* something in the directory was changed */
	size_t to_create, to_update, to_prune, unchanged;
};

struct work *work_new(enum work_kind kind, const struct work_paths *paths, const struct ledger *ledger);
void work_free(struct work *w);
void work_run(void *work); /* on a worker */

void work_problem(struct work *w, const struct desired_item *item, const char *key, const char *text);
bool work_failed(const struct work *w); /* an error among the problems */

/* apply.c */
void work_apply(struct work *w);
void work_remove(struct work *w);
void work_mark_wanted(struct work *w);
/* Why nothing may be pruned, or NULL. */
const char *work_prune_guard(const struct work *w);

/* Whether the entry is as it was written; never for one that is not known to be written. */
bool entry_current(const struct entry *e);
