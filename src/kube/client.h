/*
 * client.h - requests to one API server: authentication, impersonation, discovery, adaptive concurrency.
 *
 * A request names a kind, not a path: discovery (kube/discovery.h, inside the client) finds the resource and
 * is refreshed when a kind is unknown. Requests queue by priority behind an adaptive limit (kube/limit.h): it
 * starts high, halves on 429/503-with-Retry-After and on latency, and grows on success. A 429, or a 503 or
 * 500 with Retry-After, is retried here after Retry-After (else backoff with jitter) until the request's
 * deadline; everything else goes to the caller.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"
#include "io/loop.h"
#include "kube/config.h"

struct kube_client;
struct kube_call;

enum kube_verb {
	KUBE_GET,
	KUBE_LIST,
	KUBE_CREATE,
	KUBE_UPDATE,	  /* PUT */
	KUBE_APPLY,	  /* server-side apply: PATCH application/apply-patch+yaml, JSON body */
	KUBE_MERGE_PATCH, /* PATCH application/merge-patch+json */
	KUBE_JSON_PATCH,  /* PATCH application/json-patch+json */
	KUBE_DELETE,	  /* body: DeleteOptions JSON, or empty */
};

enum kube_priority {
	KUBE_PRIORITY_LEASE,  /* never queued behind others */
	KUBE_PRIORITY_HIGH,   /* heal drift, inventory before creation */
	KUBE_PRIORITY_NORMAL, /* applies, deletes */
	KUBE_PRIORITY_LOW,    /* status */
	KUBE_PRIORITIES,
};

struct kube_request {
	enum kube_verb verb;
	struct str group, version, kind; /* group "" is core; version "" : the preferred one */
	struct str namespace, name;	 /* namespace "" for cluster scope, or LIST across all */
	const char *subresource;	 /* "status", or NULL */
	const char *query;		 /* GET: parameters, escaped already ("tailLines=10"), or NULL */
	struct str body;		 /* copied */
	const char *field_manager;	 /* NULL: none sent */
	bool force;			 /* apply: take fields over */
	bool dry_run;			 /* dryRun=All */
	const char *field_validation;	 /* NULL: Warn for writes */
	const char *label_selector;	 /* LIST */
	const char *limit_continue;	 /* LIST: continue token, NULL: first page */
	int limit;			 /* LIST: page size; 0: none */
	const char *resource_version;	 /* GET/LIST: resourceVersion parameter, or NULL */
	const char *impersonate_user;	 /* NULL: as ourselves */
	const char *field_selector;	 /* LIST */
	enum kube_priority priority;
	int64_t timeout_ms; /* from when it is first sent, with retries; > 0. Waiting for a place is not
			       counted, Leases aside: a request that was sent with little time left would only
			       cost the server */
};

enum kube_result {
	KUBE_OK,	     /* 2xx */
	KUBE_STATUS,	     /* the server answered with a Status: see code, reason, message */
	KUBE_NO_KIND,	     /* discovery has no such kind, also after a refresh */
	KUBE_SCOPE_MISMATCH, /* namespace given for a cluster-scoped kind (a namespaced one without is the
				caller's default to fill) */
	KUBE_LOST,	     /* no complete answer; the request may have taken effect */
	KUBE_TIMEOUT,	     /* deadline passed; may have taken effect */
};

struct kube_response {
	enum kube_result result;
	int code;	      /* HTTP status, or 0 */
	struct str reason;    /* Status.reason: NotFound, Conflict, AlreadyExists, Invalid, Gone, ... */
	struct str message;   /* for people, never empty unless KUBE_OK */
	struct node *body;    /* parsed JSON, or NULL */
	struct str text;      /* of an answer that is plain text (a pod's log); else empty */
	struct arena *arena;  /* holds body; emptied after done returns */
	struct str *warnings; /* the server's Warning headers (RFC 7234), texts only */
	size_t n_warnings;
	int64_t retry_after_ms; /* the server's Retry-After, or -1 */
};

typedef void kube_done_fn(void *arg, const struct kube_response *response);

/* err: bad TLS material and the like. Connects lazily. config is copied as needed and may go away. */
struct kube_client *kube_client_new(struct loop *loop, const struct kube_config *config, struct error *err);
void kube_client_free(struct kube_client *client); /* cancels all calls; may be called from inside done */

/* done comes exactly once, never from inside kube_send(), unless cancelled. */
struct kube_call *kube_send(struct kube_client *client, const struct kube_request *request,
			    kube_done_fn *done, void *arg);
/* Before it was sent: withdrawn. After: the stream is reset; it may still take effect. */
void kube_cancel(struct kube_call *call);

/* From then on (clock_mono_ms) what writes is not sent, Leases aside: it ends as lost. Default: never. */
void kube_client_writes_until(struct kube_client *client, int64_t mono_ms);

struct kube_stats {
	uint64_t requests, retries, throttled, lost; /* since start */
	uint64_t writes;			     /* every verb but GET and LIST, Lease writes aside */
	int in_flight, queued, limit;
};
struct kube_stats kube_client_stats(const struct kube_client *client);
