/*
 * node.h - a document: an ordered tree in an arena, each node with its place in the source.
 *
 * Numbers keep their literal text: an int64 or a long decimal never becomes a double.
 * Maps keep the order of their keys; keys are strings and unique. Strings may hold any
 * UTF-8 (NUL included: use n). Trees are built once and then read; the few writers below
 * are for normalising a tree that the caller owns. Depth is capped at NODE_DEPTH_MAX by
 * every parser, so walking one by recursion is safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"

#define NODE_DEPTH_MAX 256

enum node_type {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,   /* text: JSON integer literal as it will be sent, e.g. "-12" */
	NODE_FLOAT, /* text: JSON number literal as it will be sent, e.g. "0.5" */
	NODE_STRING,
	NODE_MAP,
	NODE_SEQ,
};

/* How a scalar was written; what substitution and kustomize's replacements go by. */
enum node_style {
	NODE_PLAIN, /* also: made by the program */
	NODE_SINGLE_QUOTED,
	NODE_DOUBLE_QUOTED, /* JSON strings, too */
	NODE_LITERAL,
	NODE_FOLDED,
	NODE_TIMESTAMP, /* YAML_KYAML: a plain string that YAML reads as a point in time */
};

struct node_pair;

struct node {
	enum node_type type : 8;
	enum node_style style : 8;
	bool boolean : 1;  /* BOOL */
	bool untagged : 1; /* YAML_KYAML: its type follows from its text, whenever that changes (yaml.h) */
	uint32_t line, column; /* 1-based place in the source; 0: made by the program */
	uint32_t origin;       /* where it comes from, in a struct origins (doc/origin.h); 0: not known */
	union {
		struct str text; /* INT, FLOAT, STRING; with YAML_KYAML also BOOL and NULL: as written */
		struct {
			struct node_pair *pairs; /* MAP */
			uint32_t n, cap; /* 32 bits: a node is 32 bytes, and large apps have millions */
		} map;
		struct {
			struct node **items; /* SEQ */
			uint32_t n, cap;
		} seq;
	};
};

struct node_pair {
	struct str key;
	uint32_t key_line;
	struct node *value;
};

/* Readers. Each accepts NULL (absent) and answers "absent", so that lookups chain. */
struct node *node_get(const struct node *map, const char *key); /* NULL: absent or no map */
struct node *node_get_str(const struct node *map, struct str key);
struct node *node_at(const struct node *root,
		     const char *dotted_path); /* "metadata.labels"; keys without dots only */
struct node *node_item(const struct node *seq, size_t i);
size_t node_count(const struct node *map_or_seq); /* 0 for anything else */
struct str node_text(const struct node *n);	  /* STRING: its text; anything else: { "", 0 } */
bool node_is_string(const struct node *n);
bool node_bool(const struct node *n, bool otherwise);
bool node_int(const struct node *n, int64_t *out); /* INT that fits */
unsigned node_depth(const struct node *n);	   /* levels: 1 for a scalar and what is empty */
bool node_equal(const struct node *a,
		const struct node *b); /* maps: any key order; numbers: same literal text */

/* Writers: all memory from a. */
struct node *node_null(struct arena *a);
struct node *node_bool_new(struct arena *a, bool value);
struct node *node_int_new(struct arena *a, int64_t value);
struct node *node_string(struct arena *a, struct str text); /* borrows text */
struct node *node_map(struct arena *a);
struct node *node_seq(struct arena *a);
void node_set(struct arena *a, struct node *map, struct str key,
	      struct node *value); /* replaces in place or appends; borrows key */
/* Appends; the caller knows that key is not there, or wants it twice. Borrows key. */
void node_add(struct arena *a, struct node *map, struct str key, struct node *value);
bool node_del(struct node *map, struct str key); /* false: was not there */
void node_push(struct arena *a, struct node *seq, struct node *item);
void node_set_origin(struct node *n, uint32_t origin);		/* of n and all in it */
struct node *node_clone(struct arena *a, const struct node *n); /* deep; texts are copied too */
struct node *node_copy(struct arena *a, const struct node *n);	/* deep; texts and keys are shared with n */
