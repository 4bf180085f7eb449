/*
 * ledger.h - what the app may own beneath its root, in memory and in its inventory file; room-internal.
 *
 * The file is <state_dir>/<hash of the root>-<app>.inventory in the form of deploy/inventory.h. Keys are
 * percent-encoded paths, a directory's with a final "/"; "./" is the root. The line "!command" says that the
 * command is still to run. Files: DESIRED-HASH is what was written last; LIVE-HASH, as long as there is no
 * DESIRED-HASH, what was going to be written when the path was claimed.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "deploy/directory/tree.h"
#include "deploy/inventory.h"

struct entry {
	char *path; /* owned; a directory's ends in "/" */
	size_t at;  /* its place in ledger.entries */
	bool directory;
	bool wanted;	      /* git asks for it, or for something in it */
	bool looked;	      /* seen is true to the world as it was once */
	bool look;	      /* the next look looks at it */
	struct hash applied;  /* zero: claimed, not known to be written */
	struct hash intended; /* while applied is zero */
	struct tree_seen seen;
};

struct ledger {
	VEC(struct entry *) entries; /* in no order */
	struct map by_path;
	bool command_due;
};

#define LEDGER_INIT                  \
	{                            \
		.command_due = false \
	}

void ledger_release(struct ledger *l);
void ledger_clone(struct ledger *to, const struct ledger *from); /* to is empty */
struct entry *ledger_find(const struct ledger *l, const char *path);
struct entry *ledger_add(struct ledger *l, const char *path); /* finds it or makes it */
void ledger_drop(struct ledger *l, struct entry *e);	      /* frees e; the last entry takes its place */

/* Where the inventory of one app and root lies; free() it. */
char *ledger_file(const char *state_dir, const char *root, const char *app);

/* A file that is not there is an empty ledger. */
int ledger_load(struct ledger *l, const char *file, struct error *err);
/* Durable when it returns 0. */
int ledger_save(const struct ledger *l, const char *file, struct error *err);

/*
 * Claims paths[0..n-1] against the other apps of the same root, and saves l, in which they are already, under
 * a lock. Those that another app has are told by taken() (which drops them from l), before anything is saved.
 */
typedef void ledger_taken_fn(void *arg, const char *path, const char *app);
int ledger_claim(struct ledger *l, const char *state_dir, const char *file, const char *const *paths,
		 size_t n, ledger_taken_fn *taken, void *arg, struct error *err);
