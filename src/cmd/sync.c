/*
 * sync.c - `capstan sync DIR|APP`: make it so now, and show how it goes.
 *
 * A directory needs no operator and no custom resource: the same engine runs in this process (sync_dir.c),
 * with the inventory in a ConfigMap. An App is synced by its operator, which is asked and watched
 * (sync_app.c). Apps of a file drive directories of this machine (sync_apps.c).
 */
#include "cmd/commands.h"

#include <limits.h>

#include "cmd/place.h"
#include "cmd/session.h"
#include "cmd/sync.h"

#define FIELD(f) .offset = offsetof(struct sync_options, f)

static const struct option_def options[] = {
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .value = "APP",
	  FIELD(name),
	  .help = "With a directory: name of the app it is. Default: the directory's name." },
	{ .name = "app",
	  .kind = OPTION_FLAG,
	  FIELD(app),
	  .help = "The operand is an App, also when there is a directory of that name." },
	{ .name = "apps",
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  FIELD(apps),
	  .complete = COMPLETE_FILE,
	  .help = "Read Repos and Apps from this file and no cluster, and make the directories of all of them, or of those named, as git says." },
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  FIELD(state),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "With `--apps`: keep inventories here, what was made and may be removed. Default: `/var/lib/capstan` for root, else `$XDG_STATE_HOME/capstan` or `~/.local/state/capstan`." },
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
	  .help = "Delete and create again what cannot be changed." },
	{ .name = "allow-empty",
	  .kind = OPTION_FLAG,
	  FIELD(allow_empty),
	  .help = "Let an empty directory prune everything." },
	LOCAL_OBJECTS_OPTIONS(struct sync_options),
	{ .name = NULL },
};

static const char *const formats[] = { "json", "yaml", NULL };

static const struct example examples[] = {
	{ "sync shop", "Sync the app shop now, whatever was applied" },
	{ "sync ./shop -n web", "Apply a directory, with no operator in the cluster" },
	{ "sync --env staging", "Apply an environment of `capstan.yaml`" },
	{ "sync --apps apps.yaml nginx", "Make the directory of the App nginx as git says, with no cluster" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Everything is applied, and healthy unless `--no-wait` was given." },
	{ EXIT_DIFFERS, "Something could not be applied or is not healthy." },
	{ EXIT_TROUBLE, "Wrong usage, unreadable input or no cluster." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ EXIT_INTERRUPTED,
	  "Stopped by Ctrl-C. What was begun is in the inventory; to sync again goes on from there." },
	{ 0, NULL },
};

static int run(struct cli *cli)
{
	const struct sync_options *own = cli->own;
	struct error err = ERROR_INIT;
	session_log(cli);
	if (own->apps)
		return sync_apps(cli);
	if (cli->n_operands == 0 && own->given.env)
		return sync_dir(cli, NULL);
	if (cli->n_operands != 1) {
		error_set(&err,
			  cli->n_operands ? "one operand too many: \"%s\"" : "DIR, APP or --env is missing%s",
			  cli->n_operands ? cli->operands[1] : "");
		return command_fail(cli, &err);
	}
	const char *operand = cli->operands[0];
	bool local = own->given.env || place_is_dir(operand, own->app);
	return local ? sync_dir(cli, operand) : sync_app(cli, operand);
}

const struct command command_sync = {
	.name = "sync",
	.operands = "DIR|APP|--env ENVIRONMENT|--apps FILE [APP...]",
	.summary = "Apply what git or a directory says, and show how it goes",
	.help = "Given the name of an App, asks the operator to sync it now and shows what it does. Given a directory (a path "
		"with a slash, `.`, or a name that is a directory here), applies that directory from here; no operator is "
		"needed. What it made is remembered in the ConfigMap `capstan-inventory-NAME` of the namespace, so that what "
		"goes from the directory goes from the cluster.\n\n"
		"With `--apps` there is no cluster: each App of the file, or each that is named, gets one attempt, with its "
		"`spec.target.command`. Nothing is tried twice.\n\n"
		"On a terminal each object has a line that is redrawn in place; elsewhere each change is a line of its own.",
	.options = options,
	.options_size = sizeof(struct sync_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT | COMMON_LOG,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
	.run = run,
};
