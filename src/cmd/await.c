/*
 * await.c - see await.h. Each App that is seen is kept with the last thing that was said of it; the watch
 * brings every change of its status, and the deadline is the one timer.
 */
#include "cmd/await.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "cmd/apps.h"
#include "cmd/git.h"
#include "cmd/style.h"
#include "kube/watch.h"
#include "operator/spec.h"

enum { SETTLE_MS = 2000 }; /* without a choice of Apps: so long may another one still take the revision */

enum verdict { PENDING, HEALTHY, FAILED, SUPERSEDED };

static const char *const words[] = { "pending", "healthy", "failed", "superseded" };

enum relation { UNKNOWN, OLDER, NEWER };

struct waited {
	char *key;	  /* "namespace/name" */
	char *first;	  /* what it wanted when it was seen first, or NULL */
	char *said, *why; /* the last line and the last message, or NULL */
	bool counts, ours;
	enum verdict verdict;
};

struct await {
	struct cluster *c;
	const struct await_spec *spec;
	FILE *out;
	struct map by_key;
	VEC(struct waited *) apps;
	struct map relations; /* of a revision: enum relation + 1 */
	struct map sames;     /* of a revision: 1 + whether it gives the same */
	struct loop_timer *deadline, *settle;
	int64_t begun;
	bool listed, told_failing, over, deepened;
	int status;
	struct error *err;
};

int await_check_revision(const char *text, struct error *err)
{
	size_t n = strlen(text), hex = strspn(text, "0123456789abcdef");
	if (hex == n && n >= 7 && n <= 64)
		return 0;
	return error_set(err, "--revision %.80s: is no commit; write its SHA, or at least the first 7 digits",
			 text);
}

static void end(struct await *w, int status)
{
	w->over = true;
	w->status = status;
	loop_stop(w->c->loop);
}

/* --- texts --- */

/* A line of the log, with the time since the beginning. */
static void say(struct await *w, const char *key, const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;
	int64_t s = (clock_mono_ms() - w->begun) / 1000;
	buf_printf(&line, "%3" PRId64 "s  %s%s", s, key, *key ? ": " : "");
	style_safe(&line, str_of(text), false);
	fprintf(w->out, "%s\n", line.p);
	fflush(w->out);
}

/* The commit of "main@sha1:0123..."; "" when there is none. */
static struct str sha_of(struct str revision)
{
	for (size_t i = revision.n; i > 0; i--)
		if (revision.p[i - 1] == ':')
			return str_from(revision, i);
	return STR("");
}

static bool is_revision(const char *wanted, struct str text)
{
	return *wanted && str_starts(sha_of(text), str_of(wanted));
}

/* --- older or newer --- */

static void deepen(struct await *w, struct arena *a)
{
	const struct await_spec *s = w->spec;
	char *ignored;
	if (w->deepened || !s->url)
		return;
	w->deepened = true;
	const char *const argv[] = { "git",
				     "fetch",
				     "--quiet",
				     "--no-tags",
				     "--no-write-fetch-head",
				     "--no-auto-maintenance",
				     "--depth=200",
				     "--",
				     s->url,
				     arena_printf(a, "refs/heads/%s", s->branch),
				     NULL };
	git_ask(a, s->history, argv, &ignored, NULL);
}

static enum relation ask_git(struct await *w, const char *sha)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *newer = NULL;
	const char *const argv[] = {
		"git", "rev-list", "--max-count=1", sha, arena_printf(&a, "^%s", w->spec->revision),
		"--",  NULL
	};
	if (!w->spec->history)
		return UNKNOWN;
	deepen(w, &a);
	if (git_ask(&a, w->spec->history, argv, &newer, NULL) < 0)
		return UNKNOWN;
	return *newer ? NEWER : OLDER;
}

/* How another revision stands to the one that is waited for. */
static enum relation relation_of(struct await *w, struct str revision)
{
	struct str sha = sha_of(revision);
	cleanup_free char *text = mem_strndup(sha.p, sha.n);
	if (!sha.n || strspn(text, "0123456789abcdef") != sha.n)
		return UNKNOWN;
	if (w->spec->before && strcmp(text, w->spec->before) == 0)
		return OLDER;
	uintptr_t known = (uintptr_t)map_get(&w->relations, sha);
	if (!known) {
		known = (uintptr_t)ask_git(w, text) + 1;
		map_put(&w->relations, sha, (void *)known);
	}
	return (enum relation)(known - 1);
}

static bool is_same(struct await *w, struct str revision)
{
	struct str sha = sha_of(revision);
	cleanup_free char *text = mem_strndup(sha.p, sha.n);
	if (!w->spec->same || !sha.n || strspn(text, "0123456789abcdef") != sha.n)
		return false;
	uintptr_t known = (uintptr_t)map_get(&w->sames, sha);
	if (!known) {
		relation_of(w, revision);
		known = 1 + (uintptr_t)w->spec->same(w->spec->ctx, text);
		map_put(&w->sames, sha, (void *)known);
	}
	return known > 1;
}

/* Whether an App that wants it wants what is waited for. */
static bool is_ours(struct await *w, struct str wanted)
{
	return is_revision(w->spec->revision, wanted) || is_same(w, wanted);
}

/* --- one App --- */

struct view {
	struct str wanted, attempted, applied, healthy, reason, message;
	bool ready, not_ready, known;
};

static void view_of(const struct node *app, struct view *v)
{
	const struct node *r = node_at(app, "status.revision"), *ready = apps_condition(app, "Ready");
	int64_t observed = -1, generation = 0;
	node_int(node_at(app, "status.observedGeneration"), &observed);
	node_int(node_at(app, "metadata.generation"), &generation);
	*v = (struct view){
		.wanted = node_text(node_get(r, "wanted")),
		.attempted = node_text(node_get(r, "attempted")),
		.applied = node_text(node_get(r, "applied")),
		.healthy = node_text(node_get(r, "healthy")),
		.reason = node_text(node_get(ready, "reason")),
		.message = node_text(node_get(ready, "message")),
		.known = observed == generation,
		.ready = apps_ready(app),
		.not_ready = str_is(node_text(node_get(ready, "status")), "False"),
	};
}

/* The commit that the App is to apply. With spec.hydrate it is that of its branch which was made from the
 * revision. "" when there is none yet. */
static const char *target_of(struct await *w, struct arena *a, const struct node *app, struct view *v)
{
	const struct node *hydrated = node_at(app, "status.hydrated");
	if (!node_at(app, "spec.hydrate")) {
		struct str sha = sha_of(v->wanted);
		return is_same(w, v->wanted) ? arena_str(a, sha).p : w->spec->revision;
	}
	v->wanted = node_text(node_get(hydrated, "source"));
	if (!is_ours(w, v->wanted))
		return "";
	return apps_text(a, node_get(hydrated, "commit"));
}

/* Reasons of Ready that say nothing of the revision yet. */
static bool may_pass(struct str reason)
{
	return str_is(reason, "OutOfSync") || str_is(reason, "SourceFailed") || str_is(reason, "Drifted") ||
	       str_is(reason, "CannotWatch");
}

static enum verdict judge_ours(const struct view *v, const char *target)
{
	if (!v->known)
		return PENDING;
	if (str_is(v->reason, "Suspended") || str_is(v->reason, "InvalidSpec"))
		return FAILED;
	bool waits = !str_is(v->reason, "Applied");
	if (v->ready && is_revision(target, v->applied) && (!waits || is_revision(target, v->healthy)))
		return HEALTHY;
	if (v->not_ready && !may_pass(v->reason) && is_revision(target, v->attempted))
		return FAILED;
	return PENDING;
}

static enum verdict judge(struct await *w, struct waited *x, const struct node *app, struct view *v)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *target = target_of(w, &a, app, v);
	if (!x->first)
		x->first = mem_strndup(v->wanted.p ? v->wanted.p : "", v->wanted.n);
	if (is_ours(w, v->wanted)) {
		x->ours = true;
		return judge_ours(v, target);
	}
	if (!v->wanted.n)
		return PENDING;
	if (x->ours)
		return SUPERSEDED;
	switch (relation_of(w, v->wanted)) {
	case OLDER:
		return PENDING;
	case NEWER:
		return SUPERSEDED;
	case UNKNOWN:
		break;
	}
	return *x->first && !str_is(v->wanted, x->first) ? SUPERSEDED : PENDING;
}

/* What went wrong, with places, and which objects are not well. */
static void tell_errors(struct await *w, const struct waited *x, const struct node *app)
{
	const struct node *errors = node_at(app, "status.errors"), *objects = node_at(app, "status.objects");
	for (size_t i = 0; i < node_count(errors); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct node *e = node_item(errors, i);
		const char *file = apps_text(&a, node_get(e, "file"));
		const char *object = apps_text(&a, node_get(e, "object"));
		int64_t line = 0;
		node_int(node_get(e, "line"), &line);
		const char *place = line ? arena_printf(&a, "%s:%" PRId64, file, line) : file;
		say(w, x->key,
		    arena_printf(&a, "error: %s%s%s%s%s", place, *place ? ": " : "", object,
				 *object ? ": " : "", apps_text(&a, node_get(e, "message"))));
	}
	for (size_t i = 0; i < node_count(objects); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct node *o = node_item(objects, i);
		const char *health = apps_text(&a, node_get(o, "health"));
		if (strcmp(health, "Current") == 0)
			continue;
		say(w, x->key,
		    arena_printf(&a, "%s %s: %s: %s", apps_text(&a, node_get(o, "kind")),
				 apps_text(&a, node_get(o, "name")), health,
				 apps_text(&a, node_get(o, "message"))));
	}
}

static void tell(struct await *w, struct waited *x, const struct node *app, const struct view *v)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *line;
	if (x->verdict == SUPERSEDED)
		line = arena_printf(&a, "superseded: %.*s is wanted now", STR_ARG(v->wanted));
	else if (x->verdict == PENDING && !x->ours)
		line = arena_printf(&a, "waiting for the commit; wanted is %.*s%s%.*s%s",
				    v->wanted.n ? (int)v->wanted.n : 11,
				    v->wanted.n ? v->wanted.p : "nothing yet",
				    str_is(v->reason, "SourceFailed") ? " (" : "",
				    str_is(v->reason, "SourceFailed") ? (int)v->message.n : 0, v->message.p,
				    str_is(v->reason, "SourceFailed") ? ")" : "");
	else
		line = arena_printf(&a, "%s%.*s: %.*s",
				    x->verdict == HEALTHY  ? "healthy: "
				    : x->verdict == FAILED ? "failed: "
							   : "",
				    STR_ARG(v->reason), STR_ARG(v->message));
	if (x->said && strcmp(x->said, line) == 0)
		return;
	free(x->said);
	x->said = mem_strdup(line);
	say(w, x->key, line);
	if (x->verdict == FAILED)
		tell_errors(w, x, app);
}

/* --- all Apps --- */

static struct waited *get(struct await *w, const struct node *app)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str namespace = node_text(node_at(app, "metadata.namespace"));
	struct str name = node_text(node_at(app, "metadata.name"));
	struct str key = str_of(arena_printf(&a, "%.*s/%.*s", STR_ARG(namespace), STR_ARG(name)));
	struct waited *x = map_get(&w->by_key, key);
	if (x)
		return x;
	if (w->apps.n == AWAIT_APPS_MAX) {
		error_set(w->err, "more than %u Apps (AWAIT_APPS_MAX); name those to wait for",
			  AWAIT_APPS_MAX);
		end(w, EXIT_TROUBLE);
		return NULL;
	}
	x = mem_alloc(sizeof(*x));
	x->key = mem_strndup(key.p, key.n);
	x->counts = w->spec->counts && w->spec->counts(w->spec->ctx, app);
	map_put(&w->by_key, key, x);
	vec_push(&w->apps, x);
	return x;
}

static size_t count(const struct await *w, enum verdict verdict)
{
	size_t n = 0;
	for (size_t i = 0; i < w->apps.n; i++)
		n += w->apps.at[i]->counts && w->apps.at[i]->verdict == verdict;
	return n;
}

static void end_all(void *arg)
{
	struct await *w = arg;
	end(w, count(w, FAILED) ? EXIT_DIFFERS : count(w, SUPERSEDED) ? EXIT_SUPERSEDED : EXIT_OK);
}

static void finish(struct await *w)
{
	size_t n = 0, pending = 0;
	if (!w->listed)
		return;
	for (size_t i = 0; i < w->apps.n; i++) {
		const struct waited *x = w->apps.at[i];
		n += x->counts;
		pending += x->counts && x->verdict == PENDING;
	}
	bool through = !pending && n > 0 && n >= w->spec->expected;
	if (through && w->spec->counts)
		end_all(w);
	else if (through && !loop_timer_armed(w->settle))
		loop_timer_set(w->settle, SETTLE_MS);
	else if (!through)
		loop_timer_clear(w->settle);
}

static void look(struct await *w, const struct node *app)
{
	struct view v;
	struct waited *x = get(w, app);
	if (!x || x->verdict == SUPERSEDED)
		return;
	view_of(app, &v);
	x->verdict = judge(w, x, app, &v);
	if (!w->spec->counts && x->ours)
		x->counts = true;
	free(x->why);
	x->why = mem_strndup(v.message.p ? v.message.p : "", v.message.n);
	if (x->counts)
		tell(w, x, app, &v);
	/* A healthy App that others are waited for with may still fail, or be superseded. */
	finish(w);
}

static void on_watch(void *arg, const struct kube_watch_event *event)
{
	struct await *w = arg;
	if (w->over)
		return;
	if (event->type == WATCH_OBJECT) {
		look(w, event->object);
	} else if (event->type == WATCH_LIST_END) {
		w->listed = true;
		finish(w);
	} else if (event->type == WATCH_DELETED) {
		struct waited *x = get(w, event->object);
		if (!x || !x->counts)
			return;
		x->verdict = FAILED;
		free(x->why);
		x->why = mem_strdup("the App was deleted");
		say(w, x->key, "failed: the App was deleted");
		finish(w);
	} else if (event->type == WATCH_FAILING || event->type == WATCH_NO_KIND) {
		if (!w->told_failing)
			say(w, "", event->message ? event->message : "the cluster has no kind App");
		w->told_failing = true;
	}
}

static void on_deadline(void *arg)
{
	struct await *w = arg;
	size_t pending = count(w, PENDING);
	if (pending)
		error_set(w->err, "%.12s: not healthy in time: %zu App%s still pending; the operator goes on",
			  w->spec->revision, pending, pending == 1 ? " is" : "s are");
	else
		error_set(w->err,
			  "%.12s: no App has taken it in time; is the operator running, and does a Repo "
			  "fetch that repository?",
			  w->spec->revision);
	end(w, count(w, FAILED) ? EXIT_DIFFERS : EXIT_TIMED_OUT);
}

static void on_interrupt(void *arg)
{
	struct await *w = arg;
	error_set(w->err, "no longer waited for; the operator goes on");
	end(w, EXIT_INTERRUPTED);
}

static void collect(const struct await *w, struct arena *a, struct node **result)
{
	*result = node_seq(a);
	for (size_t i = 0; i < w->apps.n; i++) {
		const struct waited *x = w->apps.at[i];
		struct node *n = node_map(a);
		struct str name, namespace = str_cut(str_of(x->key), '/', &name);
		if (!x->counts)
			continue;
		node_set(a, n, STR("namespace"), node_string(a, arena_str(a, namespace)));
		node_set(a, n, STR("name"), node_string(a, arena_str(a, name)));
		node_set(a, n, STR("result"), node_string(a, str_of(words[x->verdict])));
		node_set(a, n, STR("message"), node_string(a, str_of(arena_strdup(a, x->why ? x->why : ""))));
		node_push(a, *result, n);
	}
}

static void release_apps(struct await *w)
{
	for (size_t i = 0; i < w->apps.n; i++) {
		struct waited *x = w->apps.at[i];
		free(x->key);
		free(x->first);
		free(x->said);
		free(x->why);
		free(x);
	}
	vec_release(&w->apps);
	map_release(&w->by_key);
	map_release(&w->relations);
	map_release(&w->sames);
}

int await_apps(struct cluster *c, struct arena *a, const struct await_spec *spec, FILE *out,
	       struct node **result, struct error *err)
{
	struct await w = { .c = c, .spec = spec, .out = out, .err = err, .begun = clock_mono_ms() };
	struct kube_watch_spec apps = {
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(spec->namespace),
	};
	*result = NULL;
	w.deadline = loop_timer_new(c->loop, on_deadline, &w);
	w.settle = loop_timer_new(c->loop, end_all, &w);
	if (c->deadline != INT64_MAX)
		loop_timer_set(w.deadline, cluster_left_ms(c));
	if (!spec->stop.stopped && loop_signal(c->loop, SIGINT, on_interrupt, &w, err) < 0)
		end(&w, EXIT_TROUBLE);
	struct kube_watch *watch = kube_watch_start(c->client, &apps, on_watch, &w);
	if (!loop_run_until(c->loop, &w.over, spec->stop.stopped, spec->stop.ctx))
		on_interrupt(&w);
	kube_watch_stop(watch);
	collect(&w, a, result);
	loop_timer_free(w.deadline);
	loop_timer_free(w.settle);
	release_apps(&w);
	return w.status;
}

const char *await_word(int status)
{
	switch (status) {
	case EXIT_OK:
		return "healthy";
	case EXIT_DIFFERS:
		return "failed";
	case EXIT_TIMED_OUT:
		return "timedOut";
	case EXIT_SUPERSEDED:
		return "superseded";
	case EXIT_INTERRUPTED:
		return "interrupted";
	default:
		return "error";
	}
}
