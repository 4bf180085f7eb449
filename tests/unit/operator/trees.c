/* Trees of renders over commits and other repositories. */
#include "unit/repo/git_fixture.h"

#include "operator/trees.h"
#include "repo/tree.h"

struct fixture {
	struct git_fixture git;
	struct arena arena;
	char cache_dir[96], url[96];
	struct remote_cache *cache;
	struct reads_notes notes;
	struct tree_remotes *remotes;
	struct commit_tree *commit;
	struct render_tree tree;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "trees");
	git_do(&f->git,
	       "git init -q -b main . && git init -q -b main other && cd other && mkdir deep && echo far >deep/f && "
	       "echo top >top && git add . && git commit -qm 1 && git tag v1");
	snprintf(f->cache_dir, sizeof(f->cache_dir), "%s/cache", f->git.dir);
	snprintf(f->url, sizeof(f->url), "file://%s/other", f->git.dir);
	struct remote_cache_options options = { .dir = f->cache_dir,
						.timeout_ms = 20000,
						.wait_ms = 20000,
						.max_bytes = 1 << 20,
						.fresh_ms = 60000 };
	f->cache = remote_cache_new(&options, NULL);
	assert_non_null(f->cache);
	*state = f;
	return 0;
}

static void close_trees(struct fixture *f)
{
	commit_tree_close(f->commit);
	tree_remotes_free(f->remotes);
	reads_notes_release(&f->notes);
	f->notes = (struct reads_notes){ 0 };
	f->commit = NULL;
	f->remotes = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close_trees(f);
	remote_cache_free(f->cache);
	arena_release(&f->arena);
	repo_tree_forget(f->git.git);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static void open_commit(struct fixture *f)
{
	struct error err = ERROR_INIT;
	cleanup_free char *sha = git_run(&f->git, "git rev-parse HEAD");
	close_trees(f);
	f->remotes = tree_remotes_new(f->cache, &f->notes);
	f->commit = commit_tree_open(f->git.git, sha, &f->notes, f->remotes, &err);
	if (!f->commit)
		fail_msg("%s", err.text);
	f->tree = commit_tree_files(f->commit);
}

static void expect_kind(struct fixture *f, const char *path, enum tree_kind kind, const char *real)
{
	const char *where = NULL;
	enum tree_kind found = TREE_NONE;
	struct error err = ERROR_INIT;
	if (f->tree.ops->find(f->tree.ctx, &f->arena, path, &found, &where, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	if (found != kind || (real && strcmp(where, real) != 0))
		fail_msg("%s is %d at %s", path, found, where);
}

static void expect_text(struct fixture *f, const struct render_tree *tree, const char *path, const char *text)
{
	struct str found;
	struct error err = ERROR_INIT;
	if (tree->ops->read(tree->ctx, &f->arena, path, &found, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	if (!str_is(found, text))
		fail_msg("%s: %.*s", path, STR_ARG(found));
}

static void expect_refused(struct fixture *f, const char *path, const char *words)
{
	enum tree_kind kind;
	struct error err = ERROR_INIT;
	assert_int_equal(f->tree.ops->find(f->tree.ctx, &f->arena, path, &kind, NULL, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("%s: %s", path, err.text);
}

static const char files[] =
	"mkdir -p app lib && echo one >app/k.yaml && echo two >lib/k.yaml && ln -s ../lib app/dir && "
	"ln -s /etc app/out && git add app lib && git commit -qm c";

static void check_files(struct fixture *f)
{
	const char **names;
	size_t n;
	struct str text;
	struct error err = ERROR_INIT;
	expect_kind(f, "", TREE_DIR, "");
	expect_kind(f, "app", TREE_DIR, "app");
	expect_kind(f, "app/k.yaml", TREE_FILE, "app/k.yaml");
	expect_kind(f, "app/dir/k.yaml", TREE_FILE, "lib/k.yaml");
	expect_kind(f, "app/dir", TREE_DIR, "lib");
	expect_kind(f, "app/none", TREE_NONE, NULL);
	expect_kind(f, "app/k.yaml/none", TREE_NONE, NULL);
	expect_refused(f, "app/out", "leaves");
	expect_refused(f, "app/out/passwd", "leaves");
	expect_text(f, &f->tree, "app/dir/k.yaml", "two\n");
	assert_int_equal(f->tree.ops->list(f->tree.ctx, &f->arena, "app", &names, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "dir");
	assert_string_equal(names[1], "k.yaml");
	assert_string_equal(names[2], "out");
	assert_int_equal(f->tree.ops->read(f->tree.ctx, &f->arena, "app", &text, &err), -1);
	assert_string_equal(err.text, "app: is a directory, not a file");
	assert_int_equal(f->tree.ops->read(f->tree.ctx, &f->arena, "app/no", &text, &err), -1);
	assert_string_equal(err.text, "app/no: there is no such file");
}

static void a_commit_is_a_tree_of_files(void **state)
{
	struct fixture *f = *state;
	git_do(&f->git, "%s", files);
	open_commit(f);
	check_files(f);
}

static void what_was_read_is_noted(void **state)
{
	struct fixture *f = *state;
	struct reads reads = { 0 };
	git_do(&f->git, "%s", files);
	open_commit(f);
	expect_text(f, &f->tree, "app/k.yaml", "one\n");
	expect_kind(f, "app/kustomization.yaml", TREE_NONE, NULL);
	reads_pack(&f->notes, &reads);
	assert_int_equal(reads_count(&reads), 2);
	struct hash before = reads_hash(&reads, commit_tree_view(f->commit), NULL, NULL);
	git_do(&f->git, "echo 2 >lib/k.yaml && git commit -qam other");
	open_commit(f);
	assert_true(hash_eq(before, reads_hash(&reads, commit_tree_view(f->commit), NULL, NULL)));
	git_do(&f->git, "echo 2 >app/kustomization.yaml && git add app && git commit -qm mine");
	open_commit(f);
	assert_false(hash_eq(before, reads_hash(&reads, commit_tree_view(f->commit), NULL, NULL)));
	reads_release(&reads);
}

static void other_repositories_come_on_demand(void **state)
{
	struct fixture *f = *state;
	struct render_tree far, again;
	struct reads reads = { 0 };
	struct error err = ERROR_INIT;
	size_t n;
	git_do(&f->git, "%s", files);
	open_commit(f);
	assert_int_equal(f->tree.ops->remote(f->tree.ctx, f->url, "v1", false, &far, &err), 1);
	assert_int_equal(f->tree.ops->remote(f->tree.ctx, f->url, "v1", false, &far, &err), 1);
	const struct remote_want *missing = tree_remotes_missing(f->remotes, &n);
	assert_int_equal(n, 1);
	assert_int_equal(remote_cache_wait(f->cache, missing, n, &err), 0);
	open_commit(f);
	if (f->tree.ops->remote(f->tree.ctx, f->url, "v1", false, &far, &err) != 0)
		fail_msg("%s", err.text);
	expect_text(f, &far, "deep/f", "far\n");
	assert_true(str_ends(str_of(far.prefix), STR("/other@v1//")));
	/* The same one is the same tree, from inside of itself, too. */
	assert_int_equal(far.ops->remote(far.ctx, f->url, "v1", false, &again, &err), 0);
	assert_ptr_equal(again.ctx, far.ctx);
	tree_remotes_missing(f->remotes, &n);
	assert_int_equal(n, 0);
	/* What is read in it counts as its commit. */
	reads_pack(&f->notes, &reads);
	assert_int_equal(reads_count(&reads), 1);
	struct repo_view *v = commit_tree_view(f->commit);
	struct hash known = reads_hash(&reads, v, remote_cache_current, f->cache);
	assert_false(hash_eq(known, reads_hash(&reads, v, NULL, NULL)));
	reads_release(&reads);
	assert_int_equal(f->tree.ops->remote(f->tree.ctx, "ext::sh", "", false, &far, &err), -1);
}

static void remotes_in_one_render_have_an_end(void **state)
{
	struct fixture *f = *state;
	struct render_tree far;
	struct error err = ERROR_INIT;
	char ref[16];
	git_do(&f->git, "%s", files);
	open_commit(f);
	for (unsigned i = 0; i < TREES_REMOTES_MAX; i++) {
		snprintf(ref, sizeof(ref), "b%u", i);
		assert_int_equal(f->tree.ops->remote(f->tree.ctx, f->url, ref, false, &far, &err), 1);
	}
	assert_int_equal(f->tree.ops->remote(f->tree.ctx, f->url, "one-more", false, &far, &err), -1);
	assert_non_null(strstr(err.text, "more than 200"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_is_a_tree_of_files, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_read_is_noted, setup, teardown),
		cmocka_unit_test_setup_teardown(other_repositories_come_on_demand, setup, teardown),
		cmocka_unit_test_setup_teardown(remotes_in_one_render_have_an_end, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
