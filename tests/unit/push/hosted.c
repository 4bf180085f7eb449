/* Repositories on disk, held against git itself: made, configured, listed, cleaned, deleted. */
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "base/clock.h"
#include "io/file.h"
#include "push/access.h"
#include "push/home_record.h"
#include "push/hosted.h"
#include "push/journal.h"

static struct arena a;
static const char *home;

static int setup(void **state)
{
	char *dir = arena_strdup(&a, "/tmp/capstan-hosted-XXXXXX");
	home = mkdtemp(dir);
	return home && hosted_home_prepare(home, "/usr/bin/capstan", NULL) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	int rc = system(arena_printf(&a, "rm -rf '%s'", home));
	arena_release(&a);
	return rc;
}

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *command = arena_vprintf(&a, fmt, ap);
	va_end(ap);
	command =
		arena_printf(&a, "cd '%s' && export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null && %s",
			     home, command);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static struct hosted_repo repo = { .namespace = "team", .name = "shop", .max_bytes = 1 << 20 };

static void commit(const char *branch, const char *text)
{
	shell("rm -rf w && git init -q -b '%s' w && cd w && echo '%s' > f && git add f && git -c user.name=a -c "
	      "user.email=a@b commit -qm '%s' && git -c core.hooksPath=/dev/null push -qf '%s/repos/team/shop.git' 'HEAD:refs/heads/%s'",
	      branch, text, text, home, branch);
}

static void allow_pushes(void)
{
	shell("for h in pre-receive post-receive; do printf '#!/bin/sh\\nexit 0\\n' > hooks/$h; done");
}

static void git_takes_what_is_made(void **state)
{
	struct error err = ERROR_INIT;
	assert_int_equal(hosted_update(home, &repo, "trunk", &err), 0);
	shell("git -C repos/team/shop.git fsck --strict 2>/dev/null");
	shell("test $(git -C repos/team/shop.git symbolic-ref HEAD) = refs/heads/trunk");
	shell("test $(git -C repos/team/shop.git config receive.fsckObjects) = true");
	shell("test $(git -C repos/team/shop.git config core.hooksPath) = '%s/hooks'", home);
	shell("test $(stat -c %%a repos/team/shop.git/config) = 600");
	shell("test $(stat -c %%a .) = 700");
	/* The hook that is there refuses: there is no such program for it to run. */
	shell("git init -q x && cd x && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && "
	      "! git push -q ../repos/team/shop.git HEAD:refs/heads/x 2>/dev/null");
	allow_pushes();
}

static void what_did_not_change_is_not_written(void **state)
{
	struct stat before, after;
	const char *record = push_path(&a, home, "repos", "team", "shop.json", NULL);
	assert_int_equal(stat(record, &before), 0);
	assert_int_equal(hosted_update(home, &repo, "trunk", NULL), 0);
	assert_int_equal(stat(record, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	repo.mirror_url = "https://up";
	assert_int_equal(hosted_update(home, &repo, "trunk", NULL), 0);
	assert_int_equal(stat(record, &after), 0);
	assert_true(before.st_ino != after.st_ino);
}

static void head_follows_the_only_branch(void **state)
{
	struct hash before = hosted_refs(home, "team/shop");
	commit("feature/x", "one");
	assert_false(hash_eq(before, hosted_refs(home, "team/shop")));
	hosted_settle_head(home, "team/shop");
	shell("test $(git -C repos/team/shop.git symbolic-ref HEAD) = refs/heads/feature/x");
	commit("other", "two");
	hosted_settle_head(home, "team/shop");
	shell("test $(git -C repos/team/shop.git symbolic-ref HEAD) = refs/heads/feature/x");
}

static void the_cap_is_what_is_left(void **state)
{
	shell("dd if=/dev/urandom of=repos/team/shop.git/objects/blob bs=1024 count=600 2>/dev/null");
	assert_int_equal(hosted_update(home, &repo, NULL, NULL), 0);
	shell("test $(git -C repos/team/shop.git config receive.maxInputSize) -lt 500000");
	shell("test $(git -C repos/team/shop.git config receive.maxInputSize) -gt 300000");
	shell("dd if=/dev/urandom of=repos/team/shop.git/objects/blob bs=1024 count=6000 2>/dev/null");
	assert_int_equal(hosted_update(home, &repo, NULL, NULL), 0);
	shell("test $(git -C repos/team/shop.git config receive.maxInputSize) = %u", HOSTED_SIZE_LEAST);
	shell("rm repos/team/shop.git/objects/blob");
}

static void touch_old(const char *path, int64_t seconds)
{
	struct utimbuf times = { (time_t)(clock_wall_ms() / 1000 - seconds),
				 (time_t)(clock_wall_ms() / 1000 - seconds) };
	assert_int_equal(utime(push_path(&a, home, "repos/team/shop.git", path, NULL), &times), 0);
}

static bool is_there(const char *path)
{
	return access(push_path(&a, home, "repos/team/shop.git", path, NULL), F_OK) == 0;
}

static void leftovers_go_when_they_are_old(void **state)
{
	shell("cd repos/team/shop.git && touch packed-refs.lock refs/heads/old.lock refs/heads/new.lock "
	      "objects/pack/tmp_pack_old objects/pack/tmp_pack_new && mkdir objects/tmp_objdir-incoming-a");
	touch_old("packed-refs.lock", HOSTED_LOCK_OLD_S + 5);
	touch_old("refs/heads/old.lock", HOSTED_LOCK_OLD_S + 5);
	touch_old("objects/pack/tmp_pack_old", 25 * 3600);
	touch_old("objects/tmp_objdir-incoming-a", 25 * 3600);
	hosted_clean(home, "team/shop");
	assert_false(is_there("packed-refs.lock"));
	assert_false(is_there("refs/heads/old.lock"));
	assert_true(is_there("refs/heads/new.lock"));
	assert_false(is_there("objects/pack/tmp_pack_old"));
	assert_true(is_there("objects/pack/tmp_pack_new"));
	assert_false(is_there("objects/tmp_objdir-incoming-a"));
	assert_true(is_there("refs/heads/other"));
	shell("rm repos/team/shop.git/refs/heads/new.lock repos/team/shop.git/objects/pack/tmp_pack_new");
}

static void many_packs_want_packing(void **state)
{
	struct hosted_state now;
	hosted_look(home, "team/shop", &now);
	assert_false(hosted_wants_packing(&now));
	assert_true(now.bytes > 0);
	shell("cd repos/team/shop.git/objects/pack && for i in $(seq 20); do touch pack-$i.pack; done");
	hosted_look(home, "team/shop", &now);
	assert_int_equal(now.packs, 20);
	assert_true(hosted_wants_packing(&now));
	shell("rm repos/team/shop.git/objects/pack/pack-*");
}

static void changes_are_taken_once(void **state)
{
	cleanup_arena struct arena b = ARENA_INIT;
	const char *const *keys;
	assert_int_equal(hosted_take_changed(&b, home, &keys), 0);
	hosted_mark_changed(home, "team/shop");
	hosted_mark_changed(home, "team/shop");
	assert_int_equal(hosted_take_changed(&b, home, &keys), 1);
	assert_string_equal(keys[0], "team/shop");
	assert_int_equal(hosted_take_changed(&b, home, &keys), 0);
}

static void keys_are_found_by_fingerprint(void **state)
{
	struct error err = ERROR_INIT;
	struct access_key read;
	shell("ssh-keygen -q -t ed25519 -N '' -f k && ssh-keygen -q -t ed25519 -N '' -f none");
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(file_read(push_path(&a, home, "k.pub", NULL), 1000, &text, &err), 0);
	assert_int_equal(access_key_read(&a, buf_str(&text), &read, &err), 0);
	struct hosted_key keys[] = { { .who = "a", .key = read.key, .right = HOSTED_READ },
				     { .who = "t", .token_sha256 = "x", .right = HOSTED_PUSH } };
	struct hosted_key none[] = { { .who = "a", .key = read.key, .right = HOSTED_NONE } };
	struct hosted_repo one = { .namespace = "t", .name = "a", .keys = keys, .n_keys = 2 };
	struct hosted_repo two = { .namespace = "t", .name = "b", .keys = none, .n_keys = 1 };
	const struct hosted_repo *both[] = { &one, &two };
	assert_int_equal(hosted_keys_write(home, both, 2, &err), 0);
	assert_string_equal(hosted_key_line(&a, home, read.fingerprint, &err), read.key);
	assert_null(hosted_key_line(&a, home, "SHA256:none", &err));
	assert_int_equal(hosted_keys_write(home, both + 1, 1, &err), 0);
	assert_null(hosted_key_line(&a, home, read.fingerprint, &err));
	assert_string_equal(err.text, "");
}

static void the_operator_alone_sees_what_waits(void **state)
{
	struct journal_record one = { .repo = "team/shop", .who = "x" },
			      two = { .repo = "team/web", .who = "x" };
	struct journal *j1 = journal_create(home, &one, NULL), *j2 = journal_create(home, &two, NULL);
	assert_true(j1 && j2);
	struct hosted_session session = { .home = home, .key = "team/shop", .who = "x", .index = 3 };
	bool seen = false, index = false;
	for (const char **e = hosted_environment(&a, &session, NULL); *e; e++) {
		index = index || strcmp(*e, "CAPSTAN_PUSH_KEY=3") == 0;
		assert_null(strstr(*e, "ALTERNATE"));
		assert_null(strstr(*e, "allowAny"));
	}
	assert_true(index);
	session.by_operator = true;
	for (const char **e = hosted_environment(&a, &session, NULL); *e; e++) {
		if (strncmp(*e, "GIT_ALTERNATE_OBJECT_DIRECTORIES=", 33) == 0) {
			seen = true;
			assert_non_null(strstr(*e, arena_printf(&a, "pushes/%s/tree.git/objects", one.id)));
			assert_null(strstr(*e, two.id));
		}
	}
	assert_true(seen);
	journal_close(j1);
	journal_close(j2);
}

static void deleted_is_kept_for_a_while(void **state)
{
	const char *const *keys;
	size_t n;
	assert_int_equal(hosted_list(&a, home, &keys, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(keys[0], "team/shop");
	assert_int_equal(hosted_delete(home, "../team/shop", NULL), -1);
	assert_int_equal(hosted_delete(home, "team/shop", NULL), 0);
	assert_int_equal(hosted_delete(home, "team/shop", NULL), 0);
	assert_int_equal(hosted_list(&a, home, &keys, &n, NULL), 0);
	assert_int_equal(n, 0);
	shell("git -C deleted/team_shop.*.git rev-parse -q --verify refs/heads/other >/dev/null");
	shell("mkdir deleted/team_old.1000.git && touch deleted/team_odd");
	hosted_purge(home);
	shell("test ! -e deleted/team_old.1000.git && test -e deleted/team_shop.*.git && test -e deleted/team_odd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(git_takes_what_is_made),
		cmocka_unit_test(what_did_not_change_is_not_written),
		cmocka_unit_test(head_follows_the_only_branch),
		cmocka_unit_test(the_cap_is_what_is_left),
		cmocka_unit_test(leftovers_go_when_they_are_old),
		cmocka_unit_test(many_packs_want_packing),
		cmocka_unit_test(changes_are_taken_once),
		cmocka_unit_test(keys_are_found_by_fingerprint),
		cmocka_unit_test(the_operator_alone_sees_what_waits),
		cmocka_unit_test(deleted_is_kept_for_a_while),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
