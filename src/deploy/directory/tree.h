/*
 * tree.h - files beneath one open directory, without ever following a symbolic link; room-internal.
 *
 * Every path is relative, of plain parts (tree_path_ok), and is walked part by part with O_NOFOLLOW from the
 * root's descriptor, so that a directory swapped for a link leads to an error and not outside. That is what
 * openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS promises, on every kernel and under every seccomp filter.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

enum tree_kind {
	TREE_MISSING,
	TREE_FILE,
	TREE_DIRECTORY,
	TREE_OTHER, /* a symbolic link, a device, a file that is too large */
};

struct tree_seen {
	enum tree_kind kind;
	struct hash hash; /* TREE_FILE: directory_hash() of what is there */
};

enum tree_condition {
	TREE_BLOCKED =
		1,	 /* a part of the path before the last is there and is no directory: err says which */
	TREE_EXISTS = 2, /* something is at the place already */
	TREE_NOT_EMPTY = 3, /* the directory still holds something */
};

/* Opens the root; makes it, and what is missing above it, when `make`. *fd is -1 and 0 is returned when it is
 * not there. */
int tree_open(const char *root, bool make, int *fd, struct error *err);

/* 0, -1 or TREE_BLOCKED. A missing parent means TREE_MISSING. */
int tree_look(int root, const char *path, struct tree_seen *out, struct error *err);

/*
 * A new file appears whole under its name: temporary file beside it, fsync, rename, fsync of the directory.
 * exclusive: nothing may be at the place (TREE_EXISTS); else what is there is replaced, whatever it is, but
 * for a directory.
 */
int tree_write(int root, const char *path, uint32_t mode, struct str data, bool exclusive, struct error *err);
/* Takes away the temporary file that a killed tree_write() of this path may have left. */
void tree_sweep(int root, const char *path);
/* 0 also when it is not there. Never removes a directory. */
int tree_remove(int root, const char *path, struct error *err);
/* Its parent is there. 0 made, TREE_EXISTS a directory is there, -1. */
int tree_make_dir(int root, const char *path, struct error *err);
/* 0 removed or not there (or no directory), TREE_NOT_EMPTY, -1. */
int tree_remove_dir(int root, const char *path, struct error *err);

/* Plain parts only: not empty, no "." or "..", no NUL, at most DIRECTORY_DEPTH_MAX of them, none over 255
 * bytes. */
bool tree_path_ok(struct str path);
