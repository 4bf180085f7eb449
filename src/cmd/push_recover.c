/*
 * push_recover.c - the hidden `capstan push-recover`: pushes whose process was killed are brought to one of
 * their two ends: pushed and running, or refused and as before.
 */
#include "cmd/commands.h"

#include <signal.h>
#include <stdio.h>

#include "cmd/push_run.h"
#include "push/claim.h"

static void on_line(void *ctx, struct str line)
{
	journal_log(ctx, line);
}

/* One that could not be undone has given its targets back. It needs them again, and disturbs nobody who has
 * them by now. */
static bool take_back(struct push_run *run)
{
	const struct journal_record *r = &run->record;
	enum claim_answer answer = CLAIM_OURS;
	char owner[JOURNAL_ID_MAX + 1];
	size_t n = 0;
	while (n < r->n_targets &&
	       claim_try(run->home, r->targets[n].key, r->id, NULL, &answer, owner, NULL) == 0 &&
	       answer == CLAIM_OURS)
		n++;
	if (n == r->n_targets)
		return true;
	while (n-- > 0)
		claim_release(run->home, r->targets[n].key, r->id);
	return false;
}

int push_recover_id(const struct cli *cli, const char *home, const char *id, bool moved, struct error *err)
{
	struct push_run run = { .cli = cli, .home = home, .moved = moved };
	run.journal = journal_take(home, id, &run.arena, &run.record, err);
	if (!run.journal) {
		arena_release(&run.arena);
		return err && err->text[0] ? -1 : 1;
	}
	/* Between the hook's end and post-receive it is git's turn. */
	bool gits = run.record.state == PIPE_ACCEPT && journal_receiver_alive(&run.record) &&
		    getppid() != run.record.receiver_pid;
	bool over = journal_finished(&run.record) && !run.record.unclean;
	run.tell = tell_new(-1, on_line, run.journal);
	bool others = journal_finished(&run.record) && !over && !take_back(&run);
	int rc = gits || over || others ? 1 : push_run_open(&run, err);
	if (!gits && !over && !others && rc >= 0) {
		run.gone = rc > 0;
		push_run_resume(&run);
		rc = 0;
	}
	push_run_close(&run);
	return rc;
}

/* --- the command --- */

struct recover_options {
	const char *state;
	bool unclean;
};

static int recover_all(struct cli *cli, struct arena *a, const char *home, struct error *err)
{
	const struct recover_options *own = cli->own;
	struct journal_record *all;
	size_t n, unreadable;
	int status = EXIT_OK;
	if (journal_unfinished(a, home, NULL, &all, &n, &unreadable, err) < 0)
		return command_fail(cli, err);
	for (size_t i = 0; i < n; i++) {
		struct error one = ERROR_INIT;
		if (journal_finished(&all[i]) && !own->unclean)
			continue;
		int rc = push_recover_id(cli, home, all[i].id, false, &one);
		if (rc < 0)
			status = command_fail(cli, &one);
		else if (rc == 0)
			fprintf(cli->out, "push %s of %s was finished\n", all[i].id, all[i].repo);
	}
	return status;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	const struct recover_options *own = cli->own;
	const char *home = push_home(&a, own->state);
	signal(SIGPIPE, SIG_IGN);
	if (!cli->n_operands)
		return recover_all(cli, &a, home, &err);
	int rc = push_recover_id(cli, home, cli->operands[0], false, &err);
	return rc < 0 ? command_fail(cli, &err) : EXIT_OK;
}

static const struct option_def options[] = {
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .offset = offsetof(struct recover_options, state),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "The push service's directory. Default: `$CAPSTAN_PUSH_HOME`, or `/var/lib/capstan/push`." },
	{ .name = "unclean",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct recover_options, unclean),
	  .help = "Also those that were refused and could not be undone." },
	{ .name = NULL },
};

const struct command command_push_recover = {
	.name = "push-recover",
	.operands = "[ID]",
	.summary = "Finish pushes whose process was killed",
	.help = "Run by the push service when it starts, and when it sees such a push.",
	.options = options,
	.options_size = sizeof(struct recover_options),
	.operands_max = 1,
	.hidden = true,
	.run = run,
};
