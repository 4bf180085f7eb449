/*
 * push_login.h - which configuration repositories a push may write to, and as whom.
 *
 * A pushed capstan.yaml is written by whoever may push, so it gets no credentials by naming an address: the
 * repository must be named by an object of the hosted repository's namespace, and that object's address and
 * Secret are used. These are, in this order:
 *
 *     spec.hosted.deliver of the hosted Repo itself: [{url, secretRef}]
 *     any other Repo of the namespace with that url, as Apps have one to follow it
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/push_config.h"

/* url: of capstan.yaml. Memory from a. err says which object is missing. */
int push_login_find(struct cluster *c, struct arena *a, const char *namespace, const char *name,
		    const char *url, struct config_login *out, struct error *err);

/* Whether two urls are of one repository, whatever the scheme, port and login: host and path. */
bool push_login_same(const char *url, const char *other);
