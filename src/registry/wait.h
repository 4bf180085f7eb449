/*
 * wait.h - the registry from beginning to end, for commands and builds: each call has a loop of its own and
 * blocks. Images are named in full, "registry.example.com/team/app:v1" or "...@sha256:...".
 */
#pragma once

#include <stdatomic.h>

#include "registry/client.h"

struct registry_access {
	/* A config.json; empty: none. Else, or when it says nothing of the registry: */
	struct str config;
	const char *username, *password; /* or NULL */
	bool any_helper;		 /* config may name any credential helper: it is the user's own */
	bool cloud;			 /* helpers of clouds by the registry's name */
	bool insecure;			 /* http:// */
	struct str ca_pem;		 /* empty: the system's */
	int64_t timeout_ms;		 /* of all of it; 0: 60 s */
	const atomic_bool *cancel;	 /* set by another thread: it ends soon; NULL: never */
};

/* Who logs in to a place; all NULL: nobody. In a. -1: err says what is wrong with the config.json. */
int registry_login_of(struct arena *a, const struct registry_access *access,
		      const struct registry_place *place, struct registry_login *out, struct error *err);

/* The digest of an image with tag or digest, proven by its bytes. 1: it is not there. */
int registry_find(const char *image, const struct registry_access *access,
		  char digest[REGISTRY_DIGEST_LEN + 1], struct error *err);
/* The same, and when the image was made (milliseconds since 1970; 0: it does not say). */
int registry_look(const char *image, const struct registry_access *access,
		  char digest[REGISTRY_DIGEST_LEN + 1], int64_t *created_ms, struct error *err);
/* The tags of a repository ("registry/team/app"), in a. 1: there is no such repository. */
int registry_list(struct arena *a, const char *repository, const struct registry_access *access,
		  struct str **tags, size_t *n, struct error *err);
/* Deletes the manifest of an image with a digest ("registry/team/app@sha256:..."), and so all its tags. 1: it
 * was not there. */
int registry_remove(const char *image, const struct registry_access *access, struct error *err);
