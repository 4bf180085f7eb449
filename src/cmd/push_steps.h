/*
 * push_steps.h - one push as its steps see it: what they share, and what each of them is asked.
 *
 * push_receive.c runs struct push_machine for a push that arrives, push_recover.c for one that a killed
 * process left. A step is a function that blocks until it is through. All of them on one thread, one after
 * the other; a build alone has threads of its own.
 *
 * Rules of every step:
 *  - It ends soon once push_stopped() says so: the push was pre-empted, or is late. What it returns then does
 *    not count. Loops ask at least every PUSH_POLL_MS.
 *  - STEP_FAILED comes with err: one line or several, as the pusher is to read it.
 *  - What is needed to undo it stands in its journal_target, and is saved by push_save(), before anything
 *    outside is changed.
 *  - claim, undo and undo_watch get by with the record: in a push that is resumed nothing else is there.
 *  - undo and undo_watch may come when nothing or only a part was delivered, and again after they were
 *    through.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/commit_check.h"
#include "cmd/push_address.h"
#include "push/build.h"
#include "push/journal.h"
#include "push/tell.h"

#define PUSH_POLL_MS 100
#define PUSH_TIMEOUT_MS 300000	    /* of CHECK to WATCH, when no environment says otherwise */
#define PUSH_UNDO_TIMEOUT_MS 120000 /* of UNDO and UNDO_WATCH */

/* One environment that the push deploys. */
struct push_target {
	struct journal_target *record; /* one of the record's */
	/* Of the pushed capstan.yaml; both NULL in a push that is resumed: */
	const struct environment *environment;
	const struct environments_deliver *deliver; /* NULL: direct */
	const char *commit;			    /* the pushed commit of its branch; full SHA */
	/* Direct: what was rendered in CHECK, for what the pusher is shown; memory of the run. */
	size_t n_objects;
	const char **images_used; /* names (no tag, no digest) of the images in the rendered objects */
	size_t n_images_used;
	const char *namespace; /* where its objects go; NULL in a push that is resumed */
	const char *address;   /* where it answers; NULL: nowhere that is known */
	struct push_balancer balancer;
	const struct node *app;	    /* as CLAIM found it; NULL: there was none */
	struct config_step *config; /* of push_steps_config.c; NULL: not looked at yet */
	bool proposed;		    /* for review: nothing runs because of this push */
	bool failed;		    /* its rollout did, and is kept */
	bool waited;		    /* undo has given late writes their time */
};

struct push_run {
	const char *home;
	struct arena arena; /* lives as long as the run */
	const struct cli *cli;
	struct push_settings settings;
	struct hosted_repo repo;
	struct journal *journal;
	struct journal_record record;
	const char *git_dir; /* pushes/ID/tree.git: all objects of the pushed commits */
	struct push_machine machine;
	struct tell *tell;
	struct push_target *targets;
	size_t n_targets;
	bool builds;	      /* there is something to build */
	struct built *images; /* BUILD's; n_images is 0 when nothing is built */
	size_t n_images;
	struct commit_check *check;	  /* of the commit that deploys; holds what `environments` borrows */
	struct environments environments; /* of the pushed capstan.yaml; n is 0 without one */
	struct cluster cluster;
	struct cli cluster_cli; /* with the service's kubeconfig */
	bool has_cluster;
	struct node *apps; /* of this repository, as CLAIM found them; NULL: not asked yet */
	struct loop_timer *poll;
	atomic_bool cancel; /* the machine wants the step under way to end */
	char preempted_by[JOURNAL_BY_MAX + 1];
	bool gone;     /* the repository was deleted since */
	int todo;      /* what the machine asked for; push_run.c */
	bool finished; /* nothing of the push is open any more */
	bool accepted; /* the verdict */
	bool told_undo;
};

/* Opened once, by the settings of the service; c->deadline is that of the machine. NULL: err. */
struct cluster *push_cluster(struct push_run *run, struct error *err);
/* Looks whether a newer push wants the targets, or the deadline is over, and tells the machine. true: the
 * step is to end. */
bool push_stopped(struct push_run *run);
/* Runs the cluster's loop until something calls loop_stop() on it, or the step is to end: then false. */
bool push_wait(struct push_run *run);
/* The record as it is now, made durable. */
int push_save(struct push_run *run, struct error *err);

/* --- one target's steps; each returns what its state machine is told --- */

/* `deliver: direct`, push_direct.c and push_watch.c. */
enum step_outcome direct_claim(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome direct_deliver(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome direct_watch(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome direct_undo(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome direct_undo_watch(struct push_run *run, struct push_target *t, struct error *err);

/* `deliver: config`, push_steps_config.c: what push_config.h does, in this form. */
/* url, branch, path and key of its record: which place it is. */
int repository_place(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome repository_claim(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome repository_deliver(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome repository_watch(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome repository_undo(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome repository_undo_watch(struct push_run *run, struct push_target *t, struct error *err);
