/*
 * commit_secrets.h - secrets in plain text in what commits bring to a repository: every file that is new in
 * them, also one that a later commit takes away again, which is out all the same.
 *
 * Secrets with values, private keys, keys of clouds and tokens are errors; what looks like a password is a
 * warning (check/rules.h). What is left out because of a cap is counted.
 */
#pragma once

#include "check/check.h"
#include "render/environments.h"

#define COMMIT_SECRETS_FILE_MAX (4u << 20)    /* bytes of a file that is looked at */
#define COMMIT_SECRETS_TOTAL_MAX (256u << 20) /* bytes of all */
#define COMMIT_SECRETS_COMMITS_MAX 20000u     /* newest first */
#define COMMIT_SECRETS_HEADS_MAX 1000u	      /* whose capstan.yaml is asked what is allowed */

struct commit_secrets_options {
	const char *git_dir;
	const char *const *heads; /* what is pushed: commits, or tags of them, in full */
	size_t n_heads;
	const char *const *known; /* what the other side has; those that are not here count for nothing */
	size_t n_known;
	const char *remote; /* its refs/remotes/REMOTE/ are known, too; or NULL */
	/* allowSecrets of the capstan.yaml of each head counts, and those of these: */
	const struct environments *const *files;
	size_t n_files;
};

/* What one commit brings, as far as something was found in it. */
struct commit_secrets_found {
	const char *sha;
	struct check_result result;
};

struct commit_secrets {
	struct commit_secrets_found *list; /* newest commit first */
	size_t n;
	size_t errors;
	size_t commits, texts; /* looked at */
	size_t large;	       /* files over COMMIT_SECRETS_FILE_MAX, not looked at */
	bool capped;	       /* one of the other caps: older commits were not looked at */
	struct check **checks; /* private: the results are theirs */
	size_t n_checks;
	struct arena arena;
};

int commit_secrets_scan(const struct commit_secrets_options *options, struct commit_secrets *out,
			struct error *err);
void commit_secrets_release(struct commit_secrets *s);
