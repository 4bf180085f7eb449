/*
 * machine.h - the state machine of one push. Pure: no I/O, no clock, no pointer to a room that has them; what
 * it wants done it asks of its host, and what happened it is told. The hook runs it for a push that arrives,
 * the service for one that a killed process left (push_machine_resume()), tests/sim for random histories.
 *
 *   CHECK -> BUILD -> CLAIM -> DELIVER -> WATCH -> ACCEPT -> (refs move) -> DONE
 *     |        |        |         |         |        |
 *     +--------+--------+         +---------+        +-- killed here: the refs are moved by whoever resumes
 *         nothing to undo              |
 *              |                 UNDO -> UNDO_WATCH
 *              v                          |
 *           REFUSED <---------------------+
 *
 * Promises, which tests/sim checks:
 *  - It ends in DONE (refs at the new commits, targets run them) or REFUSED (refs and targets as before).
 *  - Before anything outside is changed, the record that says how to undo it is durable.
 *  - Nothing is delivered by two pushes to one target at a time: a newer push that got as far as CLAIM
 *    pre-empts an older one that is not in ACCEPT yet; the older one undoes what it did and is refused.
 *  - No step without a deadline; undoing is tried until its own deadline, and what could not be undone is
 *    said and kept in the record as `unclean`, so that the next start tries again.
 *  - With keep (onFailure: keep), a failed WATCH is accepted all the same, and the failure is told.
 *
 * git moves the refs once the hook has ended, so the hook's machine ends in ACCEPT, answered; post-receive
 * (or the service, when that was killed) resumes the record, sees whether the refs moved, and finishes it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum push_state {
	PIPE_NEW,
	PIPE_CHECK,	 /* render, check, rights */
	PIPE_BUILD,	 /* images, into the registry */
	PIPE_CLAIM,	 /* the targets are ours alone; what they run now is read */
	PIPE_DELIVER,	 /* App objects, or a commit in the configuration repository */
	PIPE_WATCH,	 /* until all targets are healthy */
	PIPE_ACCEPT,	 /* decided: git moves the refs; never undone unless they cannot move */
	PIPE_UNDO,	 /* what DELIVER did is taken back */
	PIPE_UNDO_WATCH, /* until the targets run what they ran before */
	PIPE_DONE,
	PIPE_REFUSED,
};

const char *push_state_name(enum push_state state);

enum step_outcome {
	STEP_OK,
	STEP_FAILED,	/* for good: refused */
	STEP_PREEMPTED, /* a newer push has the targets */
	STEP_LATE,	/* the deadline */
};

struct push_machine;

/* Each asks for one thing, to be answered by push_machine_step(); never from within the call. */
struct push_host {
	void (*check)(void *ctx);
	void (*build)(void *ctx);
	/* Waits for the targets, asking older pushes to give way and finishing what killed ones left; a
	 * target that a newer push has: STEP_PREEMPTED. Then sees that the refs are still where this push
	 * found them, and reads what the targets run, as `before`. What an unclean push left running there is
	 * not that: its own `before` is taken over. */
	void (*claim)(void *ctx);
	/* Only on top of what CLAIM read (a resourceVersion, a parent commit): a write that a dead process
	 * had on its way must fail once UNDO has written. */
	void (*deliver)(void *ctx);
	void (*watch)(void *ctx);
	/* Idempotent, also when little or nothing was delivered. A target that runs what somebody else put
	 * there since is left alone; refs of this push that git moved while others could not be, go back.
	 * STEP_FAILED: it is asked again after a pause. */
	void (*undo)(void *ctx);
	void (*undo_watch)(void *ctx); /* as before, or the deadline */
	/* Of a resumed push: when git did not; all or none. STEP_FAILED: they are elsewhere. */
	void (*move_refs)(void *ctx);
	/* The record is made durable with this state; answered by push_machine_step(), STEP_FAILED when the
	 * disk does not take it. On DELIVER, ACCEPT and UNDO promises rest; the others are for push-status.
	 */
	void (*persist)(void *ctx, enum push_state state);
	/* Ends what is under way (build, watch, claim, undo) soon; its answer still comes, and does not count
	 * (that of move_refs does). */
	void (*cancel)(void *ctx);
	/* The verdict for git: accepted or not. Once. Not for a resumed push. */
	void (*answer)(void *ctx, bool accepted);
	/* The record is finished, then claims are given back (not if the disk does not take the record:
	 * whoever resumes it needs them); the last call. state: DONE or REFUSED; unclean: undoing did not
	 * succeed. */
	void (*finish)(void *ctx, enum push_state state, bool unclean);
};

struct push_config {
	bool keep;	    /* onFailure: keep */
	bool nothing;	    /* the push deploys nothing: accepted after CHECK */
	int64_t timeout_ms; /* of CHECK to WATCH together */
	int64_t undo_timeout_ms;
};

struct push_machine {
	const struct push_host *host;
	void *ctx;
	struct push_config config;
	enum push_state state;
	enum push_state asked;	    /* what the host does now; PIPE_NEW: nothing */
	bool persisting;	    /* and the record is on its way to the disk */
	bool cancelled;		    /* what is asked was told to end */
	bool resumed, answered;	    /* the verdict was given */
	bool preempted, late;	    /* why it is refused, for people */
	bool failed;		    /* WATCH failed: kept all the same, or undone */
	bool unclean;		    /* undoing ran out of time */
	bool decided;		    /* the record on disk may say ACCEPT */
	int64_t began_ms;	    /* monotonic, as all here */
	int64_t deadline_ms;	    /* 0: none runs */
	int64_t again_ms, pause_ms; /* when undoing is tried next; 0: not waiting */
};

void push_machine_init(struct push_machine *m, const struct push_host *host, void *ctx,
		       const struct push_config *config);
void push_machine_start(struct push_machine *m, int64_t now_ms);
/*
 * A record that a killed process left in `state`. refs_moved: git moved all refs (they are at the new
 * commits, or went on from there), or not. What was only decided is carried out, all else undone. REFUSED: an
 * unclean one, of whose targets the host has the claims again.
 */
void push_machine_resume(struct push_machine *m, enum push_state state, bool refs_moved, int64_t now_ms);
/* What was asked last is through. */
void push_machine_step(struct push_machine *m, enum step_outcome outcome, int64_t now_ms);
/* A newer push claims a target. No effect from ACCEPT on. */
void push_machine_preempt(struct push_machine *m, int64_t now_ms);
/* Before CHECK is answered, when the host knows what the push deploys. */
void push_machine_configure(struct push_machine *m, const struct push_config *config);
/* The next deadline; INT64_MAX: none. push_machine_tick() when it is over; too early does no harm. */
int64_t push_machine_deadline(const struct push_machine *m);
void push_machine_tick(struct push_machine *m, int64_t now_ms);
/* Nothing more comes from this process: finished, or accepted and the rest is git's. */
bool push_machine_ended(const struct push_machine *m);
