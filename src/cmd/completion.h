/* completion.h - one writer a shell; each makes a whole script from the command tables. */
#pragma once

#include "base/str.h"
#include "cmd/command.h"

void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);

/*
 * Shell words that print candidates, the same for every shell: what the cluster knows is asked of kubectl,
 * which has the person's context and credentials; without it nothing is offered. NULL: nothing, or files and
 * directories.
 */
const char *completion_source(enum complete what);

/* The names of all public commands, separated by spaces. */
void completion_commands(struct buf *out);
/* The first sentence of an option's help without backticks, quotes, colons and brackets: safe in any shell's
 * quotes. */
void completion_plain(struct buf *out, const char *text);
