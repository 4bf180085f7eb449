/*
 * init_look.h - what a repository holds that could be deployed, for `capstan init`: which directories have
 * kustomizations, charts or manifests, and which of them others use. Links are not followed.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"

/* Caps; what lies beyond is not looked at, and struct look says so. */
#define LOOK_DIRS_MAX 10000u
#define LOOK_FILES_MAX 200000u
#define LOOK_DEPTH_MAX 16u
#define LOOK_FILE_MAX (256u << 10) /* bytes of a file that are looked at */

struct look_dir {
	const char *path; /* relative to the root; "." is the root */
	bool kustomization, component, chart;
	bool manifests;	       /* objects lie directly in it */
	bool used;	       /* a kustomization refers to it, or to a file in it */
	const char *namespace; /* that its kustomization sets; or NULL */
};

struct look {
	struct arena *a;
	const char *root;   /* of the git repository, or the directory itself */
	const char *branch; /* that is checked out; NULL: none, or no repository */
	bool repository;
	bool cut;		     /* a cap was reached */
	VEC(struct look_dir *) dirs; /* sorted by path */
	struct map by_path;
	size_t files;
};

/* dir: any directory inside the repository. -1: it cannot be read. To be released in both cases. */
int look_at(struct arena *a, const char *dir, struct look *out, struct error *err);
void look_release(struct look *l);

/* The directory above, "." above a single name; NULL above ".". */
const char *look_parent(struct arena *a, const char *path);
/* The last part of a path. */
const char *look_name(const char *path);
