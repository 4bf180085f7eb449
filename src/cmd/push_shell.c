/*
 * push_shell.c - `capstan push-shell --home HOME --key FINGERPRINT`: all that a key's owner can run over ssh.
 *
 * A clone becomes `git upload-pack` on the spot. A push runs behind a relay, so that git and its hooks come
 * to their end whatever becomes of the client.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "push/access.h"
#include "push/hosted.h"
#include "push/journal.h"
#include "push/relay.h"
#include "push/ssh_command.h"

#define UPLOAD_TIMEOUT "--timeout=600" /* seconds without a byte from the client */

struct shell_options {
	const char *home, *key;
};

static const struct option_def options[] = {
	{ .name = "home",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "The service's directory.",
	  .offset = offsetof(struct shell_options, home) },
	{ .name = "key",
	  .kind = OPTION_TEXT,
	  .value = "FINGERPRINT",
	  .help = "Whose it is.",
	  .offset = offsetof(struct shell_options, key) },
	{ .name = NULL },
};

/* What the client may say of the protocol's version: "version=2", perhaps with more such words. */
static const char *protocol(struct arena *a)
{
	const char *text = getenv("GIT_PROTOCOL");
	if (!text || strlen(text) > 64 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789=:.-") != strlen(text))
		return NULL;
	return arena_printf(a, "GIT_PROTOCOL=%s", text);
}

/* What became of pushes to the repository, of others too: whoever may read it sees their commits anyway. */
static int status(const struct hosted_session *session, const struct ssh_command *command, struct arena *a,
		  struct error *err)
{
	struct journal_record record;
	if (command->id[0]) {
		int rc = journal_read(a, session->home, command->id, &record, err);
		if (rc < 0)
			return -1;
		if (rc > 0 || strcmp(record.repo, command->key) != 0)
			return error_set(err, "%s: there is no push %s", command->key, command->id);
	}
	const char *argv[] = { "capstan",
			       "push-status",
			       "--state",
			       session->home,
			       command->id[0] ? command->id : command->key,
			       NULL };
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	return error_set(err, "push-status: %s", strerror(errno));
}

static int serve(const struct hosted_session *session, const struct ssh_command *command, struct arena *a,
		 struct error *err)
{
	const char *dir = hosted_git_dir(a, session->home, session->key);
	const char *extra[] = { protocol(a), NULL };
	if (command->service == SSH_PUSH_STATUS)
		return status(session, command, a, err);
	const char **env = hosted_environment(a, session, extra);
	if (command->service == SSH_UPLOAD_PACK) {
		const char *argv[] = { "git", "upload-pack", "--strict", UPLOAD_TIMEOUT, dir, NULL };
		execvpe(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
		return error_set(err, "git: %s", strerror(errno));
	}
	const char *argv[] = { "git", "receive-pack", dir, NULL };
	struct relay_spec spec = { .argv = argv, .env = env, .in = 0, .out = 1, .err = 2 };
	int status = EXIT_TROUBLE;
	if (relay_run(&spec, &status, err) < 0)
		return -1;
	hosted_mark_changed(session->home, session->key);
	return status;
}

static int run_it(struct cli *cli, struct arena *a, struct error *err)
{
	const struct shell_options *own = cli->own;
	const char *home = push_home(a, own->home), *text = getenv("SSH_ORIGINAL_COMMAND");
	struct ssh_command command;
	struct hosted_repo repo;
	if (ssh_command_parse(str_of(text ? text : ""), &command, err) < 0)
		return -1;
	int rc = hosted_read(a, home, command.key, &repo, err);
	if (rc < 0)
		return -1;
	size_t index = rc == 0 && own->key ? access_by_fingerprint(&repo, own->key) : ACCESS_NONE;
	if (index == ACCESS_NONE || !access_may_read(&repo.keys[index]))
		return error_set(err, "%s: there is no such repository, or your key has no right to it",
				 command.key);
	if (command.service == SSH_RECEIVE_PACK && !access_may_push(&repo.keys[index]))
		return error_set(err, "%s: your key (%s) may only read it", command.key,
				 repo.keys[index].who);
	struct hosted_session session = {
		.home = home,
		.key = command.key,
		.who = repo.keys[index].who,
		.index = index,
	};
	return serve(&session, &command, a, err);
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	int rc = run_it(cli, &a, &err);
	return rc < 0 ? command_fail(cli, &err) : rc;
}

const struct command command_push_shell = {
	.name = "push-shell",
	.operands = "",
	.summary = "Serve one ssh session of git",
	.help = "For the sshd of `capstan serve`.",
	.options = options,
	.options_size = sizeof(struct shell_options),
	.hidden = true,
	.run = run,
};
