/* commands.c - the list of commands, in the order of the help. */
#include "cmd/commands.h"

/* One a line, with the word hidden where that is so: generated/meson.build reads them. */
/* clang-format off */
const struct command *const commands[] = {
	&command_install,
	&command_uninstall,
	&command_run,
	&command_init,
	&command_render,
	&command_check,
	&command_explain_field,
	&command_hook,
	&command_build,
	&command_diff,
	&command_sync,
	&command_deploy,
	&command_wait,
	&command_push_status,
	&command_status,
	&command_suspend,
	&command_resume,
	&command_delete,
	&command_serve,
	&command_repo,
	&command_version,
	&command_completion,
	&command_man, /* hidden */
	&command_docs, /* hidden */
	&command_push_child, /* hidden */
	&command_push_keys, /* hidden */
	&command_push_receive, /* hidden */
	&command_push_received, /* hidden */
	&command_push_recover, /* hidden */
	&command_push_shell, /* hidden */
	&command_push_box, /* hidden */
	&command_push_build, /* hidden */
	&command_push_clean, /* hidden */
	NULL,
};
/* clang-format on */
