/*
 * image_parts.h - ImageRules: what image_rules.c (objects, status), image_scan.c (the registry) and
 * image_commit.c (git) share.
 *
 *   timer, webhook, changed spec -> scan -> latest -> commit, with all of the same branch -> status
 *                                                       ^
 *                                    the branch has moved
 */
#pragma once

#include "operator/image_edit.h"
#include "operator/image_spec.h"
#include "operator/internal.h"
#include "registry/client.h"
#include "repo/publish.h"

enum image_reason {
	IMAGE_PENDING,
	IMAGE_SUCCEEDED,
	IMAGE_SUSPENDED,
	IMAGE_INVALID,
	IMAGE_SCAN_FAILED,
	IMAGE_POLICY_FAILED,
	IMAGE_UPDATE_FAILED,
	IMAGE_REASONS
};

struct image_branch;

/* One ImageRule object. */
struct image_rule {
	struct operator* operator;
	char *key; /* "NAMESPACE/NAME" */
	struct arena spec_arena;
	struct image_rule_spec spec;
	char *spec_error; /* it cannot be understood; NULL: it can */
	bool listed, gone;
	struct hook *hook;

	/* image_scan.c */
	struct loop_timer *timer; /* of the next scan */
	struct kube_call *secret_call;
	struct hash secret_hash;
	struct registry *registry; /* with the credentials of that */
	struct registry_call *call;
	bool busy, again;
	unsigned failures;
	int64_t retry_after_ms;		     /* what the registry wanted, or -1 */
	char expected[REGISTRY_TAG_MAX + 1]; /* a tag that an event told of, and no list has had yet */
	unsigned looks;			     /* that are left for it */
	char *etag;			     /* of the list that latest was chosen from */
	struct hash tags_hash;		     /* of that list */
	size_t n_tags;
	struct map times; /* tag -> int64_t, when its image was made */
	struct arena scan_arena;
	struct image_candidate *candidates;
	size_t n_candidates, n_timed;
	char next_tag[REGISTRY_TAG_MAX + 1]; /* chosen; its digest is looked up */
	char *scan_error;
	enum image_reason scan_reason; /* of that */

	/* What the policy took last; tag "": nothing yet. */
	char tag[REGISTRY_TAG_MAX + 1], digest[REGISTRY_DIGEST_LEN + 1];
	int64_t scanned_wall_ms;

	/* image_commit.c */
	struct image_branch *waiting; /* in its list, or in its commit under way */
	struct hash written, refused; /* the change that is, or cannot be, in the branch at `checked` */
	char checked[SHA_HEX_MAX + 1], commit[SHA_HEX_MAX + 1];
	char *update_error;

	/* status */
	struct hash status_hash;
	bool status_known, status_in_flight, was_ready;
	int64_t ready_since_ms;
};

/* image_rules.c */
void image_rule_status(struct image_rule *r); /* written, when there is news */

/* image_scan.c */
void image_scan(void *rule); /* a loop_fn: now, or again when one is under way */
/* An event told of this tag: where the list does not have it yet, it is looked at again soon, a few times. */
void image_scan_expect(struct image_rule *r, const char *tag);
void image_scan_forget(struct image_rule *r); /* the list of tags is looked at anew, though it is the same */
void image_scan_stop(struct image_rule *r);   /* what is under way; the registry is closed */

/* image_commit.c */
/* The latest image goes to its branch, unless it is there; the status is written then. */
void image_commit_want(struct image_rule *r);
void image_commit_forget(struct image_rule *r); /* it goes away, or its spec changed */
/* A Repo was looked at: what waits for it goes on. */
void image_commits_told(struct operator* op, const char *source_key);
void image_commits_free(struct operator* op);
