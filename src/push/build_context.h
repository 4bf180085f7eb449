/*
 * build_context.h - the directory of a pushed commit that a build sees: what it is known by, and its files
 * written to a directory of their own.
 *
 * The tree is hostile: links that lead out of the context and names that git would not check out are refused,
 * everything is capped, submodules stay empty directories, and nothing of .git is there. What .dockerignore
 * leaves out is neither written nor part of what the context is known by.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "push/dockerignore.h"

#define CONTEXT_FILES_MAX 200000u
#define CONTEXT_BYTES_MAX (4ull << 30)
#define CONTEXT_FILE_MAX (512ull << 20) /* bytes of one file */
#define CONTEXT_DEPTH_MAX 64u
#define CONTEXT_PATH_MAX 3072u

struct build_context {
	const char *git_dir, *commit;
	const char *path;	/* of the repository; "." is its root */
	const char *dockerfile; /* from the repository's root, for messages */
	struct str text;	/* of the Dockerfile; empty when none was asked for */
	struct dockerignore ignore;
	struct hash hash; /* of all that build_context_write() writes */
};

/* dockerfile: from the context; NULL: a build without one. Memory from a; git_dir and commit are borrowed. */
int build_context_open(struct arena *a, const char *git_dir, const char *commit, const char *path,
		       const char *dockerfile, struct build_context *out, struct error *err);

/*
 * Writes the files to dir, which is there and empty. A file's time is made of its content: layers of equal
 * files are equal, and servers that compare times see a change. max_bytes: of all files.
 */
int build_context_write(const struct build_context *c, const char *dir, uint64_t max_bytes,
			struct error *err);
