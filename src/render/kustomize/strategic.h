/*
 * strategic.h - what the files of strategic merge share. See patch.h.
 *
 * Upstream walks two trees at once, the resource (`dest`) and the patch, and either of them may stand for
 * both: what a patch adds is walked against itself, which is how its own directives and nulls go away. The
 * order of its small operations shows in odd cases (elements without a key, keys twice), so lists here go
 * through the same operations.
 */
#pragma once

#include "render/kustomize/patch.h"

struct merge {
	struct kbuild *b;
	struct arena *scratch; /* for as long as the merge runs */
	const char *file, *step;
	uint32_t origin; /* of what the patch adds */
	struct error *err;
	bool literal; /* lists take the literal way, however long and regular they are */
};

/* What a walk comes to. node NULL: nothing, the place is cleared. A null is cleared too, unless it is kept.
 */
struct merged {
	struct node *node;
	bool keep;
};

/* dest, patch: either may be NULL, and both the same node. t: what is known of the place, or NULL. */
int merge_walk(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch,
	       struct merged *out);
/* The same for a list that has a merge strategy (strategic_list.c). */
int merge_keyed_list(struct merge *m, const struct kschema_type *t, struct node *dest, struct node *patch,
		     struct merged *out);

enum merge_directive { MERGE_MERGE, MERGE_REPLACE, MERGE_DELETE };

/* The `$patch` of a map or list, which is taken out. patch may be NULL. -1: there is no such one. */
int merge_directive(struct merge *m, struct node *patch, enum merge_directive *out);
/* What a patch's null or $patch makes of *dest, which is there; NULL: nothing is left. -1: no such directive.
 */
int merge_begin(struct merge *m, struct node **dest, struct node *patch);

/* A scalar without a tag at key (upstream: SetField with NewScalarRNode). */
void merge_set_scalar(struct merge *m, struct node *map, struct str key, struct str text);

/* Makes n a scalar without a tag: its type is what its text says, unless it is quoted. */
void merge_untag(struct merge *m, struct node *n);

/* --- strategic_match.c: elements by their keys, as upstream's ElementSetter and ElementMatcher --- */

struct texts {
	struct str *at;
	size_t n;
};

/* The value of a scalar as it was written, of null too; "" for maps and lists. */
struct str merge_text(const struct node *n);
bool merge_is_missing(const struct node *n); /* NULL or null */

/*
 * Puts element in place of those whose fields `keys` have `values` ("" fits any value), or at the end; NULL
 * takes them out. Empty elements go in any case. With fewer values than keys the last field found counts for
 * the rest, and with none at all every element goes. -1: an element is not of the kind that can be compared.
 */
int merge_set_element(struct merge *m, struct node *list, struct node *element, struct texts keys,
		      struct texts values);
/* The first element whose fields are exactly so, or NULL. */
struct node *merge_find_element(const struct node *list, struct texts keys, struct texts values);
