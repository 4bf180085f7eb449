/*
 * relay.h - a git process behind pipes of ours, for a client that may go away.
 *
 * git and its hooks never see that the client is gone: what they print is dropped from then on, and they go
 * on to their end. Blocking; for the process that sshd starts for one push.
 */
#pragma once

#include "base/error.h"

#define RELAY_IDLE_MS 900000 /* no byte in any direction for so long ends git */

struct relay_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL-terminated "K=V" */
	int in, out, err;	 /* the client: read, written, written; made non-blocking */
};

/* *status: git's exit status, 128 + N when signal N ended it. -1: it could not be started. */
int relay_run(const struct relay_spec *spec, int *status, struct error *err);
