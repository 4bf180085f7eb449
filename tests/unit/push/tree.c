/* A push's own repository has what is in quarantine, and what the hosted one has. */
#include "unit/repo/git_fixture.h"

#include "push/tree.h"
#include "repo/objects.h"
#include "repo/refs.h"

struct fixture {
	struct git_fixture git;
	char hosted[128], quarantine[128], tree[128];
	char first[64], second[64], blob[64];
};

static void read_line(struct git_fixture *g, const char *name, char out[64])
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(out, 64, f));
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

/* Hosted has the first commit, the quarantine what the second one adds: loose objects, as git leaves them. */
static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "push-tree");
	git_do(&f->git,
	       "git init -q -b main work && cd work && echo one >a && git add . && git commit -qm 1 && "
	       "git rev-parse HEAD >../first && git clone -q --bare . ../hosted.git && echo two >b && git add . && "
	       "git commit -qm 2 && git rev-parse HEAD >../second && git rev-parse HEAD:b >../blob && mkdir ../q && "
	       "for o in $(git rev-list --objects HEAD~1..HEAD | cut -d' ' -f1); do d=$(echo $o | cut -c1-2); "
	       "mkdir -p ../q/$d; cp .git/objects/$d/$(echo $o | cut -c3-) ../q/$d/; done");
	read_line(&f->git, "first", f->first);
	read_line(&f->git, "second", f->second);
	read_line(&f->git, "blob", f->blob);
	snprintf(f->hosted, sizeof(f->hosted), "%s/hosted.git", f->git.dir);
	snprintf(f->quarantine, sizeof(f->quarantine), "%s/q", f->git.dir);
	snprintf(f->tree, sizeof(f->tree), "%s/tree.git", f->git.dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	objects_forget(NULL);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static void make(struct fixture *f)
{
	struct error err = ERROR_INIT;
	assert_int_equal(push_tree_make(f->tree, f->quarantine, f->hosted, &err), 0);
}

static void it_has_what_is_pushed_and_what_was_there(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char sha[SHA_HEX_MAX + 1];
	make(f);
	assert_int_equal(push_tree_commit(f->tree, f->first, sha, &err), 0);
	assert_int_equal(push_tree_commit(f->tree, f->second, sha, &err), 0);
	assert_string_equal(sha, f->second);
	assert_int_equal(push_tree_commit(f->tree, f->blob, sha, &err), 1);
	assert_int_equal(push_tree_check(f->tree, &err), 0);
	/* The hosted one does not have it, and gets it. */
	assert_int_equal(push_tree_commit(f->hosted, f->second, sha, &err), -1);
	objects_forget(NULL);
	assert_int_equal(push_tree_bring(f->tree, f->hosted, &err), 0);
	assert_int_equal(push_tree_commit(f->hosted, f->second, sha, &err), 0);
}

static void it_outlives_the_quarantine(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char sha[SHA_HEX_MAX + 1];
	make(f);
	files_remove(f->quarantine);
	assert_int_equal(push_tree_commit(f->tree, f->second, sha, &err), 0);
	/* Made again after a kill: what is there stays. */
	assert_int_equal(push_tree_make(f->tree, NULL, f->hosted, &err), 0);
	assert_int_equal(push_tree_commit(f->tree, f->second, sha, &err), 0);
}

static void packs_are_linked_too(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char sha[SHA_HEX_MAX + 1];
	git_do(&f->git,
	       "rm -r q && mkdir -p q/pack && cd work && "
	       "git rev-list --objects HEAD~1..HEAD | git pack-objects -q ../q/pack/pack >/dev/null && "
	       "touch ../q/pack/tmp_pack_half");
	make(f);
	assert_int_equal(push_tree_commit(f->tree, f->second, sha, &err), 0);
	git_do(&f->git, "test ! -e tree.git/objects/pack/tmp_pack_half");
}

static void forward_is_told_from_force(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	make(f);
	assert_int_equal(push_tree_forward(f->tree, f->first, f->second, &err), 0);
	assert_int_equal(push_tree_forward(f->tree, f->second, f->first, &err), 1);
	assert_int_equal(push_tree_forward(f->tree, f->second, f->second, &err), 0);
	assert_int_equal(
		push_tree_forward(f->tree, "1111111111111111111111111111111111111111", f->second, &err), -1);
}

static void refs_are_read(void **state)
{
	struct fixture *f = *state;
	char sha[SHA_HEX_MAX + 1];
	push_tree_ref(f->hosted, "refs/heads/main", sha);
	assert_string_equal(sha, f->first);
	push_tree_ref(f->hosted, "refs/heads/none", sha);
	assert_string_equal(sha, "");
}

/* 600 MiB of nothing are half a megabyte in a pack. */
static void what_unpacks_to_too_much_is_refused(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	git_do(&f->git,
	       "rm -r q && mkdir -p q/pack && cd work && truncate -s 600M bomb && "
	       "git -c core.bigFileThreshold=1m -c core.compression=1 hash-object -w bomb >../bomb && "
	       "rm bomb && git pack-objects -q ../q/pack/pack <../bomb >/dev/null");
	make(f);
	assert_int_equal(push_tree_check(f->tree, &err), -1);
	assert_non_null(strstr(err.text, "600 MiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_has_what_is_pushed_and_what_was_there, setup, teardown),
		cmocka_unit_test_setup_teardown(it_outlives_the_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(packs_are_linked_too, setup, teardown),
		cmocka_unit_test_setup_teardown(forward_is_told_from_force, setup, teardown),
		cmocka_unit_test_setup_teardown(refs_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_unpacks_to_too_much_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
