/*
 * app.h - the state machine of one app: what git wants, what was tried, what is, and what to do next.
 *
 * Pure: no I/O, no clock (time is handed in), no pointer into io/ or kube/. It takes events by the app_*()
 * calls below and acts through its host (render, timer, publish) and its driver. The operator and the command
 * line wire it to the real world, tests/sim to a simulated one.
 *
 *            wanted changes / drift / retry / sync now
 *   IDLE -----------------------------------------------> RENDERING --> APPLYING --> WAITING --> IDLE
 *     ^            a newer wanted revision restarts from any phase at once   |          |
 *     +---- failed: every error kept; retried with backoff and jitter <------+----------+  (deadline,
 * unhealthy)
 *
 * Level-based: every call ends in one step function that looks at the state and decides; no decision depends
 * on the order in which events arrived. "input" is the hash of all that a render reads (tree, options,
 * target): an app is rendered only when its input differs from what was applied, when something drifted, or
 * when asked.
 */
#pragma once

#include "base/hash.h"
#include "deploy/driver.h"

#define APP_REVISION_MAX 128 /* bytes of a displayed revision with NUL; a longer one is cut */

enum app_phase {
	APP_IDLE,
	APP_RENDERING,
	APP_APPLYING,
	APP_WAITING,
	APP_REMOVING,
	APP_REMOVED,
};

struct app_config {
	bool automatic;			     /* act on new revisions without being asked (default true) */
	bool self_heal;			     /* undo drift (default true) */
	bool prune;			     /* default true */
	bool wait;			     /* Ready means healthy, not just applied (default true) */
	bool force;			     /* default false */
	bool allow_empty;		     /* default false */
	bool suspend;			     /* do nothing; go on observing */
	bool deleting;			     /* remove everything and be done */
	bool orphan;			     /* with deleting: leave everything where it is */
	int64_t timeout_ms;		     /* of one attempt, from render to healthy (default 300000) */
	int64_t retry_base_ms, retry_max_ms; /* backoff after a failed attempt: doubled each time, +-20%
						jitter (1000, 180000) */
};
#define APP_CONFIG_DEFAULT                                                                               \
	{                                                                                                \
		.automatic = true, .self_heal = true, .prune = true, .wait = true, .timeout_ms = 300000, \
		.retry_base_ms = 1000, .retry_max_ms = 180000                                            \
	}

struct app_revision {
	char text[APP_REVISION_MAX]; /* for people: "main@sha1:0123..." */
	struct hash input;	     /* zero: none */
};

enum app_outcome {
	APP_OUTCOME_NONE,	   /* nothing was tried yet */
	APP_OUTCOME_RENDER_FAILED, /* the render as a whole failed; nothing was touched */
	APP_OUTCOME_APPLY_FAILED,  /* at least one item has an error */
	APP_OUTCOME_TIMED_OUT,	   /* the attempt's deadline passed before everything was applied */
	APP_OUTCOME_APPLIED,	   /* everything was applied without error */
};

struct app;

/* What an app asks of the world around it. Calls must not call back into the app before they return, but
 * render()'s failure may be told later. */
struct app_host {
	/* Render attempted revision `ticket` stands for; answer with app_rendered(). A newer ticket makes
	 * older ones void. */
	void (*render)(void *ctx, uint64_t ticket);
	/* Call app_tick() at `at` (monotonic ms); INT64_MAX: no need. Replaces the earlier wish. */
	void (*arm)(void *ctx, int64_t at);
	/* Something that people see may have changed; coalesce and compare before writing. */
	void (*publish)(void *ctx);
	/* phase is APP_REMOVED: the finalizer may go. */
	void (*removed)(void *ctx);
	/* A random 32-bit number, for jitter (simulations seed it). */
	uint32_t (*random)(void *ctx);
};

struct app {
	const struct app_host *host;
	void *host_ctx;
	struct driver *driver; /* owned by the app */
	struct app_config config;
	int64_t now; /* set by every call */

	enum app_phase phase;
	struct app_revision wanted;    /* newest known */
	struct app_revision attempted; /* of the attempt under way, or the last one */
	struct app_revision applied; /* last one applied without error; its input is what the world matches */
	struct app_revision healthy; /* last one seen with everything current */
	enum app_outcome outcome;    /* of the last attempt */
	char *error;	    /* of the attempt as a whole, owned; NULL if there is none or items have them */
	char *source_error; /* the wanted revision cannot be had, owned; NULL when it can */

	uint64_t ticket;	  /* of the render under way */
	bool draining;		  /* a cancelled operation still has requests under way */
	struct desired *desired;  /* of the attempt under way */
	struct problem *problems; /* of the last attempt (render and driver), owned */
	size_t n_problems;
	struct arena problem_arena;

	int64_t started_at;    /* of the attempt, for its deadline */
	int64_t rendered_at;   /* when its render ended, for timings; 0 never */
	int64_t applied_at;    /* when apply ended, for timings; 0 never */
	int64_t finished_at;   /* when the last attempt ended (monotonic ms) */
	int64_t retry_at;      /* earliest next attempt after a failure; 0: none pending */
	int64_t heal_at;       /* earliest next heal; heals of a fight are spaced out */
	unsigned failures;     /* attempts that failed in a row */
	unsigned heals;	       /* heals in a row without a quiet minute between */
	uint64_t attempts;     /* since start */
	bool sync_requested;   /* asked for by a person */
	bool health_timed_out; /* applied, but not healthy within the timeout */
	unsigned events;       /* driver events not looked at yet */
	bool stepping;
};

/* The app takes the driver over. */
void app_init(struct app *app, const struct app_host *host, void *ctx, struct driver *driver, int64_t now);
void app_release(struct app *app);

void app_configure(struct app *app, const struct app_config *config, int64_t now);
/* What an earlier process recorded as applied; before the first app_wanted(). A zero input means nothing. */
void app_restore(struct app *app, const struct app_revision *applied, const struct app_revision *healthy);
/* The newest revision that the source has. The same one again is free. */
void app_wanted(struct app *app, const struct app_revision *revision, int64_t now);
/* The wanted revision cannot be resolved (branch gone, LFS, ...). What is applied stays. NULL or "": it can
 * again. */
void app_source_failed(struct app *app, const char *error, int64_t now);
/* desired: the app takes the reference. NULL: failed as a whole, error says why. A void ticket is ignored. */
void app_rendered(struct app *app, uint64_t ticket, struct desired *desired, const char *error, int64_t now);
/* Only the render could tell what it reads: `input` takes the place of the one that was handed in with the
 * wanted revision, in both wanted and attempted. Before app_rendered(); a void ticket is ignored. */
void app_input_known(struct app *app, uint64_t ticket, struct hash input);
/* The host waited before it began to render (many apps at once): the attempt's deadline counts from here. */
void app_render_started(struct app *app, uint64_t ticket, int64_t now);
/* A person asks for an attempt now, whatever was applied; also ends a backoff. */
void app_sync_now(struct app *app, int64_t now);
void app_tick(struct app *app, int64_t now);
/* Events of the driver: app_init() sets driver->notify to it. */
void app_driver_event(void *app, enum driver_event event);

/* For status and `capstan status`. */
enum app_ready {
	APP_READY,
	APP_NOT_READY,	 /* failed: needs a person or a new commit */
	APP_IN_PROGRESS, /* on its way, or retrying */
};
struct app_verdict {
	enum app_ready ready;
	bool reconciling;   /* an attempt is under way or scheduled */
	bool stalled;	    /* will not get further without a new commit or a person */
	const char *reason; /* CamelCase, e.g. "Succeeded", "RenderFailed", "ApplyFailed", "Progressing",
			       "HealthTimeout" */
	char message[512];
};
void app_verdict(const struct app *app, struct app_verdict *out);
