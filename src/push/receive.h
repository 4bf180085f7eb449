/*
 * receive.h - what a push brings, as git tells its pre-receive hook: lines of refs, read strictly; and what
 * the pushed capstan.yaml makes of it. Pure.
 */
#pragma once

#include "push/home.h"
#include "push/journal.h"
#include "render/environments.h"

#define RECEIVE_TEXT_MAX (512u << 10) /* bytes of all ref lines: JOURNAL_REFS_MAX of the longest ones */

/* "OLD NEW REF\n"...; zeros: not there. Memory from a. err: a line is none, or more than JOURNAL_REFS_MAX. */
int receive_read(struct arena *a, struct str text, struct journal_ref **refs, size_t *n, struct error *err);

/* The branch of a ref, without "refs/heads/"; NULL: it is none. */
const char *receive_branch(const struct journal_ref *ref);

/* One environment that a pushed branch deploys. */
struct receive_target {
	const struct environment *environment;
	const struct environments_deliver *deliver; /* NULL: direct */
	const char *namespace, *app;		    /* direct */
};

/*
 * What `branch` deploys, as the capstan.yaml of its new commit says; memory from a. App names: the
 * repository's, with the environment's behind when there are several for the namespace. err: more than
 * JOURNAL_TARGETS_MAX, or a name that cannot be.
 */
int receive_targets(struct arena *a, const struct hosted_repo *repo, const struct environments *all,
		    const char *branch, struct receive_target **out, size_t *n, struct error *err);
