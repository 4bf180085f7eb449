/*
 * sync_apps.h - what `capstan run --apps` and `capstan sync --apps` share.
 */
#pragma once

#include "base/arena.h"

/* Inventories of a plain machine: /var/lib/capstan for root, else $XDG_STATE_HOME/capstan or
 * ~/.local/state/capstan. */
const char *sync_apps_state_dir(struct arena *a);
