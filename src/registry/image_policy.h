/*
 * image_policy.h - which of a repository's tags is the latest. Pure; policies mean what Flux's ImagePolicy
 * means by them, but that what is ambiguous is an error here.
 *
 *     tags -> exclude, filter (pattern, extract) -> candidates -> policy -> one tag, or an error
 *
 * Tags that a policy cannot read (no version, no number) are passed over.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define IMAGE_POLICY_TEXT_MAX 1024u /* bytes of a pattern, an extract and a range */
#define IMAGE_POLICY_VALUE_MAX \
	512u /* bytes of what a filter extracts from a tag; longer ones are passed over */
#define IMAGE_POLICY_TIMES_MAX 100u /* candidates whose times are looked up; more are an error */

enum image_policy_kind {
	IMAGE_POLICY_SEMVER,	   /* the highest version in a range; a version has all three numbers */
	IMAGE_POLICY_NUMERICAL,	   /* the largest number; 7 and 07 are equal, and so ambiguous */
	IMAGE_POLICY_ALPHABETICAL, /* the last one by bytes */
	IMAGE_POLICY_TIME,	   /* the image that was made last */
};

struct image_policy {
	enum image_policy_kind kind;
	struct str range;   /* SEMVER */
	bool lowest;	    /* order: desc: the smallest number, the first letter */
	struct str filter;  /* a regular expression that a tag must match; "" all */
	struct str extract; /* what of it is compared: "$1", "${name}"; "" the tag */
	struct str exclude; /* tags that match do not count; "" none */
};

/* Whether it can be used at all. */
int image_policy_check(const struct image_policy *policy, struct error *err);

struct image_candidate {
	struct str tag;
	struct str value;   /* that is compared */
	int64_t created_ms; /* TIME: to be filled in before image_policy_choose() */
};

/* Those that pass exclude and filter; borrows tags, the rest is in a. -1: err. */
int image_policy_filter(struct arena *a, const struct image_policy *policy, const struct str *tags, size_t n,
			struct image_candidate **out, size_t *n_out, struct error *err);

/* 0: candidates[*chosen]. -1: there is none, or two are equal; err says which and what to do. */
int image_policy_choose(const struct image_policy *policy, const struct image_candidate *candidates, size_t n,
			size_t *chosen, struct error *err);
