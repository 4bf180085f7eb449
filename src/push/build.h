/*
 * build.h - images of a pushed commit: Dockerfiles by buildah, anything else by a program of the repository.
 *
 * An image is named by what goes into it: the hash of its context's tree, Dockerfile, args, platforms and the
 * digests of its base images. What the registry has under that name already is not built again. Builds run
 * side by side. Blocking, for the hook's process; *cancel ends them soon.
 */
#pragma once

#include <stdatomic.h>

#include "push/home.h"
#include "render/environments.h"

#define BUILD_IMAGES_MAX 64u
#define BUILD_PARALLEL 2u	 /* at a time, in one push */
#define BUILD_TIMEOUT_MS 1800000 /* of one image when nothing says otherwise */
#define BUILD_MEMORY_BYTES (2ull << 30)
#define BUILD_DISK_BYTES (10ull << 30)
#define BUILD_CACHE_BYTES (20ull << 30) /* of HOME/builds; the oldest goes first */
#define BUILD_SECRETS ".secrets"	/* HOME/repos/NS/NAME.secrets/KEY: build secrets, one file each */
#define BUILD_HOSTS "build-hosts"   /* HOME/build-hosts: "host:port" that builds reach though not public */
#define BUILD_HOSTS_MAX (1u << 20)  /* bytes */
#define BUILD_SECRET_MAX (1u << 20) /* bytes of one */

struct built {
	const char *name;  /* of the build in capstan.yaml */
	const char *image; /* "registry/repo-web@sha256:..." */
	bool cached;	   /* nothing was built */
	int64_t took_ms;
};

/* Told from any thread, one line a call, no newline: for the pusher. name: of the build. */
typedef void build_tell_fn(void *ctx, const char *name, const char *line);

/* A secret that builds may read where capstan.yaml names it. */
struct build_secret {
	const char *name;
	struct str data;
};

struct build_request {
	const char *home;
	const char *git_dir, *commit; /* pushes/ID/tree.git and the pushed commit */
	const struct hosted_repo *repo;
	const struct environments_build *builds;
	size_t n_builds;
	const struct build_secret *secrets; /* else those of BUILD_SECRETS */
	size_t n_secrets;
	bool require_confinement;
	build_tell_fn *tell;
	void *ctx;
	const atomic_bool *cancel;
	int64_t deadline_ms; /* monotonic */
};

/* out: one for each build, memory from a. -1: err names the image and the place; what others built stays in
 * the registry, named by its content. */
int build_images(struct arena *a, const struct build_request *request, struct built *out, struct error *err);
