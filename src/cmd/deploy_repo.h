/*
 * deploy_repo.h - the configuration repository of a deployment: its url, the mirror on this machine, the
 * branch of an environment, and which Apps of a cluster deploy it.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/remote_wait.h"
#include "repo/remote.h"

struct deploy_repo {
	struct remote_options options; /* url, mirror and limits */
	char *branch;
	char *path;		   /* of the environment, as capstan.yaml of that branch says */
	char *context;		   /* of the kubeconfig, as it says; or NULL */
	char tip[SHA_HEX_MAX + 1]; /* the newest commit of the branch */
	const char *environment;   /* NULL: path is of none */
	int lock;		   /* on the mirror: one command at a time works in it; -1: not held */
};

#define DEPLOY_LOCK_TIMEOUT_MS 180000 /* for other commands in the same mirror to end */

/* Which repository and place; all else may be NULL. */
struct deploy_repo_request {
	const char *url;    /* NULL: that of the remote of the clone in the working directory */
	const char *remote; /* of that clone */
	/* NULL: the one that capstan.yaml of the remote's default branch gives the environment; with path the
	 * default branch. */
	const char *branch;
	const char *environment; /* of its capstan.yaml; with path it may be in none */
	const char *path;	 /* a directory instead, cleaned */
	/* For a service: where mirrors are, and whose login counts; the user's settings count for nothing. */
	const char *cache;
	const struct remote_credentials *credentials;
	int64_t deadline_ms;   /* monotonic, of the wait for other commands; 0: DEPLOY_LOCK_TIMEOUT_MS */
	struct wait_stop stop; /* of all that waits */
};

/* Asks the remote. All in a. The mirror is held until deploy_repo_unlock(), which is due whatever is
 * returned. */
int deploy_repo_open(struct arena *a, const struct deploy_repo_request *request, struct deploy_repo *out,
		     struct error *err);

/* Only the options and the lock, without asking the remote. */
int deploy_repo_hold(struct arena *a, const struct deploy_repo_request *request, struct deploy_repo *out,
		     struct error *err);

void deploy_repo_unlock(struct deploy_repo *repo);

/* host/path of a url, as two urls of one repository have it in common; into a. */
char *deploy_repo_identity(struct arena *a, const char *url);

/* The Apps (namespace/name) that deploy the environment, of a namespace or of all that may be read; n may be
 * 0. *everywhere: all namespaces could be read. -1: err. */
struct deploy_apps {
	const char **keys;
	size_t n;
	bool everywhere;
};
int deploy_repo_apps(struct cluster *c, struct arena *a, const struct deploy_repo *repo,
		     const char *namespace, struct deploy_apps *out, struct error *err);
