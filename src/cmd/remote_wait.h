/*
 * remote_wait.h - a remote's answers, waited for: for commands, which have nothing else to do meanwhile.
 */
#pragma once

#include "io/loop.h"
#include "repo/remote.h"

/* As remote_poll() and remote_fetch() of repo/remote.h, on the loop that r was made on. -1: err. */
int remote_poll_wait(struct loop *loop, struct repo_remote *r, struct error *err);
int remote_fetch_wait(struct loop *loop, struct repo_remote *r, const struct resolved *wants, size_t n,
		      struct error *err);
