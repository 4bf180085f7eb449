/*
 * push_receive.c - the hidden `capstan push-receive`: the pre-receive hook of a hosted repository, and the
 * whole pipeline of one push. Refs come on stdin; what the push service says of the pusher is in the
 * environment. 0: git may move the refs.
 *
 * What the pushed objects are read through is a repository of this push's own (push/tree.h), so the
 * quarantine's variables are taken out of the environment at once: no git that runs below gets them.
 */
#include "cmd/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/push_run.h"
#include "push/access.h"
#include "push/hosted.h"
#include "push/receive.h"
#include "push/tree.h"

struct receiving {
	struct push_run run;
	const char *quarantine; /* or NULL */
	const struct hosted_key *key;
	struct journal_ref *refs;
	size_t n_refs;
};

/* --- what the hook is told --- */

static const char *given(struct arena *a, const char *name)
{
	const char *value = getenv(name);
	return value && *value ? arena_strdup(a, value) : NULL;
}

static void take_environment(struct receiving *r)
{
	static const char *const quarantine[] = { "GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY",
						  "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_DIR",
						  "GIT_PUSH_OPTION_COUNT" };
	struct arena *a = &r->run.arena;
	r->quarantine = given(a, "GIT_QUARANTINE_PATH");
	for (size_t i = 0; i < sizeof(quarantine) / sizeof(quarantine[0]); i++)
		unsetenv(quarantine[i]);
	r->run.home = push_home(a, NULL);
	r->run.record.repo = given(a, "CAPSTAN_PUSH_REPO");
	r->run.record.who = given(a, "CAPSTAN_PUSH_WHO");
	if (!r->run.record.who)
		r->run.record.who = "somebody";
}

static int read_all(int fd, size_t max, struct buf *out, struct error *err)
{
	char block[16384];
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, "the refs of the push: %s", strerror(errno));
		if (n == 0)
			return 0;
		if (out->n + (size_t)n > max)
			return error_set(err, "the push has more refs than %u (JOURNAL_REFS_MAX)",
					 JOURNAL_REFS_MAX);
		buf_add(out, block, (size_t)n);
	}
}

static int read_refs(struct receiving *r, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (read_all(STDIN_FILENO, RECEIVE_TEXT_MAX, &text, err) < 0 ||
	    receive_read(&r->run.arena, buf_str(&text), &r->refs, &r->n_refs, err) < 0)
		return -1;
	r->run.record.refs = r->refs;
	r->run.record.n_refs = r->n_refs;
	return 0;
}

/* --- who may do it --- */

static int find_key(struct receiving *r, struct hosted_repo *repo, struct error *err)
{
	const char *index = getenv("CAPSTAN_PUSH_KEY");
	int64_t i = -1;
	if (!r->run.record.repo)
		return error_set(err, "this is the hook of a hosted repository; git runs it");
	int rc = hosted_read(&r->run.arena, r->run.home, r->run.record.repo, repo, err);
	if (rc)
		return rc > 0 ? error_set(err, "there is no repository %s any more", r->run.record.repo) : -1;
	if (!index || !str_int64(str_of(index), &i) || i < 0 || (uint64_t)i >= repo->n_keys)
		return error_set(err, "the key of this push is not known any more; try again");
	r->key = &repo->keys[i];
	/* Keys may have been changed since the connection was made, and then another one is at that place. */
	if (!r->key->who || strcmp(r->key->who, r->run.record.who) != 0)
		return error_set(err, "the keys of %s were changed meanwhile; try again", r->run.record.repo);
	if (!access_may_push(r->key))
		return error_set(err, "%s may read %s, and not push to it", r->run.record.who,
				 r->run.record.repo);
	return 0;
}

static int check_ref(struct receiving *r, const char *hosted, const struct journal_ref *ref,
		     struct error *err)
{
	enum access_change change = ACCESS_FORWARD;
	if (!ref->old[0])
		change = ACCESS_CREATE;
	else if (!ref->new[0])
		change = ACCESS_DELETE;
	else if (push_tree_forward(r->run.git_dir, ref->old, ref->new, NULL) != 0)
		change = ACCESS_FORCE; /* also what is no commit: a tag that moves */
	/* git would refuse it, too, and only after all else was decided. */
	if (change == ACCESS_DELETE && push_tree_is_head(hosted, ref->name))
		return error_set(err, "%s is the repository's default branch, which cannot be deleted",
				 ref->name);
	return access_check_ref(&r->run.repo, r->key, ref->name, change, err);
}

/* --- the push --- */

static void on_line(void *ctx, struct str line)
{
	journal_log(ctx, line);
}

static int open_journal(struct receiving *r, struct error *err)
{
	struct push_run *run = &r->run;
	run->record.state = PIPE_NEW;
	run->record.receiver_pid = getppid();
	run->record.receiver_start = journal_process_start(run->record.receiver_pid);
	run->journal = journal_create(run->home, &run->record, err);
	if (!run->journal)
		return -1;
	run->tell = tell_new(STDERR_FILENO, on_line, run->journal);
	return 0;
}

/* Refused before the machine has begun: nothing is to be undone. */
static int refuse(struct push_run *run, const struct error *err)
{
	tell_word(run->tell, "error", "%s", err->text);
	run->record.reason = err->text;
	run->record.state = PIPE_REFUSED;
	run->record.ended_ms = clock_wall_ms();
	run->finished = push_save(run, NULL) == 0;
	return EXIT_DIFFERS;
}

static void tell_begin(struct push_run *run)
{
	const struct journal_ref *ref = run->record.n_refs ? &run->record.refs[0] : NULL;
	cleanup_buf struct buf text = BUF_INIT;
	if (ref && ref->new[0])
		buf_printf(&text, "%.12s to ", ref->new);
	for (size_t i = 0; i < run->record.n_refs && i < 3; i++) {
		const char *branch = receive_branch(&run->record.refs[i]);
		buf_printf(&text, "%s%s", i ? ", " : "", branch ? branch : run->record.refs[i].name);
	}
	if (run->record.n_refs > 3)
		buf_printf(&text, " and %zu more", run->record.n_refs - 3);
	tell_plain(run->tell, str_of(arena_printf(&run->arena, "%s: %s, push %s", run->record.repo,
						  text.n ? text.p : "nothing", run->record.id)));
}

static void tell_accepted(struct push_run *run)
{
	char time[16];
	tell_time(run->tell, time);
	for (size_t i = 0; i < run->n_targets; i++) {
		const struct push_target *t = &run->targets[i];
		if (t->failed)
			tell_word(run->tell, "warning",
				  "%s: %.12s is not healthy, and is kept (onFailure: keep)",
				  t->record->environment, t->commit);
		else if (t->proposed)
			tell_word(run->tell, "success", "%s: %.12s waits for its review (%s)",
				  t->record->environment, t->commit, time);
		else
			tell_word(run->tell, "success", "%s runs %.12s%s%s (%s)", t->record->environment,
				  t->commit, t->address ? ": " : "", t->address ? t->address : "", time);
	}
}

static int pipeline(struct receiving *r, struct error *err)
{
	struct push_run *run = &r->run;
	const char *hosted = hosted_git_dir(&run->arena, run->home, run->record.repo);
	int rc = push_run_open(run, err);
	if (rc > 0)
		error_set(err, "there is no repository %s any more", run->record.repo);
	if (rc != 0 || push_tree_make(run->git_dir, r->quarantine, hosted, err) < 0)
		return refuse(run, err);
	for (size_t i = 0; i < r->n_refs; i++)
		if (check_ref(r, hosted, &r->refs[i], err) < 0)
			return refuse(run, err);
	tell_begin(run);
	if (!push_run_start(run))
		return EXIT_DIFFERS;
	tell_accepted(run);
	return EXIT_OK;
}

/* Who pushed may go at any time; what was begun goes on. */
static void stay(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
}

static int run(struct cli *cli)
{
	struct receiving r = { .run.cli = cli };
	struct error err = ERROR_INIT;
	struct hosted_repo repo;
	stay();
	take_environment(&r);
	int status;
	if (find_key(&r, &repo, &err) < 0 || read_refs(&r, &err) < 0 || open_journal(&r, &err) < 0) {
		fprintf(cli->err, "error: %s\n", err.text);
		status = EXIT_DIFFERS;
	} else {
		status = pipeline(&r, &err);
	}
	push_run_close(&r.run);
	return status;
}

const struct command command_push_receive = {
	.name = "push-receive",
	.operands = "",
	.summary = "Take a push to a hosted repository (its pre-receive hook)",
	.help = "Run by git. Checks, builds and rolls out what is pushed, and lets git accept it when that has worked.",
	.hidden = true,
	.run = run,
};
