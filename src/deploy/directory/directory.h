/*
 * directory.h - the driver that makes a directory on this machine what git says.
 *
 * Promises: a file appears whole or not at all (a temporary file beside it, fsync, rename); what may exist is
 * written to the inventory before it is created; a file that is not ours and differs is refused by name
 * (unless forced); symbolic links are never followed beneath the root; only owned files are removed, and an
 * empty or failed render removes nothing; drift in content and mode is seen by inotify, or by a look every
 * DIRECTORY_POLL_MS where a watch cannot be had. All file work runs on worker threads.
 *
 * The command runs in the root after an apply that changed something and had no error; that it is due
 * outlives a crash, and it stays due until it ends with 0.
 *
 * Items: key = path relative to the root, payload = bytes, mode = 0644 or 0755 (directory_prepare).
 */
#pragma once

#include "deploy/driver.h"
#include "io/loop.h"
#include "repo/tree.h"

#define DIRECTORY_FILE_MAX (64u << 20) /* a larger file on disk is never equal to one of git's */
#define DIRECTORY_DEPTH_MAX 64	       /* parts of one path */
#define DIRECTORY_POLL_MS 10000
#define DIRECTORY_COMMAND_TIMEOUT_MS 60000

struct directory_options {
	const char *root;	    /* absolute; made when it is not there */
	const char *state_dir;	    /* absolute; holds inventories, made (0700) when it is not there */
	const char *app;	    /* "NAMESPACE/NAME": tells the apps of one state directory apart */
	const char *const *command; /* NULL-terminated argv to run in root after a change; NULL: none */
	int64_t command_timeout_ms; /* 0: DIRECTORY_COMMAND_TIMEOUT_MS */
};

/* Reads the inventory and begins to observe. Options are copied. err: a path that is not absolute, an
 * unreadable inventory. */
struct driver *directory_driver_new(struct loop *loop, const struct directory_options *options,
				    struct error *err);

/*
 * From files of a repository to items. source: the app's directory in the repository ("" or "." the whole),
 * which is taken off the paths. Skipped: anything under .git, and names that begin with ".capstan". What
 * could not be read (links that leave the repository, sizes over the caps) becomes a problem. Copies into
 * out->arena.
 */
void directory_prepare(const struct repo_files *in, const char *source, struct desired *out);

/* The hash of a file as an item: permission bits and bytes. */
struct hash directory_hash(uint32_t mode, struct str data);
