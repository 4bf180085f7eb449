/*
 * cluster.h - one cluster for the length of one command: a loop, a client, a deadline, and requests that are
 * waited for.
 */
#pragma once

#include "cmd/command.h"
#include "io/loop.h"
#include "kube/client.h"

#define CLUSTER_CALL_TIMEOUT_MS 30000 /* of one request when --timeout leaves more */

struct cluster {
	const struct cli *cli;
	struct arena arena; /* of the configuration */
	struct kube_config config;
	const char *namespace; /* -n, or the context's */
	struct loop *loop;
	struct kube_client *client;
	int64_t deadline; /* monotonic ms by which --timeout ends; INT64_MAX: never */
};

/* otherwise_ms: the timeout when --timeout is not given; 0: none. */
int cluster_open(struct cluster *c, const struct cli *cli, int64_t otherwise_ms, struct error *err);
void cluster_close(struct cluster *c); /* also of one that could not be opened */

/* What is left until the deadline, at least 0; INT64_MAX: no deadline. */
int64_t cluster_left_ms(const struct cluster *c);

/* An answer that outlives its request. */
struct reply {
	enum kube_result result;
	int code;
	const char *reason, *message; /* never NULL */
	struct node *body;	      /* or NULL */
	struct str text;	      /* of an answer that is plain text; else empty */
};

/* Runs the loop until the answer is there; memory from a. timeout_ms 0: what CLUSTER_CALL_TIMEOUT_MS and the
 * deadline allow. */
void cluster_call(struct cluster *c, struct arena *a, const struct kube_request *request, struct reply *out);
/* Fetches which kinds there are; the first request of a command that talks to the cluster much. */
int cluster_discover(struct cluster *c, struct error *err);
/* Runs the loop for so long, or until something stops it. */
void cluster_pause(struct cluster *c, int64_t ms);

/* Fills err with what went wrong, as a person needs it: "what: message". Returns -1. */
int cluster_error(struct error *err, const struct reply *reply, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
