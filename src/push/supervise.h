/* supervise.h - a child that is to run as long as we do: sshd, the operator. Started again when it ends. */
#pragma once

#include "base/error.h"
#include "io/loop.h"

#define SUPERVISE_FIRST_MS 250	/* until it is started again; doubled each time, */
#define SUPERVISE_LAST_MS 10000 /* up to this */
#define SUPERVISE_GOOD_MS 60000 /* one that ran so long begins anew with the first */

struct supervised;

/*
 * name: for the log. program: this program: its `push-child` makes the child end with us, also when we are
 * killed. argv is copied. stderr is ours.
 */
struct supervised *supervise(struct loop *loop, const char *name, const char *program,
			     const char *const *argv);
void supervise_end(struct supervised *s); /* SIGTERM; NULL is fine */
