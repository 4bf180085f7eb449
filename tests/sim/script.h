/*
 * script.h - what people, git and bad luck do in a history: planned from the seed before it runs, each step
 * with a seed of its own, so that steps can be taken out one by one without changing the others.
 */
#pragma once

#include "base/vec.h"
#include "rng.h"

enum step_kind {
	STEP_COMMIT,
	STEP_BRANCH_GONE, /* and back later */
	STEP_CRASH,	  /* killed, started again after a while */
	STEP_LEADER, /* another replica takes over at once; requests of the old one are still on their way */
	STEP_EDIT,   /* kubectl edit of a field that git has */
	STEP_ADD_LABEL, /* of a field that git does not have */
	STEP_DELETE,	/* somebody deletes an object */
	STEP_STRIP,	/* somebody removes our labels */
	STEP_CLAIM,	/* somebody gives the object the labels of an app that is not ours */
	STEP_PRECREATE, /* an object that git may bring later exists already */
	STEP_FINALIZER, /* an object gets a finalizer that nobody works on */
	STEP_FIGHT,	/* another controller rewrites a field for ten minutes */
	STEP_FLAP,	/* a Deployment is unavailable for a while */
	STEP_SUSPEND,	/* and resume later */
	STEP_CONFIG,	/* prune, force, wait, self-heal, timeout change */
	STEP_SYNC_NOW,
	STEP_REMOVE,	/* the App is deleted, sometimes with orphan, sometimes created again */
	STEP_WEBHOOK,	/* an admission webhook of one kind fails for a while */
	STEP_NAMESPACE, /* somebody deletes a namespace; it may be stuck */
	STEP_WATCH_CUT, /* watches deliver nothing for a while, then go on or list again */
	STEP_DOWN,	/* the server answers nothing for a while */
	STEP_KINDS,
};

extern const char *const STEP_NAMES[STEP_KINDS];

struct step {
	enum step_kind kind;
	int64_t at;
	int app;
	uint64_t seed;
};

/* Each seed has a history of apps and one of pushes. */
enum part { PART_BOTH, PART_APPS, PART_PUSHES };

/* What to leave out; the default leaves nothing out. */
struct only {
	enum part part;
	int apps, objects; /* at most; 0: as the seed says */
	unsigned faults;   /* mask */
	uint64_t skip[4];  /* steps not taken, by index */
};
#define ONLY_ALL              \
	{                     \
		.faults = ~0u \
	}

struct script {
	VEC(struct step) steps;
	int apps, objects;
	int64_t length; /* when faults end */
	bool calm;	/* no bad commits */
};

void script_plan(struct script *s, uint64_t seed, const struct only *only);
static inline bool only_skips(const struct only *o, size_t i)
{
	return i >= 256 || (o->skip[i / 64] >> (i % 64) & 1);
}
