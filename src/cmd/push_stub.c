/* push_stub.c - until builds and configuration repositories are there. */
#include "cmd/push_steps.h"

#define STEP(name)                                                                              \
	enum step_outcome name(struct push_run *run, struct push_target *t, struct error *err)  \
	{                                                                                       \
		error_set(err, "%s: deliver: config is not there yet", t->record->environment); \
		return STEP_FAILED;                                                             \
	}

STEP(repository_claim)
STEP(repository_deliver)
STEP(repository_watch)
STEP(repository_undo)
STEP(repository_undo_watch)

int repository_place(struct push_run *run, struct push_target *t, struct error *err)
{
	return error_set(err, "%s: deliver: config is not there yet", t->record->environment);
}
