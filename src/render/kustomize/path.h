/*
 * path.h - paths into an object, as upstream's several notations have them. Room-internal.
 *
 *     kpath_split()       "spec/template", "a.b": parts; a backslash before the delimiter keeps it
 *     kpath_split_smart() the same, but parts in brackets stay whole: [name=a.b] a list entry, [a.b] a key
 *     kpath_lookup()      follows parts to one node, makes what is missing (upstream: PathGetter)
 *     kpath_match()       follows parts to any number of nodes, with * and regular expressions (PathMatcher)
 */
#pragma once

#include "render/kustomize/value.h"

#define KPATH_PARTS_MAX 256u /* parts of one path; more is an error */

struct kpath {
	struct str *parts;
	size_t n;
};

/* -1: a cap. */
int kpath_split(struct arena *a, struct str path, char delimiter, struct kpath *out, struct error *err);
int kpath_split_smart(struct arena *a, struct str path, char delimiter, struct kpath *out, struct error *err);

/* Go's strconv.Atoi. */
bool kpath_number(struct str part, int64_t *out);
/* "[...]" */
bool kpath_is_entry(struct str part);

/*
 * Each part is a field, a number, "-" (the last entry of a list), or [key=value] ([=value] for lists of
 * scalars). *out: the node, or NULL: something on the way is not there, or null. -1: the way leads through
 * something else (a field of a list, ...). Parts are trimmed, empty ones left out.
 */
int kpath_lookup(const struct node *from, const struct kpath *path, struct node **out, struct error *err);
/*
 * The same, but makes what is missing: the last node as a `kind` (NODE_STRING: a scalar), those before it as
 * maps or lists. Entries by number are not made.
 */
int kpath_lookup_create(const struct kwriter *w, struct node *from, const struct kpath *path,
			enum node_type kind, struct node **out, struct error *err);

/* --- to many nodes --- */

typedef VEC(struct node *) knode_list;

struct kmatch {
	struct arena *a; /* for patterns and the like */
	const struct kwriter
		*w; /* NULL: nothing is made; else what is missing is, the last node as a `kind` */
	enum node_type kind;
};

/*
 * Each part is a field, a number (of the entry behind the last, too, when it may be made), [key=pattern],
 * [=pattern] for lists of scalars, or *. What is found is appended to out (vec_release it), also by a call
 * that fails; nothing found is no error, but a way through something else, and a bad pattern, are (-1).
 */
int kpath_match(const struct kmatch *how, struct node *from, const struct kpath *path, knode_list *out,
		struct error *err);

/* --- for path_match.c --- */

/* "[key=value]" in its parts. */
int kpath_split_entry(struct str part, struct str *key, struct str *value, struct error *err);
/* What a node is made as when `next` is to be found in it; `last` at the end of the path. */
enum node_type kpath_kind_for(struct str next, enum node_type last);
