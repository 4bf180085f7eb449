/*
 * places.h - which file, line and step a field of an object comes from, kept with the object for the errors
 * of its apply: `422 spec.replicas: ...` names the patch that set it.
 *
 * Only fields that a step of the render put there are kept (a patch, a generator, a substitution), and only
 * outside of metadata's names, labels and annotations; all others have the object's own place. A line a
 * field: "spec.template.spec.containers[0].image\tFILE\tLINE\tSTEP\n".
 */
#pragma once

#include "doc/origin.h"

#define PLACES_MAX (16u << 10) /* bytes of one object; further fields have the object's own place */

/* The text for an object, into a; empty when no step touched it. */
struct str places_of(struct arena *a, const struct origins *origins, const struct node *root);
/* The same with metadata, and with no cap: for people. */
struct str places_all(struct arena *a, const struct origins *origins, const struct node *root);

struct place_found {
	struct str file, step;
	uint32_t line;
};

/* The place of the field that the server's message is about: of the longest path that is in it. */
bool places_find(struct str places, struct str message, struct place_found *out);
