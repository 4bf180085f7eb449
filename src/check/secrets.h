/*
 * secrets.h - secrets in plain text in any text: private keys, cloud keys, access tokens, and values of names
 * that sound like passwords. Pure and fast: one pass, no regular expressions; the same for a manifest, a
 * values file or a program.
 *
 * What is found is handed over with its value, which must go into no output: secret_identity() makes a
 * fingerprint of it that may.
 */
#pragma once

#include "check/rules.h"

struct secret {
	enum check_rule rule; /* RULE_PRIVATE_KEY, RULE_CLOUD_KEY, RULE_TOKEN or RULE_PASSWORD */
	enum check_severity severity;
	const char *what;      /* "a GitHub access token" */
	struct str name;       /* what it is the value of, as written; may be empty */
	struct str value;      /* part of the text */
	uint32_t line, column; /* of the value */
};

typedef void secret_fn(void *ctx, const struct secret *secret);

/* Finds all secrets of text, in order. */
void secrets_scan(struct str text, secret_fn *fn, void *ctx);

/* Whether a name sounds like that of a password, and value like one (not like a word, a template or a name).
 */
bool secret_is_named(struct str name);
bool secret_is_password(struct str value);

/*
 * What identifies a secret without telling it. Keys and tokens are random, so that a hash of them is safe to
 * show; a password may be guessed, so only its name counts.
 */
struct str secret_identity(const struct secret *s);

/* Whether text is no text at all: a NUL byte among the first ones. */
bool secrets_is_binary(struct str text);
