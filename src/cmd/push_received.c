/*
 * push_received.c - the hidden `capstan push-received`: the post-receive hook. git has moved the refs; the
 * record of the push is finished, and its targets are free for the next one. When this does not run, or is
 * killed, the service does the same.
 */
#include "cmd/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/push_run.h"
#include "io/file.h"
#include "push/hosted.h"
#include "push/receive.h"

/* The push of the git process that runs this hook; NULL: none is open. */
static const struct journal_record *find_push(struct arena *a, const char *home, const char *repo)
{
	struct journal_record *all;
	size_t n, unreadable;
	int64_t pid = getppid(), start = journal_process_start(pid);
	if (journal_unfinished(a, home, repo, &all, &n, &unreadable, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (all[i].receiver_pid == pid && all[i].receiver_start == start &&
		    all[i].state == PIPE_ACCEPT)
			return &all[i];
	return NULL;
}

static bool is_among(const struct journal_ref *ref, const struct journal_ref *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, ref->name) == 0 && strcmp(list[i].new, ref->new) == 0)
			return true;
	return false;
}

/* git tells which refs it has moved. */
static bool all_moved(struct arena *a, const struct journal_record *record)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct journal_ref *moved;
	size_t n;
	if (file_read("/dev/stdin", RECEIVE_TEXT_MAX, &text, NULL) != 0 ||
	    receive_read(a, buf_str(&text), &moved, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < record->n_refs; i++)
		if (!is_among(&record->refs[i], moved, n))
			return false;
	return true;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	const char *home = push_home(&a, NULL), *repo = getenv("CAPSTAN_PUSH_REPO");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	if (!repo)
		return EXIT_OK;
	const struct journal_record *push = find_push(&a, home, repo);
	if (push && push_recover_id(cli, home, push->id, all_moved(&a, push), &err) < 0)
		command_fail(cli, &err);
	hosted_settle_head(home, repo);
	hosted_mark_changed(home, repo);
	return EXIT_OK;
}

const struct command command_push_received = {
	.name = "push-received",
	.operands = "",
	.summary = "Finish a push to a hosted repository (its post-receive hook)",
	.help = "Run by git, after the refs have moved.",
	.hidden = true,
	.run = run,
};
