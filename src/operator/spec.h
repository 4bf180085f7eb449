/*
 * spec.h - App and Repo objects (capstan.dev/v1alpha1) read into structs. The schema is deploy/crds; defaults
 * are applied here too, because files read by `capstan run --apps` pass no API server.
 */
#pragma once

#include "base/error.h"
#include "deploy/app.h"
#include "doc/node.h"
#include "operator/webhook.h"
#include "render/render.h"

#define CAPSTAN_GROUP "capstan.dev"
#define CAPSTAN_VERSION_NAME "v1alpha1"
#define FINALIZER "capstan.dev/finalizer"
#define ANNOTATION_SYNC "capstan.dev/sync-requested" /* on an App: a new value asks for an attempt now */
#define ANNOTATION_INVENTORY \
	"capstan.dev/inventory" /* on an App: keys that may exist, written before creation */
#define ANNOTATION_CHUNKS \
	"capstan.dev/inventory-chunks" /* on an App: the inventory is in so many ConfigMaps */

/* A ConfigMap or Secret whose keys are variables. */
struct value_source {
	bool secret;
	char *name;
	bool optional;
};

#define VALUE_SOURCES_MAX 32	     /* of one App or environment */
#define RENDER_EXEC_TIMEOUT_MS 60000 /* of a program, unless said otherwise */

/* spec.render: how objects are made of the files. Of capstan.yaml's environments, too. */
struct render_spec {
	enum render_type type;
	char *environment;	    /* RENDER_ENVIRONMENT: its name */
	char **command;		    /* RENDER_EXEC: the program and its arguments, NULL-terminated */
	char **env;		    /* "K=V", NULL-terminated, or NULL */
	uint64_t exec_memory_bytes; /* of the program; 0: the usual cap */
	uint64_t exec_disk_bytes;   /* this and the next two likewise */
	size_t exec_output_max;
	uint32_t exec_pids_max;
	char **inputs;		       /* more paths that the program reads, NULL-terminated, or NULL */
	int64_t exec_timeout_ms;       /* of the program */
	const struct node *additions;  /* fields of a kustomization laid over the path's, or NULL */
	const struct node *substitute; /* name -> text, or NULL */
	struct value_source *from;
	size_t n_from;
	bool lenient;	  /* variables without a value are empty */
	struct hash hash; /* of all of it */
};

/* Whether variables are substituted at all. */
bool render_spec_substitutes(const struct render_spec *r);
/* to->from and n_from, copied into a. */
void render_spec_copy_sources(struct arena *a, const struct render_spec *from, struct render_spec *to);

struct hydrate_spec {
	char *branch; /* NULL: not hydrated */
	char *path;
	bool review;
};

struct app_spec {
	char *namespace, *name, *uid;
	int64_t generation;
	char *repo, *revision, *path;
	struct render_spec render;
	struct hydrate_spec hydrate;
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
	char *url;	      /* of a hosted one, status.fetch.url; NULL: its service has not told it yet */
	char *secret;	      /* name in the same namespace, or NULL */
	bool hosted;	      /* by the push service */
	char *pushed;	      /* hosted: when a push was last accepted; NULL: never */
	char *hosted_trouble; /* hosted: what the service says is wrong; NULL: nothing */
	int64_t interval_ms, timeout_ms;
	uint64_t max_bytes;
	bool submodules, suspend;
	char *webhook_secret; /* its name in the same namespace; NULL: there is no webhook */
	enum webhook_type webhook_type;
};

/* Both copy into a. err: what is wrong and where, e.g. "spec.sync.timeout: \"5x\" is no duration". */
int app_spec_read(struct arena *a, const struct node *object, struct app_spec *out, struct error *err);
int repo_spec_read(struct arena *a, const struct node *object, struct repo_spec *out, struct error *err);
