/*
 * edit_parts.h - what the files of the editor share. Room-internal.
 *
 *     edit.c        the changes, and the check of each
 *     edit_read.c   the text as trees, with the place of everything
 *     edit_write.c  values as text
 */
#pragma once

#include "doc/edit.h"

struct edit_key {
	size_t start, end; /* bytes of the text */
	enum node_style style;
};

/* Where a node is in the text; its number is the node's origin. */
struct edit_spot {
	struct node *node;
	uint32_t parent;   /* number of the map or list that holds it; 0: none */
	size_t start, end; /* bytes; end of a collection in block style: of no use, see edit_end() */
	bool flow, alias;
	const char *anchor, *tag; /* or NULL; of an alias: what it names */
	struct edit_key *keys;	  /* of a map, one a pair */
};

struct edit_tree {
	struct edit_spot *spots; /* from 1 on */
	size_t n;
	struct node **roots;
	size_t n_roots;
};

int edit_read(struct arena *a, const char *file, struct str text, struct edit_tree *out, struct error *err);

static inline struct edit_spot *edit_spot(const struct edit_tree *t, const struct node *n)
{
	return &t->spots[n->origin];
}

/* Where the last value in n ends. */
size_t edit_end(const struct edit_tree *t, const struct node *n);
/* The last value in it that holds no others. */
const struct node *edit_last(const struct node *n);

/* How a text is laid out, as far as new lines in it go by that. */
struct edit_layout {
	const char *newline;
	unsigned step; /* columns that a map is deeper than the map it is in */
	unsigned list; /* the same for a list */
};

struct edit_layout edit_layout_of(const struct edit_tree *t, struct str text);
size_t edit_line_start(struct str text, size_t at);
size_t edit_line_end(struct str text, size_t at); /* before "\n" or "\r\n" */
size_t edit_column(struct str text, size_t at);	  /* bytes in front of it on its line */

/* A scalar in the style that is nearest to `style`. */
void edit_write_scalar(struct buf *out, const struct node *value, enum node_style style);
/* A value on one line; of keys and texts: `style`. */
void edit_write_flow(struct buf *out, const struct node *value, enum node_style style);
/* A value whose first line begins at column `indent`, where out is already. */
void edit_write_block(struct buf *out, const struct node *value, size_t indent,
		      const struct edit_layout *layout);
/* "key: value", the same way. */
void edit_write_pair(struct buf *out, struct str key, enum node_style key_style, const struct node *value,
		     size_t indent, const struct edit_layout *layout);
void edit_write_break(struct buf *out, size_t indent, const struct edit_layout *layout);
