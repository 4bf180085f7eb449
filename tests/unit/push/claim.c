/*
 * Claims: who gets a target, who has to wait for what, and that no two processes ever have it, though some
 * are killed while they do.
 */
#include "unit/push/records.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "push/claim.h"
#include "push/home.h"

#define KEY "app shop/web"

static enum claim_answer try(const char *home, const char *id, char owner[JOURNAL_ID_MAX + 1])
{
	enum claim_answer answer;
	struct error err = ERROR_INIT;
	if (claim_try(home, KEY, id, "bob", &answer, owner, &err) != 0)
		fail_msg("%s", err.text);
	return answer;
}

struct push {
	struct journal_record record;
	struct journal *journal;
};

static void begin(struct push *p, const char *home)
{
	usleep(2000); /* ids that differ in their time */
	p->record = record_plain();
	p->journal = record_create(home, &p->record);
}

static void end(struct push *p, enum push_state state)
{
	record_save(p->journal, &p->record, state);
	journal_close(p->journal);
}

static void belongs_to_one_until_it_is_finished(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	char owner[JOURNAL_ID_MAX + 1];
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	assert_int_equal(try(home, old.record.id, owner), CLAIM_OURS);
	assert_int_equal(try(home, old.record.id, owner), CLAIM_OURS);
	record_save(old.journal, &old.record, PIPE_WATCH);
	assert_null(journal_preempted(&a, old.journal));
	enum claim_answer answer;
	assert_int_equal(claim_try(home, KEY, new.record.id, NULL, &answer, owner, NULL), 0);
	assert_int_equal(answer, CLAIM_TAKEN);
	assert_null(journal_preempted(&a, old.journal));
	assert_int_equal(try(home, new.record.id, owner), CLAIM_TAKEN);
	assert_string_equal(owner, old.record.id);
	assert_string_equal(journal_preempted(&a, old.journal), "bob");
	/* Given back by nobody but its owner. */
	claim_release(home, KEY, new.record.id);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_TAKEN);
	claim_release(home, KEY, old.record.id);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	assert_string_equal(owner, new.record.id);
	end(&old, PIPE_REFUSED);
	end(&new, PIPE_DONE);
}

static void older_push_gives_way_to_a_newer_one(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	char owner[JOURNAL_ID_MAX + 1];
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	assert_int_equal(try(home, old.record.id, owner), CLAIM_NEWER);
	assert_null(journal_preempted(&a, new.journal));
	end(&old, PIPE_REFUSED);
	end(&new, PIPE_DONE);
}

static void what_is_decided_is_not_disturbed(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	char owner[JOURNAL_ID_MAX + 1];
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	try(home, old.record.id, owner);
	record_save(old.journal, &old.record, PIPE_ACCEPT);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_TAKEN);
	assert_null(journal_preempted(&a, old.journal));
	end(&old, PIPE_DONE);
	end(&new, PIPE_DONE);
}

static void left_by_a_dead_process(void **state)
{
	const char *home = *state;
	char owner[JOURNAL_ID_MAX + 1];
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	try(home, old.record.id, owner);
	cleanup_arena struct arena a = ARENA_INIT;
	for (enum push_state s = PIPE_NEW; s < PIPE_DONE; s++) {
		record_save(old.journal, &old.record, s);
		journal_close(old.journal);
		assert_int_equal(try(home, new.record.id, owner), CLAIM_LEFT);
		assert_string_equal(owner, old.record.id);
		old.journal = journal_take(home, old.record.id, &a, &old.record, NULL);
		assert_non_null(old.journal);
	}
	/* git still moves the refs: post-receive will come. */
	old.record.receiver_pid = getpid();
	old.record.receiver_start = journal_process_start(getpid());
	record_save(old.journal, &old.record, PIPE_ACCEPT);
	journal_close(old.journal);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_TAKEN);
	/* Finished, but killed before it gave the target back. */
	old.journal = journal_take(home, old.record.id, &a, &old.record, NULL);
	end(&old, PIPE_DONE);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	end(&new, PIPE_DONE);
}

static void unclean_push_that_is_tried_again(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	char owner[JOURNAL_ID_MAX + 1];
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	old.record.unclean = true;
	end(&old, PIPE_REFUSED);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	claim_release(home, KEY, new.record.id);
	old.journal = journal_take(home, old.record.id, &a, &old.record, NULL);
	assert_int_equal(try(home, old.record.id, owner), CLAIM_OURS);
	assert_int_equal(try(home, new.record.id, owner), CLAIM_TAKEN);
	assert_null(journal_preempted(&a, old.journal));
	journal_close(old.journal); /* killed, say */
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	end(&new, PIPE_DONE);
}

static void damage_is_told_and_not_guessed_about(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	char owner[JOURNAL_ID_MAX + 1], hex[HASH_HEX_LEN + 1];
	enum claim_answer answer;
	struct error err = ERROR_INIT;
	struct push old, new;
	begin(&old, home);
	begin(&new, home);
	try(home, old.record.id, owner);
	const char *record = push_path(&a, home, "pushes", old.record.id, "record.json", NULL);
	journal_close(old.journal);
	assert_int_equal(truncate(record, 10), 0);
	assert_int_equal(claim_try(home, KEY, new.record.id, "bob", &answer, owner, &err), -1);
	assert_non_null(strstr(err.text, old.record.id));
	/* A push that is not there any more had ended. */
	files_remove(push_path(&a, home, "pushes", old.record.id, NULL));
	assert_int_equal(try(home, new.record.id, owner), CLAIM_OURS);
	hash_hex(hash_of(STR(KEY)), hex);
	static const char *const texts[] = { "", "\n", "../../x\n", "20261128-150405123-a1b2c3-4d5e/..\n" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(
			push_replace(push_path(&a, home, "targets", hex, NULL), str_of(texts[i]), NULL), 0);
		assert_int_equal(claim_try(home, KEY, new.record.id, "bob", &answer, owner, &err), -1);
		assert_non_null(strstr(err.text, "damaged"));
	}
	end(&new, PIPE_DONE);
}

/* --- many processes --- */

struct shared {
	_Atomic int inside, most, had, killed;
};

enum { CLAIMERS = 8, ROUNDS = 6 };

/* As a process would that finds a dead one's push: to its end, then it is free. */
static void resume(const char *home, const char *id)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r;
	struct journal *j = journal_take(home, id, &a, &r, NULL);
	if (!j)
		return;
	r.state = PIPE_REFUSED;
	if (journal_save(j, &r, NULL) == 0)
		claim_release(home, KEY, id);
	journal_close(j);
}

static void use(struct shared *s)
{
	int now = atomic_fetch_add(&s->inside, 1) + 1;
	if (now > atomic_load(&s->most))
		atomic_store(&s->most, now);
	usleep(300);
	atomic_fetch_sub(&s->inside, 1);
	atomic_fetch_add(&s->had, 1);
}

static int one_round(const char *home, struct shared *s, bool dies)
{
	struct journal_record r = record_plain();
	struct journal *j = journal_create(home, &r, NULL);
	char owner[JOURNAL_ID_MAX + 1];
	enum claim_answer answer = CLAIM_TAKEN;
	for (int i = 0; i < 20000 && answer != CLAIM_OURS; i++) {
		if (!j || claim_try(home, KEY, r.id, "x", &answer, owner, NULL) < 0)
			return 1;
		if (answer == CLAIM_LEFT)
			resume(home, owner);
		else if (answer != CLAIM_OURS)
			usleep(500);
	}
	if (answer != CLAIM_OURS)
		return 2;
	r.state = PIPE_DELIVER;
	if (journal_save(j, &r, NULL) < 0)
		return 3;
	use(s);
	if (dies) {
		atomic_fetch_add(&s->killed, 1);
		raise(SIGKILL);
	}
	r.state = PIPE_DONE;
	if (journal_save(j, &r, NULL) < 0)
		return 4;
	claim_release(home, KEY, r.id);
	journal_close(j);
	return 0;
}

static void no_two_processes_have_it(void **state)
{
	const char *home = *state;
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[CLAIMERS];
	assert_true(s != MAP_FAILED);
	for (int i = 0; i < CLAIMERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int rc = 0;
			for (int k = 0; k < ROUNDS && rc == 0; k++)
				rc = one_round(home, s, i % 2 && k == ROUNDS - 1);
			_exit(rc);
		}
	}
	for (int i = 0; i < CLAIMERS; i++) {
		int status;
		waitpid(pids[i], &status, 0);
		if (i % 2)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_int_equal(s->most, 1);
	assert_int_equal(s->had, CLAIMERS * ROUNDS);
	assert_int_equal(s->killed, CLAIMERS / 2);
	munmap(s, sizeof(*s));
}

int main(void)
{
#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, home_setup, home_teardown)
	static const struct CMUnitTest tests[] = {
		WITH_HOME(belongs_to_one_until_it_is_finished),
		WITH_HOME(older_push_gives_way_to_a_newer_one),
		WITH_HOME(what_is_decided_is_not_disturbed),
		WITH_HOME(left_by_a_dead_process),
		WITH_HOME(unclean_push_that_is_tried_again),
		WITH_HOME(damage_is_told_and_not_guessed_about),
		WITH_HOME(no_two_processes_have_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
