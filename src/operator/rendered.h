/* rendered.h - files of a commit or of a directory, as the objects that a cluster is to have. */
#pragma once

#include "deploy/cluster/prepare.h"
#include "repo/tree.h"

bool rendered_is_manifest(struct str name); /* *.yaml, *.yml, *.json */

/* root: the directory in the repository, for messages. What could not be read is a problem in the result.
 * Never NULL; on any thread. */
struct desired *rendered_files(const struct repo_files *files, const char *root,
			       const struct prepare_options *prepare);
