/* push_watch.c - see push_watch.h. */
#include "cmd/push_watch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "cmd/apps.h"
#include "cmd/push_why.h"
#include "doc/json.h"
#include "kube/watch.h"
#include "operator/spec.h"

enum verdict {
	PENDING,
	UNWELL, /* FAILED if it stays: a controller tells of the rollout before for a moment */
	HEALTHY,
	FAILED,
	GONE,
};

enum { UNWELL_MS = 2000, NOBODY_MS = 5000 };

struct watching {
	struct push_run *run;
	struct push_target *t;
	const char *sha; /* that it is to be at, for people; NULL: not known */
	bool until_gone, quiet, saved;
	enum verdict verdict;
	struct arena arena; /* of the last state of the App */
	struct node *app;
	struct loop_timer *timer, *unwell;
	struct map said; /* object -> what was told of it last */
	VEC(char *) texts;
	unsigned lines;
	int64_t told_ms, began_ms;
	bool listed;
};

/* --- the verdict --- */

/* Reasons that say nothing of the revision yet, or pass by themselves. */
static bool may_pass(struct str reason)
{
	return str_is(reason, "OutOfSync") || str_is(reason, "SourceFailed") || str_is(reason, "Drifted") ||
	       str_is(reason, "CannotWatch") || str_is(reason, "Pending");
}

/* What is told is of the generation that it names; that is the spec of the push, at a fixed commit. A commit
 * that changes nothing which the App reads keeps the revision before. */
static enum verdict judge(const struct node *app)
{
	const struct node *r = node_at(app, "status.revision"), *ready = apps_condition(app, "Ready");
	struct str reason = node_text(node_get(ready, "reason")),
		   status = node_text(node_get(ready, "status"));
	int64_t observed = -1, generation = 0;
	node_int(node_at(app, "status.observedGeneration"), &observed);
	node_int(node_at(app, "metadata.generation"), &generation);
	if (observed != generation)
		return PENDING;
	if (str_is(reason, "Suspended") || str_is(reason, "InvalidSpec"))
		return FAILED;
	if (apps_ready(app))
		return HEALTHY;
	bool tried = str_eq(node_text(node_get(r, "attempted")), node_text(node_get(r, "wanted")));
	if (str_is(status, "False") && !may_pass(reason) && tried)
		return str_is(reason, "Unhealthy") ? UNWELL : FAILED;
	return PENDING;
}

/* --- what is told on the way --- */

/* false: that was told of it already. */
static bool is_news(struct watching *w, struct str key, const char *text)
{
	const char *before = map_get(&w->said, key);
	if (before && strcmp(before, text) == 0)
		return false;
	char *copy = mem_strdup(text);
	vec_push(&w->texts, copy);
	map_put(&w->said, key, copy);
	return true;
}

static void tell_object(struct watching *w, const struct node *o)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *health = apps_text(&a, node_get(o, "health")),
		   *message = apps_text(&a, node_get(o, "message"));
	const char *name = arena_printf(&a, "%s %s", apps_text(&a, node_get(o, "kind")),
					apps_text(&a, node_get(o, "name")));
	bool current = strcmp(health, "Current") == 0, known = map_get(&w->said, str_of(name)) != NULL;
	const char *text = arena_printf(&a, "%s%s%s", health, *message ? ": " : "", message);
	/* What is through is told of those alone that were not at first. */
	if ((current && !known) || !is_news(w, str_of(name), text))
		return;
	w->lines++;
	tell_step(w->run->tell, "watch", "%s: %s: %s", w->t->record->environment, name,
		  current ? "is current" : text);
}

static void tell_counts(struct watching *w)
{
	int64_t total = 0, current = 0;
	node_int(node_at(w->app, "status.counts.total"), &total);
	node_int(node_at(w->app, "status.counts.current"), &current);
	tell_step(w->run->tell, "watch", "%s: %lld of %lld objects are current", w->t->record->environment,
		  (long long)current, (long long)total);
}

/* Where it is before there are objects to tell of, and what is in the way. */
static const char *stage_of(struct arena *a, const struct node *app, int64_t waited_ms)
{
	const struct node *ready = apps_condition(app, "Ready");
	struct str reason = node_text(node_get(ready, "reason"));
	int64_t observed = -1, generation = 0;
	node_int(node_at(app, "status.observedGeneration"), &observed);
	node_int(node_at(app, "metadata.generation"), &generation);
	if (str_is(reason, "Pending") && waited_ms < NOBODY_MS)
		return NULL;
	if (str_is(reason, "Pending"))
		return "no operator has looked at the App yet; is `capstan run` running?";
	if (str_is(reason, "SourceFailed") || str_is(reason, "CannotWatch"))
		return apps_text(a, node_get(ready, "message"));
	if (observed != generation || str_is(reason, "SourcePending"))
		return "the operator fetches the commit";
	if (str_is(reason, "Rendering"))
		return "is rendered";
	return str_is(reason, "Applying") ? "is applied" : NULL;
}

static void tell_stage(struct watching *w)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *stage = stage_of(&a, w->app, clock_mono_ms() - w->began_ms);
	if (stage && is_news(w, STR(""), stage))
		tell_step(w->run->tell, "watch", "%s: %s", w->t->record->environment, stage);
}

static void on_timer(void *arg)
{
	struct watching *w = arg;
	int64_t now = clock_mono_ms();
	loop_timer_set(w->timer, PUSH_WATCH_EVERY_MS);
	/* It takes its time: now push-status may say so. */
	if (!w->quiet && !w->saved) {
		w->saved = true;
		push_save(w->run, NULL);
	}
	if (!w->app || w->quiet)
		return;
	if (w->lines >= PUSH_WATCH_LINES) {
		if (now - w->told_ms >= PUSH_WATCH_SLOW_MS) {
			w->told_ms = now;
			tell_counts(w);
		}
		return;
	}
	w->told_ms = now;
	const struct node *objects = node_at(w->app, "status.objects");
	unsigned before = w->lines;
	for (size_t i = 0; i < node_count(objects) && w->lines < PUSH_WATCH_LINES; i++)
		tell_object(w, node_item(objects, i));
	if (w->lines == before)
		tell_stage(w);
}

/* --- the watch --- */

static void stop(struct watching *w, enum verdict verdict)
{
	w->verdict = verdict;
	loop_stop(w->run->cluster.loop);
}

static void on_unwell(void *arg)
{
	stop(arg, FAILED);
}

static void on_app(struct watching *w, const struct node *app)
{
	w->listed = true;
	arena_release(&w->arena);
	w->app = node_clone(&w->arena, app);
	enum verdict verdict = w->until_gone ? PENDING : judge(w->app);
	if (verdict != UNWELL)
		loop_timer_clear(w->unwell);
	else if (!loop_timer_armed(w->unwell))
		loop_timer_set(w->unwell, UNWELL_MS);
	if (verdict == HEALTHY || verdict == FAILED)
		stop(w, verdict);
}

static void on_event(void *arg, const struct kube_watch_event *event)
{
	struct watching *w = arg;
	if (w->verdict != PENDING)
		return;
	if (event->type == WATCH_OBJECT) {
		on_app(w, event->object);
	} else if (event->type == WATCH_DELETED || (event->type == WATCH_LIST_END && !w->listed)) {
		stop(w, GONE);
	} else if (event->type == WATCH_LIST_BEGIN) {
		w->listed = false;
	} else if (event->type == WATCH_FAILING) {
		tell_step(w->run->tell, "watch", "%s: the cluster: %s", w->t->record->environment,
			  event->message ? event->message : "no answer");
	}
}

static void watch(struct watching *w)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct push_run *run = w->run;
	struct kube_watch_spec spec = {
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(w->t->record->namespace),
		.field_selector = arena_printf(&a, "metadata.name=%s", w->t->record->app),
	};
	struct kube_watch *watch = kube_watch_start(run->cluster.client, &spec, on_event, w);
	w->began_ms = clock_mono_ms();
	w->timer = loop_timer_new(run->cluster.loop, on_timer, w);
	w->unwell = loop_timer_new(run->cluster.loop, on_unwell, w);
	loop_timer_set(w->timer, PUSH_WATCH_QUIET_MS);
	while (w->verdict == PENDING && push_wait(run))
		;
	loop_timer_free(w->timer);
	loop_timer_free(w->unwell);
	kube_watch_stop(watch);
}

static void release(struct watching *w)
{
	for (size_t i = 0; i < w->texts.n; i++)
		free(w->texts.at[i]);
	vec_release(&w->texts);
	map_release(&w->said);
	arena_release(&w->arena);
}

/* --- the steps --- */

static const char *find_address(struct push_run *run, struct push_target *t)
{
	struct reply reply;
	if (t->address || !t->balancer.name)
		return t->address;
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Service"),
		.namespace = str_of(t->balancer.namespace),
		.name = str_of(t->balancer.name),
	};
	cluster_call(&run->cluster, &run->arena, &request, &reply);
	return reply.result == KUBE_OK ? push_address_balanced(&run->arena, reply.body, t->balancer.port)
				       : NULL;
}

static enum step_outcome tell_healthy(struct watching *w)
{
	int64_t total = 0;
	struct push_target *t = w->t;
	node_int(node_at(w->app, "status.counts.total"), &total);
	tell_step(w->run->tell, "watch", "%s: all %lld objects are current", t->record->environment,
		  (long long)total);
	t->address = find_address(w->run, t);
	return STEP_OK;
}

static enum step_outcome tell_failed(struct watching *w, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	push_why(w->run, w->t, w->app);
	error_set(err, "%s: the rollout of %.12s failed: %s", w->t->record->environment, w->sha,
		  apps_text(&a, node_get(apps_condition(w->app, "Ready"), "message")));
	return STEP_FAILED;
}

static enum step_outcome deleted(const struct push_target *t, struct error *err)
{
	error_set(err, "%s: App %s/%s was deleted meanwhile", t->record->environment, t->record->namespace,
		  t->record->app);
	return STEP_FAILED;
}

enum step_outcome direct_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	struct watching w = { .run = run, .t = t, .sha = t->commit };
	enum step_outcome outcome = STEP_LATE;
	watch(&w);
	if (w.verdict == HEALTHY)
		outcome = tell_healthy(&w);
	else if (w.verdict == FAILED)
		outcome = tell_failed(&w, err);
	else if (w.verdict == GONE)
		outcome = deleted(t, err);
	else if (run->machine.late && w.app)
		push_why(run, t, w.app);
	release(&w);
	return outcome;
}

/* A SHA, else NULL: another revision may be at any commit. */
static const char *revision_before(struct push_run *run, const struct push_target *t)
{
	struct node *spec;
	if (json_parse(&run->arena, str_of(t->record->before), true, &spec, NULL) < 0)
		return NULL;
	const char *revision = apps_text(&run->arena, node_at(spec, "source.revision"));
	bool sha = strlen(revision) == 40 && strspn(revision, "0123456789abcdef") == 40;
	return sha ? revision : NULL;
}

enum step_outcome push_watch_restored(struct push_run *run, struct push_target *t, struct error *err)
{
	struct watching w = { .run = run, .t = t, .sha = revision_before(run, t), .quiet = true };
	watch(&w);
	if (w.verdict == HEALTHY)
		tell_step(run->tell, "undo", "%s: runs %.12s again", t->record->environment,
			  w.sha ? w.sha : "what it ran before");
	else if (w.verdict == FAILED)
		tell_step(run->tell, "undo", "%s: is at %.12s again, which is not healthy either",
			  t->record->environment, w.sha ? w.sha : "what it was before");
	else if (w.verdict == PENDING)
		error_set(err, "%s: App %s/%s does not run again in time what it ran before",
			  t->record->environment, t->record->namespace, t->record->app);
	release(&w);
	return w.verdict == PENDING ? STEP_LATE : STEP_OK;
}

enum step_outcome push_watch_gone(struct push_run *run, struct push_target *t, struct error *err)
{
	struct watching w = { .run = run, .t = t, .until_gone = true, .quiet = true };
	watch(&w);
	if (w.verdict == GONE)
		tell_step(run->tell, "undo", "%s: nothing runs, as before", t->record->environment);
	else
		error_set(err, "%s: App %s/%s and its objects are not gone in time", t->record->environment,
			  t->record->namespace, t->record->app);
	release(&w);
	return w.verdict == GONE ? STEP_OK : STEP_LATE;
}
