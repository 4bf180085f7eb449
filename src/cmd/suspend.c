/* suspend.c - `capstan suspend APP...`: leave apps as they are. */
#include <limits.h>

#include "cmd/apps.h"
#include "cmd/commands.h"

static int run(struct cli *cli)
{
	return apps_patch_operands(cli, "{\"spec\":{\"suspend\":true}}", "suspended");
}

static const struct example examples[] = {
	{ "suspend shop", "Leave the app shop alone while somebody works on it by hand" },
	{ NULL, NULL },
};

const struct command command_suspend = {
	.name = "suspend",
	.operands = "APP...",
	.summary = "Stop acting on apps; what is there stays",
	.help = "Sets `spec.suspend` of each app: nothing is applied, healed or pruned, and its status goes on being told, until "
		"`capstan resume`. An operation under way is stopped.",
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_TIMEOUT,
	.operands_min = 1,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.run = run,
};
