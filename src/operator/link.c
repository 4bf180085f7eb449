/*
 * link.c - translation, nothing else: port requests to kube requests, kube answers to port answers, watch
 * events to the view.
 *
 * A call outlives its driver when the driver goes first; it is cut loose then, and its answer is dropped.
 */
#include "operator/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deploy/cluster/prepare.h"
#include "kube/discovery.h"
#include "kube/watch.h"

struct kind_watch {
	struct link *link;
	struct kube_watch *watch;
	char *group, *kind;
	bool failing;
};

struct link_call {
	struct link_port *port; /* NULL: cut loose */
	struct link_call *next, **prev;
	struct cluster_driver *driver;
	uint64_t token;
};

void link_init(struct link *link, struct loop *loop, struct kube_client *client)
{
	*link = (struct link){ .loop = loop, .client = client };
	view_init(&link->view);
	link_tick(link);
}

void link_tick(struct link *link)
{
	link->view.now = clock_mono_ms();
}

size_t link_kinds(const struct link *link)
{
	return link->watches.n;
}

void link_release(struct link *link)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&link->watches, &i));) {
		struct kind_watch *w = e->value;
		kube_watch_stop(w->watch);
		free(w->group);
		free(w->kind);
		free(w);
	}
	map_release(&link->watches);
	view_release(&link->view);
}

/* --- watches --- */

static void feed_object(struct kind_watch *w, const struct kube_watch_event *event)
{
	struct live live;
	if (!live_read(event->arena, event->object, str_of(w->group), str_of(w->kind), clock_wall_ms() / 1000,
		       &live))
		return;
	if (event->type == WATCH_DELETED)
		view_gone(&w->link->view, live.key, live.resource_version);
	else
		view_live(&w->link->view, &live);
}

static void report_failing(struct kind_watch *w, const char *message)
{
	if (!w->failing)
		log_warn("watch fails, trying on", "kind", w->kind, "group", w->group, "error", message,
			 NULL);
	w->failing = true;
	view_failing(&w->link->view, str_of(w->group), str_of(w->kind), message);
}

static void on_watch(void *arg, const struct kube_watch_event *event)
{
	struct kind_watch *w = arg;
	struct view *view = &w->link->view;
	link_tick(w->link);
	w->link->events++;
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		view_list_begin(view, str_of(w->group), str_of(w->kind));
		break;
	case WATCH_OBJECT:
	case WATCH_DELETED:
		feed_object(w, event);
		break;
	case WATCH_LIST_END:
		w->failing = false;
		view_list_end(view, str_of(w->group), str_of(w->kind), event->resource_version);
		break;
	case WATCH_NO_KIND:
		view_no_kind(view, str_of(w->group), str_of(w->kind));
		break;
	case WATCH_FAILING:
		report_failing(w, event->message);
		break;
	}
}

static void port_watch(void *ctx, struct str group, struct str kind, struct str version)
{
	struct link *link = ((struct link_port *)ctx)->link;
	char name[512];
	int n = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
	struct str key = { name, n < (int)sizeof(name) ? (size_t)n : sizeof(name) - 1 };
	if (map_get(&link->watches, key))
		return;
	struct kind_watch *w = mem_alloc(sizeof(*w));
	w->link = link;
	w->group = mem_strndup(group.p, group.n);
	w->kind = mem_strndup(kind.p, kind.n);
	map_put(&link->watches, key, w);
	struct kube_watch_spec spec = {
		.group = str_of(w->group),
		.kind = str_of(w->kind),
		.version = version,
		.label_selector = LABEL_APP,
	};
	w->watch = kube_watch_start(link->client, &spec, on_watch, w);
}

/* --- requests --- */

static void call_unlink(struct link_call *call)
{
	if (!call->port)
		return;
	*call->prev = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->port = NULL;
}

static void call_link(struct link_call *call, struct link_port *port)
{
	call->port = port;
	call->next = port->calls;
	call->prev = &port->calls;
	if (port->calls)
		port->calls->prev = &call->next;
	port->calls = call;
}

void link_port_release(struct link_port *port)
{
	while (port->calls)
		call_unlink(port->calls);
	free(port->impersonate);
	port->impersonate = NULL;
}

static enum port_outcome outcome_of(enum kube_result result)
{
	switch (result) {
	case KUBE_OK:
		return PORT_OK;
	case KUBE_STATUS:
		return PORT_STATUS;
	case KUBE_NO_KIND:
		return PORT_NO_KIND;
	case KUBE_SCOPE_MISMATCH:
		return PORT_SCOPE_MISMATCH;
	case KUBE_LOST:
	case KUBE_TIMEOUT:
		break;
	}
	return PORT_LOST;
}

static void on_answer(void *arg, const struct kube_response *response)
{
	struct link_call *call = arg;
	struct link_port *port = call->port;
	if (port) {
		call_unlink(call);
		link_tick(port->link);
		struct port_answer answer = {
			.outcome = outcome_of(response->result),
			.code = response->code,
			.reason = response->reason,
			.message = response->message,
			.body = response->body,
			.warnings = response->warnings,
			.n_warnings = response->n_warnings,
		};
		cluster_driver_answer(call->driver, call->token, &answer);
	}
	free(call);
}

static void fill_delete(struct buf *body, struct str uid)
{
	buf_adds(body,
		 "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Background\"");
	if (uid.n)
		buf_printf(body, ",\"preconditions\":{\"uid\":\"%.*s\"}", STR_ARG(uid));
	buf_addc(body, '}');
}

static enum kube_verb verb_of(enum port_verb verb)
{
	static const enum kube_verb verbs[] = {
		[PORT_GET] = KUBE_GET,
		[PORT_APPLY] = KUBE_APPLY,
		[PORT_JSON_PATCH] = KUBE_JSON_PATCH,
		[PORT_MERGE_PATCH] = KUBE_MERGE_PATCH,
		[PORT_DELETE] = KUBE_DELETE,
	};
	return verbs[verb];
}

static void port_send(void *ctx, struct cluster_driver *d, uint64_t token, const struct port_request *from)
{
	struct link_port *port = ctx;
	struct key k = { 0 };
	key_split(from->key, &k);
	struct link_call *call = mem_alloc(sizeof(*call));
	call->driver = d;
	call->token = token;
	call_link(call, port);
	cleanup_buf struct buf delete_options = BUF_INIT;
	if (from->verb == PORT_DELETE)
		fill_delete(&delete_options, from->uid);
	struct kube_request request = {
		.verb = verb_of(from->verb),
		.group = k.group,
		.version = from->version,
		.kind = k.kind,
		.namespace = k.namespace,
		.name = k.name,
		.body = from->verb == PORT_DELETE ? buf_str(&delete_options) : from->body,
		.field_manager = from->verb == PORT_GET || from->verb == PORT_DELETE ? NULL : FIELD_MANAGER,
		.force = from->verb == PORT_APPLY,
		.impersonate_user = port->impersonate,
		.priority = from->urgent ? KUBE_PRIORITY_HIGH : KUBE_PRIORITY_NORMAL,
		.timeout_ms = from->timeout_ms,
	};
	kube_send(port->link->client, &request, on_answer, call);
}

static void port_persist(void *ctx, struct cluster_driver *d, uint64_t token)
{
	struct link_port *port = ctx;
	port->persist(port->persist_ctx, d, token);
}

static int64_t port_wall_s(void *ctx)
{
	return clock_wall_ms() / 1000;
}

const struct port_ops link_port_ops = {
	.send = port_send,
	.persist = port_persist,
	.watch = port_watch,
	.wall_s = port_wall_s,
};
