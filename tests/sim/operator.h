/*
 * operator.h - the operator process around the real app and driver: its host, its port, its watches. It dies
 * at any event.
 */
#pragma once

#include "deploy/cluster/driver.h"
#include "world.h"

struct write;

/* One app inside the process. */
struct runner {
	struct process *process;
	struct resource *resource;
	unsigned incarnation;
	struct app app;
	struct cluster_driver *cluster;
	int in_flight;
	uint64_t armed; /* the last wish for a timer */
	int64_t armed_at;
	VEC(uint64_t) tokens; /* persists asked for and not yet under way */
	struct write *write;  /* of the inventory, under way; owned by its event */
	bool writing, write_planned, removing, publish;
	struct hash through; /* input of the last attempt that came to an end */
	uint64_t stored_serial;
	struct app_revision stored_applied, stored_healthy;
	char status[900]; /* what people see, as last written */
};

struct stream {
	char *group, *kind, *name; /* name: "group/Kind" */
	bool running;		   /* the list was taken: changes are passed on */
	bool no_kind;
	int64_t last_at; /* nothing is delivered before what was planned earlier */
	int64_t cut_until;
	bool stale; /* when the cut ends, list again */
};

struct process {
	struct world *world;
	uint64_t epoch;
	struct view view;
	struct runner *runners[APPS_MAX];
	VEC(struct stream *) streams;
	int64_t started_at;
};

void operator_start(struct world *w);
void operator_kill(struct world *w); /* all its memory is gone; its requests may still arrive */
/* The App resource was created, changed or deleted, its repository has news. */
void operator_notice(struct world *w, struct resource *r);
void operator_sync_now(struct world *w, struct resource *r);
/* After each event: writes what changed, checks what must hold at every instant. */
void operator_after(struct world *w);
void operator_set_time(struct world *w);

struct runner *operator_runner(struct world *w, const struct resource *r); /* NULL: none */
/* The runner an event was meant for, if it still lives. */
struct runner *operator_recall(struct world *w, uint64_t epoch, int app, unsigned incarnation);

/* port.c */
extern const struct port_ops SIM_PORT;
void port_write(struct runner *runner);	 /* stores inventory and revisions as they are now */
void port_killed(struct runner *runner); /* decides what becomes of a write under way */

/* operator.c */
extern const struct app_host SIM_HOST;

/* watch.c */
void watch_want(struct process *p, struct str group, struct str kind);
void watch_cut(struct process *p, struct rng *rng, int64_t until);
void watch_changed(struct world *w, const char *kind, const char *key, struct version *before,
		   struct version *after, uint64_t rv);
void watch_release(struct process *p);
