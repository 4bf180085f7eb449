/* delete.c - `capstan delete APP...`: apps and what they made, or only the apps. */
#include <limits.h>

#include "cmd/commands.h"

struct delete_options {
	bool orphan, yes, no_wait;
};

static const struct option_def options[] = {
	{ .name = "orphan",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, orphan),
	  .help = "Let go of the objects and leave them where they are." },
	{ .name = "yes",
	  .letter = 'y',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, yes),
	  .help = "Do not ask." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, no_wait),
	  .help = "Return once the deletion is asked for." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "delete shop", "Delete the app shop and everything it made" },
	{ "delete shop --orphan", "Delete the app and keep what it made" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "All is gone." },
	{ EXIT_DIFFERS, "Something could not be removed, or the answer was no." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster, no such app or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first; the deletion goes on." },
	{ 0, NULL },
};

const struct command command_delete = {
	.name = "delete",
	.operands = "APP...",
	.summary = "Delete apps and what they made",
	.help = "Deletes each app with every object that it made and still owns, after asking (with no terminal `--yes` must be "
		"given), and waits until they are gone.",
	.options = options,
	.options_size = sizeof(struct delete_options),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_min = 1,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
};
