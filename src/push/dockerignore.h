/*
 * dockerignore.h - which files of a context a .dockerignore leaves out, as Docker's own matcher does
 * (moby/patternmatcher): the last pattern that matches a path, or a directory above it, decides.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define DOCKERIGNORE_MAX (1u << 20) /* bytes */
#define DOCKERIGNORE_PATTERNS_MAX 10000u
#define DOCKERIGNORE_PATTERN_MAX 1024u /* bytes of one; also bounds the depth of matching */
#define DOCKERIGNORE_STEPS_MAX 100000u /* of one pattern against one path: more do not match */

struct dockerignore_pattern {
	struct str text; /* cleaned, without `!` and a leading slash */
	bool keeps;	 /* `!` */
};

struct dockerignore {
	struct dockerignore_pattern *patterns;
	size_t n;
	bool keeps; /* any of them has `!` */
};

/* file: for messages. text may be in the result. */
int dockerignore_read(struct arena *a, const char *file, struct str text, struct dockerignore *out,
		      struct error *err);
/* path: relative to the context, "a/b". */
bool dockerignore_drops(const struct dockerignore *d, const char *path);
/* Whether a directory can be passed over with all that is in it. */
bool dockerignore_drops_all(const struct dockerignore *d, const char *path);
