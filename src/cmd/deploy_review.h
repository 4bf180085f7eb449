/*
 * deploy_review.h - a change of a configuration that people look at first: its branch, and the pull request
 * at the git host. For `capstan deploy --review` and for pushes with `review: true`.
 */
#pragma once

#include "push/forge.h"

#define REVIEW_BRANCH_PREFIX "capstan/"
#define REVIEW_TOKEN_VARIABLE "CAPSTAN_FORGE_TOKEN"
#define REVIEW_TIMEOUT_MS 60000 /* of all calls to the host */

/* capstan/ENVIRONMENT-SHORT: id is a commit's SHA or any hash in hex. Into a. */
char *review_branch(struct arena *a, const char *environment, const char *id);

struct review_request {
	const char *url;   /* of the repository, as git has it */
	const char *forge; /* as forge_recognise() takes it; or NULL */
	bool user;	   /* credentials are looked for in the environment, the url and git's helpers */
	const struct remote_credentials *credentials; /* without user */
	struct forge_review review;
	int64_t deadline_ms; /* monotonic */
};

#define REVIEW_NO_HOST 1

/* 0; REVIEW_NO_HOST: the url's host is of no type that is known, err says what to do; -1: err. The branch is
 * there in any case. */
int review_open(struct arena *a, const struct review_request *request, struct forge_opened *out,
		struct error *err);
