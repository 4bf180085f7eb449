/* Environments of one commit, rendered and checked without the working tree. */
#include "unit/repo/git_fixture.h"

#include "cmd/commit_check.h"
#include "repo/objects.h"

#define FILE_TEXT                                                         \
	"environments:\n"                                                 \
	"  prod: {branch: release, path: deploy/prod, namespace: shop}\n" \
	"  staging: {branch: main, path: plain, substitute: {COLOR: green}}\n"

struct at {
	struct git_fixture git;
	char *sha;
};

static int set_up(void **state)
{
	static struct at at;
	git_fixture_init(&at.git, "commit-check");
	git_do(&at.git, "git init -q -b main && mkdir -p base deploy/prod plain && printf '%s' >capstan.yaml",
	       FILE_TEXT);
	git_do(&at.git,
	       "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\ndata: {x: \"1\"}\\n' "
	       ">base/a.yaml && printf 'resources: [a.yaml]\\n' >base/kustomization.yaml && "
	       "printf 'resources: [../../base]\\nnamePrefix: p-\\n' >deploy/prod/kustomization.yaml && "
	       "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: b}\\ndata: {x: \"${COLOR}\"}\\n' "
	       ">plain/b.yaml && git add . && git commit -qm one");
	*state = &at;
	return 0;
}

static int tear_down(void **state)
{
	struct at *at = *state;
	objects_forget(NULL);
	free(at->sha);
	at->sha = NULL;
	git_do(&at->git, "rm -rf %s", at->git.dir);
	return 0;
}

/* Everything that is there is checked; the count of errors. */
static size_t errors_of(struct at *at, char *text, size_t size)
{
	struct error err = ERROR_INIT;
	struct check_result result;
	free(at->sha);
	at->sha = git_run(&at->git, "git rev-parse HEAD");
	struct commit_check_options options = { .git_dir = at->git.git, .sha = at->sha };
	struct commit_check *c = commit_check_open(&options, &err);
	if (!c)
		fail_msg("%s", err.text);
	const struct environments *all = commit_check_file(c);
	for (size_t i = 0; all && i < all->n; i++)
		if (!commit_check_render(c, &all->list[i], &err))
			fail_msg("%s", err.text);
	if (commit_check_finish(c, &result, &err) < 0)
		fail_msg("%s", err.text);
	size_t errors = result.errors;
	*text = '\0';
	for (size_t i = 0; i < result.n; i++)
		if (result.findings[i].severity == CHECK_ERROR)
			snprintf(text, size, "%s:%u: %s", result.findings[i].file, result.findings[i].line,
				 result.findings[i].text);
	commit_check_free(c);
	return errors;
}

static void the_commit_counts_and_not_the_working_tree(void **state)
{
	struct at *at = *state;
	char text[512];
	git_do(&at->git, "echo '{' >plain/b.yaml; rm -r base");
	assert_int_equal(errors_of(at, text, sizeof(text)), 0);
	git_do(&at->git, "git checkout -q . && git worktree list");
}

static void objects_are_those_of_the_environments(void **state)
{
	struct at *at = *state;
	struct error err = ERROR_INIT;
	const struct commit_environment *const *list;
	char *sha = git_run(&at->git, "git rev-parse HEAD");
	struct commit_check_options options = { .git_dir = at->git.git, .sha = sha };
	struct commit_check *c = commit_check_open(&options, &err);
	assert_non_null(c);
	const struct environments *all = commit_check_file(c);
	assert_int_equal(all->n, 2);
	const struct commit_environment *prod = commit_check_render(c, &all->list[0], &err);
	const struct commit_environment *staging = commit_check_render(c, &all->list[1], &err);
	assert_non_null(prod);
	assert_non_null(staging);
	assert_int_equal(commit_check_rendered(c, &list), 2);
	assert_ptr_equal(list[0], prod);
	assert_int_equal(prod->output.n, 1);
	assert_true(str_is(prod->output.objects[0].name, "p-a"));
	assert_int_equal(staging->output.n, 1);
	assert_true(str_is(node_text(node_at(staging->output.objects[0].root, "data.x")), "green"));
	commit_check_free(c);
	free(sha);
}

static void findings_have_their_place(void **state)
{
	struct at *at = *state;
	char text[512];
	git_do(&at->git,
	       "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\ndate: {}\\n' >base/a.yaml "
	       "&& git commit -qam two");
	assert_int_equal(errors_of(at, text, sizeof(text)), 1);
	assert_string_equal(text, "base/a.yaml:4: there is no field `date`; did you mean `data`?");
	git_do(&at->git,
	       "printf 'resources: [../../away]\\n' >deploy/prod/kustomization.yaml && git commit -qam x");
	assert_int_equal(errors_of(at, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "deploy/prod/kustomization.yaml:1"));
}

static void secrets_lie_in_other_files_too(void **state)
{
	struct at *at = *state;
	char text[512];
	git_do(&at->git,
	       "printf -- '-----BEGIN %s KEY-----\\nMIIEowIBAAKCAQEAx7Vd0fWqz3kT9yBnLk2Pq8Rs5Tu6Vw1Xy0Za\\n"
	       "-----END %s KEY-----\\n' >plain/id && git add . && git commit -qm key",
	       "RSA PRIVATE", "RSA PRIVATE");
	assert_int_equal(errors_of(at, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "plain/id:1"));
	git_do(&at->git, "printf 'allowSecrets: [{path: plain/id, reason: made up}]\\n' >>capstan.yaml && "
			 "git commit -qam allowed");
	assert_int_equal(errors_of(at, text, sizeof(text)), 0);
}

static void a_commit_without_capstan_yaml_has_no_environments(void **state)
{
	struct at *at = *state;
	char text[512];
	git_do(&at->git, "git rm -q capstan.yaml && git commit -qm none");
	assert_int_equal(errors_of(at, text, sizeof(text)), 0);
}

static void what_is_wrong_with_the_file_or_the_commit_is_told(void **state)
{
	struct at *at = *state;
	struct error err = ERROR_INIT;
	git_do(&at->git,
	       "printf 'environments: {a: {pth: x}}\\n' >capstan.yaml && git add . && git commit -qm bad");
	char *sha = git_run(&at->git, "git rev-parse HEAD");
	struct commit_check_options options = { .git_dir = at->git.git, .sha = sha };
	assert_null(commit_check_open(&options, &err));
	assert_non_null(strstr(err.text, "capstan.yaml:1"));
	options.sha = "0123456789012345678901234567890123456789";
	assert_null(commit_check_open(&options, &err));
	free(sha);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(the_commit_counts_and_not_the_working_tree),
		CASE(objects_are_those_of_the_environments),
		CASE(findings_have_their_place),
		CASE(secrets_lie_in_other_files_too),
		CASE(a_commit_without_capstan_yaml_has_no_environments),
		CASE(what_is_wrong_with_the_file_or_the_commit_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
