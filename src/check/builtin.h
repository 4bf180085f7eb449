/*
 * builtin.h - the built-in kinds of the Kubernetes minors that this program knows, as read-only tables.
 *
 * pack_schema.py makes them from kubernetes.schema; schema.c unfolds them. Texts are offsets in
 * builtin_strings, 0 the empty one. A mask has a bit for each minor, the oldest being bit 0. Room-internal.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum builtin_shape {
	BUILTIN_ANY,
	BUILTIN_OBJECT, /* any map */
	BUILTIN_STRING,
	BUILTIN_TIME,  /* RFC 3339 */
	BUILTIN_BYTES, /* base64 */
	BUILTIN_QUANTITY,
	BUILTIN_INT_OR_STRING,
	BUILTIN_INT32,
	BUILTIN_INT64,
	BUILTIN_NUMBER,
	BUILTIN_BOOL,
	BUILTIN_FIELDS, /* first, n: in builtin_fields, sorted by name */
	BUILTIN_LIST,	/* first: type of the items; n: text "=" for a set, keys of a map list "a,b", or "" */
	BUILTIN_MAP,	/* first: type of the values */
	BUILTIN_ENUM,	/* first, n: in builtin_values */
};

struct builtin_type {
	uint8_t shape;
	uint16_t first, n;
};

struct builtin_field {
	uint16_t name, type;
	uint8_t mask, required; /* a field whose type differs between minors is there once for each type */
};

struct builtin_value {
	uint16_t text;
	uint8_t mask;
};

struct builtin_kind {
	uint16_t kind, group, version, type; /* sorted by kind, group, version */
	uint8_t mask, namespaced;
};

struct builtin_life {
	uint16_t kind, group, version, use; /* sorted likewise; use: "apps/v1" or "" */
	uint8_t deprecated, removed;	    /* minors; 0: never */
};

struct builtin_sizes {
	uint16_t types, fields, values, kinds, lives;
	uint8_t oldest, newest; /* minors: 34 is 1.34 */
};

extern const struct builtin_type builtin_types[];
extern const struct builtin_field builtin_fields[];
extern const struct builtin_value builtin_values[];
extern const struct builtin_kind builtin_kinds[];
extern const struct builtin_life builtin_lives[];
extern const char builtin_strings[];
extern const struct builtin_sizes builtin_sizes;
