/*
 * converged.c - what must hold once faults are over: each app is as the newest commit says, judged object by
 * object with the server's own word (a dry-run apply that changes nothing), and what cannot be is reported by
 * name.
 */
#include "checks.h"

#include <stdarg.h>
#include <stdio.h>

#include "deploy/cluster/prepare.h"
#include "doc/json.h"
#include "ssa.h"

struct judgement {
	struct world *w;
	struct resource *r;
	struct runner *runner;
	const struct desired *desired;
	size_t refused; /* items that cannot be applied */
	bool unhealthy; /* an object that will never be current */
	char *why;
	size_t size;
};

static bool no(struct judgement *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool no(struct judgement *j, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(j->why, j->size, "%s: ", j->r->name);
	vsnprintf(j->why + n, j->size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static int scope(void *ctx, struct str group, struct str kind)
{
	bool namespaced;
	return server_kind(ctx, group, kind, &namespaced) ? namespaced : -1;
}

static const struct problem *problem_of(const struct app *app, struct str key)
{
	for (size_t i = 0; i < app->n_problems; i++)
		if (!app->problems[i].warning && str_is(key, app->problems[i].key))
			return &app->problems[i];
	return NULL;
}

/* Refused because another app claims the key, whether or not the object is there. */
static bool claimed_by_other(struct judgement *j, struct str key)
{
	const struct problem *p = problem_of(&j->runner->app, key);
	for (int i = 0; p && i < j->w->n_apps; i++) {
		const struct resource *other = &j->w->apps[i];
		if (other != j->r && strstr(p->text, "managed by app") && strstr(p->text, other->owner) &&
		    other->exists && resource_stored(other, key))
			return true;
	}
	return false;
}

static bool must_be_reported(struct judgement *j, const struct desired_item *item, const char *reason)
{
	j->refused++;
	if (problem_of(&j->runner->app, item->key))
		return true;
	return no(j, "promise 2: %.*s cannot be applied (%s), and no error says so", STR_ARG(item->key),
		  reason);
}

static bool judge_item(struct judgement *j, const struct desired_item *item)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct world *w = j->w;
	const struct object *o = server_find(&w->server, item->key);
	const char *owner = o ? object_owner(&a, o->v->root) : NULL;
	if (owner && strcmp(owner, j->r->owner) != 0) {
		const struct problem *p = problem_of(&j->runner->app, item->key);
		/* By the label, or by the app that claimed the key first; never one who does not have it
		 * either. */
		if (p && !strstr(p->text, owner) && !claimed_by_other(j, item->key))
			return no(j, "promise 3: the error of %.*s does not name %s: %s", STR_ARG(item->key),
				  owner, p->text);
		return must_be_reported(j, item, "another app owns it");
	}
	if (claimed_by_other(j, item->key))
		return must_be_reported(j, item, "another app has it");
	struct server_request request = { .verb = SERVER_APPLY,
					  .key = item->key,
					  .body = item->payload,
					  .manager = FIELD_MANAGER,
					  .dry_run = true };
	struct server_answer answer;
	server_handle(&w->server, &request, &answer);
	struct version *v = hand_over(answer.v);
	version_unref(v);
	bool force = owner && (j->r->config.force || (item->flags & DESIRED_FORCE));
	if (answer.outcome != PORT_OK && !(force && strstr(answer.message, "immutable")))
		return must_be_reported(j, item, answer.message);
	if (!o)
		return no(j, "promise 1: %.*s is not there", STR_ARG(item->key));
	if (answer.outcome != PORT_OK)
		return no(j, "promise 1: %.*s was not replaced in spite of force", STR_ARG(item->key));
	if (answer.changed)
		return no(j, "promise 1: %.*s is not as git says", STR_ARG(item->key));
	struct node *payload = NULL;
	if (json_parse(&a, item->payload, true, &payload, NULL) || !ssa_contains(o->v->root, payload))
		return no(j, "promise 1: %.*s has other values than git", STR_ARG(item->key));
	const struct node *container = node_item(node_at(payload, "spec.template.spec.containers"), 0);
	j->unhealthy |= str_is(node_text(node_get(container, "image")), "bad");
	return true;
}

/* Nothing with our labels is left that git does not have, unless something forbids to prune it. */
static bool judge_rest(struct judgement *j, bool may_prune)
{
	for (size_t i = 0; i < j->w->server.objects.n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct object *o = j->w->server.objects.at[i];
		const char *owner = object_owner(&a, o->v->root);
		if (!owner || strcmp(owner, j->r->owner) != 0)
			continue;
		if (j->desired && desired_find(j->desired, str_of(o->key)))
			continue;
		bool forbidden = str_is(
			node_text(node_get(node_at(o->v->root, "metadata.annotations"), ANNOTATION_PRUNE)),
			"disabled");
		if (may_prune && !forbidden)
			return no(j, "promise 1: %s is still there, and git does not have it", o->key);
	}
	return true;
}

static bool judge_stored(struct judgement *j)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct inventory inv;
	cluster_driver_inventory(j->runner->cluster, &a, &inv);
	inventory_write(&text, &inv);
	if (!j->r->inventory || strcmp(text.p, j->r->inventory) != 0)
		return no(j, "promise 7: the stored inventory is not the one in memory");
	if (!hash_eq(j->r->applied.input, j->runner->app.applied.input))
		return no(j, "promise 7: the stored applied revision is not the one in memory");
	return true;
}

static bool judge_outcome(struct judgement *j, const struct git_commit *head, bool empty_refused)
{
	const struct app *app = &j->runner->app;
	const struct app_revision newest = head->revision;
	bool fails = j->refused || j->desired->n_errors || empty_refused;
	if (!hash_eq(app->attempted.input, newest.input))
		return no(j, "promise 1: attempted is %s, newest is %s", app->attempted.text, newest.text);
	if (fails) {
		if (app->failures == 0)
			return no(
				j,
				"promise 2: something cannot be applied, and the attempt says that all is well");
		return true;
	}
	if (!hash_eq(app->applied.input, newest.input) || app->outcome != APP_OUTCOME_APPLIED)
		return no(j, "promise 1: applied is %s (outcome %d), newest is %s", app->applied.text,
			  (int)app->outcome, newest.text);
	struct app_verdict verdict;
	app_verdict(app, &verdict);
	if (!j->unhealthy && verdict.ready != APP_READY)
		return no(j, "promise 1: all is well, and it is not Ready: %s %s", verdict.reason,
			  verdict.message);
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (!j->unhealthy && s->current < s->items)
		return no(j, "promise 1: all is well, and %zu of %zu objects are current", s->current,
			  s->items);
	if (j->unhealthy && j->r->config.wait && verdict.ready == APP_READY)
		return no(j, "promise 1: it is Ready with an object that cannot get up");
	return true;
}

static bool judge(struct judgement *j)
{
	const struct git_commit *head = git_head(&j->r->repo);
	const struct app *app = &j->runner->app;
	if (head->broken == GIT_RENDER_FAILS) {
		if (app->failures == 0)
			return no(j, "promise 2: the render fails, and the attempt says that all is well");
		return true;
	}
	if (app->phase != APP_IDLE || j->runner->in_flight)
		return no(j, "promise 1: phase %d with %d requests under way", (int)app->phase,
			  j->runner->in_flight);
	for (size_t i = 0; i < j->desired->n; i++)
		if (!judge_item(j, &j->desired->items[i]))
			return false;
	bool empty = j->desired->n == 0 && !j->r->config.allow_empty;
	if (!judge_rest(j, j->r->config.prune && !empty && !j->desired->n_errors && !j->refused))
		return false;
	return judge_outcome(j, head, empty && app->failures > 0) && judge_stored(j);
}

bool check_converged(struct world *w, struct resource *r, char *why, size_t size)
{
	struct judgement j = { .w = w, .r = r, .runner = operator_runner(w, r), .why = why, .size = size };
	if (!r->exists)
		return judge_rest(&j, !r->config.orphan && !r->config.deleting);
	if (r->config.deleting)
		return no(&j, "promise 1: its deletion does not end");
	if (r->config.suspend)
		return true;
	struct desired *desired = git_render(&r->repo, git_head(&r->repo), scope, &w->server);
	j.desired = desired;
	bool yes = judge(&j);
	desired_unref(desired);
	return yes;
}

bool check_clean(struct world *w, struct resource *r)
{
	const struct runner *runner = operator_runner(w, r);
	if (!r->exists || r->config.suspend)
		return true;
	return runner && runner->app.failures == 0 && !git_head(&r->repo)->broken;
}

bool check_no_orphans(struct world *w, char *why, size_t size)
{
	for (size_t i = 0; i < w->server.objects.n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct object *o = w->server.objects.at[i];
		const char *owner = object_owner(&a, o->v->root);
		const struct resource *r = world_owner(w, owner);
		bool kept = str_is(
			node_text(node_get(node_at(o->v->root, "metadata.annotations"), ANNOTATION_PRUNE)),
			"disabled");
		if (!r || kept || resource_stored(r, str_of(o->key)))
			continue;
		snprintf(why, size,
			 "promise 7: %s carries the labels of %s, and no stored inventory holds it", o->key,
			 owner);
		return false;
	}
	return true;
}
