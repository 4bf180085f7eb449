/* push_address.h - where what was deployed answers, as its objects say. */
#pragma once

#include "render/render.h"

/* A Service whose address only the cluster knows. */
struct push_balancer {
	const char *namespace, *name; /* NULL: there is none */
	int64_t port;
};

/*
 * The first that there is: a host of an Ingress, of an HTTPRoute, a Service of type LoadBalancer (in
 * *balancer), any other Service ("web.shop:80, in the cluster"). NULL: nothing answers. Memory from a.
 */
const char *push_address(struct arena *a, const struct render_output *objects, const char *namespace,
			 struct push_balancer *balancer);
/* Of a Service's status; NULL: it has none yet. */
const char *push_address_balanced(struct arena *a, const struct node *service, int64_t port);
