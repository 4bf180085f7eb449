/*
 * claim.h - a target of pushes (an App, a path of a configuration repository) belongs to one push at a time:
 * HOME/targets/HASH names the push that has it. A claim holds as long as the push's record is not finished,
 * whatever becomes of its process; so a killed push keeps its targets until it is resumed and undone.
 */
#pragma once

#include "push/journal.h"

enum claim_answer {
	CLAIM_OURS,
	CLAIM_TAKEN, /* by a push that runs: asked to give way; try again */
	CLAIM_LEFT,  /* by a push whose process is dead: to be resumed first */
};

/* One try, without waiting. owner: the id of who has it. -1: err. */
int claim_try(const char *home, const char *key, const char *id, const char *by, enum claim_answer *answer,
	      char owner[JOURNAL_ID_MAX + 1], struct error *err);
void claim_release(const char *home, const char *key, const char *id);
