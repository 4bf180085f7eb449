/*
 * images.h - container images written into the files of a configuration: a kustomization's `images`, values
 * with Flux's setter comments, the containers of manifests, and any place in YAML. Files keep their comments
 * and style (doc/edit.h).
 *
 * Pure: text in, text out.
 */
#pragma once

#include "doc/edit.h"

#define IMAGES_NAME_MAX 255u	 /* bytes of registry and path, as registries have it */
#define IMAGES_TAG_MAX 128u	 /* bytes */
#define IMAGES_POLICIES_MAX 64u	 /* of setter comments that stand for one image */
#define IMAGES_CHANGES_MAX 1000u /* places of one file */

/* registry.example.com:5000/team/app:v1@sha256:...: parts of the text, "" when absent. */
struct image_ref {
	struct str name;   /* registry and path */
	struct str tag;	   /* without ":" */
	struct str digest; /* without "@" */
};

/* Strict, as registries are (the distribution project's reference grammar); err says which part is wrong. */
int image_ref_read(struct str text, struct image_ref *out, struct error *err);
void image_ref_write(struct buf *out, const struct image_ref *ref);
/* Takes any text apart: the tag is behind the last colon of the last part. */
struct image_ref image_ref_split(struct str text);

/* What is to be there: images called `name` become `image`. */
struct image_change {
	struct str name;	/* as in the manifests, "registry/team/app", or only its last part, "app" */
	struct image_ref image; /* with a tag, a digest or both */
	struct str text;	/* all of image */
};

/* "web=registry/web:v1"; without "=" the image's own name is the name. Borrows from text. */
int image_change_read(struct arena *a, struct str text, struct image_change *out, struct error *err);
/* Whether a name (without tag and digest) is what the change is about. */
bool image_change_is_for(const struct image_change *change, struct str name);

/*
 * A kustomization at path (doc/path.h) of the first document, "" for a kustomization file: the entries of
 * `images` whose name, or newName, it is for. With as, when there is none: an entry with that name is added,
 * and the field where it is missing. 0; 1: there is no entry (and no as); -1: err.
 */
int images_in_kustomization(struct edit *e, struct str path, const struct image_change *change, struct str as,
			    struct error *err);

/*
 * Setter comments: `image: reg/app:v1 # {"$imagepolicy": "ns:app"}`, with ":name", ":tag" or ":digest" behind
 * the policy for a part of the image. A policy stands for the change when its name is the change's, or a
 * whole image that it sets is. First of all files the policies, then in all files the values.
 */
struct image_policies {
	struct str at[IMAGES_POLICIES_MAX]; /* "ns:name" */
	size_t n;
	bool digests; /* a ":digest" is among the setters */
};

int images_find_policies(const struct edit *e, struct arena *a, const struct image_change *change,
			 struct image_policies *out, struct error *err);
/* The same where the policies are given already: whether a ":digest" of theirs is there. */
void images_note_digests(const struct edit *e, struct arena *a, struct image_policies *policies);
/* *n is counted up by how many places there are, changed or not. */
int images_at_setters(struct edit *e, struct arena *a, const struct image_change *change,
		      const struct image_policies *policies, size_t *n, struct error *err);

/* The `image` of containers (also of init and ephemeral ones) in manifests; n as above. */
int images_in_manifest(struct edit *e, const struct image_change *change, size_t *n, struct error *err);

/* Calls found with the image of every container in a manifest. */
void images_of(const struct node *root, void (*found)(void *ctx, const struct node *image), void *ctx);
