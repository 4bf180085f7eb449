/*
 * discovery.c - refreshing what the server serves.
 *
 * Two requests on a server of today (/api and /apis, aggregated). A server that answers in the older form is
 * asked group by group, one after the other: slow, but such servers are rare and the result is kept. A new
 * result replaces the old one only when it is whole; a failed refresh leaves the old one in force.
 */
#include "kube/discovery.h"

#include <malloc.h>

#include "base/clock.h"
#include "base/vec.h"
#include "kube/client_parts.h"
#include "kube/discovery_parse.h"

#define ACCEPT_AGGREGATED                                                       \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," \
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

enum { REFRESH_EVERY_MS = 1000, TIMEOUT_MS = 30000 };

struct waiter {
	kube_discovery_fn *done;
	void *arg;
};

struct kube_refresh {
	struct kube_client *client;
	struct kube_kinds *kinds; /* being filled */
	struct kube_paths paths;  /* still to be asked */
	size_t at;
	struct kube_call *call;
	struct loop_timer *timer; /* holds a refresh back that comes too soon after the last */
	VEC(struct waiter) waiters;
};

static void ask_next(struct kube_refresh *r);

static void refresh_free(struct kube_refresh *r)
{
	loop_timer_free(r->timer);
	if (r->call)
		kube_cancel(r->call);
	kube_kinds_free(r->kinds);
	arena_release(&r->paths.arena);
	vec_release(&r->paths);
	vec_release(&r->waiters);
	free(r);
}

static void tell_listeners(struct kube_client *c)
{
	/* A listener may remove itself, but no other. */
	struct kube_listener *next;
	for (struct kube_listener *l = c->discovery.listeners; l; l = next) {
		next = l->next;
		l->fn(l);
	}
}

static void finish(struct kube_refresh *r, const struct error *err)
{
	struct kube_client *c = r->client;
	struct kube_discovery *d = &c->discovery;
	d->running = NULL;
	d->ok = !err;
	c->inside++;
	if (!err) {
		kube_kinds_free(d->kinds);
		d->kinds = hand_over(r->kinds);
	}
	kube_client_refreshed(c, err);
	for (size_t i = 0; i < r->waiters.n && !c->dying; i++)
		if (r->waiters.at[i].done)
			r->waiters.at[i].done(r->waiters.at[i].arg, err ? -1 : 0, err);
	if (!err && !c->dying)
		tell_listeners(c);
	refresh_free(r);
	/* The document is a hundred times what is kept of it. */
	malloc_trim(0);
	if (--c->inside == 0 && c->dying) {
		c->dying = false;
		kube_client_free(c);
	}
}

static void answered(void *arg, const struct kube_response *response)
{
	struct kube_refresh *r = arg;
	struct error err = ERROR_INIT;
	const char *path = r->paths.at[r->at].path;
	bool optional = r->paths.at[r->at].optional;
	r->call = NULL;
	if (response->result != KUBE_OK && !optional) {
		error_set(&err, "discovery of %s: %.*s", path, STR_ARG(response->message));
		finish(r, &err);
		return;
	}
	if (response->result == KUBE_OK)
		kube_kinds_read(r->kinds, &r->paths, r->at, response->body, r->client->discovery.kinds);
	r->at++;
	ask_next(r);
}

static void ask_next(struct kube_refresh *r)
{
	if (r->at == r->paths.n) {
		finish(r, NULL);
		return;
	}
	struct kube_raw raw = {
		.path = r->paths.at[r->at].path,
		.accept = ACCEPT_AGGREGATED,
		.timeout_ms = TIMEOUT_MS,
		.done = answered,
		.arg = r,
	};
	r->call = kube_send_raw(r->client, &raw);
}

static void begin(void *arg)
{
	struct kube_refresh *r = arg;
	r->client->discovery.began_ms = clock_mono_ms();
	kube_paths_add(&r->paths, "/api", "", "", false);
	kube_paths_add(&r->paths, "/apis", "", "", false);
	ask_next(r);
}

void kube_discovery_refresh(struct kube_client *client, kube_discovery_fn *done, void *arg)
{
	struct kube_discovery *d = &client->discovery;
	struct waiter waiter = { done, arg };
	/* One that is under way may have been answered already before whoever asks now saw a reason to. */
	if (d->running) {
		vec_push(&d->running->waiters, waiter);
		return;
	}
	struct kube_refresh *r = mem_alloc(sizeof(*r));
	r->client = client;
	r->kinds = kube_kinds_new();
	r->timer = loop_timer_new(client->loop, begin, r);
	vec_push(&r->waiters, waiter);
	d->running = r;
	int64_t wait = d->began_ms == INT64_MIN ? 0 : d->began_ms + REFRESH_EVERY_MS - clock_mono_ms();
	loop_timer_set(r->timer, wait);
}

void kube_discovery_know(struct kube_client *client, const struct kube_resource *kinds, size_t n)
{
	struct kube_discovery *d = &client->discovery;
	if (!d->kinds)
		d->kinds = kube_kinds_new();
	for (size_t i = 0; i < n; i++)
		kube_kinds_add(d->kinds, &kinds[i]);
}

void kube_discovery_release(struct kube_client *client)
{
	struct kube_discovery *d = &client->discovery;
	if (d->running)
		refresh_free(d->running);
	d->running = NULL;
	kube_kinds_free(d->kinds);
	d->kinds = NULL;
	while (d->listeners)
		kube_listener_remove(d->listeners);
}

const struct kube_resource *kube_discovery_find(struct kube_client *client, struct str group,
						struct str version, struct str kind)
{
	return kube_kinds_find(client->discovery.kinds, group, version, kind);
}

void kube_listener_add(struct kube_client *client, struct kube_listener *l)
{
	kube_listener_remove(l);
	l->next = client->discovery.listeners;
	l->link = &client->discovery.listeners;
	if (l->next)
		l->next->link = &l->next;
	client->discovery.listeners = l;
}

void kube_listener_remove(struct kube_listener *l)
{
	if (!l->link)
		return;
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	l->link = NULL;
}
