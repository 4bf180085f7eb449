/*
 * image_clean.h - old images of builds: which may go, and their removal from the registry.
 *
 * The decision is pure: lists in, a list out. What is named anywhere stays, however old: a digest in git or
 * in a cluster keeps it, and so does a tag. When in doubt it stays: of what is not known it is not known that
 * it is not used.
 */
#pragma once

#include "push/home.h"

#define IMAGE_CLEAN_KEEP 20u /* the newest of a repository that stay, used or not */
#define IMAGE_CLEAN_AGE_MS (7 * 24 * 3600 * INT64_C(1000)) /* and all that are younger */
#define IMAGE_CLEAN_MAX 1000u				   /* of one repository that go in one run */

/* An image as the registry has it. */
struct image_there {
	const char *tag;    /* of build_tag(): "c-..." */
	const char *digest; /* NULL: not known */
	int64_t created_ms; /* 0: not known */
};

struct image_clean {
	const char *repository; /* "registry/team/repo-web" */
	const struct image_there *images;
	size_t n_images;
	/* Images that something names, in full: "registry/team/repo-web@sha256:...", or with a tag, or with
	 * neither: then all of the repository stay. Of any repository. */
	const char *const *named;
	size_t n_named;
	bool complete; /* everything was looked at: without it nothing goes */
	size_t keep;
	int64_t keep_ms, now_ms;
};

/* Indices of those that may go, oldest first; at most IMAGE_CLEAN_MAX. */
size_t image_clean_decide(struct arena *a, const struct image_clean *clean, size_t **out);
