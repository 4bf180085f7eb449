/*
 * rules.h - every rule of `capstan check`: a stable name, how grave it is, and what to do. Reports, SARIF and
 * docs/reference/check.md use these same words.
 */
#pragma once

#include "base/str.h"

enum check_severity {
	CHECK_OFF,     /* not looked for */
	CHECK_NOTE,    /* worth knowing; never a reason to fail */
	CHECK_WARNING, /* probably wrong; a reason to fail with --strict */
	CHECK_ERROR,   /* the API server refuses it, or a secret is out */
};

enum check_rule {
	/* what renders and parsers say */
	RULE_RENDER,
	/* schemas */
	RULE_UNKNOWN_KIND,
	RULE_UNKNOWN_FIELD,
	RULE_WRONG_TYPE,
	RULE_MISSING_FIELD,
	RULE_BAD_VALUE,
	RULE_DUPLICATE_ITEM,
	RULE_BAD_SCHEMA,
	/* versions */
	RULE_REMOVED_API,
	RULE_DEPRECATED_API,
	RULE_API_NOT_AVAILABLE,
	/* objects beside each other */
	RULE_DUPLICATE_OBJECT,
	RULE_SHARED_OBJECT,
	RULE_MISSING_NAMESPACE,
	RULE_NAMESPACE_IGNORED,
	/* references */
	RULE_MISSING_CONFIGMAP,
	RULE_MISSING_SECRET,
	RULE_MISSING_KEY,
	RULE_MISSING_SERVICE,
	RULE_MISSING_SERVICEACCOUNT,
	RULE_MISSING_PVC,
	RULE_MISSING_ROLE,
	RULE_MISSING_TARGET,
	RULE_UNKNOWN_VOLUME,
	RULE_UNKNOWN_PORT,
	/* selectors */
	RULE_SELECTOR_MISMATCH,
	RULE_SELECTOR_MATCHES_NOTHING,
	/* secrets */
	RULE_PLAINTEXT_SECRET,
	RULE_PRIVATE_KEY,
	RULE_CLOUD_KEY,
	RULE_TOKEN,
	RULE_PASSWORD,
	/* the check itself */
	RULE_UNUSED_ALLOW,
	RULE_COUNT,
};

struct check_rule_info {
	const char *id;
	enum check_severity severity; /* unless the caller chooses another */
	const char *summary;	      /* what is wrong, in a sentence without a full stop */
	const char *help;	      /* what to do, in a sentence or two */
};

extern const struct check_rule_info check_rules[RULE_COUNT];

/* RULE_COUNT: there is none of that name. */
enum check_rule check_rule_find(struct str id);

const char *check_severity_name(enum check_severity severity); /* "error", ... */
/* false: text is none of off, note, warning, error. */
bool check_severity_find(struct str text, enum check_severity *out);

bool check_rule_is_secret(enum check_rule rule); /* about secrets in plain text */
