/*
 * deploy_repo.h - the configuration repository of a deployment: its url, the mirror on this machine, the
 * branch of an environment, and which Apps of a cluster deploy it.
 */
#pragma once

#include "cmd/cluster.h"
#include "repo/remote.h"

struct deploy_repo {
	struct remote_options options; /* url, mirror and limits */
	char *branch;
	char *path;    /* of the environment, as capstan.yaml of that branch says */
	char *context; /* of the kubeconfig, as it says; or NULL */
	const char *environment;
	int lock; /* on the mirror: one command at a time works in it; -1: not held */
};

#define DEPLOY_LOCK_TIMEOUT_MS 180000 /* for other commands in the same mirror to end */

/*
 * url: the repository's, or NULL: that of the remote of the clone in the working directory. branch: NULL: the
 * one that capstan.yaml of the remote's default branch gives the environment. Asks the remote. All in a. The
 * mirror is held until deploy_repo_unlock(), which is due whatever is returned.
 */
int deploy_repo_open(struct arena *a, const char *url, const char *remote, const char *branch,
		     const char *environment, struct deploy_repo *out, struct error *err);

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
