/*
 * spec.h - App and Repo objects (capstan.dev/v1alpha1) read into structs. The schema is deploy/crds; defaults
 * are applied here too, because files read by `capstan run --apps` pass no API server.
 */
#pragma once

#include "base/error.h"
#include "deploy/app.h"
#include "doc/node.h"

#define CAPSTAN_GROUP "capstan.dev"
#define CAPSTAN_VERSION_NAME "v1alpha1"
#define FINALIZER "capstan.dev/finalizer"
#define ANNOTATION_SYNC "capstan.dev/sync-requested" /* on an App: a new value asks for an attempt now */
#define ANNOTATION_INVENTORY \
	"capstan.dev/inventory" /* on an App: keys that may exist, written before creation */
#define ANNOTATION_CHUNKS \
	"capstan.dev/inventory-chunks" /* on an App: the inventory is in so many ConfigMaps */

struct app_spec {
	char *namespace, *name, *uid;
	int64_t generation;
	char *repo, *revision, *path;
	char *render_type;
	char *target_namespace; /* or NULL */
	char *directory;	/* or NULL */
	char **command;		/* NULL-terminated, or NULL */
	char *service_account;	/* or NULL */
	char *sync_token;	/* value of ANNOTATION_SYNC, or NULL */
	struct app_config config;
	bool has_finalizer;
	char **finalizers; /* others' too, NULL-terminated */
};

struct repo_spec {
	char *namespace, *name;
	int64_t generation;
	char *url;
	char *secret; /* name in the same namespace, or NULL */
	int64_t interval_ms, timeout_ms;
	uint64_t max_bytes;
	bool submodules, suspend;
};

/* Both copy into a. err: what is wrong and where, e.g. "spec.sync.timeout: \"5x\" is no duration". */
int app_spec_read(struct arena *a, const struct node *object, struct app_spec *out, struct error *err);
int repo_spec_read(struct arena *a, const struct node *object, struct repo_spec *out, struct error *err);
