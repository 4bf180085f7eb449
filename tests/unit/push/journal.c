/*
 * Records of pushes: they come back as they were written, whatever kills the writer or damages the file;
 * locks, lists, the request to give way, and what is tidied away.
 */
#include "unit/push/records.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "push/home.h"

static void assert_same(const char *a, const char *b)
{
	if (!a || !b)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

static void assert_equal(const struct journal_record *a, const struct journal_record *b)
{
	assert_string_equal(a->id, b->id);
	assert_same(a->repo, b->repo);
	assert_same(a->who, b->who);
	assert_same(a->reason, b->reason);
	assert_true(a->began_ms == b->began_ms && a->ended_ms == b->ended_ms);
	assert_true(a->state == b->state && a->unclean == b->unclean);
	assert_true(a->receiver_pid == b->receiver_pid && a->receiver_start == b->receiver_start);
	assert_int_equal(a->n_refs, b->n_refs);
	for (size_t i = 0; i < a->n_refs; i++) {
		assert_string_equal(a->refs[i].name, b->refs[i].name);
		assert_string_equal(a->refs[i].old, b->refs[i].old);
		assert_string_equal(a->refs[i].new, b->refs[i].new);
	}
	assert_int_equal(a->n_targets, b->n_targets);
	for (size_t i = 0; i < a->n_targets; i++) {
		const struct journal_target *s = &a->targets[i], *t = &b->targets[i];
		assert_same(s->environment, t->environment);
		assert_same(s->key, t->key);
		assert_same(s->namespace, t->namespace);
		assert_same(s->app, t->app);
		assert_same(s->before, t->before);
		assert_same(s->url, t->url);
		assert_same(s->branch, t->branch);
		assert_same(s->path, t->path);
		assert_string_equal(s->parent, t->parent);
		assert_string_equal(s->commit, t->commit);
		assert_true(s->kind == t->kind && s->known == t->known && s->keep == t->keep);
		assert_true(s->timeout_ms == t->timeout_ms);
	}
}

/* What is on disk. */
static void assert_stored(const char *home, const struct journal_record *expected)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record back;
	struct error err = ERROR_INIT;
	if (journal_read(&a, home, expected->id, &back, &err) != 0)
		fail_msg("%s", err.text);
	assert_equal(expected, &back);
}

static void record_comes_back(void **state)
{
	const char *home = *state;
	struct journal_record r = record_plain();
	struct journal *j = record_create(home, &r);
	assert_true(journal_id_ok(str_of(r.id)));
	assert_true(r.began_ms > 0);
	assert_stored(home, &r);
	r.receiver_pid = 77;
	r.receiver_start = INT64_MAX;
	r.reason = "the rollout of web failed";
	snprintf(r.targets[1].commit, sizeof(r.targets[1].commit), "%s", SHA_NEW);
	record_save(j, &r, PIPE_WATCH);
	assert_stored(home, &r);
	journal_close(j);
	assert_stored(home, &r);
}

static void words_of_others_become_one_line(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), back;
	struct journal *j = record_create(home, &r);
	char longest[JOURNAL_TEXT_MAX + 100];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + JOURNAL_TEXT_MAX - 1, "\xc3\xa9", 2); /* cut here, in the middle */
	longest[sizeof(longest) - 1] = '\0';
	r.reason = longest;
	r.who = "a\nb\x01\xff";
	record_save(j, &r, PIPE_CHECK);
	assert_int_equal(journal_read(&a, home, r.id, &back, NULL), 0);
	assert_string_equal(back.who, "a b ?");
	assert_int_equal(strlen(back.reason), JOURNAL_TEXT_MAX - 1);
	journal_close(j);
}

static void record_that_nobody_could_read_is_not_written(void **state)
{
	const char *home = *state;
	struct journal_record r = record_plain();
	struct journal *j = record_create(home, &r);
	struct journal_record bad = r;
	struct error err = ERROR_INIT;
	bad.repo = "no/such/name";
	assert_int_equal(journal_save(j, &bad, &err), -1);
	assert_non_null(strstr(err.text, "repo"));
	struct journal_ref ref = { .name = "main", .new = SHA_NEW };
	bad = r;
	bad.refs = &ref;
	bad.n_refs = 1;
	assert_int_equal(journal_save(j, &bad, &err), -1);
	assert_stored(home, &r);
	journal_close(j);
}

/* --- locks --- */

static void lock_is_held_by_one(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), taken;
	struct journal *j = record_create(home, &r);
	struct error err = ERROR_INIT;
	assert_true(journal_running(home, r.id));
	assert_null(journal_take(home, r.id, &a, &taken, &err));
	assert_string_equal(err.text, "");
	journal_close(j);
	assert_false(journal_running(home, r.id));
	j = journal_take(home, r.id, &a, &taken, &err);
	assert_non_null(j);
	assert_true(journal_running(home, r.id));
	assert_equal(&r, &taken);
	/* Looking does not take it, not for a moment. */
	journal_close(j);
	assert_false(journal_running(home, r.id));
	assert_null(journal_take(home, "20990101-000000000-aaaaaa-0000", &a, &taken, &err));
	assert_string_not_equal(err.text, "");
	assert_null(journal_take(home, "../../etc", &a, &taken, &err));
	assert_false(journal_running(home, "../x"));
}

static void lock_goes_with_its_process(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), taken;
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		record_create(home, &r);
		if (write(ready[1], r.id, sizeof(r.id)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], r.id, sizeof(r.id)), sizeof(r.id));
	assert_true(journal_running(home, r.id));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(journal_running(home, r.id));
	struct journal *j = journal_take(home, r.id, &a, &taken, NULL);
	assert_non_null(j);
	journal_close(j);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}

/* --- crashes and full disks --- */

static void killed_at_any_moment_the_record_is_whole(void **state)
{
	const char *home = *state;
	struct journal_record r = record_plain();
	struct journal *j = record_create(home, &r);
	journal_close(j);
	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			cleanup_arena struct arena a = ARENA_INIT;
			struct journal_record mine;
			j = journal_take(home, r.id, &a, &mine, NULL);
			for (int k = 0; j && k < 1000000; k++) {
				mine.state = k % 2 ? PIPE_WATCH : PIPE_DELIVER;
				mine.targets[0].before = k % 2 ? "{}" : "{\"a\":\"bbbbbbbbbbbbbbbbbbbb\"}";
				journal_save(j, &mine, NULL);
			}
			_exit(1);
		}
		usleep(500 + (useconds_t)(i * 331 % 6000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		cleanup_arena struct arena a = ARENA_INIT;
		struct journal_record back;
		struct error err = ERROR_INIT;
		if (journal_read(&a, home, r.id, &back, &err) != 0)
			fail_msg("after kill %d: %s", i, err.text);
		assert_int_equal(back.n_targets, 2);
		assert_true(strlen(back.targets[0].before) == (back.state == PIPE_WATCH ? 2 : 28) ||
			    back.state == PIPE_NEW);
	}
}

static void full_disk_keeps_the_record_before(void **state)
{
	const char *home = *state;
	struct journal_record r = record_plain();
	struct journal *j = record_create(home, &r);
	record_save(j, &r, PIPE_DELIVER);
	struct rlimit was, none = { 100, RLIM_INFINITY };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	struct error err = ERROR_INIT;
	struct journal_record next = r;
	next.state = PIPE_ACCEPT;
	int rc = journal_save(j, &next, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.text, "record.json"));
	assert_stored(home, &r);
	record_save(j, &next, PIPE_ACCEPT);
	assert_stored(home, &next);
	journal_close(j);
}

static void write_file(const char *home, const char *id, const char *name, const char *text, size_t n)
{
	cleanup_arena struct arena a = ARENA_INIT;
	FILE *f = fopen(push_path(&a, home, "pushes", id, name, NULL), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void half_written_record_is_refused(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct journal_record r = record_plain(), *list;
	struct journal *j = record_create(home, &r);
	journal_close(j);
	journal_record_write(&text, &r);
	size_t n, unreadable;
	for (size_t cut = 1; cut + 2 < text.n; cut += 7) {
		struct error err = ERROR_INIT;
		struct journal_record back;
		write_file(home, r.id, "record.json", text.p, cut);
		assert_int_equal(journal_read(&a, home, r.id, &back, &err), -1);
		assert_non_null(strstr(err.text, r.id));
	}
	/* Passed over, counted, and not taken. */
	assert_int_equal(journal_list(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_true(n == 0 && unreadable == 1);
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_true(n == 0 && unreadable == 1);
	struct error err = ERROR_INIT;
	assert_null(journal_take(home, r.id, &a, &r, &err));
	assert_true(journal_id_ok(str_of(r.id))); /* untouched */
	assert_string_not_equal(err.text, "");
	assert_false(journal_running(home, r.id));
	/* What a killed writer left beside it counts for nothing. */
	write_file(home, r.id, "record.json", text.p, text.n);
	write_file(home, r.id, "record.json.aBcDeF", text.p, text.n / 2);
	assert_stored(home, &r);
}

/* A power cut before anything was synced: the push is as if it had never been, and soon out of the way. */
static void record_that_was_lost_is_none(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	static const struct str lost[] = { { "", 0 }, { "\0\0\0\0", 4 } };
	for (size_t i = 0; i < 2; i++) {
		struct journal_record r = record_plain(), back, *list;
		struct journal *j = record_create(home, &r);
		const char *mark = push_path(&a, home, "pushes", "open", r.id, NULL);
		const char *dir = push_path(&a, home, "pushes", r.id, NULL);
		const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
		size_t n, unreadable;
		write_file(home, r.id, "record.json", lost[i].p, lost[i].n);
		assert_int_equal(journal_read(&a, home, r.id, &back, NULL), 1);
		assert_int_equal(journal_list(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
		assert_true(n == 0 && unreadable == 0);
		/* Not while its process lives, and not at once. */
		assert_int_equal(utimensat(AT_FDCWD, mark, old, 0), 0);
		assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
		assert_int_equal(access(dir, F_OK), 0);
		journal_close(j);
		assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
		assert_true(n == 0 && unreadable == 0);
		assert_int_equal(access(dir, F_OK), -1);
		assert_int_equal(access(mark, F_OK), -1);
	}
}

/* Each text is what stands in a good record; it becomes something that must be refused. */
static void hostile_records_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "\"repo\": \"team/shop\"", "\"repo\": \"../shop\"", "repo" },
		{ "\"repo\": \"team/shop\"", "\"repo\": \"team/shop/..\"", "repo" },
		{ "\"repo\": \"team/shop\"", "\"repo\": 7", "repo" },
		{ "\"state\": \"new\"", "\"state\": \"won\"", "state" },
		{ "\"state\": \"new\"", "\"state\": [\"new\"]", "state" },
		{ "\"began\": 5", "\"began\": -5", "began" },
		{ "\"began\": 5", "\"began\": 5.5", "began" },
		{ "\"began\": 5", "\"began\": 99999999999999999999", "began" },
		{ "\"who\": \"ann\"", "\"who\": \"a\\nb\"", "who" },
		{ "\"who\": \"ann\"", "\"who\": {}", "who" },
		{ "\"id\": \"1-a\"", "\"id\": \"1-b\"", "id" },
		{ "refs/heads/main", "refs/heads/../../x", "refs[0]" },
		{ "refs/heads/main", "--upload-pack=x", "refs[0]" },
		{ "refs/heads/main", "refs/heads/a\\u0000b", "refs[0]" },
		{ SHA_NEW, "2222", "refs[0]: new" },
		{ SHA_NEW, "222222222222222222222222222222222222222G", "refs[0]: new" },
		{ "\"namespace\": \"shop\"", "\"namespace\": \"a/b\"", "targets[0]" },
		{ "\"app\": \"web\"", "\"app\": \"-\"", "targets[0]" },
		{ "\"kind\": \"direct\"", "\"kind\": \"other\"", "targets[0]: kind" },
		{ "\"key\": \"app shop/web\"", "\"key\": \"\"", "targets[0]: key" },
		{ "\"timeoutMilliseconds\": 300000", "\"timeoutMilliseconds\": 999999999999", "targets[0]" },
		{ "\"url\": \"ssh://git@host/config.git\"", "\"url\": \"--x\"", "targets[1]: url" },
		{ "\"branch\": \"main\"", "\"branch\": \"-f\"", "targets[1]: branch" },
		{ "\"targets\": [", "\"id\": \"1-a\", \"targets\": [", "id" },
		{ "\"targets\": [", "\"x\": [", NULL },
	};
	cleanup_buf struct buf good = BUF_INIT;
	struct journal_record r = record_plain();
	memcpy(r.id, "1-a", 4);
	r.began_ms = 5;
	journal_record_write(&good, &r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		cleanup_buf struct buf text = BUF_INIT;
		struct error err = ERROR_INIT;
		struct journal_record back;
		const char *at = strstr(good.p, cases[i].from);
		if (!at)
			fail_msg("%s is not in the record", cases[i].from);
		buf_add(&text, good.p, (size_t)(at - good.p));
		buf_adds(&text, cases[i].to);
		buf_adds(&text, at + strlen(cases[i].from));
		int rc = journal_record_read(&a, buf_str(&text), "1-a", &back, &err);
		if (rc != (cases[i].says ? -1 : 0) || (cases[i].says && !strstr(err.text, cases[i].says)))
			fail_msg("%s: %d %s", cases[i].to, rc, err.text);
	}
}

static void caps_of_a_record(void **state)
{
	(void)state;
	cleanup_buf struct buf text = BUF_INIT;
	struct journal_record r = record_plain(), back;
	memcpy(r.id, "1-a", 4);
	struct journal_ref *refs = mem_alloc(sizeof(*refs) * (JOURNAL_REFS_MAX + 1));
	for (size_t i = 0; i <= JOURNAL_REFS_MAX; i++)
		refs[i] = (struct journal_ref){ .name = "refs/heads/x", .new = SHA_NEW };
	r.refs = refs;
	for (r.n_refs = JOURNAL_REFS_MAX; r.n_refs <= JOURNAL_REFS_MAX + 1; r.n_refs++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		buf_clear(&text);
		journal_record_write(&text, &r);
		int rc = journal_record_read(&a, buf_str(&text), "1-a", &back, &err);
		assert_int_equal(rc, r.n_refs > JOURNAL_REFS_MAX ? -1 : 0);
	}
	free(refs);
	char *before = mem_alloc(JOURNAL_BEFORE_MAX + 2);
	memset(before, 'b', JOURNAL_BEFORE_MAX + 1);
	r = record_plain();
	memcpy(r.id, "1-a", 4);
	for (int more = 1; more >= 0; more--) {
		cleanup_arena struct arena a = ARENA_INIT;
		before[JOURNAL_BEFORE_MAX + more] = '\0';
		r.targets[0].before = before;
		buf_clear(&text);
		journal_record_write(&text, &r);
		assert_int_equal(journal_record_read(&a, buf_str(&text), "1-a", &back, NULL), more ? -1 : 0);
	}
	free(before);
}

/* --- lists --- */

static void lists_are_of_a_repository_newest_first(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record made[5], *list;
	size_t n, unreadable;
	assert_int_equal(journal_list(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 0);
	for (int i = 0; i < 5; i++) {
		made[i] = record_plain();
		made[i].repo = i % 2 ? "team/other" : "team/shop";
		struct journal *j = record_create(home, &made[i]);
		made[i].unclean = i == 4;
		record_save(j, &made[i], i == 0 ? PIPE_DONE : i == 4 ? PIPE_REFUSED : PIPE_WATCH);
		journal_close(j);
		usleep(2000);
	}
	assert_int_equal(journal_list(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(list[i].id, made[4 - i].id);
	assert_int_equal(journal_list(&a, home, "team/shop", &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].id, made[4].id);
	assert_string_equal(list[2].id, made[0].id);
	/* Finished and clean: not open any more. */
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 4);
	assert_int_equal(journal_unfinished(&a, home, "team/shop", &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, made[4].id);
	assert_string_equal(list[1].id, made[2].id);
	assert_int_equal(unreadable, 0);
}

static void marks_of_finished_pushes_go(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), killed = record_plain(), *list;
	struct journal *j = record_create(home, &r);
	const char *mark = push_path(&a, home, "pushes", "open", r.id, NULL);
	assert_int_equal(access(mark, F_OK), 0);
	record_save(j, &r, PIPE_DONE);
	journal_close(j);
	journal_tidy(home, &r);
	assert_int_equal(access(mark, F_OK), -1);
	/* Killed between its end and its tidying. */
	j = record_create(home, &killed);
	mark = push_path(&a, home, "pushes", "open", killed.id, NULL);
	const char *tree = push_path(&a, home, "pushes", killed.id, "tree.git", NULL);
	assert_int_equal(mkdir(tree, 0700), 0);
	record_save(j, &killed, PIPE_DONE);
	size_t n, unreadable;
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_true(n == 0 && unreadable == 0);
	assert_int_equal(access(tree, F_OK), 0); /* it is about to do that itself */
	journal_close(j);
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(access(mark, F_OK), -1);
	assert_int_equal(journal_read(&a, home, killed.id, &r, NULL), 0);
	/* And before there was a push: that one may still come. */
	const char *early = push_path(&a, home, "pushes", "open", "20260101-000000000-aaaaaa-0000", NULL);
	fclose(fopen(early, "w"));
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(access(early, F_OK), 0);
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	assert_int_equal(utimensat(AT_FDCWD, early, old, 0), 0);
	assert_int_equal(journal_unfinished(&a, home, NULL, &list, &n, &unreadable, NULL), 0);
	assert_int_equal(access(early, F_OK), -1);
}

static void old_pushes_are_tidied_away(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), kept = record_plain(), *list;
	size_t n, unreadable;
	kept.repo = "team/other";
	struct journal *j = record_create(home, &kept);
	record_save(j, &kept, PIPE_DONE);
	journal_close(j);
	char open_id[JOURNAL_ID_MAX + 1], unclean_id[JOURNAL_ID_MAX + 1];
	for (unsigned i = 0; i < JOURNAL_KEPT + 5; i++) {
		r.unclean = i == 1;
		r.state = PIPE_NEW;
		j = record_create(home, &r);
		if (i == 0)
			memcpy(open_id, r.id, sizeof(open_id));
		if (i == 1)
			memcpy(unclean_id, r.id, sizeof(unclean_id));
		if (i > 0)
			record_save(j, &r, PIPE_REFUSED);
		journal_close(j);
		usleep(1100);
	}
	const char *tree = push_path(&a, home, "pushes", r.id, "tree.git", NULL);
	assert_int_equal(mkdir(tree, 0700), 0);
	assert_int_equal(mkdir(push_path(&a, tree, "objects", NULL), 0700), 0);
	journal_tidy(home, &r);
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(journal_list(&a, home, "team/shop", &list, &n, &unreadable, NULL), 0);
	/* The one that is not finished and the unclean one stay beside those that are kept. */
	assert_int_equal(n, JOURNAL_KEPT + 2);
	assert_string_equal(list[n - 1].id, open_id);
	assert_string_equal(list[n - 2].id, unclean_id);
	assert_int_equal(journal_list(&a, home, "team/other", &list, &n, &unreadable, NULL), 0);
	assert_int_equal(n, 1);
}

/* --- giving way, the log, git's process --- */

static void asked_to_give_way(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain();
	struct journal *j = record_create(home, &r);
	assert_null(journal_preempted(&a, j));
	assert_int_equal(journal_preempt(home, r.id, "bob\033[31m", NULL), 0);
	assert_string_equal(journal_preempted(&a, j), "bob [31m");
	assert_int_equal(journal_preempt(home, r.id, "carl", NULL), 0);
	assert_string_equal(journal_preempted(&a, j), "bob [31m");
	assert_int_equal(journal_preempt(home, "../x", "carl", NULL), -1);
	journal_close(j);
}

static void log_keeps_lines_up_to_its_cap(void **state)
{
	const char *home = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record r = record_plain(), taken;
	struct journal *j = record_create(home, &r);
	journal_log(j, STR("one\r\n\033two\tthree"));
	journal_close(j);
	j = journal_take(home, r.id, &a, &taken, NULL);
	journal_log(j, STR("four"));
	char text[64] = "";
	const char *path = push_path(&a, home, "pushes", r.id, "log", NULL);
	FILE *f = fopen(path, "r");
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), strlen("one   two\tthree\nfour\n"));
	fclose(f);
	assert_string_equal(text, "one   two\tthree\nfour\n");
	static char line[5000];
	memset(line, 'x', sizeof(line));
	for (size_t i = 0; i < 2 * JOURNAL_LOG_MAX / sizeof(line); i++)
		journal_log(j, (struct str){ line, sizeof(line) });
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, JOURNAL_LOG_MAX - 2 * sizeof(line), JOURNAL_LOG_MAX);
	journal_close(j);
}

static void receiver_is_known_by_pid_and_start(void **state)
{
	(void)state;
	struct journal_record r = record_plain();
	assert_false(journal_receiver_alive(&r));
	r.receiver_pid = getpid();
	r.receiver_start = journal_process_start(getpid());
	assert_true(r.receiver_start > 0);
	assert_true(journal_receiver_alive(&r));
	r.receiver_start++; /* the pid belongs to another by now */
	assert_false(journal_receiver_alive(&r));
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	r.receiver_pid = pid;
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(journal_process_start(pid), -1); /* a zombie moves nothing */
	waitpid(pid, NULL, 0);
	assert_int_equal(journal_process_start(pid), -1);
	assert_int_equal(journal_process_start(0), -1);
	assert_int_equal(journal_process_start(-1), -1);
}

static void ids(void **state)
{
	(void)state;
	static const char *const bad[] = { "",	      ".",   "..",   "open", "a",  "-1",
					   "new-abc", "1/2", "1..2", "1 2",  "1A", "1\n" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(journal_id_ok(str_of(bad[i])));
	assert_true(journal_id_ok(STR("20261128-150405123-a1b2c3-4d5e")));
	assert_true(journal_id_ok(STR("1234567890123456789012345678901234567890")));
	assert_false(journal_id_ok(STR("12345678901234567890123456789012345678901")));
}

int main(void)
{
#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, home_setup, home_teardown)
	static const struct CMUnitTest tests[] = {
		WITH_HOME(record_comes_back),
		WITH_HOME(words_of_others_become_one_line),
		WITH_HOME(record_that_nobody_could_read_is_not_written),
		WITH_HOME(lock_is_held_by_one),
		WITH_HOME(lock_goes_with_its_process),
		WITH_HOME(killed_at_any_moment_the_record_is_whole),
		WITH_HOME(full_disk_keeps_the_record_before),
		WITH_HOME(half_written_record_is_refused),
		WITH_HOME(record_that_was_lost_is_none),
		cmocka_unit_test(hostile_records_are_refused),
		cmocka_unit_test(caps_of_a_record),
		WITH_HOME(lists_are_of_a_repository_newest_first),
		WITH_HOME(marks_of_finished_pushes_go),
		WITH_HOME(old_pushes_are_tidied_away),
		WITH_HOME(asked_to_give_way),
		WITH_HOME(log_keeps_lines_up_to_its_cap),
		cmocka_unit_test(receiver_is_known_by_pid_and_start),
		cmocka_unit_test(ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
