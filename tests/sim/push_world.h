/*
 * push_world.h - everything of one history of pushes. A commit is a number: 0 is what was there before all, 1
 * + i what push i brings, from FOREIGN on what others bring; a ref and a target are at one commit each.
 *
 * What survives a kill is the disk (struct push_disk, claims, requests to give way), git's refs, the targets,
 * and requests that are on their way to a target. All else belongs to a process, and its events go with it.
 */
#pragma once

#include "base/vec.h"
#include "faults.h"
#include "push/machine.h"
#include "script.h"
#include "variants.h"

enum {
	PUSHES_MAX = 7, /* the last is the probe: it comes when all is calm, and must be accepted */
	PROBE = PUSHES_MAX - 1,
	PUSH_TARGETS_MAX = 3,
	PUSH_REFS_MAX = 2,
	KILLS_MAX = 3,
	FOREIGN = 100,
	MOVES_MAX = 64, /* commits of one ref in a history */
	NOBODY = -1,
};

enum fate { FATE_GOOD, FATE_BAD, FATE_HANGS };

/* record.json */
struct push_disk {
	bool there, known, unclean;
	enum push_state state;
	int before[PUSH_TARGETS_MAX], version[PUSH_TARGETS_MAX]; /* as CLAIM read them */
	bool stood[PUSH_TARGETS_MAX]; /* what was before did run, so undoing waits for it to run again */
};

struct push_world;

struct push {
	struct push_world *w;
	int index;
	/* As the seed has it. */
	int64_t at;
	unsigned targets, refs; /* masks */
	bool keep, nothing;
	enum fate check, build, rollout;
	int64_t build_ms, rollout_ms, timeout_ms, undo_timeout_ms;
	unsigned kill_at[KILLS_MAX]; /* the process dies before its n-th event; 0: not */
	bool kill_all[KILLS_MAX];    /* and every other with it */
	unsigned hangup_at;	     /* the client goes */
	/* git and the client */
	int old[PUSH_REFS_MAX];
	bool begun, receiver;
	unsigned moved; /* mask of the refs that were at it */
	enum { TOLD_NOTHING, TOLD_YES, TOLD_NO } told;
	/* on disk */
	struct push_disk disk;
	bool preempt;
	int64_t preempt_at;
	/* of the process that has the lock */
	int runner;    /* NOBODY: the lock is free */
	bool guest;    /* found by a process that has other things to do, too */
	unsigned life; /* counts machines: events of an earlier one do not count */
	bool active;   /* there is a machine */
	struct push_machine m;
	struct push_disk mem;
	unsigned asked; /* counts things asked of the host, so that one is answered once */
	unsigned events;
	bool disturbed; /* something happened that may well refuse it */
};

struct push_target {
	int runs, version; /* its spec */
	int rolled;	   /* what really runs */
	int claim;	   /* HOME/targets: a push, NOBODY */
	int busy;	   /* a push has changed it and has not ended */
	int expected;	   /* what the last accepted push brought */
};

struct push_ref {
	int at;
	int below[MOVES_MAX]; /* its history, the commit itself last */
	size_t n;
};

struct push_event {
	int64_t at;
	uint64_t order;
	void (*fn)(struct push_world *w, const struct push_event *e);
	int push, process; /* NOBODY: of none */
	unsigned life, asked;
	int a, b;
	const char *what;
};

struct push_world {
	uint64_t seed, order, handled;
	enum variant variant;
	bool trace, calm;
	int64_t now;
	struct rng rng;
	struct faults faults;
	struct push pushes[PUSHES_MAX];
	struct push_target targets[PUSH_TARGETS_MAX];
	struct push_ref refs[PUSH_REFS_MAX];
	int n_targets, n_refs, foreign;
	VEC(struct push_event) queue;
	VEC(bool) processes; /* alive */
	int service;
	bool retry_unclean; /* the service has just started */
	int64_t calm_at, disk_bad_until, cluster_down_until, undo_fails_until;
	char failure[500];
};

#define FOR_TARGETS(w, p, t)                     \
	for (int t = 0; t < (w)->n_targets; t++) \
		if ((p)->targets >> t & 1)
#define FOR_REFS(w, p, r)                     \
	for (int r = 0; r < (w)->n_refs; r++) \
		if ((p)->refs >> r & 1)

static inline int commit_of(const struct push *p)
{
	return 1 + p->index;
}

void push_fail(struct push_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void push_say(struct push_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define push_trace(w, ...)                          \
	do {                                        \
		if ((w)->trace)                     \
			push_say((w), __VA_ARGS__); \
	} while (0)
bool push_strikes(struct push_world *w, enum fault_class class);

/* --- events --- */

typedef void push_event_fn(struct push_world *w, const struct push_event *e);
/* Of the world: nothing stops it. */
struct push_event *push_later(struct push_world *w, int64_t ms, push_event_fn *fn);
/* Of the process that runs a push's machine: it goes with either. */
struct push_event *push_later_of(struct push_world *w, struct push *p, int64_t ms, push_event_fn *fn,
				 const char *what);
void push_world_run(struct push_world *w, int64_t until);

/* --- processes --- */

int process_start(struct push_world *w);
void process_end(struct push_world *w, int process);
void push_kill_all(struct push_world *w);

/* --- what the world is made of --- */

/* On top of what is there; or, forced, with nothing of that below it. */
void ref_move(struct push_world *w, int ref, int commit, bool forced);
void ref_back(struct push_world *w, int ref); /* to the commit below */
bool ref_has(const struct push_world *w, int ref, int commit);
bool push_refs_moved(const struct push_world *w, const struct push *p);
bool push_finished(const struct push *p);
void target_write(struct push_world *w, struct push *p, int target, int commit, int version);

/* --- push_host.c --- */

void push_begin(struct push_world *w, struct push *p);
/* Takes the lock of a push that nobody runs. guest: the process does not end with it. */
void push_resume(struct push_world *w, struct push *p, int process, bool guest);
void service_start(struct push_world *w);

/* --- push_checks.c --- */

void check_push_write(struct push_world *w, struct push *p, int target);
void check_push_ref(struct push_world *w, const struct push *p);
void check_push_claimed(struct push_world *w, const struct push *p);
void check_push_stored(struct push_world *w, struct push *p, enum push_state before);
bool check_pushes_ended(const struct push_world *w);
void check_pushes(struct push_world *w);
