/* Remote bases from real repositories: what is fetched, what is not asked for again, and what is told. */
#include "unit/repo/git_fixture.h"

#include <sys/file.h>
#include <sys/wait.h>
#include <fcntl.h>

#include "base/clock.h"
#include "repo/remote_base.h"
#include "repo/tree.h"

enum { AT_ONCE = 3 };

struct fixture {
	struct git_fixture git;
	struct remote_cache_options options;
	struct remote_cache *cache;
	char cache_dir[96], url[96];
	char *warned;
	unsigned warnings, changes;
};

static void on_warning(void *ctx, const char *text)
{
	struct fixture *f = ctx;
	free(f->warned);
	f->warned = mem_strdup(text);
	f->warnings++;
}

static void on_change(void *ctx)
{
	((struct fixture *)ctx)->changes++;
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "base");
	git_do(&f->git,
	       "git init -q -b main origin && cd origin && echo 1 >f && git add . && git commit -qm one && git tag -am v1 v1");
	snprintf(f->cache_dir, sizeof(f->cache_dir), "%s/cache/bases", f->git.dir);
	snprintf(f->url, sizeof(f->url), "file://%s/origin", f->git.dir);
	f->options = (struct remote_cache_options){
		.dir = f->cache_dir,
		.timeout_ms = 20000,
		.wait_ms = 60000,
		.max_bytes = 64u << 20,
		.fresh_ms = 60000,
		.warn = on_warning,
		.changed = on_change,
		.ctx = f,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	remote_cache_free(f->cache);
	files_remove(f->git.dir);
	free(f->warned);
	free(f);
	return 0;
}

/* As a new process. */
static void reopen(struct fixture *f)
{
	struct error err = ERROR_INIT;
	remote_cache_free(f->cache);
	f->cache = remote_cache_new(&f->options, &err);
	if (!f->cache)
		fail_msg("%s", err.text);
}

static int find(struct fixture *f, const char *ref, struct remote_base *out, struct error *err)
{
	return remote_cache_find(f->cache, f->url, ref, false, out, err);
}

static void fetch(struct fixture *f, const char *ref)
{
	struct remote_want want = { f->url, ref, false };
	struct error err = ERROR_INIT;
	if (remote_cache_wait(f->cache, &want, 1, &err) != 0)
		fail_msg("%s", err.text);
}

/* The commit, fetched when it has to be. */
static struct remote_base get(struct fixture *f, const char *ref)
{
	struct remote_base base;
	struct error err = ERROR_INIT;
	if (find(f, ref, &base, &err) == 1)
		fetch(f, ref);
	if (find(f, ref, &base, &err) != 0)
		fail_msg("%s: %s", ref, err.text);
	assert_true(repo_tree_has(base.mirror, base.sha));
	return base;
}

static void expect_error(struct fixture *f, const char *ref, const char *words)
{
	struct remote_base base;
	struct error err = ERROR_INIT;
	if (find(f, ref, &base, &err) == 1)
		fetch(f, ref);
	assert_int_equal(find(f, ref, &base, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("%s: %s", ref, err.text);
}

static void expect_sha(struct fixture *f, const char *ref, const char *revision)
{
	cleanup_free char *sha = git_run(&f->git, "cd origin && git rev-parse '%s^{commit}'", revision);
	struct remote_base base = get(f, ref);
	if (strcmp(base.sha, sha) != 0)
		fail_msg("%s is %s, not %s", ref, base.sha, sha);
}

static void every_kind_of_ref(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *first = git_run(&f->git, "cd origin && git rev-parse HEAD");
	cleanup_free char *second = git_run(
		&f->git,
		"cd origin && echo 2 >f && git commit -qam two && git branch both && git tag both v1 && git tag 1.2.3 && git rev-parse HEAD");
	reopen(f);
	expect_sha(f, "", "main");
	expect_sha(f, "main", "main");
	expect_sha(f, "v1", "v1");
	expect_sha(f, "refs/heads/main", "main");
	expect_sha(f, "heads/main", "main");
	expect_sha(f, "both", "v1"); /* the tag comes first, as in git */
	expect_sha(f, "1.2.3", "main");
	expect_sha(f, first, first);
	char begin[11] = "";
	memcpy(begin, second, 10);
	expect_sha(f, begin, second);
	expect_error(f, "1.x", "no branch or tag is named 1.x");
	expect_error(f, "nothing", "no branch or tag is named nothing");
	expect_error(f, "-x", "is no name");
	expect_error(f, "a b", "is no name");
	expect_error(f, "1111111111111111111111111111111111111111", "origin");
}

static void what_is_here_needs_no_network(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *sha = git_run(&f->git, "cd origin && git rev-parse HEAD");
	reopen(f);
	get(f, sha);
	get(f, "main");
	reopen(f);
	git_do(&f->git, "mv origin away");
	struct remote_base base;
	assert_int_equal(find(f, sha, &base, NULL), 0);
	assert_int_equal(find(f, "main", &base, NULL), 0);
	assert_string_equal(base.sha, sha);
	assert_int_equal(find(f, "v1", &base, NULL), 1); /* another name was never asked for */
	assert_int_equal(f->warnings, 0);
}

static void a_branch_is_asked_for_when_it_is_old(void **state)
{
	struct fixture *f = *state;
	struct remote_base base;
	reopen(f);
	get(f, "main");
	git_do(&f->git, "cd origin && echo 2 >f && git commit -qam two");
	f->options.fresh_ms = 1;
	usleep(5000);
	reopen(f);
	assert_int_equal(find(f, "main", &base, NULL), 1);
	expect_sha(f, "main", "main");
	assert_int_equal(f->changes, 1);
	/* In one run it is asked for once. */
	git_do(&f->git, "cd origin && echo 3 >f && git commit -qam three");
	usleep(5000);
	expect_sha(f, "main", "main~1");
	f->options.fresh_ms = 60000;
	reopen(f);
	expect_sha(f, "main", "main~1");
	f->options.refresh = true;
	reopen(f);
	expect_sha(f, "main", "main");
}

static void an_unreachable_remote_leaves_what_is_here(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *sha = git_run(&f->git, "cd origin && git rev-parse HEAD");
	reopen(f);
	get(f, "main");
	git_do(&f->git, "mv origin away");
	f->options.fresh_ms = 1;
	usleep(5000);
	reopen(f);
	struct remote_base base = get(f, "main");
	assert_string_equal(base.sha, sha);
	assert_int_equal(f->warnings, 1);
	assert_non_null(strstr(f->warned, "main is used as it was 0 min ago"));
	assert_non_null(strstr(f->warned, f->url));
	/* Who wants it refreshed does not want an old one. */
	f->options.refresh = true;
	reopen(f);
	expect_error(f, "main", "origin");
	f->options.refresh = false;
	f->options.offline = true;
	reopen(f);
	assert_int_equal(find(f, "main", &base, NULL), 0);
	expect_error(f, "v1", "--offline");
}

static void what_failed_is_tried_again_later(void **state)
{
	struct fixture *f = *state;
	struct remote_base base;
	struct error err = ERROR_INIT;
	f->options.retry_ms = 200;
	reopen(f);
	expect_error(f, "later", "later");
	git_do(&f->git, "cd origin && git branch later");
	assert_int_equal(find(f, "later", &base, &err), -1);
	usleep(250000);
	expect_sha(f, "later", "later");
}

static void one_that_fails_does_not_hold_up_others(void **state)
{
	struct fixture *f = *state;
	struct remote_base base;
	struct error err = ERROR_INIT;
	char other[128];
	snprintf(other, sizeof(other), "file://%s/nowhere", f->git.dir);
	reopen(f);
	struct remote_want wants[] = { { f->url, "nothing", false },
				       { other, "", false },
				       { f->url, "main", false },
				       { f->url, "v1", true } };
	assert_int_equal(remote_cache_wait(f->cache, wants, 4, &err), 0);
	assert_int_equal(find(f, "main", &base, &err), 0);
	assert_int_equal(remote_cache_find(f->cache, f->url, "v1", true, &base, &err), 0);
	assert_int_equal(find(f, "nothing", &base, &err), -1);
	assert_int_equal(remote_cache_find(f->cache, other, "", false, &base, &err), -1);
	assert_non_null(strstr(err.text, other));
}

static void submodules_are_part_of_it(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct remote_base base;
	struct repo_files files;
	struct error err = ERROR_INIT;
	git_do(&f->git,
	       "git init -q -b main lib && cd lib && echo lib >lib.yaml && git add . && git commit -qm lib && cd ../origin && "
	       "git submodule --quiet add ../lib parts && git commit -qm sub");
	reopen(f);
	struct remote_want want = { f->url, "main", true };
	assert_int_equal(remote_cache_wait(f->cache, &want, 1, &err), 0);
	if (remote_cache_find(f->cache, f->url, "main", true, &base, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(repo_tree_read(base.mirror, base.sha, "parts", NULL, &a, &files, &err), 0);
	assert_int_equal(files.n, 1);
}

static void only_what_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct remote_base base;
	struct error err = ERROR_INIT;
	char allowed_url[128];
	snprintf(allowed_url, sizeof(allowed_url), "%s/origin", f->git.dir);
	const char *allowed[] = { "https://github.com/acme/", allowed_url };
	f->options.allowed = allowed;
	f->options.n_allowed = 1;
	reopen(f);
	assert_int_equal(find(f, "main", &base, &err), -1);
	assert_non_null(strstr(err.text, "--allow-remote-base"));
	assert_int_equal(
		remote_cache_find(f->cache, "https://u:hunter2@evil.example/x", "", false, &base, &err), -1);
	assert_null(strstr(err.text, "hunter2"));
	/* Asked for all the same, nothing is fetched. */
	fetch(f, "main");
	assert_int_equal(find(f, "main", &base, &err), -1);
	f->options.n_allowed = 2;
	reopen(f);
	expect_sha(f, "main", "main");
	f->options.n_allowed = 0;
	reopen(f);
	assert_int_equal(find(f, "main", &base, &err), -1);
}

static void submodules_from_elsewhere_are_refused(void **state)
{
	struct fixture *f = *state;
	struct remote_base base;
	struct error err = ERROR_INIT;
	git_do(&f->git,
	       "git init -q -b main lib && cd lib && echo lib >lib.yaml && git add . && git commit -qm lib && cd ../origin && "
	       "git submodule --quiet add ../lib parts && git commit -qm sub");
	const char *allowed[] = { f->url };
	f->options.allowed = allowed;
	f->options.n_allowed = 1;
	reopen(f);
	struct remote_want want = { f->url, "main", true };
	assert_int_equal(remote_cache_wait(f->cache, &want, 1, &err), 0);
	assert_int_equal(remote_cache_find(f->cache, f->url, "main", true, &base, &err), -1);
	assert_non_null(strstr(err.text, "parts"));
	assert_non_null(strstr(err.text, "--allow-remote-base"));
}

static void two_processes_share_a_directory(void **state)
{
	struct fixture *f = *state;
	pid_t children[AT_ONCE];
	for (unsigned i = 0; i < AT_ONCE; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct remote_base base;
			struct remote_want want = { f->url, "main", false };
			struct remote_cache *c = remote_cache_new(&f->options, NULL);
			bool good = c && remote_cache_wait(c, &want, 1, NULL) == 0 &&
				    remote_cache_find(c, f->url, "main", false, &base, NULL) == 0;
			remote_cache_free(c);
			_exit(good ? 0 : 1);
		}
	}
	for (unsigned i = 0; i < AT_ONCE; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	git_do(&f->git,
	       "find cache; cat cache/bases/*.refs; test $(ls cache/bases/*.git/objects/pack/*.pack | wc -l) -le 1");
}

static void a_lock_that_stays_is_told(void **state)
{
	struct fixture *f = *state;
	f->options.timeout_ms = 300;
	reopen(f);
	expect_error(f, "nothing", "nothing"); /* makes the lock file */
	cleanup_free char *path = git_run(&f->git, "ls $PWD/cache/bases/*.lock");
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	reopen(f);
	expect_error(f, "main", "another process");
}

static void waiting_has_an_end(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct remote_base base;
	f->options.wait_ms = 300;
	reopen(f);
	expect_error(f, "nothing", "nothing");
	cleanup_free char *path = git_run(&f->git, "ls $PWD/cache/bases/*.lock");
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	struct remote_want want = { f->url, "main", false };
	int64_t before = clock_mono_ms();
	assert_int_equal(remote_cache_wait(f->cache, &want, 1, &err), -1);
	assert_true(clock_mono_ms() - before < 10000);
	assert_non_null(strstr(err.text, "longer than"));
	assert_int_equal(find(f, "main", &base, &err), -1);
}

static void a_directory_of_others_is_refused(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	git_do(&f->git, "mkdir -p cache/bases && chmod 777 cache/bases");
	assert_null(remote_cache_new(&f->options, &err));
	assert_non_null(strstr(err.text, "of one's own"));
	f->options.dir = "relative";
	assert_null(remote_cache_new(&f->options, &err));
}

struct polling {
	struct fixture *fixture;
	struct loop *loop;
	bool done;
};

static void on_done(void *ctx)
{
	struct polling *p = ctx;
	p->done = true;
	loop_stop(p->loop);
}

static void on_moved(void *ctx)
{
	struct polling *p = ctx;
	p->fixture->changes++;
	loop_stop(p->loop);
}

static void an_operator_hears_of_branches_that_move(void **state)
{
	struct fixture *f = *state;
	char sha[SHA_HEX_MAX + 1];
	struct polling p = { .fixture = f, .loop = loop_new() };
	f->options.loop = p.loop;
	f->options.poll_ms = 300;
	f->options.fresh_ms = 300000;
	f->options.changed = on_moved;
	f->options.ctx = &p;
	f->options.warn = NULL;
	reopen(f);
	assert_false(remote_cache_current(f->cache, f->url, "main", false, sha));
	struct remote_want want = { f->url, "main", false };
	remote_cache_fetch(f->cache, &want, 1, on_done, &p);
	while (!p.done)
		loop_run(p.loop);
	cleanup_free char *second =
		git_run(&f->git, "cd origin && echo 2 >f && git commit -qam two && git rev-parse HEAD");
	assert_true(remote_cache_current(f->cache, f->url, "main", false, sha));
	while (!f->changes)
		loop_run(p.loop);
	assert_true(remote_cache_current(f->cache, f->url, "main", false, sha));
	assert_string_equal(sha, second);
	remote_cache_free(f->cache);
	f->cache = NULL;
	loop_free(p.loop);
}

static void many_fetches_are_cleaned_up(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *path = NULL;
	reopen(f);
	get(f, "v1");
	path = git_run(&f->git, "ls $PWD/cache/bases/*.refs");
	git_do(&f->git, "sed -i '1s/.*/64/' %s && cd origin && echo 2 >f && git commit -qam two", path);
	f->options.fresh_ms = 1;
	usleep(5000);
	reopen(f);
	expect_sha(f, "main", "main");
	/* What was there is in one pack; what came after is not. */
	git_do(&f->git, "ls cache/bases/*.git/packed-refs && test $(head -1 %s) = 1", path);
	struct remote_base base;
	f->options.offline = true;
	reopen(f);
	assert_int_equal(find(f, "v1", &base, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind_of_ref, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_here_needs_no_network, setup, teardown),
		cmocka_unit_test_setup_teardown(a_branch_is_asked_for_when_it_is_old, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unreachable_remote_leaves_what_is_here, setup, teardown),
		cmocka_unit_test_setup_teardown(what_failed_is_tried_again_later, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_fails_does_not_hold_up_others, setup, teardown),
		cmocka_unit_test_setup_teardown(submodules_are_part_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_is_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(submodules_from_elsewhere_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(two_processes_share_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lock_that_stays_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_of_others_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(an_operator_hears_of_branches_that_move, setup, teardown),
		cmocka_unit_test_setup_teardown(many_fetches_are_cleaned_up, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
