/*
 * commit_revert.h - what one commit changed, taken back on top of whatever the branch has now. Files that
 * others changed since are merged, line by line; where they changed the same lines nothing is.
 *
 * It goes by content, so it is idempotent: taking back what was taken back, or what never arrived, changes
 * nothing.
 */
#pragma once

#include "repo/commit.h"

#define REVERT_FILES_MAX 1000u
#define REVERT_FILE_BYTES_MAX (16u << 20)

struct commit_revert {
	const char *parent, *commit; /* both in the repository */
	char *conflict; /* of the last call: a path where others changed the same lines; or NULL. free() it */
};

/* A commit_edit_fn; ctx is a struct commit_revert. -1 with `conflict` set, too. A commit that adds or deletes
 * files is refused. */
int commit_revert(void *ctx, struct arena *a, const char *git_dir, const char *tip, struct commit_spec *spec,
		  struct error *err);
