/* commands.h - the tables of all commands, each defined in the file of its name. */
#pragma once

#include "cmd/command.h"

extern const struct command command_completion, command_docs, command_man, command_render, command_run,
	command_version;
