/*
 * driver.h - what the state machine of an app (app.h) needs from the thing it drives: a cluster, a directory,
 * later a program.
 *
 * The machine knows no Kubernetes. A driver is bound to one app and keeps that app's inventory. Calls start
 * work and return at once; the end is told by driver_notify() (which may come from inside the call). At most
 * one operation (apply or remove) is under way at a time. A driver does no I/O itself when it can be
 * simulated: the cluster driver speaks to a port (cluster/port.h). Drivers that run a program (a plan that
 * takes minutes, needs approval, and ends in text and a diff) fit as follows: plan() starts the program,
 * DRIVER_PLANNED tells its end, summary()->plan_text holds what it printed, and apply() is not called before
 * the app was told to go on.
 */
#pragma once

#include "deploy/desired.h"

enum driver_event {
	DRIVER_PLANNED =
		1 << 0, /* plan() ended: summary() has its counts, problems() what is wrong with it */
	DRIVER_APPLIED =
		1 << 1, /* apply() ended: problems() has every error; nothing is under way any more */
	DRIVER_DRAINED =
		1 << 2, /* after cancel(): nothing of the cancelled operation is under way any more */
	DRIVER_CHANGED = 1 << 3, /* what is observed changed: read summary() */
	DRIVER_REMOVED = 1 << 4, /* remove() ended; problems() is empty when all is gone */
};

/* Counts over the items of the inventory, kept up to date as things are observed. */
struct driver_summary {
	bool observed;	   /* everything has been looked at once since the start */
	const char *blind; /* why it could not be looked at yet, when that is known; or NULL */
	bool unfinished;   /* an earlier process left something half done: an attempt is due, whatever was
			      applied */
	size_t items;	   /* in the inventory and wanted by git */
	size_t synced;	   /* of `items`: as git says */
	size_t stale;	   /* in the inventory and no longer wanted (to be pruned, or being deleted) */
	size_t drifted;	   /* differ from what was applied, or vanished */
	size_t current, progressing, failed,
		unknown; /* health of `items`; missing and terminating count as progressing */
	/* Of the last plan: */
	size_t to_create, to_update, to_prune, unchanged;
	bool needs_approval;   /* apply() waits for a person */
	const char *plan_text; /* for people, or NULL */
};

enum item_sync {
	ITEM_SYNCED,	  /* as git says */
	ITEM_OUT_OF_SYNC, /* differs, or git has it and nothing was applied yet */
	ITEM_REFUSED,	  /* the last attempt failed: problems() says why */
	ITEM_PRUNING,	  /* no longer in git */
};

/* As in the status: "Synced", "OutOfSync", "Refused", "Pruning". */
static inline const char *item_sync_word(enum item_sync sync)
{
	static const char *const words[] = { "Synced", "OutOfSync", "Refused", "Pruning" };
	return words[sync];
}

/* One item for people: status, `capstan status`, `capstan sync`. */
struct driver_item {
	struct str key, version;
	enum item_sync sync;
	const char *health;  /* word, see cluster/live.h; directories: "Current" or "Missing" */
	const char *message; /* or "" */
};

typedef void driver_item_fn(void *arg, const struct driver_item *item);

struct apply_options {
	bool prune;	  /* remove what git no longer has */
	bool force;	  /* delete and create again what cannot be changed */
	bool allow_empty; /* an empty desired set may prune everything */
};

struct driver;

struct driver_ops {
	const char *name;
	/* Compares; keeps a reference of desired until the next plan(). -> DRIVER_PLANNED */
	void (*plan)(struct driver *d, struct desired *desired);
	/* Makes the planned difference real. -> DRIVER_APPLIED */
	void (*apply)(struct driver *d, const struct apply_options *options);
	/* Stops starting things. -> DRIVER_DRAINED once nothing is under way. */
	void (*cancel)(struct driver *d);
	/* Removes all that the app owns; with orphan it lets go of it and leaves it where it is. ->
	 * DRIVER_REMOVED */
	void (*remove)(struct driver *d, bool orphan);
	/* Lets time pass; returns when it wants to be called next (INT64_MAX: never). */
	int64_t (*tick)(struct driver *d);
	const struct driver_summary *(*summary)(struct driver *d);
	/* Every error and warning of the last operation; valid until the next one starts. */
	const struct problem *(*problems)(struct driver *d, size_t *n);
	void (*each_item)(struct driver *d, driver_item_fn *fn, void *arg);
	void (*free)(struct driver *d);
};

struct driver {
	const struct driver_ops *ops;
	/* Set by the owner: where events go, and the time (monotonic ms), refreshed by the owner before every
	 * call. */
	void (*notify)(void *ctx, enum driver_event event);
	void *notify_ctx;
	int64_t now;
};

static inline void driver_notify(struct driver *d, enum driver_event event)
{
	if (d->notify)
		d->notify(d->notify_ctx, event);
}
