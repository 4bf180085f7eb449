/*
 * process.h - child processes with owned pipes, a deadline and bounded output.
 *
 * The child gets its own process group; at the deadline or on cancel the group gets SIGTERM,
 * and SIGKILL PROCESS_KILL_AFTER_MS later. done is called exactly once, on the loop, unless
 * process_cancel() was called before. Nothing is inherited but the three standard fds.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"

#define PROCESS_KILL_AFTER_MS 2000

struct process;

struct process_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL-terminated "K=V"; NULL: inherit ours */
	const char *dir;	 /* NULL: ours */
	struct str input;	 /* fed to stdin, then closed; copied */
	size_t output_max;	 /* cap of stdout; over it the child is ended and `overflow` set */
	size_t stderr_max;	 /* the first bytes of stderr that are kept; the rest is read and dropped */
	int64_t timeout_ms;	 /* > 0, always */
	bool inherit_stderr;	 /* stderr goes to ours instead of being kept */
};

struct process_result {
	int exit_code;	     /* -1: ended by a signal */
	int signal;	     /* 0: none */
	bool timed_out;	     /* the deadline ended it */
	bool overflow;	     /* output_max ended it */
	struct str out, err; /* valid during done */
};

typedef void process_fn(void *arg, const struct process_result *result);

/* NULL and err when it cannot be started (program not found, ...). */
struct process *process_start(struct loop *loop, const struct process_spec *spec, process_fn *done, void *arg,
			      struct error *err);
/* Ends the child; done will not be called; p is gone. */
void process_cancel(struct process *p);
