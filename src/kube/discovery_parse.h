/*
 * discovery_parse.h - discovery documents, read into the table of kinds. Pure.
 */
#pragma once

#include "base/map.h"
#include "kube/discovery.h"

struct kube_kinds;

#define KUBE_KINDS_MAX 100000 /* kinds of one server that are kept */
#define KUBE_PATHS_MAX 4096   /* group versions of one server */

struct kube_path {
	const char *path, *group, *version;
	bool optional; /* its failure takes nothing else with it: one dead aggregated API */
};

struct kube_paths { /* to be asked, in order: a VEC with the memory of its texts */
	struct kube_path *at;
	size_t n, cap;
	struct arena arena;
};

struct kube_kinds *kube_kinds_new(void);
void kube_kinds_free(struct kube_kinds *kinds); /* NULL is fine */
void kube_paths_add(struct kube_paths *paths, const char *path, const char *group, const char *version,
		    bool optional);

/*
 * Reads the answer to paths->at[i]: aggregated (APIGroupDiscoveryList), or older (APIVersions, APIGroupList),
 * which adds paths to ask, or one group version (APIResourceList). Versions come best first. What the server
 * calls stale is taken over from `before` (may be NULL).
 */
void kube_kinds_read(struct kube_kinds *kinds, struct kube_paths *paths, size_t i, const struct node *body,
		     const struct kube_kinds *before);
/* One kind more, unless it is there in that version; copied. */
void kube_kinds_add(struct kube_kinds *kinds, const struct kube_resource *resource);
/* kinds may be NULL. version "": the best one. */
const struct kube_resource *kube_kinds_find(const struct kube_kinds *kinds, struct str group,
					    struct str version, struct str kind);
