/*
 * sync_apps.h - what `capstan run --apps` and `capstan sync --apps` share: directories of this machine, with no cluster.
 */
#pragma once

#include "base/arena.h"
#include "cmd/command.h"

/* Inventories of a plain machine: /var/lib/capstan for root, else $XDG_STATE_HOME/capstan or ~/.local/state/capstan. */
const char *sync_apps_state_dir(struct arena *a);
/* `capstan sync --apps FILE [NAME...]`: the operands are the names. state_dir NULL: the default. An enum exit_code. */
int sync_apps(struct cli *cli, const char *file, const char *state_dir);
