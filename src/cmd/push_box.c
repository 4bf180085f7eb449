/* push_box.c - `capstan push-box`: the inside of a box that builds run in (push/box.h). */
#include "cmd/commands.h"
#include "push/box.h"

static int run(struct cli *cli)
{
	return box_inside(3);
}

const struct command command_push_box = {
	.name = BOX_COMMAND,
	.operands = "",
	.summary = "Run one program of a build in a box",
	.help = "Reads from descriptor 3 what to run, and how it is confined. Started by Capstan alone.",
	.hidden = true,
	.run = run,
};
