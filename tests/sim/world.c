/* world.c - sets a history up, turns the clock, and keeps what went wrong first. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

#include "operator.h"
#include "people.h"

enum { EVENTS_MAX = 2000000 }; /* no history needs as many: something goes round in circles */

void world_fail(struct world *w, const char *fmt, ...)
{
	if (w->failure[0])
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
	world_trace(w, "BROKEN: %s", w->failure);
}

void world_say(struct world *w, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%9lld.%03lld  %s\n", (long long)(w->now / 1000), (long long)(w->now % 1000), text);
}

struct resource *world_owner(struct world *w, const char *owner)
{
	for (int i = 0; owner && i < w->n_apps; i++)
		if (strcmp(w->apps[i].owner, owner) == 0)
			return &w->apps[i];
	return NULL;
}

bool resource_stored(const struct resource *r, struct str key)
{
	const char *at = r->inventory;
	for (const char *line = at; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, key.p, key.n) == 0 && line[key.n] == ' ')
			return true;
	return false;
}

static void make_namespace(struct world *w, const char *name)
{
	char key[64], json[160];
	snprintf(key, sizeof(key), "/Namespace//%s", name);
	snprintf(json, sizeof(json),
		 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}", name);
	server_put(&w->server, key, json, "kubectl-create");
}

void world_init(struct world *w, uint64_t seed, const struct only *only, enum variant variant, bool trace)
{
	*w = (struct world){ .seed = seed, .variant = variant, .trace = trace };
	w->rng = rng_fork(seed, 2);
	script_plan(&w->script, seed, only);
	w->n_apps = w->script.apps;
	struct rng faults = rng_fork(seed, 3);
	faults_choose(&w->faults, &faults, only->faults, w->n_apps);
	server_init(&w->server, w, rng_fork(seed, 4));
	w->server.changed = watch_changed;
	make_namespace(w, "default");
	for (int i = 0; i < w->n_apps; i++) {
		struct resource *r = &w->apps[i];
		r->index = r->repo.app = i;
		snprintf(r->name, sizeof(r->name), "app%d", i);
		snprintf(r->owner, sizeof(r->owner), "apps/app%d", i);
		char namespace[16];
		snprintf(namespace, sizeof(namespace), "team%d", i);
		make_namespace(w, namespace);
		struct rng rng = rng_fork(seed, 100 + (uint64_t)i);
		git_commit_random(&r->repo, &rng, (size_t)w->script.objects, w->script.calm);
		r->exists = true;
		r->config = (struct app_config)APP_CONFIG_DEFAULT;
	}
	people_plan(w);
	operator_start(w);
}

void world_release(struct world *w)
{
	w->trace = false;
	operator_kill(w);
	queue_release(&w->queue);
	server_release(&w->server);
	vec_release(&w->script.steps);
	for (int i = 0; i < w->n_apps; i++) {
		free(w->apps[i].inventory);
		vec_release(&w->apps[i].repo.commits);
	}
}

void world_run(struct world *w, int64_t until)
{
	struct event e;
	while (!w->failure[0] && w->queue.n && w->queue.heap[0].at <= until) {
		queue_next(&w->queue, &e);
		w->now = e.at > w->now ? e.at : w->now;
		operator_set_time(w);
		e.fn(w, e.arg);
		operator_after(w);
		if (++w->events > EVENTS_MAX)
			world_fail(w, "promise 4: more than %d events: something goes round in circles",
				   EVENTS_MAX);
	}
	if (!w->failure[0] && w->now < until)
		w->now = until;
	operator_set_time(w);
}
