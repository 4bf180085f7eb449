/*
 * discovery.h - which kinds a server serves: aggregated discovery (apidiscovery.k8s.io/v2), with the
 * per-group form as fallback.
 */
#pragma once

#include "kube/client.h"

struct kube_resource {
	struct str group, version, kind, plural;
	bool namespaced;
	bool preferred; /* the group's preferred version has this kind in this version */
	bool has_status;
	bool watchable;
};

/* The cached answer, or NULL: unknown (not yet, or not served). Valid until the next refresh on the loop.
 * version "": preferred. */
const struct kube_resource *kube_discovery_find(struct kube_client *client, struct str group,
						struct str version, struct str kind);

/* Kinds that need not be asked for, for a process of a few requests; copied. A path that is not served in
 * fact makes the client ask, as ever. Before the first request. */
void kube_discovery_know(struct kube_client *client, const struct kube_resource *kinds, size_t n);

typedef void kube_discovery_fn(void *arg, int failed, const struct error *err);
/* Fetches anew; concurrent refreshes are one. done never from inside. */
void kube_discovery_refresh(struct kube_client *client, kube_discovery_fn *done, void *arg);
