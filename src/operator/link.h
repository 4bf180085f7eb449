/*
 * link.h - one cluster, joined: the kube client's requests and watches on one side, the pure view and cluster
 * drivers on the other. Used by the operator and by the commands that work without one.
 */
#pragma once

#include "deploy/cluster/driver.h"
#include "io/loop.h"
#include "kube/client.h"

struct link {
	struct loop *loop;
	struct kube_client *client;
	struct view view;
	struct map watches; /* "group/Kind" -> struct kind_watch */
	uint64_t events;    /* watch events seen, for metrics */
};

void link_init(struct link *link, struct loop *loop, struct kube_client *client);
/* Every driver of the link is freed before. */
void link_release(struct link *link);
/* Brings view.now up to date; before anything is fed into the view or a driver from outside. */
void link_tick(struct link *link);
/* How many kinds are watched; and whether each of them has been listed. */
size_t link_kinds(const struct link *link);

/*
 * The port of one app. `persist` writes the inventory (the answer goes to cluster_driver_persisted()) and is
 * the owner's: the operator writes into the App, the command line into a ConfigMap.
 */
struct link_port {
	struct link *link;
	char *impersonate; /* user to act as, owned; NULL: ourselves */
	void (*persist)(void *ctx, struct cluster_driver *d, uint64_t token);
	void *persist_ctx;
	struct link_call *calls; /* under way; cut loose when the port is released */
};

extern const struct port_ops link_port_ops;
void link_port_release(struct link_port *port);
