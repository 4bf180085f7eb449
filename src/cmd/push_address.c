/* push_address.c - see push_address.h. */
#include "cmd/push_address.h"

static const char *url_of(struct arena *a, struct str host, struct str path, bool tls)
{
	if (!path.n || str_is(path, "/"))
		path = STR("");
	return arena_printf(a, "%s://%.*s%.*s", tls ? "https" : "http", STR_ARG(host), STR_ARG(path));
}

static const char *ingress_url(struct arena *a, const struct node *ingress)
{
	const struct node *rules = node_at(ingress, "spec.rules");
	bool tls = node_count(node_at(ingress, "spec.tls")) > 0;
	for (size_t i = 0; i < node_count(rules); i++) {
		const struct node *rule = node_item(rules, i);
		struct str host = node_text(node_get(rule, "host"));
		struct str path = node_text(node_get(node_item(node_at(rule, "http.paths"), 0), "path"));
		if (host.n && host.p[0] != '*')
			return url_of(a, host, path, tls);
	}
	return NULL;
}

static const char *route_url(struct arena *a, const struct node *route)
{
	struct str host = node_text(node_item(node_at(route, "spec.hostnames"), 0));
	return host.n && host.p[0] != '*' ? url_of(a, host, STR(""), false) : NULL;
}

static bool is(const struct render_object *o, const char *group, const char *kind)
{
	return str_is(o->group, group) && str_is(o->kind, kind);
}

static const char *find_host(struct arena *a, const struct render_output *objects)
{
	const char *url = NULL;
	for (size_t i = 0; i < objects->n && !url; i++)
		if (is(&objects->objects[i], "networking.k8s.io", "Ingress"))
			url = ingress_url(a, objects->objects[i].root);
	for (size_t i = 0; i < objects->n && !url; i++)
		if (is(&objects->objects[i], "gateway.networking.k8s.io", "HTTPRoute"))
			url = route_url(a, objects->objects[i].root);
	return url;
}

static int64_t port_of(const struct render_object *service)
{
	int64_t port = 0;
	node_int(node_get(node_item(node_at(service->root, "spec.ports"), 0), "port"), &port);
	return port;
}

const char *push_address(struct arena *a, const struct render_output *objects, const char *namespace,
			 struct push_balancer *balancer)
{
	const char *url = find_host(a, objects), *inside = NULL;
	*balancer = (struct push_balancer){ 0 };
	for (size_t i = 0; i < objects->n && !url; i++) {
		const struct render_object *o = &objects->objects[i];
		struct str in = o->namespace.n ? o->namespace : str_of(namespace);
		int64_t port = port_of(o);
		if (!is(o, "", "Service") || !port)
			continue;
		if (str_is(node_text(node_at(o->root, "spec.type")), "LoadBalancer")) {
			*balancer = (struct push_balancer){ arena_strndup(a, in.p, in.n),
							    arena_strndup(a, o->name.p, o->name.n), port };
			return NULL;
		}
		if (!inside)
			inside = arena_printf(a, "%.*s.%.*s:%lld in the cluster", STR_ARG(o->name),
					      STR_ARG(in), (long long)port);
	}
	return url ? url : inside;
}

const char *push_address_balanced(struct arena *a, const struct node *service, int64_t port)
{
	const struct node *ingress = node_item(node_at(service, "status.loadBalancer.ingress"), 0);
	struct str host = node_text(node_get(ingress, "hostname")), ip = node_text(node_get(ingress, "ip"));
	if (!host.n)
		host = ip;
	if (!host.n)
		return NULL;
	bool six = memchr(host.p, ':', host.n) != NULL;
	const char *at = arena_printf(a, "%s%.*s%s", six ? "[" : "", STR_ARG(host), six ? "]" : "");
	if (port == 80 || port == 443)
		return arena_printf(a, "%s://%s", port == 443 ? "https" : "http", at);
	return arena_printf(a, "%s:%lld", at, (long long)port);
}
