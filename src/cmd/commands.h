/* commands.h - the tables of all commands, each defined in the file of its name. */
#pragma once

#include "cmd/command.h"

extern const struct command command_build, command_check, command_completion, command_delete, command_deploy,
	command_diff, command_docs, command_explain_field, command_init, command_install, command_man,
	command_push_child, command_push_keys, command_push_receive, command_push_received,
	command_push_recover, command_push_shell, command_push_status, command_render, command_resume,
	command_run, command_status, command_suspend, command_sync, command_uninstall, command_version,
	command_wait;
