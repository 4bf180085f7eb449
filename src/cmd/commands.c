/* commands.c - the list of commands, in the order of the help. */
#include "cmd/commands.h"

/* One a line: generated/meson.build reads them. */
/* clang-format off */
const struct command *const commands[] = {
	&command_install,
	&command_uninstall,
	&command_run,
	&command_init,
	&command_render,
	&command_check,
	&command_explain_field,
	&command_build,
	&command_diff,
	&command_sync,
	&command_deploy,
	&command_wait,
	&command_status,
	&command_suspend,
	&command_resume,
	&command_delete,
	&command_version,
	&command_completion,
	&command_man,
	&command_docs,
	&command_push_box,
	&command_push_build,
	&command_push_clean,
	NULL,
};
/* clang-format on */
