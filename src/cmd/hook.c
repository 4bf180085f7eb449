/* hook.c - `capstan hook install` and `capstan hook run pre-push`: the checks of a push before it leaves. */
#include "cmd/hook.h"

#include <string.h>

#include "cmd/commands.h"
#include "cmd/hook_summary.h"

struct hook_options {
	bool uninstall;
};

static int run_hook(struct cli *cli)
{
	struct error err = ERROR_INIT;
	const char *name = cli->n_operands > 1 ? cli->operands[1] : "";
	if (strcmp(name, "pre-push") == 0)
		return hook_pre_push(cli, cli->n_operands > 2 ? cli->operands[2] : NULL,
				     cli->n_operands > 3 ? cli->operands[3] : NULL);
	if (strcmp(name, "summary") == 0 && cli->n_operands == 4)
		return hook_summary_ask(cli, cli->operands[2], cli->operands[3]);
	error_set(&err, "hook run: there is no hook `%s`; it is pre-push", name);
	return command_fail(cli, &err);
}

static int run(struct cli *cli)
{
	const struct hook_options *own = cli->own;
	struct error err = ERROR_INIT;
	if (strcmp(cli->operands[0], "run") == 0 && !own->uninstall)
		return run_hook(cli);
	if (strcmp(cli->operands[0], "install") == 0 && cli->n_operands == 1)
		return own->uninstall ? hook_uninstall(cli) : hook_install(cli);
	error_set(&err,
		  "hook: it is `hook install`, `hook install --uninstall`, or `hook run pre-push` for git");
	return command_fail(cli, &err);
}

static const struct option_def options[] = {
	{ .name = "uninstall",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct hook_options, uninstall),
	  .help = "With `install`: take the hook away again, and put back the one that was there before." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "hook install", "Check every push of the repository in the working directory" },
	{ "hook install --uninstall", "No longer" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Installed, or taken away; `run`: nothing speaks against the push." },
	{ EXIT_DIFFERS,
	  "`run`: the push is refused. `install`: a program that manages hooks has to be told; the lines to add are "
	  "printed." },
	{ EXIT_TROUBLE, "Wrong usage, no repository, or any other error." },
	{ 0, NULL },
};

const struct command command_hook = {
	.name = "hook",
	.operands = "install|run pre-push [REMOTE [URL]]",
	.summary = "Check pushes before they leave, by a git hook",
	.help = "`install` puts a pre-push hook where git looks for it (core.hooksPath and worktrees count). A hook that is there "
		"is kept and runs first. Where a program manages hooks, the line that it needs is printed instead.\n\n"
		"git then runs `hook run pre-push` before each push. Of the pushed commits, not of the working tree, the environments "
		"of `capstan.yaml` whose branch is pushed are rendered and checked as `capstan check` does. Every file that is new "
		"to the other side, also one that a later commit takes away again, is searched for secrets in plain text; "
		"`allowSecrets` of `capstan.yaml` lets some be, with a reason. Where an environment keeps its rendered objects "
		"(`rendered`), they are brought up to date in the working tree, and the push stops, saying what to commit. When the "
		"cluster answers within a second, what the push will change in it is shown. Else no network is used.\n\n"
		"`git push --no-verify` skips all hooks; a server that runs the same checks does not.",
	.options = options,
	.options_size = sizeof(struct hook_options),
	.common = COMMON_CLUSTER | COMMON_COLOR,
	.operands_min = 1,
	.operands_max = 4,
	.examples = examples,
	.exits = exits,
	.run = run,
};
