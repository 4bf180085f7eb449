/*
 * The machine, the journal and claims together, in processes that are killed at random: git's receiver with
 * its hook and post-receive, and the service that takes up what is left. Targets and the ref are files. All
 * pushes go to the same ref and all targets, so in the end the targets run what the ref says, and what the
 * ref ever was at is what is done.
 */
#include "unit/push/records.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/random.h"
#include "io/file.h"
#include "push/claim.h"
#include "push/home.h"

enum { ROUNDS = 60, PUSHES = 3, TARGETS = 2, KILL_WITHIN_US = 25000 };

/* --- files that stand for the ref and the targets --- */

/* "COMMIT VERSION" */
struct cell {
	int64_t commit, version;
};

static char *cell_path(struct arena *a, const char *home, int cell)
{
	return push_path(a, home, arena_printf(a, "cell-%d", cell), NULL);
}

static struct cell cell_read(const char *home, int cell)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct cell c = { 0 };
	struct str version;
	if (file_read(cell_path(&a, home, cell), 100, &text, NULL) != 0)
		return c;
	struct str commit = str_cut(buf_str(&text), ' ', &version);
	if (!str_int64(commit, &c.commit) || !str_int64(version, &c.version))
		abort();
	return c;
}

/* As a server would: all or nothing, and only on top of what the caller has seen. */
static bool cell_write(const char *home, int cell, int64_t version, int64_t commit)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_fd int lock = open(push_path(&a, home, "cells", NULL), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		abort();
	if (cell_read(home, cell).version != version)
		return false;
	const char *text = arena_printf(&a, "%lld %lld", (long long)commit, (long long)version + 1);
	return push_write(cell_path(&a, home, cell), str_of(text), PUSH_VISIBLE, NULL) == 0;
}

enum { REF = TARGETS }; /* the cell after the targets */

/* --- the host, blocking as a hook is --- */

enum todo { NOTHING, CHECK, BUILD, CLAIM, DELIVER, WATCH, UNDO, UNDO_WATCH, MOVE_REFS, PERSIST };

struct run {
	const char *home;
	struct arena a;
	struct journal *journal;
	struct journal_record record;
	struct push_machine m;
	enum todo todo;
	bool accepted, cancelled;
};

static int64_t commit_of(const struct run *r)
{
	return (int64_t)strtoll(r->record.refs[0].new, NULL, 10);
}

static int64_t old_of(const struct run *r)
{
	return (int64_t)strtoll(r->record.refs[0].old, NULL, 10);
}

#define ASK(name, what)                           \
	static void ask_##name(void *ctx)         \
	{                                         \
		((struct run *)ctx)->todo = what; \
	}
ASK(check, CHECK)
ASK(build, BUILD)
ASK(claim, CLAIM)
ASK(deliver, DELIVER)
ASK(watch, WATCH)
ASK(undo, UNDO)
ASK(undo_watch, UNDO_WATCH)
ASK(move_refs, MOVE_REFS)

static void ask_persist(void *ctx, enum push_state state)
{
	struct run *r = ctx;
	r->record.state = state;
	r->todo = PERSIST;
}

static void cancel(void *ctx)
{
	((struct run *)ctx)->cancelled = true;
}

static void answer(void *ctx, bool accepted)
{
	((struct run *)ctx)->accepted = accepted;
}

static void finish(void *ctx, enum push_state state, bool unclean)
{
	struct run *r = ctx;
	r->record.state = state;
	r->record.unclean = unclean;
	if (journal_save(r->journal, &r->record, NULL) < 0)
		return;
	for (size_t i = 0; i < r->record.n_targets; i++)
		claim_release(r->home, r->record.targets[i].key, r->record.id);
}

static const struct push_host HOST = {
	.check = ask_check,
	.build = ask_build,
	.claim = ask_claim,
	.deliver = ask_deliver,
	.watch = ask_watch,
	.undo = ask_undo,
	.undo_watch = ask_undo_watch,
	.move_refs = ask_move_refs,
	.persist = ask_persist,
	.cancel = cancel,
	.answer = answer,
	.finish = finish,
};

static void resume(const char *home, const char *id);

static enum step_outcome claim_one(struct run *r, size_t i)
{
	const struct journal_target *t = &r->record.targets[i];
	char owner[JOURNAL_ID_MAX + 1];
	enum claim_answer answer;
	for (int tries = 0; tries < 5000; tries++) {
		if (journal_preempted(&r->a, r->journal))
			return STEP_PREEMPTED;
		if (claim_try(r->home, t->key, r->record.id, "x", &answer, owner, NULL) < 0)
			return STEP_FAILED;
		if (answer == CLAIM_OURS)
			return STEP_OK;
		if (answer == CLAIM_NEWER)
			return STEP_PREEMPTED;
		if (answer == CLAIM_LEFT)
			resume(r->home, owner);
		usleep(1000);
	}
	return STEP_LATE;
}

static enum step_outcome claim_targets(struct run *r)
{
	for (size_t i = 0; i < r->record.n_targets; i++) {
		enum step_outcome outcome = claim_one(r, i);
		if (outcome != STEP_OK)
			return outcome;
	}
	if (cell_read(r->home, REF).commit != old_of(r))
		return STEP_FAILED;
	for (size_t i = 0; i < r->record.n_targets; i++) {
		struct journal_target *t = &r->record.targets[i];
		struct cell c = cell_read(r->home, (int)i);
		/* "COMMIT VERSION" before */
		t->before = arena_printf(&r->a, "%lld %lld", (long long)c.commit, (long long)c.version);
		t->known = true;
	}
	return STEP_OK;
}

static struct cell before(const struct journal_target *t)
{
	struct str version, commit = str_cut(str_of(t->before), ' ', &version);
	struct cell c = { 0 };
	if (!str_int64(commit, &c.commit) || !str_int64(version, &c.version))
		abort();
	return c;
}

static enum step_outcome deliver(struct run *r)
{
	for (size_t i = 0; i < r->record.n_targets; i++)
		if (!cell_write(r->home, (int)i, before(&r->record.targets[i]).version, commit_of(r)))
			return STEP_FAILED;
	return STEP_OK;
}

/* Every fourth rollout fails. */
static enum step_outcome watch(struct run *r)
{
	for (int i = 0; i < 4; i++) {
		if (journal_preempted(&r->a, r->journal))
			return STEP_PREEMPTED;
		usleep(1000);
	}
	return commit_of(r) % 4 == 0 ? STEP_FAILED : STEP_OK;
}

static enum step_outcome undo(struct run *r)
{
	for (size_t i = 0; i < r->record.n_targets && r->record.targets[i].known; i++) {
		struct cell c = cell_read(r->home, (int)i), was = before(&r->record.targets[i]);
		if (c.commit != commit_of(r) && c.version != was.version)
			continue;
		if (!cell_write(r->home, (int)i, c.version, was.commit))
			return STEP_FAILED;
	}
	return STEP_OK;
}

static bool move_ref(struct run *r)
{
	struct cell c = cell_read(r->home, REF);
	return c.commit == commit_of(r) ||
	       (c.commit == old_of(r) && cell_write(r->home, REF, c.version, commit_of(r)));
}

static enum step_outcome perform(struct run *r, enum todo todo)
{
	switch (todo) {
	case CLAIM:
		return claim_targets(r);
	case DELIVER:
		return deliver(r);
	case WATCH:
		return watch(r);
	case UNDO:
		return undo(r);
	case MOVE_REFS:
		return move_ref(r) ? STEP_OK : STEP_FAILED;
	case PERSIST:
		return journal_save(r->journal, &r->record, NULL) == 0 ? STEP_OK : STEP_FAILED;
	default:
		return STEP_OK;
	}
}

static void drive(struct run *r)
{
	while (!push_machine_ended(&r->m)) {
		enum todo todo = r->todo;
		r->todo = NOTHING;
		if (todo != NOTHING) {
			push_machine_step(&r->m, perform(r, todo), clock_mono_ms());
			continue;
		}
		usleep(1000);
		push_machine_tick(&r->m, clock_mono_ms());
	}
}

static const struct push_config CONFIG = { .timeout_ms = 20000, .undo_timeout_ms = 20000 };

/* --- processes --- */

static void resume(const char *home, const char *id)
{
	struct run r = { .home = home };
	r.journal = journal_take(home, id, &r.a, &r.record, NULL);
	if (r.journal && !journal_finished(&r.record) &&
	    (r.record.state != PIPE_ACCEPT || !journal_receiver_alive(&r.record) ||
	     r.record.receiver_pid == getppid())) {
		bool moved = cell_read(home, REF).commit == commit_of(&r);
		push_machine_init(&r.m, &HOST, &r, &CONFIG);
		push_machine_resume(&r.m, r.record.state, moved, clock_mono_ms());
		drive(&r);
	}
	journal_close(r.journal);
	arena_release(&r.a);
}

static struct journal_record new_record(struct arena *a, const char *home, int64_t commit)
{
	struct journal_record record = record_plain();
	struct journal_ref *ref = arena_new(a, struct journal_ref);
	ref->name = "refs/heads/main";
	snprintf(ref->old, sizeof(ref->old), "%040lld", (long long)cell_read(home, REF).commit);
	snprintf(ref->new, sizeof(ref->new), "%040lld", (long long)commit);
	record.refs = ref;
	record.n_refs = 1;
	record.targets = arena_array(a, struct journal_target, TARGETS);
	record.n_targets = TARGETS;
	for (int i = 0; i < TARGETS; i++)
		record.targets[i] = (struct journal_target){
			.environment = "prod",
			.key = arena_printf(a, "app shop/%d", i),
			.namespace = "shop",
			.app = "web",
		};
	record.receiver_pid = getppid();
	record.receiver_start = journal_process_start(getppid());
	return record;
}

static int hook(const char *home, int64_t commit)
{
	struct run r = { .home = home };
	r.record = new_record(&r.a, home, commit);
	r.journal = journal_create(home, &r.record, NULL);
	if (!r.journal)
		return 1;
	push_machine_init(&r.m, &HOST, &r, &CONFIG);
	push_machine_start(&r.m, clock_mono_ms());
	drive(&r);
	journal_close(r.journal);
	return r.accepted ? 0 : 1;
}

/* The push of this receiver. */
static int post_receive(const char *home)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record *all;
	size_t n, unreadable;
	if (journal_unfinished(&a, home, NULL, &all, &n, &unreadable, NULL) < 0)
		return 1;
	for (size_t i = 0; i < n; i++)
		if (all[i].receiver_pid == getppid())
			resume(home, all[i].id);
	return 0;
}

static int wait_for(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int receiver(const char *home, int64_t commit)
{
	setpgid(0, 0);
	int64_t old = cell_read(home, REF).commit;
	pid_t pid = fork();
	if (pid == 0)
		_exit(hook(home, commit));
	if (wait_for(pid) != 0)
		return 0;
	struct cell c = cell_read(home, REF);
	if (c.commit != old || !cell_write(home, REF, c.version, commit))
		return 0;
	pid = fork();
	if (pid == 0)
		_exit(post_receive(home));
	wait_for(pid);
	return 0;
}

/* How many were there. */
static size_t sweep(const char *home)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record *all;
	size_t n, unreadable;
	assert_int_equal(journal_unfinished(&a, home, NULL, &all, &n, &unreadable, NULL), 0);
	assert_int_equal(unreadable, 0);
	for (size_t i = 0; i < n; i++)
		resume(home, all[i].id);
	return n;
}

/* A receiver is killed with its hook, as all of a group; the service alone. */
static void one_round(const char *home, int64_t first, uint32_t *chance)
{
	pid_t pids[PUSHES + 1];
	for (int i = 0; i < PUSHES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(receiver(home, first + i));
		usleep(random_next(chance) % 4000);
	}
	pids[PUSHES] = fork();
	if (pids[PUSHES] == 0) {
		for (;;) {
			sweep(home);
			usleep(2000);
		}
	}
	usleep(random_next(chance) % KILL_WITHIN_US);
	for (int i = 0; i < PUSHES; i++)
		if (random_next(chance) % 3)
			kill(-pids[i], SIGKILL);
	usleep(random_next(chance) % 3000);
	kill(pids[PUSHES], SIGKILL);
	for (int i = 0; i <= PUSHES; i++)
		wait_for(pids[i]);
}

static void check_round(const char *home, bool done[])
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record *all;
	size_t n, unreadable;
	int64_t ref = cell_read(home, REF).commit;
	for (int i = 0; i < TARGETS; i++)
		if (cell_read(home, i).commit != ref)
			fail_msg("the ref is at %lld, target %d runs %lld", (long long)ref, i,
				 (long long)cell_read(home, i).commit);
	assert_int_equal(journal_list(&a, home, NULL, &all, &n, &unreadable, NULL), 0);
	assert_int_equal(unreadable, 0);
	for (size_t i = 0; i < n; i++) {
		int64_t commit = strtoll(all[i].refs[0].new, NULL, 10);
		assert_true(journal_finished(&all[i]) && !all[i].unclean);
		/* What is refused is nowhere; what was done stays done. */
		if (all[i].state == PIPE_REFUSED)
			assert_true(ref != commit && !done[commit]);
		done[commit] |= all[i].state == PIPE_DONE;
	}
	assert_true(ref == 0 || done[ref]);
}

static void killed_at_random(void **state)
{
	const char *home = *state;
	static bool done[ROUNDS * PUSHES + 2];
	uint32_t chance = 12345;
	size_t n = 0;
	for (int round = 0; round < ROUNDS; round++) {
		one_round(home, 1 + round * PUSHES, &chance);
		/* A killed orphan may have its lock for a moment yet. */
		for (int i = 0; i < 5000 && sweep(home) > 0; i++)
			usleep(1000);
		check_round(home, done);
	}
	for (size_t i = 0; i < sizeof(done); i++)
		n += done[i];
	/* Neither all nor none, or the test shows little. */
	assert_in_range(n, 3, ROUNDS * PUSHES - 10);
	print_message("%zu of %d pushes are done\n", n, ROUNDS * PUSHES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_at_random, home_setup, home_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
