/*
 * checks.c - what must hold at every instant: what is sent, what arrives, how long things take.
 *
 * The checks judge by the server, git and the store, and look into the app only for what it says of itself
 * (its phase, its config, what it attempts).
 */
#include "checks.h"

#include <stdio.h>

#include "deploy/cluster/prepare.h"
#include "doc/json.h"

enum {
	NEWS_MS = 1000,	      /* a new commit is attempted within this, whatever is under way */
	ISOLATED_MS = 100000, /* an app that nothing disturbs is through by then, whatever others suffer */
	ATTEMPT_SLACK_MS = 35000, /* an attempt may outlive its timeout by one request */
};

static const struct git_object *in_commit(const struct git_repo *repo, const struct git_commit *commit,
					  struct str key)
{
	cleanup_arena struct arena a = ARENA_INIT;
	/* The first object was in the file that does not parse. */
	for (size_t i = commit && commit->broken == GIT_PARSE_ERROR; commit && i < commit->n; i++)
		if (str_is(key, git_object_key(&a, repo, &commit->objects[i])))
			return &commit->objects[i];
	return NULL;
}

/* Whether the process may have old news of that kind. */
static bool watch_lags(const struct process *p, const struct key *k)
{
	for (size_t i = 0; i < p->streams.n; i++) {
		const struct stream *s = p->streams.at[i];
		if (str_is(k->kind, s->kind) && str_is(k->group, s->group))
			return !s->running || s->last_at >= p->world->now || s->cut_until > p->world->now;
	}
	return true;
}

static void check_delete_sent(struct world *w, const struct runner *runner,
			      const struct port_request *request, struct send_facts *facts)
{
	const struct resource *r = runner->resource;
	const struct app *app = &runner->app;
	const struct git_commit *commit = git_find(&r->repo, app->attempted.text);
	const struct object *o = server_find(&w->server, request->key);
	if (!request->uid.n)
		world_fail(w, "promise 3: %s deletes %.*s without its uid", r->name, STR_ARG(request->key));
	if (r->config.deleting) {
		if (r->config.orphan)
			world_fail(w, "promise 3: %s is orphaned, and deletes %.*s", r->name,
				   STR_ARG(request->key));
		return;
	}
	const struct git_object *wanted = in_commit(&r->repo, commit, request->key);
	facts->replaces = wanted;
	if (!commit || (commit->broken && !wanted))
		world_fail(w, "promise 3: %s deletes %.*s after a render with errors (%s)", r->name,
			   STR_ARG(request->key), app->attempted.text);
	else if (wanted && !r->config.force && !(wanted->flags & GIT_FORCE))
		world_fail(w, "promise 3: %s deletes %.*s, which git has", r->name, STR_ARG(request->key));
	else if (!wanted && !r->config.prune)
		world_fail(w, "promise 3: %s prunes %.*s though prune is off", r->name,
			   STR_ARG(request->key));
	else if (!wanted && !commit->n && !r->config.allow_empty)
		world_fail(w, "promise 3: %s prunes %.*s after an empty render", r->name,
			   STR_ARG(request->key));
	else if (!wanted && o && !facts->may_lag &&
		 str_is(node_text(node_get(node_at(o->v->root, "metadata.annotations"), ANNOTATION_PRUNE)),
			"disabled"))
		world_fail(w, "promise 3: %s prunes %.*s though its annotation forbids it", r->name,
			   STR_ARG(request->key));
}

static void check_owner_sent(struct world *w, const struct runner *runner, const struct port_request *request,
			     const struct send_facts *facts)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct object *o = server_find(&w->server, request->key);
	const char *owner = o ? object_owner(&a, o->v->root) : NULL;
	if (!o || facts->may_lag)
		return;
	if (owner && strcmp(owner, runner->resource->owner) != 0)
		world_fail(w, "promise 3: %s writes %.*s, which %s owns", runner->resource->name,
			   STR_ARG(request->key), owner);
	else if (!owner && request->verb == PORT_DELETE && !facts->replaces)
		world_fail(w, "promise 3: %s deletes %.*s, which nobody's label names",
			   runner->resource->name, STR_ARG(request->key));
}

void check_send(struct world *w, const struct runner *runner, const struct port_request *request,
		struct send_facts *facts)
{
	struct key k;
	*facts = (struct send_facts){ .may_lag = true,
				      .stored = resource_stored(runner->resource, request->key) };
	if (runner->in_flight > CLUSTER_IN_FLIGHT_MAX)
		world_fail(w, "promise 6: %s has %d requests under way", runner->resource->name,
			   runner->in_flight);
	if (request->timeout_ms <= 0)
		world_fail(w, "promise 1: %s sends a request without a deadline", runner->resource->name);
	if (request->verb == PORT_GET || !key_split(request->key, &k))
		return;
	facts->may_lag = watch_lags(runner->process, &k);
	const struct app_config *c = &runner->resource->config;
	if (c->suspend && !c->deleting)
		world_fail(w, "promise 3: %s is suspended, and writes %.*s", runner->resource->name,
			   STR_ARG(request->key));
	if (request->verb == PORT_DELETE)
		check_delete_sent(w, runner, request, facts);
	check_owner_sent(w, runner, request, facts);
}

void check_created(struct world *w, const struct resource *r, struct str key)
{
	if (!resource_stored(r, key))
		world_fail(w, "promise 7: %s created %.*s, which its stored inventory does not hold", r->name,
			   STR_ARG(key));
}

void check_delete_arrives(struct world *w, const struct resource *r, const struct server_request *request,
			  const struct send_facts *facts)
{
	const struct object *o = server_find(&w->server, request->key);
	if (!o)
		return;
	bool same = str_eq(request->uid, node_text(node_at(o->v->root, "metadata.uid")));
	if (request->uid.n && same && !facts->stored && !resource_stored(r, request->key) && r->exists)
		world_fail(w, "promise 3: %s deletes %.*s, which is not in its inventory", r->name,
			   STR_ARG(request->key));
}

void check_text(struct world *w, const struct resource *r, const char *text)
{
	if (strstr(text, GIT_SECRET_MARK))
		world_fail(w, "promise 8: a secret shows in a message of %s: %s", r->name, text);
}

void check_runner(struct world *w, const struct runner *runner)
{
	const struct app *app = &runner->app;
	const struct resource *r = runner->resource;
	bool attempts =
		app->phase == APP_RENDERING || app->phase == APP_APPLYING || app->phase == APP_WAITING;
	if (attempts && w->now - app->started_at > app->config.timeout_ms + ATTEMPT_SLACK_MS)
		world_fail(w, "promise 1: an attempt of %s is in progress for %lld s", r->name,
			   (long long)(w->now - app->started_at) / 1000);
	bool acts = !app->config.suspend && !app->config.deleting && app->config.automatic;
	const struct git_commit *head = git_head(&r->repo);
	if (!acts || !head || r->branch_gone)
		return;
	bool alone = !r->disturbed && w->faults.only_app >= 0 && w->faults.only_app != r->index;
	if (alone && w->now - r->news_at > ISOLATED_MS && !hash_eq(runner->through, head->revision.input))
		world_fail(w, "promise 2: %s is not through with %s after %lld s, and nothing disturbs it",
			   r->name, head->revision.text, (long long)(w->now - r->news_at) / 1000);
	if (w->now - r->news_at > NEWS_MS && !hash_eq(app->attempted.input, head->revision.input))
		world_fail(w, "promise 1: %s still attempts %s %lld ms after %s came", r->name,
			   app->attempted.text, (long long)(w->now - r->news_at), head->revision.text);
}
