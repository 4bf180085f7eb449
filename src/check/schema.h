/*
 * schema.h - what is known of kinds: the built-in ones of each Kubernetes minor, and those that
 * CustomResourceDefinitions and OpenAPI documents add. Room-internal.
 *
 * One form for all of them, so that there is one validator. Opening costs well under a millisecond; nothing
 * is unfolded before schemas_init(). Everything lives in the arena that was handed in.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "doc/node.h"

/* Caps against hostile schemas. */
#define SCHEMA_KINDS_MAX 20000u	  /* kinds that one run may learn */
#define SCHEMA_NODES_MAX 2000000u /* parts of all schemas that were learnt */
#define SCHEMA_PATTERN_MAX 4096u  /* bytes of a pattern; a longer one is not looked at */

enum schema_shape {
	SCHEMA_ANY,
	SCHEMA_OBJECT, /* a map: its fields, and `item` for others */
	SCHEMA_LIST,
	SCHEMA_STRING,
	SCHEMA_TIME,
	SCHEMA_BYTES,
	SCHEMA_QUANTITY,
	SCHEMA_INT_OR_STRING,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_NUMBER,
	SCHEMA_BOOL,
	SCHEMA_ENUM, /* a string; one of the values, or empty (which the server takes for absent) */
};

struct schema;
struct schema_limits;

struct schema_field {
	struct str name;
	const struct schema *type;
	uint8_t mask, required; /* bits of minors */
};

struct schema_value {
	struct str text;
	const struct node *node; /* of a learnt schema: the value itself; NULL: the string `text` */
	uint8_t mask;
};

struct schema {
	enum schema_shape shape : 8;
	bool open : 1; /* OBJECT: fields that are not listed are let through */
	bool set : 1;  /* LIST: no value twice */
	bool nullable : 1;
	bool untyped : 1; /* of a learnt schema without a type: values of other types are let through */
	uint32_t n_fields, n_values, n_keys;
	const struct schema_field *fields;  /* sorted by name; the same name may follow for other minors */
	const struct schema_value *values;  /* allowed ones; none: all */
	const struct str *keys;		    /* LIST: what makes an item unique */
	const struct schema *item;	    /* LIST: of the items; OBJECT: of fields that are not listed */
	const struct schema_limits *limits; /* of a learnt schema; NULL: none */
};

enum schema_format {
	FORMAT_NONE,
	FORMAT_DATE,
	FORMAT_IPV4,
	FORMAT_IPV6,
	FORMAT_UUID,
};

struct pattern;

struct schema_limits {
	bool has_minimum, has_maximum, above_minimum, below_maximum;
	enum schema_format format;
	double minimum, maximum, multiple_of;					     /* multiple_of 0: none */
	size_t min_length, max_length, min_items, max_items, min_fields, max_fields; /* max SIZE_MAX: none */
	struct pattern *pattern; /* pattern.h; NULL: none */
	const struct schema **all_of, **any_of, **one_of;
	size_t n_all_of, n_any_of, n_one_of;
	const struct schema * not ;
};

/* One version of a kind. */
struct schema_kind {
	struct str group, version, kind;
	const struct schema *schema; /* NULL: the kind exists, its fields are not known */
	uint8_t mask;		     /* the minors that have it */
	bool namespaced;
	bool deprecated;    /* as its CustomResourceDefinition says */
	struct str warning; /* what it says about that; may be empty */
	bool builtin;
};

/* What becomes of an API; from the lifecycle of the built-in kinds. */
struct schema_life {
	unsigned deprecated, removed; /* minors; 0: not */
	struct str use;		      /* "apps/v1"; empty: nothing takes its place */
};

struct schemas {
	struct arena *a;
	struct schema *builtin;		/* one for each of builtin_types */
	struct map learnt;		/* "kind\ngroup\nversion" -> struct schema_kind */
	struct map groups;		/* learnt groups -> any pointer */
	VEC(struct schema_kind *) list; /* learnt kinds, in order */
	VEC(struct pattern *) patterns; /* to be released */
	size_t nodes;
};

/* A message about a learnt schema, with its place. */
typedef void schema_say_fn(void *ctx, const struct node *where, const char *text);

void schemas_init(struct schemas *s, struct arena *a);
void schemas_release(struct schemas *s);

/* NULL: not known. A learnt schema comes before a built-in one. */
const struct schema_kind *schemas_find(struct schemas *s, struct str group, struct str version,
				       struct str kind);
/* Whether group is built in or was learnt. */
bool schemas_has_group(const struct schemas *s, struct str group);
/* The life of a built-in API; false: nothing is known of it. */
bool schemas_life(struct str group, struct str version, struct str kind, struct schema_life *out);
/* The best other apiVersion of the kind in the same group for that minor, into a; NULL: none. */
const char *schemas_other_version(const struct schemas *s, struct arena *a, struct str group, struct str kind,
				  uint8_t mask, struct str not_version);
/* The best apiVersion of a built-in kind of that name in any group, into a; NULL: there is none. */
const char *schemas_elsewhere(struct arena *a, struct str kind, uint8_t mask);
/* A kind of that group (any version) that `kind` was probably meant to be; empty: none. */
struct str schemas_near_kind(const struct schemas *s, struct str group, struct str kind);

unsigned schemas_oldest(void); /* minors: 34 is 1.34 */
unsigned schemas_newest(void);

/* Field `name` in one of the minors of mask; NULL: there is none. */
const struct schema_field *schema_field(const struct schema *s, struct str name, uint8_t mask);
/* The first entry of that name whatever its minors, or NULL. */
const struct schema_field *schema_field_any(const struct schema *s, struct str name);

/*
 * Learns the kinds of a CustomResourceDefinition (v1; v1beta1 with its one schema too). What cannot be used
 * is said. false: root is none.
 */
bool schemas_learn_crd(struct schemas *s, const struct node *root, schema_say_fn *say, void *ctx);
/* Learns the kinds of an OpenAPI document, v2 (definitions) or v3 (components.schemas). false: it is none. */
bool schemas_learn_openapi(struct schemas *s, const struct node *root, schema_say_fn *say, void *ctx);
