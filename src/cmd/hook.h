/* hook.h - the parts of `capstan hook` (hook.c). Each returns an exit code and says on cli->err what it did.
 */
#pragma once

#include "cmd/command.h"

/* Puts the hook into the repository of the working directory, in front of nothing and behind what was there;
 * or takes it away again. */
int hook_install(struct cli *cli);
int hook_uninstall(struct cli *cli);

/* What git runs before a push: remote and url as githooks(5) has them, or NULL; refs on stdin. */
int hook_pre_push(struct cli *cli, const char *remote, const char *url);
