/*
 * local_port.c - see local_port.h.
 *
 * A kind is watched across the cluster first. Forbidden there, it is watched in the port's own namespace:
 * what the app has elsewhere is then not seen to vanish, which is told once, and its first state is asked for
 * object by object.
 */
#include "operator/local_port.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deploy/cluster/prepare.h"
#include "kube/discovery.h"
#include "kube/watch.h"

struct local_watch {
	struct local_port *port;
	struct kube_watch *watch;
	char *group, *kind, *version;
	bool narrow, failing;
};

static void feed(struct local_watch *w, const struct kube_watch_event *event)
{
	struct live live;
	struct view *view = &w->port->base.link->view;
	if (!live_read(event->arena, event->object, str_of(w->group), str_of(w->kind), clock_wall_ms() / 1000,
		       &live))
		return;
	if (event->type == WATCH_DELETED)
		view_gone(view, live.key, live.resource_version);
	else
		view_live(view, &live);
}

static void watch_start(struct local_watch *w);

static void failing(struct local_watch *w, const char *message)
{
	struct kube_client *client = w->port->base.link->client;
	const struct kube_resource *resource =
		kube_discovery_find(client, str_of(w->group), str_of(w->version), str_of(w->kind));
	if (!w->narrow && resource && resource->namespaced && strstr(message, "forbidden")) {
		log_debug("may not be listed in all namespaces", "kind", w->kind, "namespace",
			  w->port->namespace, NULL);
		kube_watch_stop(w->watch);
		w->narrow = true;
		watch_start(w);
		return;
	}
	if (!w->failing)
		log_warn("cannot be watched, so that its health may not be seen", "kind", w->kind, "group",
			 w->group, "error", message, NULL);
	w->failing = true;
}

static void on_watch(void *arg, const struct kube_watch_event *event)
{
	struct local_watch *w = arg;
	struct view *view = &w->port->base.link->view;
	struct str group = str_of(w->group), kind = str_of(w->kind);
	link_tick(w->port->base.link);
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		view_list_begin(view, group, kind);
		break;
	case WATCH_OBJECT:
	case WATCH_DELETED:
		feed(w, event);
		break;
	case WATCH_LIST_END:
		view_list_end(view, group, kind, event->resource_version);
		break;
	case WATCH_NO_KIND:
		view_no_kind(view, group, kind);
		break;
	case WATCH_FAILING:
		failing(w, event->message);
		break;
	}
}

static void watch_start(struct local_watch *w)
{
	struct kube_watch_spec spec = {
		.group = str_of(w->group),
		.kind = str_of(w->kind),
		.version = str_of(w->version),
		.namespace = str_of(w->narrow ? w->port->namespace : ""),
		.label_selector = LABEL_APP,
	};
	w->watch = kube_watch_start(w->port->base.link->client, &spec, on_watch, w);
}

static void port_watch(void *ctx, struct str group, struct str kind, struct str version)
{
	struct local_port *port = ctx;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
	if (map_get(&port->watches, buf_str(&key)))
		return;
	struct local_watch *w = mem_alloc(sizeof(*w));
	w->port = port;
	w->group = mem_strndup(group.p, group.n);
	w->kind = mem_strndup(kind.p, kind.n);
	w->version = mem_strndup(version.p, version.n);
	map_put(&port->watches, buf_str(&key), w);
	watch_start(w);
}

/* --- deeds --- */

static void note(struct local_port *port, const struct port_request *request)
{
	const struct record *r = view_find(&port->base.link->view, request->key);
	enum deed before = local_port_deed(port, request->key), deed = before;
	if (request->verb == PORT_APPLY && before == DEED_NOTHING)
		deed = r && r->seen ? DEED_UPDATED : DEED_CREATED;
	else if (request->verb == PORT_APPLY || request->verb == PORT_JSON_PATCH)
		deed = before == DEED_CREATED && request->verb == PORT_APPLY ? DEED_CREATED : DEED_UPDATED;
	else if (request->verb == PORT_DELETE)
		deed = DEED_PRUNED; /* created again when it was forced: the apply that follows says so */
	if (deed != before)
		map_put(&port->deeds, request->key, (void *)(uintptr_t)deed);
}

static void port_send(void *ctx, struct cluster_driver *d, uint64_t token, const struct port_request *request)
{
	note(ctx, request);
	link_port_ops.send(ctx, d, token, request);
}

static void port_persist(void *ctx, struct cluster_driver *d, uint64_t token)
{
	link_port_ops.persist(ctx, d, token);
}

static int64_t port_wall_s(void *ctx)
{
	return clock_wall_ms() / 1000;
}

const struct port_ops local_port_ops = {
	.send = port_send,
	.persist = port_persist,
	.watch = port_watch,
	.wall_s = port_wall_s,
};

enum deed local_port_deed(const struct local_port *port, struct str key)
{
	return (enum deed)(uintptr_t)map_get(&port->deeds, key);
}

void local_port_forget_deeds(struct local_port *port)
{
	map_release(&port->deeds);
	port->deeds = (struct map)MAP_INIT;
}

void local_port_release(struct local_port *port)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&port->watches, &i));) {
		struct local_watch *w = e->value;
		kube_watch_stop(w->watch);
		free(w->group);
		free(w->kind);
		free(w->version);
		free(w);
	}
	map_release(&port->watches);
	map_release(&port->deeds);
	link_port_release(&port->base);
}
