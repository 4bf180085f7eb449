/* parts.h - what the files of this room share: the check under way, and how a finding is made. Room-internal.
 */
#pragma once

#include "check/check.h"
#include "check/schema.h"

/* Annotations that the check reads on objects. */
#define CHECK_EXTERNAL "capstan.dev/external" /* "Secret/db, ConfigMap/tls-??": others provide these */
#define CHECK_ALLOW "capstan.dev/check-allow" /* "RULE: REASON" a line: allowed for this object */

struct allow {
	enum check_rule rule;
	bool secrets;			      /* in place of rule: all of those about secrets in plain text */
	struct str path, object, fingerprint; /* globs, globs, hex digits; empty: any */
	const char *reason, *file;
	uint32_t line;
	bool used;
};

/* A finding while it is collected. */
struct found {
	struct check_finding f;
	VEC(const char *) environments;
};

struct check {
	struct arena a;
	enum check_severity severities[RULE_COUNT];
	unsigned minor, wanted_minor;
	uint8_t mask; /* the bit of minor */
	struct schemas schemas;
	VEC(struct allow) allows;
	VEC(struct found *) found;
	struct map seen;	 /* where and what -> struct found */
	struct map shared;	 /* cluster and object -> struct shared (objects.c) */
	struct map unknown;	 /* kinds of which it was said that no schema is known */
	struct map secret_lines; /* "file:line" of values of Secrets */
	size_t objects, environments, texts, dropped;
	size_t dropped_by[CHECK_ERROR + 1];
};

/* A place in a file. */
struct place {
	const char *file;
	uint32_t line, column;
};

/* What a finding is about. Whoever makes findings hands it on. */
struct subject {
	struct check *c;
	const struct check_environment *env; /* NULL: a file as it is */
	const struct render_object *object;  /* NULL: a file, or the environment as a whole */
	const char *label; /* what the object is called, where object is NULL; may be NULL */
};

struct place place_of_node(const struct subject *s, const struct node *n);
/* Where the key of a pair of map stands. */
struct place place_of_pair(const struct subject *s, const struct node *map, size_t pair);
/* Of the key `name`, or of map itself when it is not there. */
struct place place_of_key(const struct subject *s, const struct node *map, const char *name);

/* path may be NULL. The message follows as printf has it; it is made harmless for a terminal. */
void find_at(const struct subject *s, enum check_rule rule, struct place place, const char *path,
	     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* With a severity of its own, if the rule has not been given one by the caller. */
void find_with(const struct subject *s, enum check_rule rule, enum check_severity severity,
	       struct place place, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* With what makes its fingerprint instead of object and path: a hash of a secret. severity: as in
 * find_with().
 */
void find_secret(const struct subject *s, enum check_rule rule, enum check_severity severity,
		 struct place place, const char *path, struct str identity, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
bool rule_is_on(const struct check *c, enum check_rule rule);

/* The namespace that an object is in, as far as is known; "" for a cluster-wide kind. */
struct str subject_namespace(const struct subject *s);
/* What a person calls an object: "Deployment shop/api"; into the arena of c. */
const char *subject_label(const struct subject *s);
/* The value of an annotation of the object, or { "", 0 }. */
struct str subject_annotation(const struct subject *s, const char *name);

/* At most as much of text as a message should hold. */
struct str shown(struct str text);

/* allow.c: the reason why a finding is allowed, or NULL. */
const char *allow_reason(struct check *c, const struct subject *s, const struct check_finding *f);
void allow_unused(struct check *c);		      /* finds entries that matched nothing */
bool glob_match(struct str pattern, struct str text); /* `*` within a part of a path, `**` across, `?` */

/* api.c: an object against the schema of its kind, and its API version. */
void validate_object(const struct subject *s);
