/*
 * push_config.h - delivery of a push by a configuration repository (`deliver: {config: URL}`): what was built
 * is written there as `capstan deploy` writes it, committed with the source's commit and author, pushed, and
 * waited for; or, with `review: true`, proposed as a branch and a pull request. Undoing is a commit on top
 * that gives the files back what they had.
 *
 * Blocking, for the process of one push. A commit that was pushed stays until config_undo().
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/remote_wait.h"
#include "push/build.h"
#include "render/environments.h"
#include "repo/refs.h"
#include "repo/remote.h"

#define CONFIG_PUSH_TIMEOUT_MS 120000 /* of all tries of one push, within the deadline */

/* Where to push and as whom: from objects of the cluster, never from a pushed file alone (push_login.h). */
struct config_login {
	const char *url;
	struct remote_credentials credentials; /* empty: none */
	const char *forge;		       /* type of its host, as forge_recognise() takes it; or NULL */
};

struct config_request {
	const char *cache; /* directory of mirrors, made when it is missing */
	const struct config_login *login;
	const char *push;			   /* id of the push */
	const char *repository;			   /* NS/NAME that was pushed to, for people */
	void (*tell)(void *ctx, const char *line); /* for the pusher, one line a call */
	void *ctx;
	struct wait_stop stop;
	int64_t deadline_ms; /* monotonic */
};

/* What is deployed; memory of the caller. */
struct config_source {
	const char *git_dir, *commit; /* the pushed commit, for its author and subject */
	const struct built *images;
	size_t n_images;
};

struct config_place {
	const char *branch, *path;
	const char *environment;   /* of its capstan.yaml; NULL: the path is none's */
	char tip[SHA_HEX_MAX + 1]; /* of the branch */
};

struct config_delivered {
	bool changed; /* else what is there says it all already */
	char parent[SHA_HEX_MAX + 1], commit[SHA_HEX_MAX + 1];
	const char **files; /* that were changed */
	size_t n_files;
};

struct config_review {
	const char *branch; /* NULL: there is nothing to review */
	const char *url;    /* of the pull request; NULL: none could be opened, which was told */
	bool reused;
};

/* Which branch and path it is: for the claim and the record, before anything is changed. Asks the remote.
 * environment: that is pushed to, where deliver names none. */
int config_find(struct arena *a, const struct config_request *request,
		const struct environments_deliver *deliver, const char *environment, struct config_place *out,
		struct error *err);
/* The same of a record: its tip, and the environment of its path. */
int config_find_again(struct arena *a, const struct config_request *request, const char *branch,
		      const char *path, struct config_place *out, struct error *err);

/* Told of each commit before it is pushed, so that a record of it is durable first; -1: nothing is pushed. */
typedef int config_made_fn(void *ctx, const char *parent, const char *commit, struct error *err);

/* made may be NULL. */
int config_deliver(struct arena *a, const struct config_request *request, const struct config_place *place,
		   const struct config_source *source, config_made_fn *made, void *made_ctx,
		   struct config_delivered *out, struct error *err);

/* Instead of it: a branch of its own, and a pull request where the host takes one. Nothing is to be undone.
 */
int config_review(struct arena *a, const struct config_request *request, const struct config_place *place,
		  const struct config_source *source, struct config_review *out, struct error *err);

/*
 * Until all Apps that deploy the place are healthy at the commit, which is on top of parent (NULL: not
 * known). An exit code as await_apps(). *n_apps: how many there are; with 0 it is EXIT_OK at once.
 */
int config_watch(struct arena *a, const struct config_request *request, const struct config_place *place,
		 struct cluster *cluster, const char *parent, const char *commit, size_t *n_apps,
		 struct error *err);

#define CONFIG_OTHERS 1

/*
 * Takes a commit back, if it ever arrived: what its files had in its parent is merged into what they have
 * now. Idempotent. 0: *undone is the new commit, or "" when there was nothing to take back. CONFIG_OTHERS:
 * others changed the same lines since, nothing is changed, and err says where. -1: err.
 */
int config_undo(struct arena *a, const struct config_request *request, const char *branch, const char *parent,
		const char *commit, char undone[SHA_HEX_MAX + 1], struct error *err);
