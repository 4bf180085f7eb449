/* diff.c - `capstan diff DIR|APP`: git, the cluster, and who changed the cluster since. */
#include "cmd/commands.h"

struct diff_options_given {
	const char *name;
	bool no_prune;
};

static const struct option_def options[] = {
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .value = "APP",
	  .offset = offsetof(struct diff_options_given, name),
	  .help = "With a directory: name of the app it is. Default: the directory's name." },
	{ .name = "no-prune",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct diff_options_given, no_prune),
	  .help = "Leave out what is no longer in git." },
	{ .name = NULL },
};

static const char *const formats[] = { "json", "yaml", NULL };

static const struct example examples[] = {
	{ "diff shop", "What the cluster has that git does not say, for an app" },
	{ "diff ./shop -n web", "What `sync ./shop` would change" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Git and the cluster are the same." },
	{ EXIT_DIFFERS, "They differ." },
	{ EXIT_TROUBLE, "Wrong usage, unreadable input, no cluster or any other error." },
	{ 0, NULL },
};

const struct command command_diff = {
	.name = "diff",
	.operands = "DIR|APP",
	.summary = "Show how the cluster differs from git, and who changed it",
	.help = "Shows each object that differs as a unified diff from the cluster to git, with the file and line in git, and "
		"with those who changed the object in the cluster and when. Nothing is changed.\n\n"
		"Fields that only the cluster fills in are no difference. Values of Secrets are never shown: each key is "
		"said to be changed or unchanged.",
	.options = options,
	.options_size = sizeof(struct diff_options_given),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
};
