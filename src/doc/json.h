/*
 * json.h - JSON in and out (yyjson reads; numbers keep their literal text).
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/*
 * Parses one JSON value. Texts and keys are copied into a (the input may go away).
 * Refused with line:column in err: anything but one RFC 8259 value and white space, nesting over
 * NODE_DEPTH_MAX, invalid UTF-8, duplicate keys (say so by name) when `strict`; with strict
 * false the last duplicate wins, as Go's decoder does (server responses).
 */
int json_parse(struct arena *a, struct str text, bool strict, struct node **out, struct error *err);

/* Compact JSON with map keys in their order. */
void json_write(struct buf *out, const struct node *n);
/* Compact JSON with map keys sorted by bytes at every level: Go's encoding of a map, and what is hashed. */
void json_write_sorted(struct buf *out, const struct node *n);
/* Indented by two spaces, keys sorted, final newline: for `-o json`. */
void json_write_pretty(struct buf *out, const struct node *n);
/* One JSON string with quotes; escapes as Go's encoding/json with HTML escaping off. */
void json_write_string(struct buf *out, struct str text);

/* JSON as Go writes it unless told otherwise: <, > and & are hidden from HTML. They stand in strings alone.
 */
void json_escape_html(struct buf *out, struct str json);

struct hash json_hash(const struct node *n); /* of the sorted form */
