/*
 * build_parts.h - what the files of a build share.
 *
 *   build.c           all images of a push, side by side
 *   build_image.c     one Dockerfile: by what it is known, is it there, else pull, build, push, look
 *   build_exec.c      one program of the repository that prints an image reference
 *   build_buildah.c   the three boxes of buildah
 *   build_store.c     where builders keep things
 *   build_registry.c  digests of images
 *
 * Room-internal.
 */
#pragma once

#include "push/box.h"
#include "push/build.h"
#include "push/build_context.h"
#include "push/build_store.h"
#include "push/dockerfile.h"

#define BUILD_DIGEST_LEN 71
#define BUILD_LINE_KEPT 161u /* bytes of one, with its end */
#define BUILD_LINES_KEPT 10u /* the last ones of a build that failed are part of the error */

/* One image on its way. All memory from a, which is its thread's alone. */
struct build_job {
	struct arena a;
	const struct build_request *request;
	const struct environments_build *build;
	struct build_store store;
	const atomic_bool *stop; /* cancelled, or another image failed */
	struct build_secret *secrets;
	size_t n_secrets;
	char kept[BUILD_LINES_KEPT][BUILD_LINE_KEPT]; /* a ring of the last lines, cut */
	size_t n_lines;
};

/* A line of a builder: without the secrets' values, kept and told. */
void build_line(void *ctx, const char *line);
/* err, and behind it what the builder said last. -1. */
int build_failed(struct build_job *job, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int build_image(struct build_job *job, struct built *out, struct error *err);
int build_exec(struct build_job *job, struct built *out, struct error *err);

/* Where it is pushed to, "registry/team/repo-web". */
const char *build_repository(struct arena *a, const struct build_request *request,
			     const struct environments_build *build, struct error *err);
/* "c-" and 32 digits: what is built from the same is called the same. */
const char *build_tag(struct arena *a, const struct environments_build *build,
		      const struct build_context *context, const struct dockerfile *dockerfile);

/* Whether an image is in a registry; its digest. 1: it is not. own: of the repository's registry. */
int build_find(const struct build_job *job, const char *image, char digest[BUILD_DIGEST_LEN + 1],
	       struct error *err);
bool build_is_own(const struct build_request *request, const char *image);
/* NULL, or why nothing is fetched from that registry. */
const char *build_host_refused(struct arena *a, const struct build_request *request, const char *image);

/* build_buildah.c. tag: the image with its tag; digest: as buildah says it was pushed. */
int build_by_buildah(struct build_job *job, const struct build_context *context,
		     const struct dockerfile *dockerfile, const char *tag, char digest[BUILD_DIGEST_LEN + 1],
		     struct error *err);
