/*
 * blobs.h - single objects of a repository by their id, whatever paths they have: for who looks at everything
 * that commits bring. One thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "repo/refs.h"

struct repo_blobs;

enum {
	BLOBS_TOO_LARGE = 1, /* *size says how large */
	BLOBS_MISSING,	     /* not here (a partial clone), or no blob */
};

struct repo_blobs *repo_blobs_open(const char *git_dir, struct error *err);
void repo_blobs_close(struct repo_blobs *b); /* NULL is fine */

/* A blob's bytes into a; 0 or one of the above. */
int repo_blobs_read(struct repo_blobs *b, const char *sha, size_t max, struct arena *a, struct str *out,
		    size_t *size);
/* The commit that an object is, or that a tag leads to. false: there is none (a tag of a file, or not here).
 */
bool repo_blobs_commit(struct repo_blobs *b, const char *sha, char out[SHA_HEX_MAX + 1]);
