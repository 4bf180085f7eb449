/* commands.h - the tables of all commands, each defined in the file of its name. */
#pragma once

#include "cmd/command.h"

extern const struct command command_build;
extern const struct command command_check;
extern const struct command command_completion;
extern const struct command command_delete;
extern const struct command command_deploy;
extern const struct command command_diff;
extern const struct command command_docs;
extern const struct command command_explain_field;
extern const struct command command_hook;
extern const struct command command_init;
extern const struct command command_install;
extern const struct command command_man;
extern const struct command command_push_box;
extern const struct command command_push_build;
extern const struct command command_push_child;
extern const struct command command_push_clean;
extern const struct command command_push_keys;
extern const struct command command_push_receive;
extern const struct command command_push_received;
extern const struct command command_push_recover;
extern const struct command command_push_shell;
extern const struct command command_push_status;
extern const struct command command_render;
extern const struct command command_repo;
extern const struct command command_resume;
extern const struct command command_run;
extern const struct command command_serve;
extern const struct command command_status;
extern const struct command command_suspend;
extern const struct command command_sync;
extern const struct command command_uninstall;
extern const struct command command_version;
extern const struct command command_wait;
