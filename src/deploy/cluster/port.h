/*
 * port.h - how the cluster driver reaches a cluster: requests out, answers in. No kube/ and no io/ here, so
 * that tests/sim can stand behind it.
 */
#pragma once

#include "doc/node.h"
#include "deploy/inventory.h"

enum port_verb {
	PORT_GET,
	PORT_APPLY, /* server-side apply, field manager FIELD_MANAGER, force */
	PORT_JSON_PATCH,
	PORT_MERGE_PATCH,
	PORT_DELETE, /* background propagation; precondition uid when not empty */
};

struct port_request {
	enum port_verb verb;
	struct str key;	    /* see deploy/key.h */
	struct str version; /* "" : the preferred one */
	struct str body;    /* copied by the port */
	struct str uid;	    /* PORT_DELETE: precondition, or "" */
	bool urgent;	    /* heals go before bulk work */
	int64_t timeout_ms;
};

enum port_outcome {
	PORT_OK,
	PORT_STATUS, /* the server refused: code, reason, message */
	PORT_NO_KIND,
	PORT_SCOPE_MISMATCH, /* namespaced object without namespace or the reverse: message says which */
	PORT_LOST,	     /* no answer: it may have taken effect */
};

struct port_answer {
	enum port_outcome outcome;
	int code;
	struct str reason, message;
	const struct node *body; /* PORT_OK: the object; valid during the call */
	const struct str *warnings;
	size_t n_warnings;
};

struct cluster_driver;

struct port_ops {
	/* The answer comes by cluster_driver_answer(d, token, ...), exactly once, never from inside send().
	 */
	void (*send)(void *port, struct cluster_driver *d, uint64_t token,
		     const struct port_request *request);
	/*
	 * Make the inventory durable: all of these keys, before anything new is created. The answer comes by
	 * cluster_driver_persisted(d, token, ...), never from inside.
	 */
	void (*persist)(void *port, struct cluster_driver *d, uint64_t token);
	/* See to it that the view (view.h) is fed with every labelled object of this kind; idempotent and
	 * cheap. */
	void (*watch)(void *port, struct str group, struct str kind, struct str version);
	int64_t (*wall_s)(void *port); /* seconds since 1970: for health rules that measure age */
};
