/* Secrets in what commits bring: which files count as new, and which of them are let be. */
#include "unit/repo/git_fixture.h"

#include "cmd/commit_secrets.h"
#include "repo/objects.h"

/* Made up; in parts, so that this file itself is clean. */
#define TOKEN \
	"ghp" \
	"_k3Jd8sQ1xZv7Tn5Wb2Lr9Yc4Fm6Hp0GaEuVi"

struct at {
	struct git_fixture git;
	struct commit_secrets found;
	char *base; /* the commit that the other side has */
	char place[256];
};

static int set_up(void **state)
{
	static struct at at;
	at = (struct at){ 0 };
	git_fixture_init(&at.git, "commit-secrets");
	git_do(&at.git, "git init -q -b main && echo 'token: %s' >old && git add . && git commit -qm old",
	       TOKEN);
	at.base = git_run(&at.git, "git rev-parse HEAD");
	*state = &at;
	return 0;
}

static int tear_down(void **state)
{
	struct at *at = *state;
	commit_secrets_release(&at->found);
	objects_forget(NULL);
	free(at->base);
	git_do(&at->git, "rm -rf %s", at->git.dir);
	return 0;
}

static size_t scan_with(struct at *at, const char *head, const char *known, const char *remote,
			const struct environments *allow)
{
	struct error err = ERROR_INIT;
	char *sha = git_run(&at->git, "git rev-parse %s", head);
	struct commit_secrets_options options = {
		.git_dir = at->git.git,
		.heads = (const char *const[]){ sha },
		.n_heads = 1,
		.known = (const char *const[]){ known },
		.n_known = known ? 1 : 0,
		.remote = remote,
		.files = &allow,
		.n_files = allow ? 1 : 0,
	};
	commit_secrets_release(&at->found);
	objects_forget(NULL);
	if (commit_secrets_scan(&options, &at->found, &err) < 0)
		fail_msg("%s", err.text);
	free(sha);
	at->place[0] = '\0';
	for (size_t i = 0; i < at->found.n; i++) {
		const struct commit_secrets_found *f = &at->found.list[i];
		char *subject = git_run(&at->git, "git log -1 --format=%%s %s", f->sha);
		for (size_t k = 0; k < f->result.n; k++)
			snprintf(at->place + strlen(at->place), sizeof(at->place) - strlen(at->place),
				 "%s %s:%u %s%s\n", subject, f->result.findings[k].file,
				 f->result.findings[k].line, check_rules[f->result.findings[k].rule].id,
				 f->result.findings[k].allowed ? " allowed" : "");
		free(subject);
	}
	return at->found.errors;
}

static size_t scan(struct at *at)
{
	return scan_with(at, "HEAD", at->base, NULL, NULL);
}

static void what_the_other_side_has_is_not_new(void **state)
{
	struct at *at = *state;
	git_do(&at->git, "echo x >new && git add . && git commit -qm new");
	assert_int_equal(scan(at), 0);
	assert_int_equal(at->found.commits, 1);
	assert_int_equal(at->found.texts, 1);
	assert_int_equal(scan_with(at, "HEAD", NULL, NULL, NULL), 1);
	assert_string_equal(at->place, "old old:1 token\n");
	git_do(&at->git, "git update-ref refs/remotes/origin/main %s", at->base);
	assert_int_equal(scan_with(at, "HEAD", NULL, "origin", NULL), 0);
	assert_int_equal(scan_with(at, "HEAD", NULL, "other", NULL), 1);
	/* A commit that is not here says nothing. */
	assert_int_equal(scan_with(at, "HEAD", "0123456789012345678901234567890123456789", NULL, NULL), 1);
}

static void a_secret_that_is_taken_out_again_is_out_all_the_same(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "echo a >x && git add . && git commit -qm first && echo 'k: %s' >>x && git commit -qam added && "
	       "echo b >y && git add . && git commit -qm between && echo a >x && git commit -qam removed",
	       TOKEN);
	assert_int_equal(scan(at), 1);
	assert_string_equal(at->place, "added x:2 token\n");
}

static void a_file_is_told_with_each_of_its_names(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "echo 'k: %s' >x && git add . && git commit -qm added && git mv x z && git commit -qm moved",
	       TOKEN);
	assert_int_equal(scan(at), 2);
	assert_string_equal(at->place, "moved z:1 token\nadded x:1 token\n");
}

static void of_a_merge_only_its_own_counts(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "git checkout -qb side && echo 'k: %s' >side && git add . && git commit -qm side && "
	       "git checkout -q main && echo m >m && git add . && git commit -qm main && "
	       "git merge -q --no-commit side && echo 'e: %s' >evil && git add . && git commit -qm merge",
	       TOKEN, TOKEN);
	assert_int_equal(scan(at), 2);
	assert_string_equal(at->place, "merge evil:1 token\nside side:1 token\n");
	char *side = git_run(&at->git, "git rev-parse side");
	assert_int_equal(scan_with(at, "HEAD", side, NULL, NULL), 1);
	assert_string_equal(at->place, "merge evil:1 token\n");
	free(side);
}

static void tags_lead_to_their_commits(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "echo 'k: %s' >x && git add . && git commit -qm added && git tag -am v1 v1 && "
	       "git tag file $(git rev-parse HEAD:x) && git reset -q --hard HEAD~1",
	       TOKEN);
	assert_int_equal(scan_with(at, "v1", at->base, NULL, NULL), 1);
	assert_string_equal(at->place, "added x:1 token\n");
	assert_int_equal(scan_with(at, "file", at->base, NULL, NULL), 0);
	assert_int_equal(at->found.commits, 0);
}

static void odd_names_and_kinds_of_files(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "printf 'k: %s\\n' >$(printf 'a\\tb c') && ln -s %s link && printf 'a\\0%s' >binary && "
	       "head -c 5000000 /dev/zero | tr '\\0' x >large && mkdir .d && echo 'k: %s' >.d/.env && "
	       "git add . && git commit -qm odd",
	       TOKEN, TOKEN, TOKEN, TOKEN);
	assert_int_equal(scan(at), 2);
	assert_string_equal(at->place, "odd .d/.env:1 token\nodd a\tb c:1 token\n");
	assert_int_equal(at->found.large, 1);
}

static void manifests_with_secrets(void **state)
{
	struct at *at = *state;
	git_do(&at->git,
	       "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: a}\\ndata: {k: aGVsbG8=}\\n' >plain.yaml && "
	       "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: a}\\ndata: {k: \"ENC[AES256_GCM,data:x]\"}\\n"
	       "sops: {version: 3.8.1}\\n' >sops.yaml && "
	       "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: {{ .name }}\\n' >template.yaml && "
	       "printf 'apiVersion: bitnami.com/v1alpha1\\nkind: SealedSecret\\nmetadata: {name: a}\\n' >sealed.yaml && "
	       "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: e}\\n' >empty.yaml && git add . && "
	       "git commit -qm secrets");
	assert_int_equal(scan(at), 1);
	assert_string_equal(at->place, "secrets plain.yaml:4 plaintext-secret\n");
}

static void what_is_allowed_is_no_error(void **state)
{
	struct at *at = *state;
	cleanup_arena struct arena a = ARENA_INIT;
	struct environments allow;
	environments_read(&a, "capstan.yaml",
			  STR("environments: {a: {path: .}}\n"
			      "allowSecrets: [{path: \"tests/**\", reason: made up}]\n"),
			  &allow);
	assert_int_equal(allow.n_errors, 0);
	git_do(&at->git,
	       "mkdir tests && echo 'k: %s' >tests/x && echo 'j: %s' >y && git add . && git commit -qm c",
	       TOKEN, TOKEN);
	assert_int_equal(scan_with(at, "HEAD", at->base, NULL, &allow), 1);
	assert_string_equal(at->place, "c tests/x:1 token allowed\nc y:1 token\n");
}

static void the_pushed_file_itself_says_what_is_allowed(void **state)
{
	struct at *at = *state;
	git_do(&at->git, "mkdir tests && echo 'k: %s' >tests/x && git add . && git commit -qm c", TOKEN);
	assert_int_equal(scan(at), 1);
	git_do(&at->git,
	       "printf 'environments: {a: {path: p}}\nallowSecrets: [{path: \"tests/**\", reason: made up}]\n' "
	       ">capstan.yaml && git add . && git commit -qm allowed");
	assert_int_equal(scan(at), 0);
	assert_string_equal(at->place, "c tests/x:1 token allowed\n");
	git_do(&at->git, "echo broken: >>capstan.yaml && git commit -qam broken");
	assert_int_equal(scan(at), 1);
}

static void a_shallow_clone_has_no_more_than_it_has(void **state)
{
	struct at *at = *state;
	struct at clone = { .git = at->git };
	git_do(&at->git,
	       "echo 1 >n && git add . && git commit -qm n && git clone -q --depth 1 file://%s %s/clone",
	       at->git.dir, at->git.dir);
	snprintf(clone.git.dir, sizeof(clone.git.dir), "%s/clone", at->git.dir);
	snprintf(clone.git.git, sizeof(clone.git.git), "%s/clone/.git", at->git.dir);
	git_do(&clone.git, "echo 'k: %s' >x && git add . && git commit -qm here", TOKEN);
	assert_int_equal(scan_with(&clone, "HEAD", NULL, "origin", NULL), 1);
	assert_string_equal(clone.place, "here x:1 token\n");
	commit_secrets_release(&clone.found);
}

static void a_repository_that_is_none_is_an_error(void **state)
{
	struct error err = ERROR_INIT;
	struct commit_secrets found;
	struct commit_secrets_options options = {
		.git_dir = "/nonexistent",
		.heads = (const char *const[]){ "0123456789012345678901234567890123456789" },
		.n_heads = 1,
	};
	assert_int_equal(commit_secrets_scan(&options, &found, &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent"));
	commit_secrets_release(&found);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_the_other_side_has_is_not_new),
		CASE(a_secret_that_is_taken_out_again_is_out_all_the_same),
		CASE(a_file_is_told_with_each_of_its_names),
		CASE(of_a_merge_only_its_own_counts),
		CASE(tags_lead_to_their_commits),
		CASE(odd_names_and_kinds_of_files),
		CASE(manifests_with_secrets),
		CASE(what_is_allowed_is_no_error),
		CASE(the_pushed_file_itself_says_what_is_allowed),
		CASE(a_shallow_clone_has_no_more_than_it_has),
		cmocka_unit_test(a_repository_that_is_none_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
