/*
 * faults.h - what goes wrong on the way between the operator and the server, by class, so that a failing
 * history can be replayed with fewer of them.
 */
#pragma once

#include "rng.h"

enum fault_class {
	FAULT_LOST,	/* no answer; the write took effect or did not */
	FAULT_LATE,	/* no answer, and it takes effect after that was told */
	FAULT_CONFLICT, /* 409 */
	FAULT_THROTTLE, /* 429 */
	FAULT_SERVER,	/* 500, 503, 504 */
	FAULT_SLOW,	/* an answer after seconds */
	FAULT_PERSIST,	/* the inventory's write: conflict, lost before, lost after */
	FAULT_RENDER,	/* slow renders, renders that never answer */
	FAULT_WATCH,	/* events late, twice, out of order */
	FAULT_CLASSES,
};

extern const char *const FAULT_NAMES[FAULT_CLASSES];

struct faults {
	unsigned mask; /* bit per class that may happen */
	uint16_t permille[FAULT_CLASSES];
	int only_app; /* requests of this app alone, or -1: all */
};

void faults_choose(struct faults *f, struct rng *rng, unsigned mask, int n_apps);
bool fault_strikes(const struct faults *f, struct rng *rng, enum fault_class class, int app);
