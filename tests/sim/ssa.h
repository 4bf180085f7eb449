/*
 * ssa.h - server-side apply in small: who owns which field, and what an apply or an update makes of an
 * object.
 *
 * Follows structured-merge-diff as far as the histories need it: maps merge key by key; lists are atomic
 * unless their name is known as a list by key or a set; a few maps are atomic. Ownership is kept where
 * Kubernetes keeps it, in metadata.managedFields as fieldsV1.
 */
#pragma once

#include "doc/node.h"

enum ssa_result {
	SSA_CHANGED,
	SSA_SAME,     /* nothing would change, ownership included */
	SSA_CONFLICT, /* not forced, and another manager owns a field with another value */
};

/*
 * *out: `live` (NULL: a new object) after `manager` applied `wanted`; all memory from a. Values that the
 * server stores in another form (quantities) are normalised.
 */
enum ssa_result ssa_apply(struct arena *a, const struct node *live, const struct node *wanted,
			  const char *manager, bool force, struct node **out);

/*
 * Accounts for an ordinary write: `after` is `live` as the writer wants it, and becomes the object with its
 * managedFields brought up to date. live NULL: created by it.
 */
enum ssa_result ssa_update(struct arena *a, const struct node *live, struct node *after, const char *manager);

/* Whether every field of `part` is in `whole` with the same value (lists by key item by item). */
bool ssa_contains(const struct node *whole, const struct node *part);

/* Whether the part that a user specifies differs: everything but metadata and status. */
bool ssa_spec_differs(const struct node *a, const struct node *b);
