/*
 * annotate.h - buildMetadata: annotations that say where a resource comes from and what changed it, with the
 * texts that upstream writes (api/resource/origin.go). Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

#define ANNOTATE_ORIGIN "config.kubernetes.io/origin"
#define ANNOTATE_TRANSFORMATIONS "alpha.config.kubernetes.io/transformations"

/* Where something is: a path from the directory that is built, or in a remote repository. */
struct korigin {
	const char *path, *repo, *ref; /* "" when not known */
};

/* A generator or transformer. */
struct korigin_config {
	struct korigin in; /* the file that it is configured in */
	const char *api_version, *kind, *name, *namespace;
};

/* The place that `path` (a file or base, as a kustomization at `at` names it) is. */
struct korigin korigin_append(struct kbuild *b, const struct korigin *at, const char *path);

/* As an annotation's text. */
struct str korigin_text(struct kbuild *b, const struct korigin *origin);

/* A resource is from that place. */
void annotate_origin(struct kbuild *b, struct kres *r, struct str text);
/* A generator made it: its origin, unless it has one. */
void annotate_generated(struct kbuild *b, struct kres *r, const struct korigin_config *config);
/* A transformer went over it: noted behind the earlier ones; without an origin, it was made by it.
 * -1: a file wrote other things into these annotations. */
int annotate_transformed(struct kbuild *b, struct kresmap *m, const struct korigin_config *config,
			 struct error *err);

/* The plugin that resource r configures, out of its own origin. False: it has none. */
bool annotate_plugin(struct kbuild *b, const struct kres *r, struct korigin_config *out);

/* At the end: annotations of the build are taken out, but for those that were asked for, and what is left is
 * written as upstream does, sorted texts. */
void annotate_finish(struct kbuild *b, struct kresmap *m, bool keep_origins, bool keep_transformations);
