/* capstan init: what it finds in repositories of the usual shapes, and when it writes. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "unit/cmd/ran.h"

#define MANIFEST "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

/* A repository of its own for each test, with the branch main. */
struct repository {
	struct arena a;
	char dir[64];
	struct ran last;
};

static void write_text(struct repository *r, const char *path, const char *text)
{
	char *full = arena_printf(&r->a, "%s/%s", r->dir, path);
	for (char *slash = full + strlen(r->dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(full, 0777);
	}
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void begin(struct repository *r)
{
	*r = (struct repository){ .dir = "/tmp/capstan-init-XXXXXX" };
	assert_non_null(mkdtemp(r->dir));
	write_text(r, ".git/HEAD", "ref: refs/heads/main\n");
}

static void end(struct repository *r)
{
	ran_release(&r->last);
	assert_int_equal(system(arena_printf(&r->a, "rm -rf '%s'", r->dir)), 0);
	arena_release(&r->a);
}

static void run(struct repository *r, const char *option, const char *below)
{
	const char *dir = arena_printf(&r->a, "%s/%s", r->dir, below);
	ran_release(&r->last);
	r->last = RAN("init", dir, option);
}

/* The file, without its comments. */
static void check_file(struct repository *r, const char *want)
{
	char *got = arena_alloc(&r->a, 65536), line[1024];
	run(r, "--print", "");
	FILE *in = fmemopen(r->last.out, strlen(r->last.out) + 1, "r");
	while (fgets(line, sizeof(line), in)) {
		char *note = strstr(line, "# ");
		if (note == line)
			continue;
		if (note)
			memcpy(note - 1, "\n", 2);
		strcat(got, line);
	}
	fclose(in);
	if (strcmp(got, want) != 0)
		fail_msg("want:\n%sgot:\n%s%s", want, got, r->last.err);
}

static void overlays_are_environments(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "base/kustomization.yaml", "resources: [a.yaml]\n");
	write_text(&r, "base/a.yaml", MANIFEST);
	write_text(&r, "components/tls/kustomization.yaml", "kind: Component\nnamespace: x\n");
	write_text(&r, "overlays/prod/kustomization.yaml",
		   "namespace: shop\nresources: [../../base]\ncomponents: [../../components/tls]\n");
	write_text(&r, "overlays/prod/patch.yaml", MANIFEST);
	write_text(&r, "overlays/staging/kustomization.yml", "namespace: ${NS}\nbases: [../../base]\n");
	write_text(&r, "examples/x/kustomization.yaml", "resources: []\n");
	check_file(&r, "environments:\n"
		       "  prod:\n    branch: main\n    path: overlays/prod\n    namespace: shop\n"
		       "  staging:\n    branch: main\n    path: overlays/staging\n");
	assert_has(r.last.err,
		   "overlays/prod: a kustomization in overlays: environment prod, namespace shop\n");
	end(&r);
}

static void a_kustomization_that_others_use_is_none(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "app/kustomization.yaml",
		   "resources: [../lib, https://example.com/x?ref=v1, ../../out]\n");
	write_text(&r, "lib/kustomization.yaml", "resources: [files/a.yaml]\n");
	write_text(&r, "lib/files/a.yaml", MANIFEST);
	write_text(&r, "broken/kustomization.yaml", "{{ a }}: [\n");
	check_file(&r, "environments:\n"
		       "  app:\n    branch: main\n    path: app\n"
		       "  broken:\n    branch: main\n    path: broken\n");
	end(&r);
}

static void equal_names_are_told_apart(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "apps/web/overlays/Prod_1/kustomization.yaml", "resources: []\n");
	write_text(&r, "apps/api/overlays/prod-1/kustomization.yaml", "resources: []\n");
	write_text(&r, "clusters/eu/kustomization.yaml", "resources: []\n");
	check_file(&r, "environments:\n"
		       "  api-prod-1:\n    branch: main\n    path: apps/api/overlays/prod-1\n"
		       "  web-prod-1:\n    branch: main\n    path: apps/web/overlays/Prod_1\n"
		       "  eu:\n    branch: main\n    path: clusters/eu\n");
	end(&r);
}

static void plain_directories_are_environments(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "deploy/staging/web/a.yaml", MANIFEST);
	write_text(&r, "deploy/prod/a.json", "{\"apiVersion\": \"v1\", \"kind\": \"X\"}");
	write_text(&r, "deploy/base/a.yaml", MANIFEST);
	write_text(&r, ".github/workflows/a.yaml", MANIFEST);
	check_file(&r, "environments:\n"
		       "  prod:\n    branch: main\n    path: deploy/prod\n"
		       "  staging:\n    branch: main\n    path: deploy/staging\n");
	assert_has(r.last.err, "deploy/base: plain manifests, left out");
	end(&r);
	begin(&r);
	write_text(&r, "deploy/a.yaml", MANIFEST);
	write_text(&r, "deploy/crds/a.yaml", MANIFEST);
	write_text(&r, "tests/a.yaml", MANIFEST);
	write_text(&r, "ci.yaml", "jobs: []\n");
	check_file(&r, "environments:\n  deploy:\n    branch: main\n    path: deploy\n");
	end(&r);
}

static void charts_are_told_and_left_out(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "charts/web/Chart.yaml", "name: web\n");
	write_text(&r, "charts/web/templates/a.yaml", MANIFEST);
	run(&r, "--print", "");
	assert_int_equal(r.last.status, EXIT_TROUBLE);
	assert_string_equal(r.last.out, "");
	assert_has(r.last.err, "charts/web: a Helm chart, left out: Helm is not native yet");
	assert_has(r.last.err, "there is nothing to deploy");
	end(&r);
}

static void the_branch_is_the_one_checked_out(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "a.yaml", MANIFEST);
	write_text(&r, ".git/HEAD", "ref: refs/heads/feature/#1\n");
	run(&r, "--print", "");
	assert_has(r.last.out, "\n    branch: 'feature/#1'\n    path: .\n");
	write_text(&r, ".git/HEAD", "0123456789012345678901234567890123456789\n");
	run(&r, "--print", "");
	assert_null(strstr(r.last.out, "branch:"));
	assert_has(r.last.err, "a git repository, no branch is checked out");
	/* A worktree. */
	write_text(&r, "tree/a.yaml", MANIFEST);
	write_text(&r, "tree/.git", "gitdir: ../.git/worktrees/tree\n");
	write_text(&r, ".git/worktrees/tree/HEAD", "ref: refs/heads/topic\n");
	run(&r, "--print", "tree");
	assert_has(r.last.out, "\n    branch: topic\n");
	end(&r);
}

static void the_file_is_written_at_the_root_and_never_over_another(void **state)
{
	struct repository r;
	struct stat st;
	begin(&r);
	write_text(&r, "k8s/a.yaml", MANIFEST);
	run(&r, "--yes", "k8s");
	assert_int_equal(r.last.status, EXIT_OK);
	assert_has(r.last.out, "/capstan.yaml\n");
	const char *path = arena_printf(&r.a, "%s/capstan.yaml", r.dir);
	assert_int_equal(stat(path, &st), 0);
	write_text(&r, "capstan.yaml", "# mine\n");
	run(&r, "--yes", "");
	assert_int_equal(r.last.status, EXIT_TROUBLE);
	assert_has(r.last.err, "is there already; give --force");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 7);
	run(&r, "--force", "");
	assert_int_equal(r.last.status, EXIT_TROUBLE); /* nobody said yes */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 7);
	assert_int_equal(system(arena_printf(&r.a, "ls -A '%s' | grep -q new-", r.dir)) == 0, 0);
	end(&r);
}

static void links_are_not_followed(void **state)
{
	struct repository r;
	begin(&r);
	write_text(&r, "k8s/a.yaml", MANIFEST);
	assert_int_equal(symlink("..", arena_printf(&r.a, "%s/k8s/up", r.dir)), 0);
	assert_int_equal(symlink("/etc", arena_printf(&r.a, "%s/etc", r.dir)), 0);
	check_file(&r, "environments:\n  k8s:\n    branch: main\n    path: k8s\n");
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlays_are_environments),
		cmocka_unit_test(a_kustomization_that_others_use_is_none),
		cmocka_unit_test(equal_names_are_told_apart),
		cmocka_unit_test(plain_directories_are_environments),
		cmocka_unit_test(charts_are_told_and_left_out),
		cmocka_unit_test(the_branch_is_the_one_checked_out),
		cmocka_unit_test(the_file_is_written_at_the_root_and_never_over_another),
		cmocka_unit_test(links_are_not_followed),
	};
	/* Questions find no terminal, whoever runs this. */
	if (!freopen("/dev/null", "r", stdin))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
