/* name.h - which names of files are taken, from a commit and from a directory of this machine alike. Pure. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/*
 * Whether one name (no path) may be what it says: not a way out of its directory, not git's own directory
 * under any spelling that some file system reads as .git, no control, bidirectional or invisible characters,
 * valid UTF-8.
 */
bool name_is_safe(struct str name);
/* A copy for messages: what a terminal would act on is '?'. */
char *name_printable(struct arena *a, struct str text) __attribute__((returns_nonnull));
