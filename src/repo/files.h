/* files.h - the few things done to files of a mirror. All paths are our own; none comes from a repository. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

int files_write(const char *path, struct str text, mode_t mode,
		struct error *err);			  /* atomic: beside it, then renamed */
void files_remove(const char *path);			  /* a whole tree; what cannot be removed stays */
void files_remove_leftovers(const char *mirror);	  /* *.lock, tmp_* and .tmp-* anywhere below */
uint64_t files_size(const char *path);			  /* bytes of all regular files below */
int files_make_dirs(const char *path, struct error *err); /* mkdir -p, 0755 */
