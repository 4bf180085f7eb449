/*
 * dockerfile.h - which images of registries a Dockerfile begins from, and the file with their digests in
 * place of tags. Pure.
 *
 * Read as the reference of Dockerfiles has it (parser directives, continued lines, comments in them, ARGs
 * before the first FROM, --from of COPY and RUN --mount). What else is in the file is for the builder to
 * judge.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "render/environments.h"

#define DOCKERFILE_MAX (1u << 20) /* bytes */
#define DOCKERFILE_BASES_MAX 64u
#define DOCKERFILE_STAGES_MAX 256u
#define DOCKERFILE_ARGS_MAX 256u /* before the first FROM */

struct dockerfile_base {
	const char *image;  /* in full: "docker.io/library/nginx:1.27"; with a digest it has no tag */
	const char *digest; /* NULL until it is known; "sha256:..." */
	uint32_t line;
	size_t at, n; /* the bytes of the file that name it */
};

struct dockerfile {
	const char *file; /* for messages */
	struct str text;
	struct dockerfile_base *bases; /* in the order of the file; the same image may be there twice */
	size_t n_bases;
};

/* args: those of the build, over the file's own. file, text: borrowed. */
int dockerfile_read(struct arena *a, const char *file, struct str text, const struct environments_value *args,
		    size_t n_args, struct dockerfile *out, struct error *err);

/* The file with "NAME@DIGEST" for each base; all digests are known. */
void dockerfile_pin(const struct dockerfile *d, struct buf *out);
/* "docker.io/library/nginx@sha256:..." of one base, in a. */
const char *dockerfile_pinned(struct arena *a, const struct dockerfile_base *base);
