/* What a render has looked at, held against other commits: what changed is seen, what did not costs little.
 */
#include "unit/repo/git_fixture.h"

#include "base/clock.h"
#include "repo/reads.h"
#include "repo/refs.h"
#include "repo/tree.h"

struct fixture {
	struct git_fixture git;
	struct reads_notes notes;
	struct reads reads;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "reads");
	git_do(&f->git, "git init -q -b main .");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	reads_notes_release(&f->notes);
	reads_release(&f->reads);
	repo_tree_forget(f->git.git);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static struct repo_view *view_of(struct fixture *f, const char *command)
{
	struct error err = ERROR_INIT;
	cleanup_free char *sha =
		git_run(&f->git, "%s && git add -A . && git commit --allow-empty -qm c && git rev-parse HEAD",
			command);
	struct repo_view *v = repo_view_open(f->git.git, sha, &err);
	if (!v)
		fail_msg("%s", err.text);
	return v;
}

static struct hash hash_after(struct fixture *f, const char *command)
{
	struct repo_view *v = view_of(f, command);
	struct hash hash = reads_hash(&f->reads, v, NULL, NULL);
	repo_view_close(v);
	return hash;
}

static void note_file(struct reads_notes *n, const char *path)
{
	struct view_entry e = { .kind = VIEW_FILE };
	reads_note_path(n, path, &e);
}

/* Looks at paths as a render's tree does. */
static void look_at(struct fixture *f, const char *const *paths)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_view *v = view_of(f, "true");
	for (size_t i = 0; paths[i]; i++) {
		struct view_entry e;
		repo_view_find(v, &a, paths[i], &e, NULL);
		reads_note_path(&f->notes, paths[i], &e);
	}
	repo_view_close(v);
	reads_pack(&f->notes, &f->reads);
}

static void only_what_was_read_counts(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git,
	       "mkdir -p apps/a apps/b base && echo 1 >apps/a/k && echo 1 >apps/a/other && echo 1 >apps/b/k && "
	       "echo 1 >base/k && git add . && git commit -qm 1");
	const char *const paths[] = { "apps/a/k", "apps/a/k.yml", "base", "base/k", NULL };
	look_at(f, paths);
	struct hash before = hash_after(f, "true");
	assert_false(hash_is_zero(before));
	assert_true(hash_eq(before, hash_after(f, "echo 2 >apps/b/k")));
	assert_true(hash_eq(before, hash_after(f, "echo 2 >apps/a/other")));
	assert_true(hash_eq(before, hash_after(f, "echo 2 >base/unread")));
	struct hash base = hash_after(f, "echo 2 >base/k");
	assert_false(hash_eq(before, base));
	struct hash file = hash_after(f, "echo 2 >apps/a/k");
	assert_false(hash_eq(base, file));
	/* Back to what it was: the same again. */
	assert_true(hash_eq(before, hash_after(f, "echo 1 >base/k && echo 1 >apps/a/k")));
	/* What was not there comes. */
	assert_false(hash_eq(before, hash_after(f, "echo 1 >apps/a/k.yml")));
	/* A directory becomes a file, or goes. */
	assert_false(
		hash_eq(before, hash_after(f, "git rm -q apps/a/k.yml && git rm -rq base && echo 1 >base")));
	assert_false(hash_eq(before, hash_after(f, "rm -r apps/a")));
}

static void links_and_what_they_point_to_count(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git,
	       "mkdir -p app far/one far/two && echo 1 >far/one/k && echo 1 >far/two/k && ln -s ../far/one app/base && "
	       "ln -s ../../x app/out && git add . && git commit -qm 1");
	const char *const paths[] = { "app/base", "app/base/k", "app/out", NULL };
	look_at(f, paths);
	struct hash before = hash_after(f, "true");
	assert_true(hash_eq(before, hash_after(f, "echo 2 >far/two/other")));
	assert_false(hash_eq(before, hash_after(f, "echo 2 >far/one/k")));
	assert_true(hash_eq(before, hash_after(f, "echo 1 >far/one/k")));
	/* The same content in another place: what is beside it is another. */
	assert_false(hash_eq(before, hash_after(f, "ln -sfn ../far/two app/base")));
	assert_true(hash_eq(before, hash_after(f, "ln -sfn ../far/one app/base")));
	/* A link that was refused is mended. */
	assert_false(hash_eq(before, hash_after(f, "ln -sfn ../far app/out")));
}

static void listed_directories_count_as_a_whole(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git,
	       "mkdir -p app/sub other && echo 1 >app/k && echo 1 >app/sub/k && echo 1 >other/k && git add . && git commit -qm 1");
	note_file(&f->notes, "app/k");
	reads_note_dir(&f->notes, "app", false);
	reads_note_dir(&f->notes, "app/sub", false);
	note_file(&f->notes, "app/sub/k");
	reads_pack(&f->notes, &f->reads);
	assert_int_equal(reads_count(&f->reads), 1);
	struct hash before = hash_after(f, "true");
	assert_true(hash_eq(before, hash_after(f, "echo 2 >other/k")));
	assert_false(hash_eq(before, hash_after(f, "echo 1 >app/sub/new")));
}

static void order_does_not_matter(void **state)
{
	struct fixture *f = *state;
	static const char *const some[] = { "b/x", "a", "a-b", "a/b", "a/b/c", "", "zz" };
	struct reads_notes backwards = { 0 };
	struct reads other = { 0 };
	for (size_t i = 0; i < 7; i++) {
		note_file(&f->notes, some[i]);
		note_file(&f->notes, some[i]);
		note_file(&backwards, some[6 - i]);
	}
	reads_pack(&f->notes, &f->reads);
	reads_pack(&backwards, &other);
	assert_int_equal(reads_count(&f->reads), 7);
	assert_int_equal(f->reads.size, other.size);
	assert_memory_equal(f->reads.packed, other.packed, other.size);
	reads_notes_release(&backwards);
	reads_release(&other);
}

static void collect(void *ctx, char kind, const char *path)
{
	buf_printf(ctx, "%c:%s;", kind, path);
}

static void what_is_too_much_becomes_coarser(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf all = BUF_INIT;
	char path[64];
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "app/%s/%ufile", i % 2 ? "odd" : "even", i);
		note_file(&f->notes, path);
	}
	reads_note_remote(&f->notes, "https://h/x", "v1", true);
	reads_pack(&f->notes, &f->reads);
	reads_each(&f->reads, collect, &all);
	assert_string_equal(all.p, "t:app/even;t:app/odd;r:https://h/x\nv1\n1;");
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "%udir/file", i);
		note_file(&f->notes, path);
	}
	reads_pack(&f->notes, &f->reads);
	buf_clear(&all);
	reads_each(&f->reads, collect, &all);
	assert_string_equal(all.p, "t:;r:https://h/x\nv1\n1;");
}

static bool answer(void *ctx, const char *url, const char *ref, bool submodules, char *sha)
{
	assert_string_equal(url, "https://h/x");
	assert_string_equal(ref, "");
	assert_false(submodules);
	snprintf(sha, SHA_HEX_MAX + 1, "%s", (const char *)ctx);
	return true;
}

static void other_repositories_count_by_their_commit(void **state)
{
	struct fixture *f = *state;
	char one[] = "1111", two[] = "2222";
	struct repo_view *v = view_of(f, "true");
	reads_note_remote(&f->notes, "https://h/x", "", false);
	reads_pack(&f->notes, &f->reads);
	struct hash first = reads_hash(&f->reads, v, answer, one);
	assert_true(hash_eq(first, reads_hash(&f->reads, v, answer, one)));
	assert_false(hash_eq(first, reads_hash(&f->reads, v, answer, two)));
	assert_true(hash_eq(first, reads_hash(&f->reads, v, answer, one)));
	repo_view_close(v);
}

/* A thousand apps with a shared base, ten paths each: a commit that changes one. */
static void a_commit_in_a_large_repository(void **state)
{
	enum { APPS = 1000 };
	struct fixture *f = *state;
	static const char *const names[] = { "kustomization.yaml", "kustomization.yml", "Kustomization",
					     "deployment.yaml",	   "patch.yaml",	"values.env" };
	static const char *const shared[] = { "base", "base/kustomization.yaml", "base/deployment.yaml",
					      "base/service.yaml" };
	struct reads *all = mem_alloc(APPS * sizeof(*all));
	struct hash *before = mem_alloc(APPS * sizeof(*before));
	char path[64];
	size_t bytes = 0;
	struct repo_view *one = view_of(
		f,
		"mkdir -p base && for i in kustomization deployment service; do echo $i >base/$i.yaml; done; "
		"for i in $(seq 0 999); do mkdir -p apps/team$((i % 10))/app$i && cd apps/team$((i % 10))/app$i && "
		"echo $i | tee kustomization.yaml deployment.yaml >patch.yaml; cd ../../..; done");
	for (unsigned i = 0; i < APPS; i++) {
		struct reads_notes notes = { 0 };
		for (unsigned k = 0; k < 6; k++) {
			snprintf(path, sizeof(path), "apps/team%u/app%u/%s", i % 10, i, names[k]);
			note_file(&notes, path);
		}
		for (unsigned k = 0; k < 4; k++) {
			struct view_entry e = { .kind = k ? VIEW_FILE : VIEW_DIR };
			reads_note_path(&notes, shared[k], &e);
		}
		reads_pack(&notes, &all[i]);
		reads_notes_release(&notes);
		before[i] = reads_hash(&all[i], one, NULL, NULL);
		bytes += all[i].size + sizeof(all[i]);
	}
	repo_view_close(one);
	struct repo_view *two = view_of(f, "echo new >apps/team7/app7/patch.yaml");
	int64_t start = clock_mono_ms();
	size_t changed = 0;
	for (unsigned i = 0; i < APPS; i++) {
		bool same = hash_eq(before[i], reads_hash(&all[i], two, NULL, NULL));
		assert_true(same || i == 7);
		changed += !same;
	}
	print_message("%d apps: %zu bytes an app, %lld ms a commit, %zu directories read\n", APPS,
		      bytes / APPS, (long long)(clock_mono_ms() - start), repo_view_loads(two));
	assert_int_equal(changed, 1);
	/* The root, apps, its ten teams; the changed app and base, looked at file by file. */
	assert_true(repo_view_loads(two) <= 14);
	assert_true(bytes / APPS < 400);
	repo_view_close(two);
	for (unsigned i = 0; i < APPS; i++)
		reads_release(&all[i]);
	free(all);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_was_read_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(links_and_what_they_point_to_count, setup, teardown),
		cmocka_unit_test_setup_teardown(listed_directories_count_as_a_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(order_does_not_matter, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_too_much_becomes_coarser, setup, teardown),
		cmocka_unit_test_setup_teardown(other_repositories_count_by_their_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_commit_in_a_large_repository, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
