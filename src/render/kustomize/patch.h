/*
 * patch.h - the engines that change one resource by a patch. Room-internal.
 *
 *   patches.c            the built-in transformers: reads patches, finds what they are for
 *   strategic.c          strategic merge: maps and scalars
 *   strategic_list.c     strategic merge: lists with merge keys
 *   strategic_match.c    elements of such lists by their keys
 *   json6902.c           JSON patches
 *   internals.c          annotations that upstream keeps its notes in
 *   restyle.c            how scalars look after kustomize made JSON of them and read it again
 */
#pragma once

#include "render/kustomize/schema.h"

/* Elements of one list that strategic merge takes when they are not all of the same, unambiguous keys: such
 * lists cost their length squared. More is an error. */
#define KPATCH_IRREGULAR_MAX 4096u
/* Operations of one JSON patch, and elements that they move to and fro; more is an error. */
#define KPATCH_OPERATIONS_MAX 20000u
#define KPATCH_MOVES_MAX 200000000u

/*
 * Strategic merge of patch into r (upstream: Resource.ApplySmPatch, merge2 with a schema). Name and kind
 * stay, unless patch allows the change (and then the old ones are noted); the namespace always stays. When
 * nothing is left r is `gone`. step: for origins, which name patch->file. -1: they do not fit together; err
 * has the path in front.
 */
int kpatch_strategic(struct kbuild *b, struct kres *r, const struct kres *patch, const char *step,
		     struct error *err);

/* A JSON patch (RFC 6902, as evanphx/json-patch v4 has it). Its operations are only looked at when they are
 * applied: a wrong one that is for no resource is no error. */
struct kjson_patch {
	const struct node *operations; /* a list of maps */
	const char *file;	       /* that the lines are in, as shown to people */
};

/* Reads the text of one: a JSON array, or YAML that comes to one. -1: it is none; err has the place in front.
 */
int kjson_patch_read(struct kbuild *b, const struct kres_text *from, struct kjson_patch *out,
		     struct error *err);
/*
 * Upstream goes through JSON: afterwards all numbers of r are doubles, and annotations are texts. -1: an
 * operation does not apply; r is then not to be used.
 */
int kjson_patch_apply(struct kbuild *b, struct kres *r, const struct kjson_patch *patch, const char *step,
		      struct error *err);

/* restyle.c: a settled tree as kyaml has it after JSON: all numbers doubles in Go's %g form, texts quoted
 * where they must be. */
void krestyle(struct arena *a, struct node *n);

/* internals.c: what upstream keeps about r in annotations (names it had and the like) as such annotations; a
 * JSON patch sees them. */
bool kinternals_any(const struct kres *r); /* whether upstream would have notes of it */
void kinternals_show(struct kbuild *b, struct kres *r);
/* The other way round, for a resource that was read: its notes become fields. -1: they do not fit together.
 */
int kinternals_read(struct kbuild *b, struct kres *r, struct error *err);
void kinternals_hide(struct kres *r);
/* Forgets all that. */
void kinternals_forget(struct kres *r);
/* Annotations (or labels) as upstream's setMapInMetadata writes them: texts all, and none when there is none.
 */
void kinternals_texts(struct kbuild *b, struct node *metadata, struct str field);
