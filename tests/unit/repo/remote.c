/* A mirror against real remotes: files on this machine, and a host that never answers. */
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "repo/files.h"
#include "repo/remote.h"
#include "repo/tree.h"

struct fixture {
	char dir[64];
	struct loop *loop;
	struct repo_remote *remote;
	char *error;
	bool changed, done;
};

static void shell(const struct fixture *f, const char *command)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(
		&text,
		"cd %s && export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t; %s",
		f->dir, command);
	assert_int_equal(system(text.p), 0);
}

static void on_done(void *ctx, bool changed, const char *error)
{
	struct fixture *f = ctx;
	f->done = true;
	f->changed = changed;
	free(f->error);
	f->error = error ? mem_strdup(error) : NULL;
	loop_stop(f->loop);
}

static void wait_done(struct fixture *f)
{
	f->done = false;
	loop_run(f->loop);
	assert_true(f->done);
}

static void poll(struct fixture *f)
{
	remote_poll(f->remote, on_done, f);
	wait_done(f);
}

static struct resolved fetch(struct fixture *f, const char *revision)
{
	struct resolved want;
	struct error err = ERROR_INIT;
	if (refs_resolve(remote_refs(f->remote), revision, &want, &err) != 0)
		fail_msg("%s", err.text);
	remote_fetch(f->remote, &want, 1, on_done, f);
	wait_done(f);
	return want;
}

static void open_options(struct fixture *f, struct remote_options options)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf mirror = BUF_INIT;
	buf_printf(&mirror, "%s/mirror.git", f->dir);
	options.mirror = mirror.p;
	f->remote = remote_new(f->loop, &options, &err);
	if (!f->remote)
		fail_msg("%s", err.text);
}

static void open_remote_with(struct fixture *f, const char *url, uint64_t max_bytes, int64_t timeout_ms,
			     bool submodules)
{
	open_options(f, (struct remote_options){ .url = url,
						 .timeout_ms = timeout_ms,
						 .max_bytes = max_bytes,
						 .submodules = submodules });
}

static void open_remote(struct fixture *f, const char *url, uint64_t max_bytes, int64_t timeout_ms)
{
	open_remote_with(f, url, max_bytes, timeout_ms, false);
}

static void open_origin(struct fixture *f, uint64_t max_bytes)
{
	cleanup_buf struct buf url = BUF_INIT;
	buf_printf(&url, "file://%s/origin", f->dir);
	open_remote(f, url.p, max_bytes, 20000);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/capstan-remote-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->loop = loop_new();
	shell(f,
	      "git init -q -b main origin && cd origin && echo 1 >f && git add . && git commit -qm one && git tag v1.0.0");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	remote_free(f->remote);
	loop_free(f->loop);
	files_remove(f->dir);
	free(f->error);
	free(f);
	return 0;
}

static void follows_commits_and_force_pushes(void **state)
{
	struct fixture *f = *state;
	open_origin(f, 1 << 30);
	poll(f);
	assert_null(f->error);
	assert_true(f->changed);
	struct resolved one = fetch(f, "main");
	assert_null(f->error);
	assert_true(repo_tree_has(remote_mirror(f->remote), one.sha));
	poll(f);
	assert_false(f->changed);
	shell(f, "cd origin && echo 2 >f && git commit -qam two");
	poll(f);
	assert_true(f->changed);
	struct resolved two = fetch(f, "main");
	assert_null(f->error);
	assert_string_not_equal(one.sha, two.sha);
	shell(f, "cd origin && git reset -q --hard HEAD~1 && echo 3 >f && git commit -qam three");
	poll(f);
	struct resolved three = fetch(f, "main");
	assert_null(f->error);
	assert_true(repo_tree_has(remote_mirror(f->remote), three.sha));
	/* A commit by its SHA, not at the tip of anything that was fetched. */
	struct resolved old = fetch(f, one.sha);
	assert_null(f->error);
	assert_string_equal(old.sha, one.sha);
}

static void a_killed_fetch_leaves_a_usable_mirror(void **state)
{
	struct fixture *f = *state;
	open_origin(f, 1 << 30);
	poll(f);
	fetch(f, "main");
	remote_free(f->remote);
	shell(f, "touch mirror.git/shallow.lock mirror.git/HEAD.lock mirror.git/objects/pack/tmp_pack_x");
	open_origin(f, 1 << 30);
	shell(f, "cd origin && echo 2 >f && git commit -qam two");
	poll(f);
	fetch(f, "main");
	assert_null(f->error);
}

static void a_large_repository_is_refused(void **state)
{
	struct fixture *f = *state;
	shell(f, "cd origin && head -c 3000000 /dev/urandom >big && git add . && git commit -qm big");
	open_origin(f, 1 << 20);
	poll(f);
	fetch(f, "main");
	assert_non_null(f->error);
	assert_non_null(strstr(f->error, "larger than 1 MiB"));
	assert_non_null(strstr(f->error, "maxSize"));
}

static void what_is_wrong_is_said_without_secrets(void **state)
{
	struct fixture *f = *state;
	open_remote(f, "http://user:hunter2@127.0.0.1:9/x.git", 1 << 30, 5000);
	poll(f);
	assert_non_null(f->error);
	assert_null(strstr(f->error, "hunter2"));
	assert_non_null(strstr(f->error, "127.0.0.1"));
}

static void a_remote_that_hangs_is_given_up(void **state)
{
	struct fixture *f = *state;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x.git", ntohs(at.sin_port));
	open_remote(f, url, 1 << 30, 1500);
	struct resolved want = { .sha = "1111111111111111111111111111111111111111" };
	int64_t before = clock_mono_ms();
	remote_fetch(f->remote, &want, 1, on_done, f);
	wait_done(f);
	assert_non_null(f->error);
	assert_non_null(strstr(f->error, "timeout"));
	assert_true(clock_mono_ms() - before < 10000);
	close(listener);
}

/* Settings that are numbered in the environment, and what belongs to another repository there. */
static void a_persons_environment_counts_when_asked_for(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf key = BUF_INIT;
	struct remote_options options = { .url = "file:///capstan-nowhere/origin",
					  .timeout_ms = 20000,
					  .max_bytes = 64u << 20 };
	buf_printf(&key, "url.file://%s/.insteadOf", f->dir);
	setenv("GIT_CONFIG_COUNT", "1", 1);
	setenv("GIT_CONFIG_KEY_0", key.p, 1);
	setenv("GIT_CONFIG_VALUE_0", "file:///capstan-nowhere/", 1);
	setenv("GIT_DIR", "/nonexistent", 1);
	setenv("GIT_QUARANTINE_PATH", "/nonexistent", 1);
	open_options(f, options);
	poll(f);
	assert_non_null(f->error);
	remote_free(f->remote);
	options.user_environment = true;
	open_options(f, options);
	poll(f);
	assert_null(f->error);
	fetch(f, "main");
	assert_null(f->error);
	/* A count that is none is passed over. */
	remote_free(f->remote);
	setenv("GIT_CONFIG_COUNT", "many", 1);
	open_options(f, options);
	poll(f);
	assert_non_null(f->error);
	unsetenv("GIT_CONFIG_COUNT");
	unsetenv("GIT_CONFIG_KEY_0");
	unsetenv("GIT_CONFIG_VALUE_0");
	unsetenv("GIT_DIR");
	unsetenv("GIT_QUARANTINE_PATH");
}

static void urls_are_checked(void **state)
{
	static const char *const good[] = { "https://h/x",   "ssh://git@h/x", "git@h:x.git",
					    "file:///srv/x", "/srv/x",	      "http://h/x" };
	static const char *const bad[] = {
		"ext::sh -c id", "--upload-pack=id",	      "ftp://h/x",     "",
		"https://",	 "ssh://-oProxyCommand=id/x", "https://h/a b", "x"
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (remote_check_url(good[i], NULL) != 0)
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (remote_check_url(bad[i], NULL) == 0)
			fail_msg("%s", bad[i]);
}

static void ssh_needs_host_keys(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct remote_credentials none = { .identity = STR("key") };
	struct remote_options options = { .url = "ssh://git@h/x",
					  .mirror = f->dir,
					  .timeout_ms = 1000,
					  .max_bytes = 1,
					  .credentials = &none };
	cleanup_buf struct buf mirror = BUF_INIT;
	buf_printf(&mirror, "%s/m.git", f->dir);
	options.mirror = mirror.p;
	assert_null(remote_new(f->loop, &options, &err));
	assert_non_null(strstr(err.text, "known_hosts"));
}

/* app has lib, by a relative URL, and lib has leaf. */
static const char with_submodules[] =
	"for r in leaf lib app; do git init -q -b main $r; done;"
	"(cd leaf && echo leaf >leaf.yaml && git add . && git commit -qm leaf);"
	"export GIT_ALLOW_PROTOCOL=file;"
	"(cd lib && git submodule --quiet add ../leaf deep && echo lib >lib.yaml && git add . && git commit -qm lib);"
	"(cd app && git submodule --quiet add ../lib parts/lib && echo app >app.yaml && git add . && git commit -qm app)";

static void submodules_are_part_of_the_tree_on_request(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf url = BUF_INIT;
	struct repo_files files;
	shell(f, with_submodules);
	buf_printf(&url, "file://%s/app", f->dir);
	open_remote_with(f, url.p, 64u << 20, 20000, true);
	poll(f);
	struct resolved want = fetch(f, "main");
	assert_null(f->error);
	assert_true(repo_tree_has(remote_mirror(f->remote), want.sha));
	assert_int_equal(repo_tree_read(remote_mirror(f->remote), want.sha, ".", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n_problems, 0);
	bool leaf = false;
	for (size_t i = 0; i < files.n; i++)
		leaf |= strcmp(files.files[i].path, "parts/lib/deep/leaf.yaml") == 0;
	assert_true(leaf);
	remote_free(f->remote);
	/* The same mirror without: a gitlink is a problem that says so. */
	open_remote(f, url.p, 64u << 20, 20000);
	assert_int_equal(repo_tree_read(remote_mirror(f->remote), want.sha, ".", NULL, &a, &files, NULL), 0);
	assert_int_equal(files.n_problems, 1);
	assert_string_equal(files.problems[0].path, "parts/lib");
}

static void a_submodule_that_cannot_be_had_is_named(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf url = BUF_INIT;
	shell(f, with_submodules);
	shell(f,
	      "cd app && git config -f .gitmodules submodule.parts/lib.url ../nowhere && git commit -qam moved");
	buf_printf(&url, "%s/app", f->dir);
	open_remote_with(f, url.p, 64u << 20, 20000, true);
	poll(f);
	struct resolved want = fetch(f, "main");
	assert_non_null(f->error);
	assert_non_null(strstr(f->error, "parts/lib"));
	assert_false(repo_tree_has(remote_mirror(f->remote), want.sha));
	/* Mended, it is fetched. */
	shell(f,
	      "cd app && git config -f .gitmodules submodule.parts/lib.url ../lib && git commit -qam back");
	poll(f);
	want = fetch(f, "main");
	assert_null(f->error);
	assert_true(repo_tree_has(remote_mirror(f->remote), want.sha));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(follows_commits_and_force_pushes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_fetch_leaves_a_usable_mirror, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_repository_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_said_without_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(a_remote_that_hangs_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(ssh_needs_host_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(submodules_are_part_of_the_tree_on_request, setup, teardown),
		cmocka_unit_test_setup_teardown(a_submodule_that_cannot_be_had_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_persons_environment_counts_when_asked_for, setup, teardown),
		cmocka_unit_test(urls_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
