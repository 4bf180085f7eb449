/* commands.c - the list of commands, in the order of the help. */
#include "cmd/commands.h"

/* clang-format off: one a line, as generated/meson.build reads them */
const struct command *const commands[] = {
	&command_install,
	&command_uninstall,
	&command_run,
	&command_render,
	&command_diff,
	&command_sync,
	&command_status,
	&command_suspend,
	&command_resume,
	&command_delete,
	&command_version,
	&command_completion,
	&command_man,
	&command_docs,
	NULL,
};
/* clang-format on */
