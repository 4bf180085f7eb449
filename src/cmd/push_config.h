/*
 * push_config.h - delivery of a push by a configuration repository (`deliver: {config: URL}`): what was built
 * is written there as `capstan deploy` writes it, committed with the source's commit and author, pushed, and
 * waited for; or, with `review: true`, proposed as a branch and a pull request. Undoing is a commit on top
 * that gives the files back what they had.
 *
 * Blocking, for the process of one push. *cancel ends what is under way soon; a commit that was pushed stays
 * until config_undo().
 */
#pragma once

#include <stdatomic.h>

#include "cmd/cluster.h"
#include "push/build.h"
#include "render/environments.h"
#include "repo/refs.h"
#include "repo/remote.h"

#define CONFIG_PUSH_TIMEOUT_MS 120000	/* of all tries of one push, within the deadline */
#define CONFIG_BRANCH_PREFIX "capstan/" /* + ENVIRONMENT-SHORTSHA: branches of reviews */

struct config_request {
	const char *cache;			    /* directory of mirrors, made when it is missing */
	const struct environments_deliver *deliver; /* with `config` */
	const char *environment; /* that is pushed to; deliver may name another one there */
	const struct remote_credentials *credentials; /* NULL: none */
	const char *push;	      /* id of the push: names the commit, so that one who resumes finds it */
	const char *repository;	      /* NS/NAME that was pushed to, for people */
	const char *git_dir, *source; /* the pushed commit, for its author and subject */
	const struct built *images;
	size_t n_images;
	void (*tell)(void *ctx, const char *line); /* for the pusher, one line a call */
	void *ctx;
	const atomic_bool *cancel;
	int64_t deadline_ms; /* monotonic */
};

struct config_place {
	const char *url, *branch, *path, *environment;
	const char *context; /* of the kubeconfig, as capstan.yaml there says; or NULL */
};

struct config_delivered {
	bool changed; /* else what is there says it all already */
	char parent[SHA_HEX_MAX + 1], commit[SHA_HEX_MAX + 1];
	const char **files; /* that were changed */
	size_t n_files;
	const char *review;	   /* of a review: the pull request's address; NULL: the host took none */
	const char *review_branch; /* of a review, else NULL */
};

/* Which branch and path it is: for the claim and the record, before anything is changed. Asks the remote. */
int config_place(struct arena *a, const struct config_request *request, struct config_place *out,
		 struct error *err);

/*
 * made (may be NULL) is called before each push with the commit that is about to be pushed, so that a record
 * of it is durable first; -1: nothing is pushed. A review is not to be watched or undone.
 */
int config_deliver(struct arena *a, const struct config_request *request, const struct config_place *place,
		   int (*made)(void *ctx, const char *parent, const char *commit), void *made_ctx,
		   struct config_delivered *out, struct error *err);

/* Until all Apps that deploy the place are healthy at the commit. An exit code as await_apps(); n_apps: how
 * many there are (0: nobody deploys it, which is told and is no failure). out: where lines go. */
int config_watch(struct arena *a, const struct config_request *request, const struct config_place *place,
		 struct cluster *cluster, const char *parent, const char *commit, FILE *out, size_t *n_apps,
		 struct error *err);

#define CONFIG_OTHERS 1 /* others changed the same lines since: err-free, *why says which file */

/*
 * Takes commit back, if it ever arrived: what its files had in its parent is merged into what they have now.
 * Idempotent. 0: undo->commit is the new commit, or "" when there was nothing to take back. CONFIG_OTHERS:
 * nothing was changed. -1: err.
 */
struct config_undone {
	char commit[SHA_HEX_MAX + 1], parent[SHA_HEX_MAX + 1];
	const char *why;
};
int config_undo(struct arena *a, const struct config_request *request, const struct config_place *place,
		const char *parent, const char *commit, struct config_undone *out, struct error *err);
