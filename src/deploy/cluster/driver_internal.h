/*
 * driver_internal.h - the parts of the cluster driver: entries (driver.c), one operation (operation.c), its
 * answers (answer.c) and removal (prune.c). For files of this folder only.
 */
#pragma once

#include "base/vec.h"
#include "deploy/cluster/driver.h"
#include "deploy/cluster/prepare.h"

/* One object of the inventory. Entries are sorted by key; they move only between operations. */
struct entry {
	struct record *record;
	const char *version;  /* interned */
	struct hash desired;  /* payload applied last; zero: may exist, never known to be applied */
	struct hash live;     /* our fields after that */
	bool wanted;	      /* git has it */
	bool persisted;	      /* its key is in the stored inventory */
	bool failed;	      /* the last attempt to apply it was refused */
	bool behind;	      /* git has another payload than the one applied last */
	int64_t unsure_until; /* a request for it may still take effect: it is not forgotten before */
	uint64_t dying;	      /* hash of the uid whose removal was asked for; 0: none */
	bool asked;	      /* to be removed, and a GET tells first whether it is there */
	bool foreign;	      /* found to be another app's: let go of when the operation ends */
	bool ignored;	      /* annotation: leave it alone */
	bool kept;	      /* stale, and not to be pruned: counted nowhere */
	uint8_t class;	      /* what it was counted as, see count_class() in driver.c */
};

enum item_state {
	ITEM_TODO,
	ITEM_DEFERRED, /* its kind's first list is not through yet */
	ITEM_CHECKING, /* GET under way: whose is it? */
	ITEM_APPLYING,
	ITEM_TAKING_OVER, /* managedFields patch under way */
	ITEM_DELETING,	  /* force: DELETE under way */
	ITEM_AWAIT_GONE,  /* force: until it is gone */
	ITEM_DONE,
	ITEM_FAILED,
};

struct item {
	uint32_t entry; /* index into entries; UINT32_MAX: refused or ignored */
	uint8_t state;	/* enum item_state */
	uint8_t takeovers;
	bool checked;	/* known to be ours or free */
	bool recreated; /* force was used once; not again in this operation */
};

enum operation_kind {
	OPERATION_NONE,
	OPERATION_APPLY,
	OPERATION_REMOVE,
};

enum operation_phase {
	PHASE_PERSIST, /* the inventory is being written */
	PHASE_STAGE,   /* items of one stage are sent and answered */
	PHASE_SETTLE,  /* the stage is waited for */
	PHASE_PRUNE,
};

struct operation {
	enum operation_kind kind;
	enum operation_phase phase;
	struct apply_options options;
	bool cancelled, orphan;
	uint32_t serial;
	struct item *items; /* one per desired item */
	size_t cursor;	    /* items before it were started */
	size_t open;	    /* started and neither done nor failed */
	size_t parked;	    /* of these: ITEM_DEFERRED and ITEM_AWAIT_GONE, which no answer wakes */
	uint16_t stage;
	size_t in_flight; /* requests and persists under way, also of a cancelled operation */
	int64_t started_at, settle_until;
	uint32_t *doomed; /* PHASE_PRUNE: entry indices in the order of removal */
	size_t n_doomed, doomed_cursor;
};

struct cluster_driver {
	struct driver base;
	struct view *view;
	const struct port_ops *port;
	void *port_ctx;
	char *owner; /* "NAMESPACE/NAME" */
	VEC(struct entry) entries;
	struct desired *desired; /* of the last plan; kept while an operation needs it */
	struct operation op;
	uint32_t next_serial;
	int64_t unsure_next; /* when tick() looks at entries' unsure_until again; INT64_MAX: no need */
	uint64_t inventory_serial;
	struct driver_summary summary;
	char blind[400]; /* text of summary.blind */
	VEC(struct problem) problems;
	struct arena problem_arena;
	bool prune_on;	    /* the last operation's option: whether stale entries count */
	bool busy_notified; /* DRIVER_CHANGED is held back while an operation runs */
};

/* driver.c */
struct entry *entry_find(struct cluster_driver *d, struct str key);
void entry_unsure(struct cluster_driver *d,
		  struct entry *e); /* a request for it was lost, or may be under way still */
void entry_recount(struct cluster_driver *d, struct entry *e);
void entries_compact(struct cluster_driver *d); /* drops stale entries that are gone */
void observe_kinds(struct cluster_driver *d);
void problem_add(struct cluster_driver *d, const struct desired_item *item, struct str key, bool warning,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
uint64_t token_of(const struct cluster_driver *d, uint32_t index, bool doomed);
void driver_send(struct cluster_driver *d, uint32_t index, bool doomed, struct port_request *request);
bool owned_by_other(const struct cluster_driver *d, const struct record *r);

/* operation.c */
void operation_pump(struct cluster_driver *d);
void operation_end(struct cluster_driver *d);
void item_start(struct cluster_driver *d, size_t i);
void item_apply(struct cluster_driver *d, size_t i);
void item_done(struct cluster_driver *d, size_t i);
void item_failed(struct cluster_driver *d, size_t i, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void cluster_plan(struct driver *base, struct desired *desired);
void cluster_apply(struct driver *base, const struct apply_options *options);
void cluster_cancel(struct driver *base);
int64_t cluster_tick(struct driver *base);
void operation_begin(struct cluster_driver *d, enum operation_kind kind);

/* answer.c */
void item_answer(struct cluster_driver *d, size_t i, const struct port_answer *answer);

/* prune.c */
void cluster_remove(struct driver *base, bool orphan);
void prune_begin(struct cluster_driver *d);
void prune_pump(struct cluster_driver *d);
void prune_answer(struct cluster_driver *d, uint32_t entry, const struct port_answer *answer);
