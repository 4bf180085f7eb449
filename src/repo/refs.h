/*
 * refs.h - what `git ls-remote` says, and which commit a revision means. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define REFS_MAX 200000		  /* refs of one remote */
#define REFS_TEXT_MAX (32u << 20) /* bytes of ls-remote's output */
#define SHA_HEX_MAX 64		  /* SHA-256 repositories */
#define REVISION_MAX 250	  /* bytes of a revision, and of a ref's name; a longer name is passed over */

struct ref {
	struct str name; /* "refs/heads/main", "HEAD" */
	struct str sha;	 /* hex; of an annotated tag the commit it points to */
};

struct refs {
	struct arena arena;
	struct ref *refs; /* sorted by name */
	size_t n;
	struct hash hash; /* of the text: equal means nothing changed */
};

/* err names the line. Lines whose names are no valid ref names are skipped: they could not be fetched anyway.
 */
int refs_parse(struct str text, struct refs *out, struct error *err);
void refs_release(struct refs *r);

/*
 * What a revision means; the first that fits counts:
 *   1. empty or HEAD: the default branch
 *   2. "semver:RANGE": the tag with the highest version in the range
 *   3. a full ref name (refs/...), then a branch, then a tag; an annotated tag is the commit it points to
 *   4. a commit: its full SHA (needs not be listed), or at least 7 digits that begin the SHA of one listed
 * commit
 *   5. a version range, as with semver:
 */
struct resolved {
	char sha[SHA_HEX_MAX + 1];
	char ref[256];	   /* what to fetch: a ref name, or "" to fetch the SHA itself */
	char display[128]; /* "main@sha1:0123456789ab...", "v1.2.3@sha1:...", "sha1:..." */
};
int refs_resolve(const struct refs *r, const char *revision, struct resolved *out, struct error *err);
