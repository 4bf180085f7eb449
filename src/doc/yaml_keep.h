/*
 * yaml_keep.h - one YAML document that is read, changed at places, and written again as go-yaml v3 (and so
 * kyaml) writes a tree that it has read: keys in their order, quotes and brackets as they were, two columns
 * of indentation, lists no deeper than the key they belong to. Comments are not kept.
 *
 * The tree is one of YAML_KYAML, whose nodes tell by `origin` what they looked like; new nodes have 0 there.
 * Duplicate keys are allowed, as they are there, and so are keys of any scalar.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

struct yaml_keep;

/*
 * The first document of text. 0; 1: there is none (nothing, white space, comments), *root is NULL. -1: it is
 * no YAML, or holds what a tree of nodes cannot: a map as a key, ...
 */
int yaml_keep_read(struct arena *a, struct str text, struct yaml_keep **out, struct node **root,
		   struct error *err);

/* Whether n stands for an alias (*name): it is an empty string here, and nothing can be found in it. */
bool yaml_keep_is_alias(const struct yaml_keep *keep, const struct node *n);

/* Whether there are comments in text, which must be YAML that was read. */
bool yaml_keep_has_comments(struct str text);

/* With a final line break. -1: a text in it cannot be written. */
int yaml_keep_write(const struct yaml_keep *keep, const struct node *root, struct buf *out,
		    struct error *err);
