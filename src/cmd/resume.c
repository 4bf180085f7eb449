/* resume.c - `capstan resume APP...`: the end of `capstan suspend`. */
#include <limits.h>

#include "cmd/apps.h"
#include "cmd/commands.h"

static int run(struct cli *cli)
{
	return apps_patch_operands(cli, "{\"spec\":{\"suspend\":false}}", "resumed");
}

static const struct example examples[] = {
	{ "resume shop", "Act on the app shop again; the newest revision is applied at once" },
	{ NULL, NULL },
};

const struct command command_resume = {
	.name = "resume",
	.operands = "APP...",
	.summary = "Act on suspended apps again",
	.help = "Clears `spec.suspend` of each app. What changed in git or in the cluster meanwhile is acted on at once.",
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_TIMEOUT,
	.operands_min = 1,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.run = run,
};
