/* faults.c - each history has its own mix: most have a few classes, some none, some one app's requests alone.
 */
#include "faults.h"

const char *const FAULT_NAMES[FAULT_CLASSES] = {
	[FAULT_LOST] = "lost",	       [FAULT_LATE] = "late",	  [FAULT_CONFLICT] = "conflict",
	[FAULT_THROTTLE] = "throttle", [FAULT_SERVER] = "server", [FAULT_SLOW] = "slow",
	[FAULT_PERSIST] = "persist",   [FAULT_RENDER] = "render", [FAULT_WATCH] = "watch",
};

void faults_choose(struct faults *f, struct rng *rng, unsigned mask, int n_apps)
{
	bool none = rng_chance(rng, 200);
	f->mask = mask;
	for (int i = 0; i < FAULT_CLASSES; i++) {
		uint16_t permille = (uint16_t)rng_range(rng, 10, 250);
		f->permille[i] = !none && rng_chance(rng, 400) ? permille : 0;
	}
	int victim = (int)rng_below(rng, (uint32_t)n_apps);
	f->only_app = n_apps > 1 && rng_chance(rng, 300) ? victim : -1;
}

bool fault_strikes(const struct faults *f, struct rng *rng, enum fault_class class, int app)
{
	/* Drawn whatever the mask says, so that masking a class moves the others as little as possible. */
	bool strikes = rng_chance(rng, f->permille[class]);
	return strikes && (f->mask >> class & 1) && (f->only_app < 0 || f->only_app == app);
}
