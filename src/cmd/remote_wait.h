/*
 * remote_wait.h - a remote's answers, waited for: for commands, which have nothing else to do meanwhile.
 */
#pragma once

#include "io/loop.h"
#include "repo/remote.h"

/* Who may end a wait before its answer is there; asked now and then. */
struct wait_stop {
	bool (*stopped)(void *ctx); /* NULL: nobody */
	void *ctx;
};

/* As remote_poll() and remote_fetch() of repo/remote.h, on the loop that r was made on. -1: err. stop: or
 * NULL; of a wait that it ended the remote is to be freed next. */
int remote_poll_wait(struct loop *loop, struct repo_remote *r, const struct wait_stop *stop,
		     struct error *err);
int remote_fetch_wait(struct loop *loop, struct repo_remote *r, const struct resolved *wants, size_t n,
		      const struct wait_stop *stop, struct error *err);
