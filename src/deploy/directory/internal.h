/*
 * internal.h - the driver's own struct, and who may call whom: directory.c (calls and jobs) is in the middle,
 * watch.c, command.c and show.c each know one thing; room-internal.
 */
#pragma once

#include "deploy/directory/directory.h"
#include "deploy/directory/work.h"
#include "io/fswatch.h"
#include "io/process.h"

struct directory {
	struct driver base;
	struct loop *loop;
	struct work_paths paths;
	struct arena arena; /* of the command's argv */
	const char **command;
	int64_t command_timeout_ms;

	struct ledger ledger;
	struct desired *desired; /* of the last plan */
	struct driver_summary summary;
	bool pruning; /* what git no longer has is to go */

	struct work *job;	 /* running */
	struct work *next;	 /* an operation that waits for the job to end */
	struct work *report;	 /* the last operation: owns the problems that are shown */
	struct process *process; /* the command */
	bool cancelled;		 /* the operation that runs ends as DRAINED */
	bool freed;

	struct fswatch *watch;
	struct map watched; /* relative directories that hold files of ours, "" the root; values unused */
	struct map dirty;   /* paths to look at; values unused */
	struct loop_timer *debounce, *poll;
	bool look_due, look_at_all, swept, polling, observed;
};

/* directory.c */
void directory_pump(struct directory *d);      /* starts what is next when nothing is under way */
void directory_end_apply(struct directory *d); /* tells DRIVER_APPLIED */
void directory_command_done(
	struct directory *d); /* it succeeded: says so in the inventory, then ends the apply */

/* watch.c */
int directory_watch_init(struct directory *d, struct error *err);
void directory_watch_release(struct directory *d);
void directory_watch_all(struct directory *d); /* every directory on the way to a file of ours */
void directory_watch_looked(
	struct directory *d); /* after a look: sees to the next one where watches cannot be had */
void directory_mark(struct directory *d,
		    struct ledger *l); /* marks what is to be looked at, and forgets why */

/* command.c */
void directory_run_command(struct directory *d);

/* show.c */
bool directory_summarise(struct directory *d); /* whether anything is different from before */
void directory_each_item(struct driver *base, driver_item_fn *fn, void *arg);
