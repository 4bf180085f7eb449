/* A push's images in a configuration repository: written, raced for, proposed, and taken back. */
#include "unit/repo/git_fixture.h"

#include "base/clock.h"
#include "cmd/deploy_review.h"
#include "cmd/push_config.h"
#include "cmd/push_login.h"
#include "repo/commit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IMAGE "registry.test/web@" DIGEST
#define SHOW "git -C origin show main:deploy/prod/web.yaml"

struct fixture {
	struct git_fixture git;
	struct arena a;
	char url[96], cache[96], source[96];
	struct config_login login;
	struct config_request request;
	struct config_source from;
	struct built image;
	struct config_place place;
	struct buf told;
	unsigned made;
	const char *on_made; /* a shell command, run by the first call */
	char parent[SHA_HEX_MAX + 1], commit[SHA_HEX_MAX + 1];
};

static void on_line(void *ctx, const char *line)
{
	struct fixture *f = ctx;
	buf_printf(&f->told, "%s\n", line);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "config");
	git_do(&f->git,
	       "git init -q --bare -b main origin && git clone -q origin work 2>/dev/null && cd work && git checkout -q -b main && "
	       "mkdir -p deploy/prod && echo 'environments: {prod: {branch: main, path: deploy/prod}}' >capstan.yaml && "
	       "printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: web}\\nspec:\\n  containers:\\n  - name: web\\n"
	       "    image: registry.test/web:v1 # built\\n---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: c}\\n"
	       "data: {a: \"1\"}\\n' >deploy/prod/web.yaml && git add . && git commit -qm one && git push -q origin main && "
	       "cd .. && git init -q -b main source && cd source && git -c user.name=Ada -c user.email=ada@example.test "
	       "commit -q --allow-empty --author='Ada <ada@example.test>' -m 'a new shop window'");
	snprintf(f->url, sizeof(f->url), "file://%s/origin", f->git.dir);
	snprintf(f->cache, sizeof(f->cache), "%s/cache", f->git.dir);
	snprintf(f->source, sizeof(f->source), "%s/source/.git", f->git.dir);
	cleanup_free char *head = git_run(&f->git, "git -C source rev-parse HEAD");
	f->login.url = f->url;
	f->image = (struct built){ .name = "web", .image = IMAGE };
	f->from = (struct config_source){
		.git_dir = f->source, .commit = arena_strdup(&f->a, head), .images = &f->image, .n_images = 1
	};
	f->request = (struct config_request){ .cache = f->cache,
					      .login = &f->login,
					      .push = "id-1",
					      .repository = "shop/app",
					      .tell = on_line,
					      .ctx = f,
					      .deadline_ms = clock_mono_ms() + 60000 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	files_remove(f->git.dir);
	buf_release(&f->told);
	arena_release(&f->a);
	free(f);
	return 0;
}

static void expect(struct fixture *f, const char *command, const char *what)
{
	cleanup_free char *found = git_run(&f->git, "%s", command);
	assert_string_equal(found, what);
}

static void find(struct fixture *f, const char *environment, const char *path)
{
	struct environments_deliver deliver = {
		.config = true, .url = f->url, .environment = environment, .path = path
	};
	struct error err = ERROR_INIT;
	if (config_find(&f->a, &f->request, &deliver, "prod", &f->place, &err) < 0)
		fail_msg("%s", err.text);
}

static int on_made(void *ctx, const char *parent, const char *commit, struct error *err)
{
	struct fixture *f = ctx;
	snprintf(f->parent, sizeof(f->parent), "%s", parent);
	snprintf(f->commit, sizeof(f->commit), "%s", commit);
	if (f->made++ == 0 && f->on_made)
		git_do(&f->git, "%s", f->on_made);
	return 0;
}

static struct config_delivered deliver(struct fixture *f)
{
	struct config_delivered out;
	struct error err = ERROR_INIT;
	if (config_deliver(&f->a, &f->request, &f->place, &f->from, on_made, f, &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static int undo(struct fixture *f, char undone[SHA_HEX_MAX + 1], struct error *err)
{
	return config_undo(&f->a, &f->request, "main", f->parent, f->commit, undone, err);
}

static void images_are_written_with_author_and_trailers(void **state)
{
	struct fixture *f = *state;
	find(f, NULL, NULL);
	assert_string_equal(f->place.branch, "main");
	assert_string_equal(f->place.path, "deploy/prod");
	assert_string_equal(f->place.environment, "prod");
	struct config_delivered out = deliver(f);
	assert_true(out.changed);
	assert_int_equal(out.n_files, 1);
	assert_string_equal(out.files[0], "deploy/prod/web.yaml");
	assert_string_equal(out.parent, f->place.tip);
	assert_string_equal(out.commit, f->commit);
	expect(f, "git -C origin rev-parse main", out.commit);
	expect(f, SHOW " | grep image:", "    image: " IMAGE " # built");
	expect(f, "git -C origin log -1 --format='%an <%ae>: %s|%b' main | head -1",
	       "Ada <ada@example.test>: deploy web to prod|a new shop window");
	expect(f, "git -C origin log -1 --format='%(trailers:key=Capstan-Push,valueonly)' main", "id-1");
	expect(f, "git -C origin log -1 --format='%(trailers:key=Source-Repository,valueonly)' main",
	       "shop/app");
	expect(f, "git -C origin log -1 --format='%(trailers:key=Source-Commit,valueonly)' main",
	       f->from.commit);
	/* The same again changes nothing. */
	f->made = 0;
	assert_false(deliver(f).changed);
	assert_int_equal(f->made, 0);
}

static void a_path_needs_no_environment(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git,
	       "cd work && git rm -q capstan.yaml && git commit -qm none && git push -q origin main");
	find(f, NULL, "deploy/prod");
	assert_null(f->place.environment);
	assert_string_equal(f->place.branch, "main");
	assert_true(deliver(f).changed);
	expect(f, SHOW " | grep image:", "    image: " IMAGE " # built");
	expect(f, "git -C origin log -1 --format=%s main", "deploy web to deploy/prod");
}

static void a_path_of_an_environment_is_the_environment(void **state)
{
	struct fixture *f = *state;
	find(f, NULL, "deploy/prod");
	assert_string_equal(f->place.environment, "prod");
}

static void who_is_forestalled_builds_on_top(void **state)
{
	struct fixture *f = *state;
	find(f, "prod", NULL);
	f->on_made =
		"cd work && sed -i 's/\"1\"/\"2\"/' deploy/prod/web.yaml && git commit -qam hand && git push -q origin main";
	struct config_delivered out = deliver(f);
	assert_int_equal(f->made, 2);
	assert_string_equal(out.commit, f->commit);
	expect(f, "git -C origin log -1 --format=%s main~1", "hand");
	expect(f, SHOW " | grep ^data:", "data: {a: \"2\"}");
	expect(f, SHOW " | grep image:", "    image: " IMAGE " # built");
}

static int refuse(void *ctx, const char *parent, const char *commit, struct error *err)
{
	return error_set(err, "the disk is full");
}

static void nothing_is_pushed_without_a_record_of_it(void **state)
{
	struct fixture *f = *state;
	struct config_delivered out;
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	assert_int_equal(config_deliver(&f->a, &f->request, &f->place, &f->from, refuse, f, &out, &err), -1);
	assert_string_equal(err.text, "the disk is full");
	expect(f, "git -C origin rev-parse main", f->place.tip);
}

static void what_nothing_uses_is_refused(void **state)
{
	struct fixture *f = *state;
	struct config_delivered out;
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	f->image.name = "wep";
	assert_int_equal(config_deliver(&f->a, &f->request, &f->place, &f->from, NULL, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "wep"));
	f->from.n_images = 0;
	assert_int_equal(config_deliver(&f->a, &f->request, &f->place, &f->from, NULL, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "nothing is built"));
	expect(f, "git -C origin rev-parse main", f->place.tip);
}

static void a_commit_is_taken_back_once(void **state)
{
	struct fixture *f = *state;
	char undone[SHA_HEX_MAX + 1];
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	deliver(f);
	assert_int_equal(undo(f, undone, &err), 0);
	expect(f, "git -C origin rev-parse main", undone);
	expect(f, "git -C origin rev-parse main~1", f->commit);
	expect(f, "git -C origin diff --stat main~2 main", "");
	expect(f, "git -C origin log -1 --format='%(trailers:key=Capstan-Undoes,valueonly)' main", f->commit);
	/* Again, also by a process that has no mirror any more. */
	assert_int_equal(undo(f, undone, &err), 0);
	assert_string_equal(undone, "");
	files_remove(f->cache);
	assert_int_equal(undo(f, undone, &err), 0);
	assert_string_equal(undone, "");
	expect(f, "git -C origin rev-parse main~1", f->commit);
}

static void what_others_did_meanwhile_stays(void **state)
{
	struct fixture *f = *state;
	char undone[SHA_HEX_MAX + 1];
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	deliver(f);
	git_do(&f->git,
	       "cd work && git pull -q origin main && sed -i 's/\"1\"/\"2\"/' deploy/prod/web.yaml && git commit -qam hand && "
	       "git push -q origin main");
	assert_int_equal(undo(f, undone, &err), 0);
	expect(f, SHOW " | grep ^data:", "data: {a: \"2\"}");
	expect(f, SHOW " | grep image:", "    image: registry.test/web:v1 # built");
	expect(f, "git -C origin rev-parse main~2", f->commit);
}

static void the_same_line_changed_by_others_is_left(void **state)
{
	struct fixture *f = *state;
	char undone[SHA_HEX_MAX + 1];
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	deliver(f);
	git_do(&f->git,
	       "cd work && git pull -q origin main && sed -i 's/image:.*/image: registry.test\\/web:v9/' deploy/prod/web.yaml && "
	       "git commit -qam hand && git push -q origin main");
	assert_int_equal(undo(f, undone, &err), CONFIG_OTHERS);
	assert_string_equal(undone, "");
	assert_non_null(strstr(err.text, "deploy/prod/web.yaml"));
	expect(f, SHOW " | grep image:", "    image: registry.test/web:v9");
}

static void what_never_arrived_is_not_taken_back(void **state)
{
	struct fixture *f = *state;
	char undone[SHA_HEX_MAX + 1];
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	f->on_made =
		"printf '#!/bin/sh\\nexit 1\\n' >origin/hooks/pre-receive && chmod +x origin/hooks/pre-receive";
	struct config_delivered out;
	assert_int_equal(config_deliver(&f->a, &f->request, &f->place, &f->from, on_made, f, &out, &err), -1);
	assert_non_null(strstr(err.text, "refuses"));
	git_do(&f->git, "rm origin/hooks/pre-receive");
	err = (struct error)ERROR_INIT;
	assert_int_equal(undo(f, undone, &err), 0);
	assert_string_equal(undone, "");
	expect(f, "git -C origin rev-parse main", f->place.tip);
}

static struct config_review review(struct fixture *f)
{
	struct config_review out;
	struct error err = ERROR_INIT;
	if (config_review(&f->a, &f->request, &f->place, &f->from, &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static void a_review_is_a_branch_of_its_own(void **state)
{
	struct fixture *f = *state;
	find(f, "prod", NULL);
	struct config_review out = review(f);
	char *branch = arena_printf(&f->a, "capstan/prod-%.12s", f->from.commit);
	assert_string_equal(out.branch, branch);
	/* A path of this machine has no host that takes pull requests; that is told, and no failure. */
	assert_null(out.url);
	assert_non_null(strstr(f->told.p, "open one by hand"));
	assert_non_null(strstr(f->told.p, branch));
	expect(f, "git -C origin rev-parse main", f->place.tip);
	expect(f, arena_printf(&f->a, "git -C origin rev-parse %s~1", branch), f->place.tip);
	expect(f, arena_printf(&f->a, "git -C origin show %s:deploy/prod/web.yaml | grep image:", branch),
	       "    image: " IMAGE " # built");
	/* Again: the same branch, and no further commit. */
	assert_string_equal(review(f).branch, branch);
	expect(f, arena_printf(&f->a, "git -C origin rev-parse %s~1", branch), f->place.tip);
	/* Merged, and the branch gone: nothing is to be reviewed. */
	git_do(&f->git,
	       "git -C origin update-ref refs/heads/main %s && git -C origin update-ref -d refs/heads/%s",
	       branch, branch);
	assert_null(review(f).branch);
}

static bool stopped(void *ctx)
{
	return true;
}

static void a_wait_ends_when_it_is_asked_to(void **state)
{
	struct fixture *f = *state;
	struct config_delivered out;
	struct error err = ERROR_INIT;
	find(f, "prod", NULL);
	/* A server that does not answer: the hook sleeps. */
	git_do(&f->git,
	       "printf '#!/bin/sh\\nsleep 20\\n' >origin/hooks/pre-receive && chmod +x origin/hooks/pre-receive");
	f->request.stop = (struct wait_stop){ stopped, NULL };
	int64_t begun = clock_mono_ms();
	assert_int_equal(config_deliver(&f->a, &f->request, &f->place, &f->from, on_made, f, &out, &err), -1);
	assert_true(clock_mono_ms() - begun < 10000);
	assert_non_null(strstr(err.text, "ended"));
}

static void branches_of_reviews_can_be_branches(void **state)
{
	static const struct {
		const char *environment, *branch;
	} cases[] = {
		{ "prod", "capstan/prod-0123456789ab" },
		{ "eu-1.prod_x", "capstan/eu-1.prod_x-0123456789ab" },
		{ "deploy/prod", "capstan/deploy-prod-0123456789ab" },
		{ ".", "capstan/--0123456789ab" },
		{ "a..b", "capstan/a.-b-0123456789ab" },
		{ "a b~^:?*[\\@{", "capstan/a-b----------0123456789ab" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		char *branch = review_branch(&a, cases[i].environment, "0123456789abcdef");
		assert_string_equal(branch, cases[i].branch);
		if (commit_check_branch(branch, &err) < 0)
			fail_msg("%s", err.text);
	}
}

static void a_login_is_for_one_repository(void **state)
{
	assert_true(push_login_same("https://git.example.com/team/cfg.git",
				    "ssh://git@GIT.example.com:22/team/cfg"));
	assert_false(
		push_login_same("https://git.example.com/team/cfg", "https://git.example.com/team/cfg2"));
	assert_false(
		push_login_same("https://git.example.com/team/cfg", "https://evil.example.com/team/cfg"));
	assert_false(push_login_same("https://git.example.com@evil.example.com/team/cfg",
				     "https://git.example.com/team/cfg"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(images_are_written_with_author_and_trailers),
		TEST(a_path_needs_no_environment),
		TEST(a_path_of_an_environment_is_the_environment),
		TEST(who_is_forestalled_builds_on_top),
		TEST(nothing_is_pushed_without_a_record_of_it),
		TEST(what_nothing_uses_is_refused),
		TEST(a_commit_is_taken_back_once),
		TEST(what_others_did_meanwhile_stays),
		TEST(the_same_line_changed_by_others_is_left),
		TEST(what_never_arrived_is_not_taken_back),
		TEST(a_review_is_a_branch_of_its_own),
		TEST(a_wait_ends_when_it_is_asked_to),
		cmocka_unit_test(branches_of_reviews_can_be_branches),
		cmocka_unit_test(a_login_is_for_one_repository),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
