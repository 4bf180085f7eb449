/*
 * stream_process.h - a child process whose stdin and stdout are streams with back-pressure.
 *
 * For what is too large to be held (process.h has the rest). The child gets its own process group; what is
 * left of the group when it exits is killed. done is called exactly once, on the loop, after the end of its
 * stdout, unless stream_process_abandon() was called before.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "io/loop.h"

#define STREAM_PROCESS_CHUNK (64u << 10)     /* most that is held of stdin, and that one read brings */
#define STREAM_PROCESS_STDERR_MAX (8u << 10) /* first bytes that are kept */

struct stream_process;

struct stream_process_ops {
	void (*output)(void *arg, struct str data); /* of stdout */
	void (*writable)(void *arg);		    /* stdin takes more */
	/* exit_code: -1 when a signal ended it. err: its stderr, valid during the call. */
	void (*done)(void *arg, int exit_code, struct str err);
};

struct stream_process_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL-terminated "K=V" */
	const char *dir;	 /* NULL: ours */
	int64_t idle_ms;	 /* no byte in or out for so long ends it; > 0 */
};

struct stream_process *stream_process_start(struct loop *loop, const struct stream_process_spec *spec,
					    const struct stream_process_ops *ops, void *arg,
					    struct error *err);
/* How many bytes of data were taken (copied); fewer than there are: writable() comes. A child that reads no
 * more takes everything and forgets it. */
size_t stream_process_write(struct stream_process *p, struct str data);
void stream_process_end_input(struct stream_process *p);	  /* after what was taken; twice is fine */
void stream_process_pause(struct stream_process *p, bool paused); /* no output() while paused */
void stream_process_kill(struct stream_process *p);		  /* SIGTERM to its group; done still comes */
/* Ends it; nothing is called any more, and p is gone. */
void stream_process_abandon(struct stream_process *p);
