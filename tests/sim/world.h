/*
 * world.h - everything of one history: time, server, git, the App resources, and the operator process that
 * lives and dies.
 */
#pragma once

#include "faults.h"
#include "git.h"
#include "queue.h"
#include "script.h"
#include "server.h"
#include "variants.h"

#define APPS_MAX 4

struct process;

/* What the server keeps of an App: spec, inventory, status. Survives every crash. */
struct resource {
	int index;
	char name[8], owner[16]; /* "app0", "apps/app0" */
	bool exists;
	unsigned incarnation; /* counts creations */
	struct app_config config;
	struct git_repo repo;
	bool branch_gone;
	char *inventory;		      /* stored text, or NULL */
	struct app_revision applied, healthy; /* stored */
	bool disturbed;			      /* something other than its own commits happened to it */
	int64_t news_at;		      /* when the operator was last told of a commit or a change */
	/* Counted since the start, for the quiet hour. */
	uint64_t requests, renders, persists, statuses, ticks;
};

struct world {
	uint64_t seed;
	enum variant variant;
	bool trace;
	int64_t now;
	struct queue queue;
	struct rng rng;
	struct server server;
	struct faults faults;
	struct script script;
	bool calm; /* faults are over */
	int64_t server_down_until;
	struct resource apps[APPS_MAX];
	int n_apps;
	struct process *process; /* NULL: the operator is down */
	uint64_t epochs;	 /* processes started */
	int64_t fight_until;	 /* one fight at a time */
	unsigned fights;	 /* rewrites by the controller that fights */
	unsigned crashes;
	uint64_t events;
	char failure[600]; /* the first broken promise; "": none */
};

void world_init(struct world *w, uint64_t seed, const struct only *only, enum variant variant, bool trace);
void world_release(struct world *w);
/* Handles events up to `until`, or until a promise is broken. */
void world_run(struct world *w, int64_t until);

void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define world_trace(w, ...)                          \
	do {                                         \
		if ((w)->trace)                      \
			world_say((w), __VA_ARGS__); \
	} while (0)
void world_say(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The resource with those owner labels ("apps/app1"), or NULL. */
struct resource *world_owner(struct world *w, const char *owner);
/* Whether a key is in an app's stored inventory. */
bool resource_stored(const struct resource *r, struct str key);
