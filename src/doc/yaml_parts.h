/*
 * yaml_parts.h - what the files of the YAML reader share. Room-internal.
 *
 *     yaml.c         the file: encoding, JSON or YAML, cut into documents, collecting errors
 *     yaml_build.c   one document: libyaml's events become nodes
 *     yaml_scalar.c  one scalar: which type it is, and its text
 *     yaml_settle.c  trees that kept texts as written: from these to what is sent
 *     yaml_bom.c     texts with a byte order mark, as go-yaml prints them
 *     yaml_text.c    bytes: UTF-16 to UTF-8, characters that are not allowed
 *     yaml_words.c   libyaml's complaints in plain words
 */
#pragma once

#include <yaml.h>

#include "base/error.h"
#include "base/vec.h"
#include "doc/yaml.h"

struct yaml_place {
	uint32_t line, column;
};

/* --- yaml_scalar.c --- */

enum yaml_kind {
	YAML_KIND_NULL,
	YAML_KIND_BOOL,
	YAML_KIND_INT,
	YAML_KIND_FLOAT,
	YAML_KIND_STRING,
};

struct yaml_scalar {
	enum yaml_kind kind;
	bool boolean;
	bool old_bool;	 /* a boolean in YAML 1.1 only */
	bool time;	 /* STRING in YAML_KYAML: reads as a timestamp */
	bool infinite;	 /* FLOAT: .inf or .nan, which JSON cannot say */
	struct str text; /* STRING: the value; INT, FLOAT: a decimal literal; borrows or lives in the arena */
	double value;	 /* FLOAT */
};

/*
 * Resolves a scalar as go-yaml v2 (v3 in YAML_KYAML) does. tag: "" or what libyaml reports; plain:
 * plain_implicit. err: what is wrong, without the place.
 */
int yaml_resolve(struct arena *a, enum yaml_dialect dialect, struct str text, struct str tag, bool plain,
		 struct yaml_scalar *out, struct error *err);
/* The scalar as a map key; err when it cannot be one. */
int yaml_scalar_key(struct arena *a, const struct yaml_scalar *s, struct str *key, struct error *err);
/* The instant that a timestamp stands for in RFC 3339, as Go's JSON prints it; false: s is none. */
bool yaml_rfc3339(struct arena *a, struct str s, struct str *out);

enum node_style yaml_style(yaml_scalar_style_t style); /* PLAIN for what is none of the others */

/* --- yaml_build.c --- */

/* The last key of each hash. */
enum { KNOWN_KEYS = 512, KNOWN_KEY_MAX = 32 };

struct yaml_keys {
	struct str known[KNOWN_KEYS];
};

/* Counters of one file, over all its documents. */
struct yaml_budget {
	size_t nodes, alias_nodes;
};

struct yaml_result {
	struct arena *a;
	struct yaml_options options; /* keys: never NULL */
	VEC(struct yaml_document) documents;
	VEC(struct yaml_warning) warnings;
	VEC(struct yaml_error) errors;
	struct yaml_budget budget;
};

/* Reads the one document in text, whose first line is first_line of the file. */
int yaml_build(struct yaml_result *result, struct str text, uint32_t first_line, struct yaml_document *out,
	       struct yaml_place *place, struct error *err);
void yaml_warn(struct yaml_result *result, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- yaml_text.c --- */

/*
 * The text as UTF-8, without a BOM; unless as_it_ends with a line break at its end. 0, or -1 with the place
 * of the first byte that is no text.
 */
int yaml_text(struct arena *a, struct str bytes, bool as_it_ends, struct str *out, struct yaml_place *place,
	      struct error *err);
/* Control characters, which YAML refuses (JSON has rules of its own). */
int yaml_text_check(struct str text, uint32_t first_line, struct yaml_place *place, struct error *err);

/* A message that quotes a file must stay one line and harmless on a terminal. */
void yaml_one_line(char *text);

/* --- yaml_words.c --- */

/* Fills err and place from the parser's failure. */
void yaml_explain(const yaml_parser_t *parser, struct str text, uint32_t first_line, struct yaml_place *place,
		  struct error *err);

/* --- yaml_bom.c --- */

bool yaml_has_bom(struct str text);
/* Writes texts with a byte order mark in what was printed from byte `from` on as go-yaml does. */
void yaml_escape_bom(struct buf *out, size_t from);
