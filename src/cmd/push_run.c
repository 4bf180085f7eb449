/*
 * push_run.c - see push_run.h. The machine asks for one thing at a time; what it asks is noted, done here
 * with nothing of the machine on the stack, and answered.
 *
 * While a step blocks, push_stopped() is the machine's ear: it looks for a newer push and at the deadline.
 */
#include "cmd/push_run.h"

#include <stdio.h>

#include "base/clock.h"
#include "cmd/push_containers.h"
#include "kube/discovery.h"
#include "operator/spec.h"
#include "push/claim.h"

enum todo {
	DO_NOTHING,
	DO_CHECK,
	DO_BUILD,
	DO_CLAIM,
	DO_DELIVER,
	DO_WATCH,
	DO_UNDO,
	DO_UNDO_WATCH,
	DO_MOVE_REFS,
	DO_PERSIST,
};

/* --- what the machine asks --- */

static void ask(void *ctx, enum todo todo)
{
	struct push_run *run = ctx;
	run->todo = (int)todo;
}

static void ask_check(void *ctx)
{
	ask(ctx, DO_CHECK);
}

static void ask_build(void *ctx)
{
	ask(ctx, DO_BUILD);
}

static void ask_claim(void *ctx)
{
	ask(ctx, DO_CLAIM);
}

static void ask_deliver(void *ctx)
{
	ask(ctx, DO_DELIVER);
}

static void ask_watch(void *ctx)
{
	ask(ctx, DO_WATCH);
}

static void ask_undo(void *ctx)
{
	ask(ctx, DO_UNDO);
}

static void ask_undo_watch(void *ctx)
{
	ask(ctx, DO_UNDO_WATCH);
}

static void ask_move_refs(void *ctx)
{
	ask(ctx, DO_MOVE_REFS);
}

static void ask_persist(void *ctx, enum push_state state)
{
	struct push_run *run = ctx;
	run->record.state = state;
	ask(ctx, DO_PERSIST);
}

static void on_cancel(void *ctx)
{
	struct push_run *run = ctx;
	atomic_store(&run->cancel, true);
}

static void on_answer(void *ctx, bool accepted)
{
	struct push_run *run = ctx;
	run->accepted = accepted;
}

/* What ended it, where no step's own words did. */
static const char *reason_of(struct push_run *run)
{
	const struct push_machine *m = &run->machine;
	if (m->preempted)
		return arena_printf(&run->arena, "a newer push took its place: %s", run->preempted_by);
	if (m->late)
		return "its time was over";
	return m->resumed ? "its process was killed" : NULL;
}

static void on_finish(void *ctx, enum push_state state, bool unclean)
{
	struct push_run *run = ctx;
	struct error err = ERROR_INIT;
	run->record.state = state;
	run->record.unclean = unclean;
	run->record.ended_ms = clock_wall_ms();
	if (state == PIPE_REFUSED && !run->record.reason)
		run->record.reason = reason_of(run);
	if (journal_save(run->journal, &run->record, &err) < 0) {
		tell_word(run->tell, "warning", "the record of this push: %s", err.text);
		return;
	}
	for (size_t i = 0; i < run->record.n_targets; i++)
		claim_release(run->home, run->record.targets[i].key, run->record.id);
	run->finished = true;
}

static const struct push_host host = {
	.check = ask_check,
	.build = ask_build,
	.claim = ask_claim,
	.deliver = ask_deliver,
	.watch = ask_watch,
	.undo = ask_undo,
	.undo_watch = ask_undo_watch,
	.move_refs = ask_move_refs,
	.persist = ask_persist,
	.cancel = on_cancel,
	.answer = on_answer,
	.finish = on_finish,
};

/* --- what steps use --- */

bool push_stopped(struct push_run *run)
{
	cleanup_arena struct arena a = ARENA_INIT;
	int64_t now = clock_mono_ms();
	const char *by = run->machine.resumed ? NULL : journal_preempted(&a, run->journal);
	if (by && !run->machine.preempted) {
		snprintf(run->preempted_by, sizeof(run->preempted_by), "%s", by);
		push_machine_preempt(&run->machine, now);
	}
	if (push_machine_deadline(&run->machine) <= now)
		push_machine_tick(&run->machine, now);
	return atomic_load(&run->cancel);
}

static void on_poll(void *arg)
{
	struct push_run *run = arg;
	loop_timer_set(run->poll, PUSH_POLL_MS);
	if (push_stopped(run))
		loop_stop(run->cluster.loop);
}

bool push_wait(struct push_run *run)
{
	if (push_stopped(run))
		return false;
	if (!run->poll)
		run->poll = loop_timer_new(run->cluster.loop, on_poll, run);
	loop_timer_set(run->poll, PUSH_POLL_MS);
	loop_run(run->cluster.loop);
	loop_timer_clear(run->poll);
	return !atomic_load(&run->cancel);
}

/* What a push asks for; that these are served needs no look at everything that is. */
static const struct kube_resource known[] = {
#define KIND(g, v, k, p)                                                                          \
	{                                                                                         \
		.group = { g, sizeof(g) - 1 }, .version = { v, sizeof(v) - 1 },                   \
		.kind = { k, sizeof(k) - 1 }, .plural = { p, sizeof(p) - 1 }, .namespaced = true, \
		.watchable = true                                                                 \
	}
	KIND(CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, "App", "apps"),
	KIND(CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, "Repo", "repos"),
	KIND("", "v1", "Pod", "pods"),
	KIND("", "v1", "Secret", "secrets"),
	KIND("", "v1", "Service", "services"),
	KIND("apps", "v1", "Deployment", "deployments"),
	KIND("apps", "v1", "StatefulSet", "statefulsets"),
	KIND("apps", "v1", "DaemonSet", "daemonsets"),
	KIND("batch", "v1", "Job", "jobs"),
#undef KIND
};

struct cluster *push_cluster(struct push_run *run, struct error *err)
{
	if (run->has_cluster)
		return &run->cluster;
	run->cluster_cli = *run->cli;
	if (run->settings.kubeconfig)
		setenv("KUBECONFIG", run->settings.kubeconfig, 1);
	run->cluster_cli.common.context = run->settings.context;
	run->cluster_cli.common.timeout_ms = 0;
	if (cluster_open(&run->cluster, &run->cluster_cli, 0, err) < 0) {
		cluster_close(&run->cluster);
		return NULL;
	}
	run->has_cluster = true;
	kube_discovery_know(run->cluster.client, known, sizeof(known) / sizeof(known[0]));
	return &run->cluster;
}

int push_save(struct push_run *run, struct error *err)
{
	return journal_save(run->journal, &run->record, err);
}

/* --- steps over all targets --- */

typedef enum step_outcome target_fn(struct push_run *run, struct push_target *t, struct error *err);

/* A step by what delivers the target. */
struct target_step {
	target_fn *direct, *repository, *containers;
	bool undoes; /* done for all, whatever becomes of one; else the first that fails decides */
	bool watches;
};

static const struct target_step claim_step = { direct_claim, repository_claim, containers_claim, false,
					       false };
static const struct target_step deliver_step = { direct_deliver, repository_deliver, containers_deliver,
						 false, false };
static const struct target_step watch_step = { direct_watch, repository_watch, containers_watch, false,
					       true };
static const struct target_step undo_step = { direct_undo, repository_undo, containers_undo, true, false };
static const struct target_step undo_watch_step = { direct_undo_watch, repository_undo_watch,
						    containers_undo_watch, true, false };

static target_fn *function_of(const struct target_step *step, const struct push_target *t)
{
	if (t->record->kind == JOURNAL_CONFIG)
		return step->repository;
	return push_is_containers(t) ? step->containers : step->direct;
}

static enum step_outcome each(struct push_run *run, const struct target_step *step, struct error *err)
{
	enum step_outcome worst = STEP_OK;
	for (size_t i = 0; i < run->n_targets; i++) {
		struct push_target *t = &run->targets[i];
		target_fn *fn = function_of(step, t);
		enum step_outcome outcome = fn(run, t, err);
		if (outcome == STEP_OK)
			continue;
		/* onFailure: keep is said of one environment. */
		t->failed = step->watches;
		if (t->failed && t->record->keep && outcome == STEP_FAILED) {
			tell_word(run->tell, "warning", "%s", err->text);
			*err = (struct error)ERROR_INIT;
			continue;
		}
		if (worst == STEP_OK)
			worst = outcome;
		if (!step->undoes)
			break;
	}
	return worst;
}

enum step_outcome push_claim_targets(struct push_run *run, struct error *err)
{
	return each(run, &claim_step, err);
}

static enum step_outcome undo(struct push_run *run, struct error *err)
{
	if (!run->told_undo && run->n_targets)
		tell_step(run->tell, "undo", "what this push changed is put back");
	run->told_undo = true;
	enum step_outcome outcome = each(run, &undo_step, err);
	return outcome == STEP_OK && run->machine.resumed && !run->gone ? push_restore_refs(run, err)
									: outcome;
}

/* A record that says one step less is undone the same way, and a sync of the disk is a good part of a push
 * that changes little. */
static bool may_lag(const struct push_run *run)
{
	return run->record.state == PIPE_WATCH || (run->record.state == PIPE_BUILD && !run->builds);
}

static enum step_outcome persist(struct push_run *run, struct error *err)
{
	if (may_lag(run))
		return STEP_OK;
	return push_save(run, err) < 0 ? STEP_FAILED : STEP_OK;
}

static enum step_outcome perform(struct push_run *run, enum todo todo, struct error *err)
{
	switch (todo) {
	case DO_CHECK:
		return push_check(run, err);
	case DO_BUILD:
		return push_build(run, err);
	case DO_CLAIM:
		return push_claim(run, err);
	case DO_DELIVER:
		return each(run, &deliver_step, err);
	case DO_WATCH:
		return each(run, &watch_step, err);
	case DO_UNDO:
		return undo(run, err);
	case DO_UNDO_WATCH:
		return each(run, &undo_watch_step, err);
	case DO_MOVE_REFS:
		return push_move_refs(run, err);
	case DO_PERSIST:
		return persist(run, err);
	case DO_NOTHING:
		break;
	}
	return STEP_OK;
}

/* --- the drive --- */

/* The first reason is the push's; what follows from it is told and no more. */
static void keep_reason(struct push_run *run, enum todo todo, const struct error *err)
{
	bool undoing = todo == DO_UNDO || todo == DO_UNDO_WATCH;
	if (!err->text[0] || run->cancel)
		return;
	tell_word(run->tell, undoing ? "warning" : "error", "%s", err->text);
	if (!run->record.reason && !undoing)
		run->record.reason = arena_strdup(&run->arena, err->text);
}

static void pause_until(struct push_run *run, int64_t mono_ms)
{
	int64_t left = mono_ms - clock_mono_ms();
	if (left > PUSH_POLL_MS)
		left = PUSH_POLL_MS;
	if (left > 0)
		usleep((useconds_t)left * 1000);
}

static void drive(struct push_run *run)
{
	while (!push_machine_ended(&run->machine)) {
		enum todo todo = (enum todo)run->todo;
		struct error err = ERROR_INIT;
		if (todo == DO_NOTHING) {
			pause_until(run, push_machine_deadline(&run->machine));
			push_stopped(run);
			continue;
		}
		run->todo = DO_NOTHING;
		atomic_store(&run->cancel, false);
		enum step_outcome outcome = perform(run, todo, &err);
		keep_reason(run, todo, &err);
		push_machine_step(&run->machine, outcome, clock_mono_ms());
	}
}

static void tell_refused(struct push_run *run)
{
	const struct push_machine *m = &run->machine;
	if (m->preempted)
		tell_word(run->tell, "error", "a newer push took the place of this one: %s",
			  run->preempted_by);
	else if (m->late)
		tell_word(run->tell, "error", "its time was over before that step was through");
	if (m->unclean)
		tell_word(run->tell, "error",
			  "not all of what this push changed could be put back; it is tried again when the "
			  "push service starts, and by the next push");
}

/* --- begin and end --- */

int push_run_open(struct push_run *run, struct error *err)
{
	atomic_init(&run->cancel, false);
	run->git_dir = arena_printf(&run->arena, "%s/tree.git", journal_dir(run->journal));
	if (push_settings_read(&run->arena, run->home, &run->settings, err) < 0)
		return -1;
	int rc = hosted_read(&run->arena, run->home, run->record.repo, &run->repo, err);
	if (rc <= 0)
		return rc;
	/* It was deleted since. What the push changed in the cluster can be undone all the same. */
	struct str name, namespace = str_cut(str_of(run->record.repo), '/', &name);
	run->repo = (struct hosted_repo){ .namespace = arena_strndup(&run->arena, namespace.p, namespace.n),
					  .name = arena_strndup(&run->arena, name.p, name.n) };
	return 1;
}

void push_run_close(struct push_run *run)
{
	loop_timer_free(run->poll);
	if (run->has_cluster)
		cluster_close(&run->cluster);
	commit_check_free(run->check);
	tell_free(run->tell);
	journal_close(run->journal);
	if (run->finished)
		journal_tidy(run->home, &run->record);
	arena_release(&run->arena);
}

bool push_run_start(struct push_run *run)
{
	struct push_config config = { .timeout_ms = PUSH_TIMEOUT_MS,
				      .undo_timeout_ms = PUSH_UNDO_TIMEOUT_MS };
	push_machine_init(&run->machine, &host, run, &config);
	push_machine_start(&run->machine, clock_mono_ms());
	drive(run);
	if (!run->accepted)
		tell_refused(run);
	return run->accepted;
}

void push_run_resume(struct push_run *run)
{
	struct push_config config = { .timeout_ms = PUSH_TIMEOUT_MS,
				      .undo_timeout_ms = PUSH_UNDO_TIMEOUT_MS };
	run->targets = arena_array(&run->arena, struct push_target, run->record.n_targets + 1);
	run->n_targets = run->record.n_targets;
	for (size_t i = 0; i < run->n_targets; i++)
		run->targets[i].record = &run->record.targets[i];
	bool moved = run->record.state == PIPE_ACCEPT && (run->gone || run->moved || push_refs_moved(run));
	push_machine_init(&run->machine, &host, run, &config);
	push_machine_resume(&run->machine, run->record.state, moved, clock_mono_ms());
	drive(run);
}
