/*
 * claim.h - a target of pushes (an App, a path of a configuration repository) belongs to one push at a time:
 * HOME/targets/HASH names the push that has it. A claim holds as long as the push's record is not finished,
 * whatever becomes of its process; so a killed push keeps its targets until it is resumed and undone. It also
 * holds while a process has the record locked: that of an unclean push that is tried again.
 *
 * Claim several in the order of their keys.
 */
#pragma once

#include "push/journal.h"

enum claim_answer {
	CLAIM_OURS,
	CLAIM_TAKEN, /* by an older push: asked to give way, or it ends by itself; try again */
	CLAIM_NEWER, /* by a push that began later and runs: it is for us to give way */
	CLAIM_LEFT,  /* by a push whose process is dead: to be resumed first */
};

/* One try, without waiting. id: ours, of a push that is locked by us; by: who we are, for people, or NULL:
 * nobody is asked to give way. owner: the id of who has it. -1: err; also when it cannot be told who has it:
 * nothing is taken on a guess. */
int claim_try(const char *home, const char *key, const char *id, const char *by, enum claim_answer *answer,
	      char owner[JOURNAL_ID_MAX + 1], struct error *err);
void claim_release(const char *home, const char *key, const char *id);
