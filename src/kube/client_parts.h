/*
 * client_parts.h - the inside of a client, for the files of kube/ only.
 */
#pragma once

#include "base/map.h"
#include "io/http.h"
#include "kube/auth.h"
#include "kube/discovery.h"
#include "kube/limit.h"

/* Who wants to hear of refreshes: watches of kinds that are not there yet. */
struct kube_listener {
	struct kube_listener *next, **link;
	void (*fn)(struct kube_listener *listener);
};

struct kube_kind { /* one kind in one version; the versions of a kind are chained, best first */
	struct kube_resource resource;
	struct kube_kind *next;
};

struct kube_kinds { /* one discovery's result */
	struct arena arena;
	struct map by_kind; /* "group/kind" -> struct kube_kind, first of its chain */
};

struct kube_refresh; /* one under way; discovery.c */

struct kube_discovery {
	struct kube_kinds *kinds; /* NULL: not yet */
	struct kube_refresh *running;
	int64_t began_ms; /* the last refresh; INT64_MIN: none */
	bool ok;	  /* the last refresh worked */
	struct kube_listener *listeners;
};

enum kube_call_state {
	KUBE_CALL_QUEUED,  /* in its priority's queue */
	KUBE_CALL_BACKOFF, /* parked until not_before */
	KUBE_CALL_KIND,	   /* parked until discovery has been refreshed */
	KUBE_CALL_FLYING,  /* the HTTP client has it */
	KUBE_CALL_OVER,	   /* failed before it was sent; told on the next turn */
	KUBE_CALL_TELLING, /* done is being called */
};

struct kube_list {
	struct kube_call *first, *last;
	int n;
};

/* A request for a path, for discovery and watches: never queued behind others, not counted by the limit. */
struct kube_raw {
	const char *path;   /* "/apis", "/api/v1/pods?watch=1": after the server's URL */
	const char *accept; /* NULL: application/json; not copied */
	int64_t timeout_ms; /* 0: none, and then 429 and the like are the caller's */
	int64_t idle_ms;
	http_chunk_fn *on_chunk; /* of a 200 */
	kube_done_fn *done;
	void *arg;
};

struct kube_call {
	struct kube_client *client;
	struct kube_list *list; /* where it is */
	struct kube_call *prev, *next;
	enum kube_call_state state;
	struct arena arena; /* holds the copies below */
	struct kube_request request;
	struct kube_raw raw;
	bool is_raw;

	int64_t deadline_ms, not_before_ms, started_ms;
	int64_t queued_ms; /* since when it waits for a place; its deadline waits with it */
	int64_t asked_ms;  /* when it began to wait for its kind */
	int load;	   /* in flight when it was sent, itself too */
	unsigned tries;
	bool refreshed; /* its kind was not there, and discovery has been refreshed since */
	bool rejected;	/* a 401 was answered with fresh credentials once */
	struct http_call *http;
	enum kube_result failure; /* KUBE_CALL_OVER */
	const char *message;
	kube_done_fn *done;
	void *arg;
};

struct kube_client {
	struct loop *loop;
	struct arena arena; /* of the configuration */
	struct kube_config config;
	struct kube_auth *auth;
	struct http_client *http,
		*http_before; /* before: the one with the last client certificate, until idle */
	unsigned http_generation;
	struct kube_limit limit;
	struct kube_discovery discovery;
	struct kube_list queues[KUBE_PRIORITIES], parked, flying, over;
	struct loop_timer *kick; /* pumps on the next turn */
	struct loop_timer *tick; /* deadlines and back-offs of what is not flying */
	int64_t tick_at;
	int64_t writes_until;
	struct kube_stats stats;
	uint64_t trimmed_at; /* stats.requests when memory was last given back */
	uint64_t seed;	     /* jitter */
	unsigned inside;
	unsigned since_low; /* requests sent since the last one of low priority */
	bool dying;
};

struct kube_call *kube_send_raw(struct kube_client *client, const struct kube_raw *raw);
void kube_client_kick(struct kube_client *client);
/* Discovery was refreshed, or err: requests whose kind was not known go on. */
void kube_client_refreshed(struct kube_client *client, const struct error *err);
/* A number in [0, n). */
uint64_t kube_client_random(struct kube_client *client, uint64_t n);

void kube_discovery_release(struct kube_client *client);
void kube_listener_add(struct kube_client *client, struct kube_listener *listener);
void kube_listener_remove(struct kube_listener *listener); /* twice is fine */

/* How long to wait before try number `tries` (from 1): doubles from 50 ms to 10 s, half of it jitter. */
int64_t kube_backoff_ms(struct kube_client *client, unsigned tries);

/* request.c: what a request looks like on the wire. */
#define KUBE_HEADERS_MAX 8
struct kube_wire {
	const char *method;
	struct buf url;
	struct http_header headers[KUBE_HEADERS_MAX];
	size_t n_headers;
};
void kube_wire_of(struct kube_wire *w, const struct kube_client *client, const struct kube_request *request,
		  const struct kube_resource *resource);
void kube_wire_raw(struct kube_wire *w, const struct kube_client *client, const struct kube_raw *raw);
void kube_add_escaped(struct buf *b, const char *p,
		      size_t n); /* percent-encoding of a path segment or query value */
/* "/api/v1/namespaces/x/pods": path of a collection. */
void kube_add_path(struct buf *b, const struct kube_resource *resource, struct str namespace);

/* copy.c */
void kube_config_copy(struct arena *a, const struct kube_config *from, struct kube_config *to);
void kube_request_copy(struct arena *a, const struct kube_request *from, struct kube_request *to);

/* answer.c: what the server said. */
void kube_answer_read(struct arena *a, const struct http_response *http, struct kube_response *out);
