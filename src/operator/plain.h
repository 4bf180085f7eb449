/*
 * plain.h - Capstan on a plain machine, with no cluster: Repo and App objects from a file, directories that
 * follow git.
 *
 *   FILE -> plain_file.c (read, checked) -> plain.c (what came, changed, went)
 *             Repo -> plain_source.c (poll, fetch) --revisions--> plain_app.c (one state machine an App,
 * directory driver)
 *                                                                   `--> plain_render.c (files of a commit,
 * on a worker)
 *
 * One loop thread owns all of it, one process a state directory. An App that goes from FILE is let go of:
 * what it made stays, and so does its inventory, so that it goes on where it was when it comes back.
 */
#pragma once

#include "deploy/app.h"

struct plain_options {
	const char *file;      /* YAML documents of kind Repo and App */
	const char *state_dir; /* absolute; inventories and the lock; made when it is not there */
	const char *cache_dir; /* mirrors of git repositories; may be lost without harm */
	const char *web;       /* plain_run(): "ADDRESS:PORT" for health, metrics and notify; NULL: none */
};

/*
 * Until SIGTERM or SIGINT (0). FILE is read again when it changes, and at SIGHUP, which also asks every
 * remote. -1 and err: nothing in FILE can be used, another process has the state directory, ...
 */
int plain_run(const struct plain_options *options, struct error *err);

/* What one sync tells while it goes on; no call may call back into the app. */
struct plain_watcher {
	/* Something of the App may have changed. over: its attempt ended, this is the last call for it. */
	void (*app)(void *ctx, const char *name, const struct app *app, bool over);
	/* An App that cannot be tried, or an entry of FILE ("FILE:LINE" as place) that cannot be used. */
	void (*refused)(void *ctx, const char *name, const char *place, const char *why);
	void (*tick)(void *ctx); /* a few times a second */
};

struct plain_sync {
	struct plain_options options;
	const char *const *names; /* NAME or NAMESPACE/NAME; none: every App */
	size_t n_names;
	int64_t timeout_ms;
	const struct plain_watcher *watcher;
	void *ctx;
};

enum plain_end {
	PLAIN_FAILED = 1,    /* at least one App, or an entry that was asked for */
	PLAIN_TIMED_OUT = 2, /* the others are done */
	PLAIN_INTERRUPTED = 3,
};

/* One attempt of each App. 0: all were applied and every command ended well; or enum plain_end. */
int plain_sync(const struct plain_sync *sync, struct error *err);
