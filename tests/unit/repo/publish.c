/* Files pushed to branches of real remotes: races with others, refusals, ends; and from a person's checkout.
 */
#include "unit/repo/git_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "repo/commit_local.h"
#include "repo/publish.h"
#include "repo/tree.h"

enum { WRITERS = 4, ROUNDS = 3 };

struct fixture {
	struct git_fixture git;
	char url[96], mirror[96], checkout[96];
	struct remote_options options;
	struct local_options local;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "publish");
	git_do(&f->git,
	       "git init -q --bare -b main origin && git -C origin config user.name t && git -C origin config user.email t@t && git clone -q origin work 2>/dev/null && cd work && git checkout -q -b main && "
	       "echo 1 >f && git add . && git commit -qm one && git push -q origin main");
	snprintf(f->url, sizeof(f->url), "file://%s/origin", f->git.dir);
	snprintf(f->mirror, sizeof(f->mirror), "%s/mirror.git", f->git.dir);
	snprintf(f->checkout, sizeof(f->checkout), "%s/work", f->git.dir);
	f->options = (struct remote_options){
		.url = f->url, .mirror = f->mirror, .timeout_ms = 20000, .max_bytes = 64u << 20
	};
	f->local = (struct local_options){ .dir = f->checkout, .timeout_ms = 20000, .deadline_ms = 60000 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	repo_tree_forget(f->mirror);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static struct commit_spec spec_of(const struct commit_file *file, const char *dir)
{
	return (struct commit_spec){
		.dir = dir, .files = file, .n = 1, .subject = "rendered", .when_ms = clock_wall_ms()
	};
}

static int publish_to(struct fixture *f, const char *branch, const char *dir, const char *text,
		      struct publish_result *out, struct error *err)
{
	struct commit_file file = { "file.yaml", str_of(text), false };
	struct commit_spec spec = spec_of(&file, dir);
	return publish_wait(&f->options, branch, &spec, 30000, out, err);
}

static struct publish_result publish(struct fixture *f, const char *branch, const char *dir, const char *text)
{
	struct publish_result result;
	struct error err = ERROR_INIT;
	if (publish_to(f, branch, dir, text, &result, &err) != 0)
		fail_msg("%s", err.text);
	return result;
}

static void expect(struct fixture *f, const char *what, const char *command)
{
	cleanup_free char *found = git_run(&f->git, "%s", command);
	assert_string_equal(found, what);
}

static void a_branch_grows_by_what_changes(void **state)
{
	struct fixture *f = *state;
	struct publish_result first = publish(f, "rendered/prod", "", "1");
	assert_true(first.changed);
	expect(f, first.sha, "git -C origin rev-parse rendered/prod");
	expect(f, "1", "git -C origin rev-list --count rendered/prod");
	struct publish_result same = publish(f, "rendered/prod", "", "1");
	assert_false(same.changed);
	assert_string_equal(same.sha, first.sha);
	struct publish_result second = publish(f, "rendered/prod", "", "2");
	assert_true(second.changed);
	expect(f, "2", "git -C origin rev-list --count rendered/prod");
	/* On top of what a person did meanwhile, which stays in history. */
	git_do(&f->git,
	       "git clone -q -b rendered/prod origin other && cd other && echo by-hand >file.yaml && git commit -qam hand && "
	       "git push -q");
	publish(f, "rendered/prod", "", "3");
	expect(f, "4", "git -C origin rev-list --count rendered/prod");
	expect(f, "3", "git -C origin show rendered/prod:file.yaml");
	/* A branch that somebody deleted is begun again. */
	git_do(&f->git, "git -C origin update-ref -d refs/heads/rendered/prod");
	publish(f, "rendered/prod", "", "3");
	expect(f, "1", "git -C origin rev-list --count rendered/prod");
	git_do(&f->git, "git -C origin fsck --strict");
}

/* Each writer is a process with a mirror of its own, that writes ROUNDS times. */
static void write_at_once(struct fixture *f, bool same)
{
	pid_t children[WRITERS];
	for (unsigned i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		char mirror[128], dir[16], text[16];
		int rc = 0;
		snprintf(mirror, sizeof(mirror), "%s/mirror%u.git", f->git.dir, i);
		snprintf(dir, sizeof(dir), "%s%u", same ? "all" : "w", same ? 0 : i);
		f->options.mirror = mirror;
		for (unsigned k = 0; k < ROUNDS && rc == 0; k++) {
			struct publish_result result;
			struct error err = ERROR_INIT;
			snprintf(text, sizeof(text), "%u", k);
			rc = publish_to(f, "shared", dir, text, &result, &err);
			if (rc != 0)
				fprintf(stderr, "%s\n", err.text);
		}
		_exit(rc == 0 ? 0 : 1);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

static void writers_at_once_lose_nothing(void **state)
{
	struct fixture *f = *state;
	write_at_once(f, false);
	expect(f, "12", "git -C origin rev-list --count shared");
	expect(f, "w0/file.yaml w1/file.yaml w2/file.yaml w3/file.yaml ",
	       "git -C origin ls-tree -r --name-only shared | tr '\\n' ' '");
	expect(f, "2", "git -C origin show shared:w2/file.yaml");
	git_do(&f->git, "git -C origin fsck --strict");
}

static void writers_of_the_same_converge(void **state)
{
	struct fixture *f = *state;
	struct publish_result result = publish(f, "shared", "all", "end");
	pid_t children[WRITERS];
	for (unsigned i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			char mirror[128];
			struct publish_result mine;
			snprintf(mirror, sizeof(mirror), "%s/mirror%u.git", f->git.dir, i);
			f->options.mirror = mirror;
			_exit(publish_to(f, "shared", "all", "new", &mine, NULL) == 0 ? 0 : 1);
		}
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		int status;
		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	expect(f, "2", "git -C origin rev-list --count shared");
	assert_true(result.changed);
}

static void a_push_that_loses_at_the_server_is_made_again(void **state)
{
	struct fixture *f = *state;
	publish(f, "b", "", "1");
	/* Another commit lands between our push and its end, twice. */
	git_do(&f->git,
	       "cat >origin/hooks/pre-receive <<'E'\n#!/bin/sh\n"
	       "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
	       "n=$(cat count 2>/dev/null || echo 0)\n[ $n -ge 2 ] && exit 0\necho $((n + 1)) >count\n"
	       "c=$(git commit-tree b^{tree} -p b -m other)\ngit update-ref refs/heads/b $c\nE\nchmod +x origin/hooks/pre-receive");
	struct publish_result result = publish(f, "b", "", "2");
	assert_int_equal(result.tries, 3);
	expect(f, "4", "git -C origin rev-list --count b");
	expect(f, "2", "git -C origin show b:file.yaml");
}

struct editing {
	struct fixture *f;
	unsigned calls;
	struct commit_file file;
	int answer;
};

/* The first time somebody else pushes meanwhile. What is written tells what was there. */
static int edit(void *ctx, struct arena *a, const char *git_dir, const char *parent, struct commit_spec *spec,
		struct error *err)
{
	struct editing *e = ctx;
	struct repo_files there;
	if (repo_tree_read(git_dir, parent, "f", NULL, a, &there, err) != 0 || there.n != 1)
		return error_set(err, "f is not there");
	if (e->calls++ == 0)
		git_do(&e->f->git, "cd work && echo 2 >f && git commit -qam two && git push -q origin main");
	e->file = (struct commit_file){ .path = "g" };
	e->file.data = str_of(arena_printf(a, "beside %.*s", STR_ARG(there.files[0].data)));
	spec->files = &e->file;
	spec->n = 1;
	return e->answer ? e->answer < 0 ? error_set(err, "no") : 1 : 0;
}

static bool nothing_goes(const char *path)
{
	return false;
}

static void files_are_made_anew_for_each_try(void **state)
{
	struct fixture *f = *state;
	struct editing e = { .f = f };
	struct publish_result result;
	struct error err = ERROR_INIT;
	struct commit_spec spec = {
		.dir = "", .goes = nothing_goes, .subject = "edit", .edit = edit, .edit_ctx = &e
	};
	assert_int_equal(publish_wait(&f->options, "main", &spec, 30000, &result, &err), 0);
	assert_true(result.changed && result.tries == 2 && e.calls == 2);
	expect(f, "beside 2", "git -C origin show main:g");
	expect(f, "2", "git -C origin show main:f");
	e.answer = 1;
	assert_int_equal(publish_wait(&f->options, "main", &spec, 30000, &result, &err), 0);
	assert_true(!result.changed && result.sha[0]);
	e.answer = -1;
	assert_int_equal(publish_wait(&f->options, "main", &spec, 30000, &result, &err), -1);
	assert_string_equal(err.text, "no");
}

static void losing_for_ever_has_an_end(void **state)
{
	struct fixture *f = *state;
	struct publish_result result;
	struct error err = ERROR_INIT;
	struct commit_file file = { "file.yaml", STR("2"), false };
	struct commit_spec spec = spec_of(&file, "");
	publish(f, "b", "", "1");
	git_do(&f->git,
	       "cat >origin/hooks/pre-receive <<'E'\n#!/bin/sh\n"
	       "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
	       "git update-ref refs/heads/b $(git commit-tree b^{tree} -p b -m other)\nE\nchmod +x origin/hooks/pre-receive");
	assert_int_equal(publish_wait(&f->options, "b", &spec, 2000, &result, &err), -1);
	assert_non_null(strstr(err.text, "no end within 2 s"));
	assert_string_equal(result.sha, "");
}

static void a_refusal_is_told_in_its_words(void **state)
{
	struct fixture *f = *state;
	struct publish_result result;
	struct error err = ERROR_INIT;
	git_do(&f->git,
	       "printf '#!/bin/sh\\necho You shall not pass.\\nexit 1\\n' >origin/hooks/pre-receive && chmod +x origin/hooks/pre-receive");
	assert_int_equal(publish_to(f, "b", "", "1", &result, &err), -1);
	assert_non_null(strstr(err.text, "pre-receive hook declined"));
	assert_non_null(strstr(err.text, "You shall not pass."));
	assert_non_null(strstr(err.text, "branch b"));
	assert_int_equal(result.tries, 1);
}

static void what_cannot_be_reached(void **state)
{
	struct fixture *f = *state;
	struct publish_result result;
	struct error err = ERROR_INIT;
	f->options.url = "http://user:hunter2@127.0.0.1:9/x.git";
	assert_int_equal(publish_to(f, "b", "", "1", &result, &err), -1);
	assert_null(strstr(err.text, "hunter2"));
	assert_non_null(strstr(err.text, "127.0.0.1"));
	assert_int_equal(publish_to(f, "a..b", "", "1", &result, &err), -1);
	assert_non_null(strstr(err.text, "name of a branch"));
	f->options.url = "ext::sh";
	assert_int_equal(publish_to(f, "b", "", "1", &result, &err), -1);
}

struct queue {
	struct loop *loop;
	struct publisher *p;
	unsigned done, released, failed;
	unsigned wanted;
};

static void on_published(void *ctx, const struct publish_result *result)
{
	struct queue *q = ctx;
	q->failed += result->error != NULL;
	if (++q->done + q->released == q->wanted)
		loop_stop(q->loop);
}

static void on_released(void *ctx)
{
	struct queue *q = ctx;
	if (++q->released + q->done == q->wanted)
		loop_stop(q->loop);
}

static void jobs_wait_for_one_another_and_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct queue q = { .loop = loop_new(), .wanted = 6 };
	struct commit_file files[6];
	struct commit_spec specs[6];
	struct publish *jobs[6];
	char dirs[6][8];
	q.p = publisher_new(q.loop, &f->options);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "d%u", i);
		files[i] = (struct commit_file){ "x", STR("1"), false };
		specs[i] = spec_of(&files[i], dirs[i]);
		jobs[i] = publisher_push(q.p, i % 2 ? "odd" : "even", &specs[i], 20000, on_published, &q);
		assert_non_null(jobs[i]);
	}
	publish_cancel(jobs[0], on_released); /* the one whose turn it is */
	publish_cancel(jobs[3], on_released);
	loop_run(q.loop);
	assert_int_equal(q.done, 4);
	assert_int_equal(q.released, 2);
	assert_int_equal(q.failed, 0);
	expect(f, "d2/x d4/x ", "git -C origin ls-tree -r --name-only even | tr '\\n' ' '");
	expect(f, "d1/x d5/x ", "git -C origin ls-tree -r --name-only odd | tr '\\n' ' '");
	publisher_free(q.p);
	loop_free(q.loop);
}

/* --- from a checkout --- */

static int local_to(struct fixture *f, const char *branch, const char *text, struct local_result *out,
		    struct error *err)
{
	struct commit_file file = { "file.yaml", str_of(text), false };
	struct commit_spec spec = spec_of(&file, "");
	return commit_local(&f->local, branch, &spec, out, err);
}

static struct local_result local(struct fixture *f, const char *branch, const char *text)
{
	struct local_result result;
	struct error err = ERROR_INIT;
	if (local_to(f, branch, text, &result, &err) != 0)
		fail_msg("%s", err.text);
	return result;
}

static void expect_local_error(struct fixture *f, const char *branch, const char *words)
{
	struct local_result result;
	struct error err = ERROR_INIT;
	assert_int_equal(local_to(f, branch, "x", &result, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void a_checkout_gets_a_branch(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git,
	       "cd work && echo dirty >f && git config user.name Ada && git config user.email ada@example.com");
	struct local_result first = local(f, "rendered/prod", "1");
	assert_true(first.changed);
	assert_false(first.pushed);
	expect(f, first.sha, "git -C work rev-parse rendered/prod");
	expect(f, "dirty", "cat work/f");
	expect(f, "main", "git -C work rev-parse --abbrev-ref HEAD");
	assert_false(local(f, "rendered/prod", "1").changed);
	local(f, "rendered/prod", "2");
	expect(f, "2", "git -C work rev-list --count rendered/prod");
	expect(f, "", "git -C origin branch --list rendered/prod");
	expect_local_error(f, "main", "is checked out in");
	f->local.dir = f->git.dir;
	expect_local_error(f, "b", "not a git repository");
}

static void a_checkout_pushes(void **state)
{
	struct fixture *f = *state;
	local(f, "rendered/prod", "1");
	f->local.push = true;
	/* What was made before goes along, though nothing is new. */
	struct local_result result = local(f, "rendered/prod", "1");
	assert_false(result.changed);
	assert_true(result.pushed);
	assert_string_equal(result.remote, "origin");
	expect(f, result.sha, "git -C origin rev-parse rendered/prod");
	assert_false(local(f, "rendered/prod", "1").pushed);
	/* What came there meanwhile is taken. */
	git_do(&f->git,
	       "git clone -q -b rendered/prod origin other && cd other && echo x >README && git add . && git commit -qm hand && "
	       "git push -q");
	result = local(f, "rendered/prod", "2");
	expect(f, result.sha, "git -C origin rev-parse rendered/prod");
	expect(f, "3", "git -C work rev-list --count rendered/prod");
	/* Somebody who has only the remote's branch begins with that. */
	git_do(&f->git, "git -C work update-ref -d refs/heads/rendered/prod");
	f->local.push = false;
	local(f, "rendered/prod", "3");
	expect(f, "4", "git -C work rev-list --count rendered/prod");
	/* Both have commits of their own. */
	git_do(&f->git,
	       "cd other && git pull -q && echo y >README && git add . && git commit -qm more && git push -q");
	f->local.push = true;
	expect_local_error(f, "rendered/prod", "commits of their own");
}

static void a_checkout_that_loses_a_race_tries_again(void **state)
{
	struct fixture *f = *state;
	f->local.push = true;
	local(f, "b", "1");
	git_do(&f->git,
	       "cat >origin/hooks/pre-receive <<'E'\n#!/bin/sh\n"
	       "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
	       "n=$(cat count 2>/dev/null || echo 0)\n[ $n -ge 2 ] && exit 0\necho $((n + 1)) >count\n"
	       "c=$(git commit-tree b^{tree} -p b -m other)\ngit update-ref refs/heads/b $c\nE\nchmod +x origin/hooks/pre-receive");
	struct local_result result = local(f, "b", "2");
	assert_int_equal(result.tries, 3);
	expect(f, result.sha, "git -C origin rev-parse b");
	expect(f, result.sha, "git -C work rev-parse b");
	expect(f, "4", "git -C work rev-list --count b");
	git_do(&f->git,
	       "printf '#!/bin/sh\\necho You shall not pass.\\nexit 1\\n' >origin/hooks/pre-receive");
	expect_local_error(f, "b", "You shall not pass.");
	f->local.remote = "nowhere";
	expect_local_error(f, "b", "has no remote nowhere");
}

static void who_commits_is_who_git_says(void **state)
{
	struct fixture *f = *state;
	char sha[SHA_HEX_MAX + 1];
	bool dirty;
	struct error err = ERROR_INIT;
	git_do(&f->git, "cd work && git config user.name Ada && git config user.email ada@example.com");
	local(f, "b", "1");
	expect(f, "Ada <ada@example.com>", "git -C work log -1 --format='%an <%ae>' b");
	assert_int_equal(commit_local_head(f->checkout, sha, &dirty, &err), 0);
	expect(f, sha, "git -C work rev-parse HEAD");
	assert_false(dirty);
	git_do(&f->git, "echo 2 >work/f");
	assert_int_equal(commit_local_head(f->checkout, sha, &dirty, &err), 0);
	assert_true(dirty);
	assert_int_equal(commit_local_head(f->git.dir, sha, &dirty, &err), -1);
}

static void pauses_grow_up_to_their_cap(void **state)
{
	uint32_t random = 1;
	for (unsigned tries = 1; tries <= PUBLISH_TRIES_MAX; tries++) {
		int64_t whole = (int64_t)PUBLISH_PAUSE_MS << (tries < 16 ? tries - 1 : 15);
		whole = whole < PUBLISH_PAUSE_MAX_MS ? whole : PUBLISH_PAUSE_MAX_MS;
		int64_t pause = publish_pause(tries, &random);
		assert_in_range(pause, whole / 2, whole / 2 + whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_branch_grows_by_what_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(writers_at_once_lose_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(writers_of_the_same_converge, setup, teardown),
		cmocka_unit_test_setup_teardown(a_push_that_loses_at_the_server_is_made_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(files_are_made_anew_for_each_try, setup, teardown),
		cmocka_unit_test_setup_teardown(losing_for_ever_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_is_told_in_its_words, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(jobs_wait_for_one_another_and_can_be_cancelled, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_checkout_gets_a_branch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_checkout_pushes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_checkout_that_loses_a_race_tries_again, setup, teardown),
		cmocka_unit_test_setup_teardown(who_commits_is_who_git_says, setup, teardown),
		cmocka_unit_test(pauses_grow_up_to_their_cap),
	};
	unsetenv("GIT_AUTHOR_NAME");
	unsetenv("GIT_AUTHOR_EMAIL");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
