/* uninstall.c - `capstan uninstall`: everything that `capstan install` made. */
#include "cmd/commands.h"

struct uninstall_options {
	bool keep_crds, orphan, yes;
};

#define FIELD(f) .offset = offsetof(struct uninstall_options, f)

static const struct option_def options[] = {
	{ .name = "keep-crds",
	  .kind = OPTION_FLAG,
	  FIELD(keep_crds),
	  .help = "Keep the custom resource definitions, and with them every Repo and App." },
	{ .name = "orphan", .kind = OPTION_FLAG, FIELD(orphan), .help = "Keep the objects that apps made." },
	{ .name = "yes", .letter = 'y', .kind = OPTION_FLAG, FIELD(yes), .help = "Do not ask." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "uninstall --orphan", "Take Capstan away and keep what it deployed" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "All is gone." },
	{ EXIT_DIFFERS, "Something could not be removed, or the answer was no." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ 0, NULL },
};

const struct command command_uninstall = {
	.name = "uninstall",
	.operands = "",
	.summary = "Remove the operator from a cluster",
	.help = "Says what will go and asks (with no terminal `--yes` must be given). Apps are deleted first, with what they made "
		"unless `--orphan` is given; then the operator, its permissions and the custom resource definitions.",
	.options = options,
	.options_size = sizeof(struct uninstall_options),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.examples = examples,
	.exits = exits,
};
