/*
 * value.h - writing values into a tree, as upstream's setters do: a node is overwritten where it is, so that
 * whoever else holds it sees the change. Upstream makes one node for a label and hangs it into each place
 * that a resource has for it; a replacement of one is then one of all, and people's output depends on that.
 *
 * A scalar with no tag (`untagged`) is of the type that its text reads as, unless it is quoted.
 * Room-internal.
 */
#pragma once

#include "render/kustomize/transform.h"

/* Who writes, for origins: the step, and the place that the new values come from. */
struct kwriter {
	struct kbuild *build;
	const char *file, *step;
	uint32_t line, column;
};

/* place: the node of the configuration that holds the value, or NULL for the configuration as a whole. */
struct kwriter kwriter_of(const struct ktransform_call *call, const struct node *place);

/* Upstream's IsMissingOrNull: NULL, or a null that is written out. */
bool kvalue_missing(const struct node *n);
/* A string by its tag, or without one (IsYNodeString). */
bool kvalue_is_string(const struct node *n);
bool kvalue_is_scalar(const struct node *n);
/* The text as written, of null too ("null", "~", ""); "" for maps and lists. */
struct str kvalue_text(const struct node *n);

/* -1 unless n is missing or of that kind: "wrong node kind: ...". NODE_STRING stands for any scalar. */
int kvalue_expect(const struct node *n, enum node_type kind, struct error *err);

/* n becomes a scalar; how it was quoted stays. text must live as long as the tree. */
void kwrite_scalar(const struct kwriter *w, struct node *n, struct str text); /* without a tag */
void kwrite_string(const struct kwriter *w, struct node *n, struct str text); /* !!str */
void kwrite_int(const struct kwriter *w, struct node *n, struct str text);    /* !!int */
/* Only the text of a scalar: its tag stays, even if the text does not fit it (that fails when printed). */
void kwrite_text(const struct kwriter *w, struct node *n, struct str text);
/* n becomes as value is; what value holds is shared. */
void kwrite_node(const struct kwriter *w, struct node *n, const struct node *value);

/* A new scalar, map or list (NODE_STRING, NODE_MAP, NODE_SEQ) with that origin; a scalar is empty and
 * untagged. */
struct node *kvalue_new(const struct kwriter *w, enum node_type kind);
/* A new node of tag !!str. */
struct node *kvalue_string(const struct kwriter *w, struct str text);

/* The value at name, or NULL: n is missing, or has no such field. -1: n is no map. */
int kvalue_field(const struct node *n, struct str name, struct node **out, struct error *err);
/* Overwrites the value at name in a map, or appends value itself (upstream: SetEntry with a name). */
int kwrite_entry(const struct kwriter *w, struct node *map, struct str name, struct node *value,
		 struct error *err);

/* Appends a pair whose key map does not have. -1: the key is none that upstream could print (`1`, `true`). */
int kvalue_append(const struct kwriter *w, struct node *map, struct str name, struct node *value,
		  struct error *err);

/* A scalar as kyaml prints it, with its quotes; maps and lists in short. For patterns to be matched with. */
void kvalue_print(struct buf *out, const struct node *n);

/* a followed by b, in the arena. */
struct str kvalue_join(struct arena *arena, struct str a, struct str b);
