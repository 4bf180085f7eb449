/*
 * check.h - validates rendered objects with no cluster: schemas, API versions, references and selectors
 * between the objects of an environment, and secrets in plain text. Pure: objects and texts in, findings out.
 *
 *     struct check *c = check_new(&options);
 *     check_schema(c, ...), check_allow_text(c, ...)        what else is known
 *     check_definitions(c, &environment)                    of every environment, before the first one is
 * checked check_environment(c, &environment)                    one at a time, in any number check_text(c,
 * ...)                                    files as they are: secrets in plain text check_finish(c, &result)
 *
 * Nothing that is found is a failure of the check: everything is a finding, with its place. Findings that
 * several environments share, because they come from one line of a common base, are one finding.
 */
#pragma once

#include "base/error.h"
#include "check/rules.h"
#include "doc/origin.h"
#include "render/render.h"

/* Caps; each breach is told in the result. */
#define CHECK_FINDINGS_MAX 10000u /* findings that are kept; the rest is counted */
#define CHECK_ALLOWS_MAX 10000u	  /* entries of allow-lists */
#define CHECK_STEPS_MAX 4000000u  /* comparisons of a value with a schema, for one object */

struct check;

struct check_options {
	unsigned minor; /* the Kubernetes version: 36 is 1.36; 0: the newest that is known */
	/* Severities that differ from check_rules; NULL: none does. RULE_COUNT entries. */
	const enum check_severity *severities;
};

/* What is rendered for one place: a directory, an environment of capstan.yaml, an App. */
struct check_environment {
	const char *name; /* "" when there is only one */
	const struct render_object *objects;
	size_t n;
	const struct render_diag *diags; /* what the renderer said; they become findings */
	size_t n_diags;
	const struct origins *origins; /* or NULL: a node's line is one of its object's file */
	const char *namespace;	       /* of objects that name none; NULL: "default" */
	const char *cluster; /* environments of the same one may collide; NULL: compared with none */
};

struct check_finding {
	enum check_rule rule;
	enum check_severity severity;
	const char *file;		 /* "" when it has no place */
	uint32_t line, column;		 /* 1-based; 0: not known */
	const char *object;		 /* "Deployment shop/api", or NULL */
	const char *path;		 /* "spec.template.spec.containers[0].image", or NULL */
	const char *text;		 /* what is wrong with this one */
	const char *const *environments; /* names of those that have it; none when nobody has a name */
	size_t n_environments;
	char fingerprint[17]; /* 16 hex digits that stay when lines move */
	const char *allowed;  /* the reason why it is allowed, or NULL */
};

struct check_result {
	const struct check_finding *findings; /* sorted by file, line and column; allowed ones too */
	size_t n;
	size_t errors, warnings, notes, allowed; /* of all; allowed ones are in none of the first three */
	size_t dropped;				 /* beyond CHECK_FINDINGS_MAX; counted above */
	size_t objects, environments, texts;	 /* how much was looked at */
	unsigned minor; /* whose schemas were used: options.minor or the nearest known */
	unsigned wanted_minor;
};

struct check *check_new(const struct check_options *options);
void check_free(struct check *c); /* and all that check_finish() gave */

/*
 * Kinds of a file: CustomResourceDefinitions (YAML or JSON, any number of documents; others are passed over)
 * or one OpenAPI document. file is copied; text may go away. -1: it cannot be read, or holds neither.
 */
int check_schema(struct check *c, const char *file, struct str text, struct error *err);

/*
 * An allow-list: a list of {rule, path, object, fingerprint, reason}, or a map that has it as `allow`. `rule`
 * and `reason` must be there, and one of the others; path and object ("Secret/shop/db") are globs. -1: an
 * entry is not well-formed; err names its place.
 */
int check_allow_text(struct check *c, const char *file, struct str text, struct error *err);

/* An entry for every rule about secrets in plain text (allowSecrets of capstan.yaml). Texts are copied; each
 * of the globs and the fingerprint may be NULL. */
struct check_allowance {
	const char *file; /* that says so */
	uint32_t line;
	const char *path, *object, *fingerprint, *reason;
};
int check_allow_secret(struct check *c, const struct check_allowance *allowance, struct error *err);

/* Learns the CustomResourceDefinitions of an environment; its objects are not kept. */
void check_definitions(struct check *c, const struct check_environment *e);
/* Checks an environment, by the definitions that were learnt. It may go away afterwards. */
void check_environment(struct check *c, const struct check_environment *e);
/* A file as it lies in the repository; a binary one is passed over. file and text may go away afterwards. */
void check_text(struct check *c, const char *file, struct str text);

/* Sorts and counts; once, at the end. The result lives as long as c. */
void check_finish(struct check *c, struct check_result *out);

unsigned check_oldest_minor(void); /* of the built-in schemas */
unsigned check_newest_minor(void);
