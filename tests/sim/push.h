/*
 * push.h - histories of pushes: the real machine of src/push/machine.c with a host, a disk, git, targets and
 * processes that are made up from a seed.
 */
#pragma once

#include "history.h"

void push_history_run(uint64_t seed, const struct only *only, enum variant variant, bool trace,
		      struct verdict *out);
