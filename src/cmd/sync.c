/*
 * sync.c - `capstan sync DIR|APP`: make it so now, and show how it goes.
 *
 * A directory needs no operator and no custom resource: the same engine runs in this process, with the
 * inventory in a ConfigMap, or, with --to, in a directory of this machine.
 */
#include "cmd/commands.h"

struct sync_options {
	const char *name, *to, *command;
	bool no_prune, no_wait, force, allow_empty;
};

#define FIELD(f) .offset = offsetof(struct sync_options, f)

static const struct option_def options[] = {
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .value = "APP",
	  FIELD(name),
	  .help = "With a directory: name of the app it is. Default: the directory's name." },
	{ .name = "to",
	  .kind = OPTION_TEXT,
	  .value = "DIRECTORY",
	  FIELD(to),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "With a directory: make this directory of this machine what it says, and no cluster." },
	{ .name = "command",
	  .kind = OPTION_TEXT,
	  .value = "COMMAND",
	  FIELD(command),
	  .help = "With `--to`: run this in a shell after something changed, until it succeeds." },
	{ .name = "no-prune",
	  .kind = OPTION_FLAG,
	  FIELD(no_prune),
	  .help = "Keep what is no longer in git." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  FIELD(no_wait),
	  .help = "Return once all is applied, healthy or not." },
	{ .name = "force",
	  .kind = OPTION_FLAG,
	  FIELD(force),
	  .help = "Delete and create again what cannot be changed; take over files that differ." },
	{ .name = "allow-empty",
	  .kind = OPTION_FLAG,
	  FIELD(allow_empty),
	  .help = "Let an empty directory prune everything." },
	{ .name = NULL },
};

static const char *const formats[] = { "json", "yaml", NULL };

static const struct example examples[] = {
	{ "sync shop", "Sync the app shop now, whatever was applied" },
	{ "sync ./shop -n web", "Apply a directory, with no operator in the cluster" },
	{ "sync ./nginx --to /etc/nginx/conf.d --command 'nginx -s reload'",
	  "The same for files of this machine" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Everything is applied, and healthy unless `--no-wait` was given." },
	{ EXIT_DIFFERS, "Something could not be applied or is not healthy." },
	{ EXIT_TROUBLE, "Wrong usage, unreadable input or no cluster." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ 0, NULL },
};

const struct command command_sync = {
	.name = "sync",
	.operands = "DIR|APP",
	.summary = "Apply what git or a directory says, and show how it goes",
	.help = "Given the name of an App, asks the operator to sync it now and shows what it does. Given a directory (a path "
		"with a slash, or `.`), applies that directory from here; no operator is needed.\n\n"
		"On a terminal each object has a line that is redrawn in place; elsewhere each change is a line of its own.",
	.options = options,
	.options_size = sizeof(struct sync_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT | COMMON_LOG,
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
};
