/*
 * push_refs.c - the refs of a push that was cut off: git would have moved them. All or none, by a transaction
 * of `git update-ref`, each only from where the push found it.
 */
#include <stdio.h>

#include "cmd/push_run.h"
#include "io/process.h"
#include "push/hosted.h"
#include "push/tree.h"

enum { GIT_TIMEOUT_MS_HERE = 60000, WORDS_MAX = 4096 };
#define ZEROS "0000000000000000000000000000000000000000"

struct update {
	struct loop *loop;
	struct error *err;
	int rc;
};

static void on_end(void *arg, const struct process_result *r)
{
	struct update *u = arg;
	struct str words = str_trim(r->err);
	u->rc = r->exit_code == 0 ? 0
				  : error_set(u->err, "the refs cannot be moved: %.*s",
					      words.n ? (int)words.n : 6, words.n ? words.p : "git...");
	loop_stop(u->loop);
}

static int update_refs(struct push_run *run, const char *git_dir, struct str list, struct error *err)
{
	const char *const argv[] = { "git", "update-ref", "--stdin", "-z", NULL };
	struct hosted_session session = { .home = run->home,
					  .key = run->record.repo,
					  .who = run->record.who };
	struct process_spec spec = {
		.argv = argv,
		.env = hosted_environment(&run->arena, &session, NULL),
		.dir = git_dir,
		.input = list,
		.output_max = WORDS_MAX,
		.stderr_max = WORDS_MAX,
		.timeout_ms = GIT_TIMEOUT_MS_HERE,
	};
	struct update u = { .loop = loop_new(), .err = err, .rc = -1 };
	if (process_start(u.loop, &spec, on_end, &u, err))
		loop_run(u.loop);
	loop_free(u.loop);
	return u.rc;
}

/* "update REF\0NEW\0OLD\0" or "delete REF\0OLD\0", git-update-ref(1). */
static void add_command(struct buf *out, const char *ref, const char *to, const char *from)
{
	buf_printf(out, "%s %s", *to ? "update" : "delete", ref);
	buf_addc(out, '\0');
	if (*to) {
		buf_adds(out, to);
		buf_addc(out, '\0');
	}
	buf_adds(out, *from ? from : ZEROS);
	buf_addc(out, '\0');
}

bool push_refs_moved(struct push_run *run)
{
	const char *git_dir = hosted_git_dir(&run->arena, run->home, run->record.repo);
	for (size_t i = 0; i < run->record.n_refs; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		char now[SHA_HEX_MAX + 1];
		push_tree_ref(git_dir, ref->name, now);
		/* Elsewhere than before: there, or further on. */
		if (strcmp(now, ref->old) == 0 && strcmp(ref->old, ref->new) != 0)
			return false;
		if (strcmp(now, ref->new) != 0 && *now &&
		    *ref->new &&push_tree_forward(git_dir, ref->new, now, NULL) != 0)
			return false;
	}
	return true;
}

enum step_outcome push_move_refs(struct push_run *run, struct error *err)
{
	cleanup_buf struct buf list = BUF_INIT;
	const char *git_dir = hosted_git_dir(&run->arena, run->home, run->record.repo);
	if (push_tree_bring(run->git_dir, git_dir, err) < 0)
		return STEP_FAILED;
	for (size_t i = 0; i < run->record.n_refs; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		char now[SHA_HEX_MAX + 1];
		push_tree_ref(git_dir, ref->name, now);
		if (strcmp(now, ref->new) != 0)
			add_command(&list, ref->name, ref->new, ref->old);
	}
	if (list.n && update_refs(run, git_dir, buf_str(&list), err) < 0)
		return STEP_FAILED;
	hosted_settle_head(run->home, run->record.repo);
	hosted_mark_changed(run->home, run->record.repo);
	return STEP_OK;
}

enum step_outcome push_restore_refs(struct push_run *run, struct error *err)
{
	cleanup_buf struct buf list = BUF_INIT;
	const char *git_dir = hosted_git_dir(&run->arena, run->home, run->record.repo);
	/* While git may still move them, it is too early; post-receive, its child, comes after that. */
	if (journal_receiver_alive(&run->record) && getppid() != run->record.receiver_pid) {
		error_set(err, "git still works on this push");
		return STEP_FAILED;
	}
	for (size_t i = 0; i < run->record.n_refs; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		char now[SHA_HEX_MAX + 1];
		push_tree_ref(git_dir, ref->name, now);
		if (strcmp(now, ref->new) == 0 && strcmp(now, ref->old) != 0)
			add_command(&list, ref->name, ref->old, ref->new);
	}
	if (list.n && update_refs(run, git_dir, buf_str(&list), err) < 0)
		return STEP_FAILED;
	return STEP_OK;
}
