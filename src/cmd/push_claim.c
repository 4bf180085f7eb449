/*
 * push_claim.c - the targets of a push are made its own, in the order of their keys, so that two pushes never
 * wait for each other; then it is seen that nobody pushed meanwhile, and what the targets run is read.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cmd/push_run.h"
#include "push/claim.h"
#include "push/hosted.h"
#include "push/tree.h"

enum { AGAIN_MS = 20 };

static int by_key(const void *a, const void *b)
{
	const struct journal_target *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

static const char *who_we_are(struct push_run *run)
{
	return arena_printf(&run->arena, "push %s by %s", run->record.id, run->record.who);
}

static void tell_waiting(struct push_run *run, const char *owner, bool left)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record other;
	bool known = journal_read(&a, run->home, owner, &other, NULL) == 0;
	if (left)
		tell_step(run->tell, "claim", "push %s was cut off; what it left is finished first", owner);
	else
		tell_step(run->tell, "claim", "push %s%s%s is under way, and is asked to give way", owner,
			  known ? " by " : "", known ? other.who : "");
}

static enum step_outcome claim_one(struct push_run *run, const struct journal_target *t, struct error *err)
{
	enum claim_answer answer;
	char owner[JOURNAL_ID_MAX + 1];
	while (!push_stopped(run)) {
		if (claim_try(run->home, t->key, run->record.id, who_we_are(run), &answer, owner, err) < 0)
			return STEP_FAILED;
		if (answer == CLAIM_OURS)
			return STEP_OK;
		if (answer == CLAIM_NEWER) {
			snprintf(run->preempted_by, sizeof(run->preempted_by), "push %s", owner);
			return STEP_PREEMPTED;
		}
		tell_waiting(run, owner, answer == CLAIM_LEFT);
		if (answer == CLAIM_LEFT && push_recover_id(run->cli, run->home, owner, false, err) < 0) {
			error_wrap(err, "what push %s left", owner);
			return STEP_FAILED;
		}
		usleep(AGAIN_MS * 1000);
	}
	return STEP_LATE;
}

static enum step_outcome claim_all(struct push_run *run, struct error *err)
{
	const struct journal_target **sorted =
		arena_array(&run->arena, const struct journal_target *, run->n_targets + 1);
	enum step_outcome outcome = STEP_OK;
	for (size_t i = 0; i < run->n_targets; i++)
		sorted[i] = run->targets[i].record;
	qsort(sorted, run->n_targets, sizeof(*sorted), by_key);
	for (size_t i = 0; i < run->n_targets && outcome == STEP_OK; i++)
		outcome = claim_one(run, sorted[i], err);
	return outcome;
}

/* A push that began with the same commit may have been accepted while this one waited. */
static int check_unmoved(struct push_run *run, struct error *err)
{
	const char *git_dir = hosted_git_dir(&run->arena, run->home, run->record.repo);
	for (size_t i = 0; i < run->record.n_refs; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		char now[SHA_HEX_MAX + 1];
		push_tree_ref(git_dir, ref->name, now);
		if (strcmp(now, ref->old) != 0)
			return error_set(err,
					 "%s was pushed by somebody else meanwhile; fetch, and push again",
					 ref->name);
	}
	return 0;
}

enum step_outcome push_claim(struct push_run *run, struct error *err)
{
	enum step_outcome outcome = STEP_OK;
	bool news = false;
	for (size_t i = 0; i < run->n_targets; i++) {
		if (run->targets[i].record->kind != JOURNAL_CONFIG)
			continue;
		if (repository_place(run, &run->targets[i], err) < 0)
			return STEP_FAILED;
		news = true;
	}
	/* The keys are on disk before anything is theirs: whoever resumes gives them back. Those of Apps came
	 * with the state. */
	if (news && push_save(run, err) < 0)
		return STEP_FAILED;
	outcome = claim_all(run, err);
	if (outcome == STEP_OK && check_unmoved(run, err) < 0)
		outcome = STEP_FAILED;
	return outcome == STEP_OK ? push_claim_targets(run, err) : outcome;
}
