/* init_choose.h - which directories of a repository `capstan init` takes for environments, and the file made
 * of it. */
#pragma once

#include "cmd/init_look.h"

struct choice {
	const char *name;
	const struct look_dir *dir;
	const char *why;
};

struct choices {
	VEC(struct choice) list; /* by path */
	VEC(const char *) notes; /* what else is there, and why it is not among them */
};

void choose(struct look *l, struct choices *out);
void choices_release(struct choices *c);

/* capstan.yaml */
void choices_write(const struct look *l, const struct choices *c, struct buf *out);
