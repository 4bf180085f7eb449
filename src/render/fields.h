/*
 * fields.h - files for people, read by tables: a table says which fields a map has, what is in them and what
 * they are for. The reader fills structs and complains of everything at once; the JSON schema for editors is
 * made of the same tables, so that the two cannot disagree. Room-internal.
 *
 * A struct that is filled begins with the members of struct fields_place. Scalars are read as they are
 * written (YAML_KYAML): where a text is wanted, 1.10 is the text "1.10".
 */
#pragma once

#include "base/vec.h"
#include "render/collect.h"

#define FIELDS_COUNT_MAX 10000u /* items of one list or map */

struct fields_place {
	const char *name; /* the key, in a map of records; else NULL */
	uint32_t line, column;
};

struct fields_variable {
	struct fields_place at; /* at.name: the name */
	struct str text;
};

enum field_kind {
	FIELD_TEXT,	/* const char * */
	FIELD_FLAG,	/* bool */
	FIELD_CHOICE,	/* an int: the position in choices, from 1 on; 0: not there */
	FIELD_COUNT,	/* int64_t, 0 or more */
	FIELD_DURATION, /* int64_t: milliseconds */
	FIELD_SIZE,	/* int64_t: bytes, from 64Mi, 1Gi, 4096 */
	FIELD_CPUS,	/* int64_t: thousandths of a processor, from 500m, 2, 1.5 */
	FIELD_TEXTS,	/* const char **, ended by NULL; n is its count */
	FIELD_MAP,	/* struct fields_variable *, or a struct with its members; n */
	FIELD_RECORD,	/* the struct itself */
	FIELD_RECORDS,	/* a list: structs; n */
	FIELD_NAMED,	/* a map by name: structs, in the order of the file; n */
	FIELD_NODE,	/* struct node *: a map as it is, not looked into */
};

/* What a text, the texts of a list, or the keys of FIELD_MAP and FIELD_NAMED must look like. */
enum field_rule {
	RULE_ANY,	/* not empty; keys: anything */
	RULE_EMPTY_TOO, /* any text */
	RULE_LABEL,	/* a DNS label */
	RULE_NAME,	/* a DNS subdomain */
	RULE_PATH,	/* inside the repository; it is cleaned: "./a/" is "a", "" is "." */
	RULE_BRANCH,	/* a name that git takes */
	RULE_VARIABLE,	/* [_A-Za-z][_A-Za-z0-9]* */
	RULE_DIGEST,	/* hex digits */
	RULE_IMAGE,	/* an image's name with its registry, without tag or digest */
	RULE_PLATFORM,	/* linux/amd64, linux/arm/v7 */
	RULE_KEY,	/* a key of a Secret */
	RULE_URL,	/* of a git repository, without a password */
};

#define FIELD_NOWHERE SIZE_MAX /* checked, and not stored */

struct field_record;

struct field {
	const char *name; /* NULL ends a table */
	enum field_kind kind;
	enum field_rule rule;
	bool required;
	bool otherwise;		    /* FIELD_FLAG that is not there */
	size_t at, n;		    /* offsets: of the value, of the count */
	int64_t low, high;	    /* COUNT, DURATION, SIZE */
	const char *const *choices; /* ended by NULL */
	const char *word;	    /* RECORD: a text that may stand for it; nothing of it is required then */
	const struct field_record *record; /* RECORD, RECORDS, NAMED */
	const char *help;		   /* a sentence; `code` in backticks */
	const char *example;		   /* what to write, for messages: "deploy/prod", "[a, b]" */
};

struct field_record {
	const struct field *fields;
	size_t size; /* of the struct; 0: nothing is stored */
	const char *help;
};

/* Where a reader is: complaints begin with path ("environments.prod.render"). */
struct fields_reader {
	struct arena *a;
	struct render_collect *c;
	const char *file;
	struct buf path;
};

void fields_reader_release(struct fields_reader *r);

/* "environments.prod.branch: what is wrong", at n (or at a line of its own). */
void fields_complain(struct fields_reader *r, const struct fields_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads map into out, a zeroed struct of the record. What is wrong is complained of and left out. */
void fields_read(struct fields_reader *r, const struct node *map, const struct field_record *record,
		 void *out);

/* Makes every scalar of map that the table takes for a text one, as it was written: `newTag: 1.10`. */
void fields_make_texts(struct node *map, const struct field_record *record);

/* The JSON schema (draft 07) of a record. */
struct node *fields_schema(struct arena *a, const struct field_record *record);

bool fields_is_label(struct str s);
/* Bytes of "64Mi", "1Gi", "4096". */
bool fields_size(struct str s, int64_t *out);

/* NULL, or what is wrong with a text. clean: a path as it is kept is appended to it. */
const char *fields_rule_broken(enum field_rule rule, struct str s, struct buf *clean);
