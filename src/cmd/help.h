/* help.h - help for people, made from the command tables. */
#pragma once

#include "base/str.h"
#include "cmd/command.h"

void help_program(const struct cli *cli, FILE *out);
void help_command(const struct cli *cli, const struct command *c);

/* "-n, --namespace=NAMESPACE" */
#define HELP_OPTION_MAX 96
void help_option_name(const struct option_def *def, char out[HELP_OPTION_MAX]);
/* The help text with the choices added where it names none: "Format of the output: json or yaml." */
void help_option_text(const struct option_def *def, struct buf *out);
