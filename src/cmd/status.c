/* status.c - `capstan status [APP...]`: a table of apps, or one app with all its objects and errors. */
#include <limits.h>

#include "cmd/commands.h"

struct status_options {
	bool watch, objects;
};

static const struct option_def options[] = {
	{ .name = "watch",
	  .letter = 'w',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct status_options, watch),
	  .help = "Go on showing changes until interrupted." },
	{ .name = "objects",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct status_options, objects),
	  .help = "List the objects of each app with their health." },
	{ .name = NULL },
};

static const char *const formats[] = { "wide", "json", "yaml", NULL };

static const struct example examples[] = {
	{ "status", "The apps of this namespace" },
	{ "status -A", "The apps of all namespaces" },
	{ "status shop --objects", "One app with its objects" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Every app shown is ready." },
	{ EXIT_DIFFERS, "At least one is not ready." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster, no such app or any other error." },
	{ 0, NULL },
};

const struct command command_status = {
	.name = "status",
	.operands = "[APP...]",
	.summary = "Show apps: what is applied, what is healthy, what is wrong",
	.help = "Shows the apps named, or all of the namespace: whether each is ready, the revision that is applied, whether "
		"the cluster still is as git says, the health of its objects, and the first error with file and line.\n\n"
		"With the name of one app every error is shown.",
	.options = options,
	.options_size = sizeof(struct status_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_ALL_NAMESPACES | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
};
