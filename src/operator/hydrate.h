/*
 * hydrate.h - rendered objects as the files of a branch: one file an object, under names that stay, so that a
 * review shows what changes and nothing else. Pure.
 *
 *     NAMESPACE/KIND-NAME.yaml          of Kubernetes' own groups, when they are older than such files
 *     NAMESPACE/KIND.GROUP-NAME.yaml    of all others
 *
 * NAMESPACE is "_cluster" for built-in kinds that have none, and the target's for an object that names none
 * ("_none" where there is no target). A name depends on its object alone: what a file system or a reader
 * could take for something else (capitals, colons, any other character but a-z, 0-9, "-" and ".", too much of
 * them) is "_" and the name ends in a hash of the object's key. Only where two names would still be one - by
 * the letter or by their capitals - both get a hash.
 */
#pragma once

#include "render/render.h"
#include "repo/commit.h"

#define HYDRATE_NAME_MAX 200 /* bytes of a file's name */

struct hydrate_options {
	const char *namespace; /* the target's; or NULL */
	/* Secrets with values may be written. Without it they are an error: a branch is read by more people
	 * than a cluster's Secrets. Those whose values are all encrypted by SOPS are none. */
	bool secrets;
};

/* Files, sorted by path, for a commit_spec; all in a. -1: err names every Secret, or two objects of one key.
 */
int hydrate_files(struct arena *a, const struct render_object *objects, size_t n,
		  const struct hydrate_options *options, struct commit_file **out, size_t *n_out,
		  struct error *err);

/* The path of one object, before it is held against others. */
char *hydrate_path(struct arena *a, const struct render_object *object, const char *namespace);

/* Whether a path could be of ours: what else is in the branch (a README, .github) stays. For
 * commit_spec.goes. */
bool hydrate_is_ours(const char *path);

struct hydrate_source {
	const char *what;    /* "environment" or "app": the trailer is Capstan-Environment or Capstan-App */
	const char *name;    /* of it: "prod", "shop/web" */
	const char *commit;  /* the source's full SHA; with "-dirty" when files differed from it */
	const char *subject; /* of that commit, or NULL */
};

/* Subject and trailers into spec; texts in a. */
void hydrate_message(struct arena *a, const struct hydrate_source *source, struct commit_spec *spec);
