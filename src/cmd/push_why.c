/* push_why.c - see push_why.h. What cannot be read is passed over: it adds to a failure that is told already.
 */
#include "cmd/push_why.h"

#include <stdio.h>

#include "base/vec.h"
#include "cmd/apps.h"

enum { CALL_TIMEOUT_MS = 5000 };

struct why {
	struct push_run *run;
	struct arena arena;
	unsigned pods; /* told of */
};

/* --- the App's own words --- */

static void tell_errors(struct why *w, const struct node *app)
{
	const struct node *errors = node_at(app, "status.errors");
	for (size_t i = 0; i < node_count(errors) && i < PUSH_WHY_OBJECTS; i++) {
		struct arena *a = &w->arena;
		const struct node *e = node_item(errors, i);
		const char *file = apps_text(a, node_get(e, "file")),
			   *object = apps_text(a, node_get(e, "object"));
		int64_t line = 0;
		node_int(node_get(e, "line"), &line);
		const char *place = line ? arena_printf(a, "%s:%lld", file, (long long)line) : file;
		tell_more(w->run->tell, "%s%s%s%s%s", place, *place ? ": " : "", object, *object ? ": " : "",
			  apps_text(a, node_get(e, "message")));
	}
}

/* --- pods --- */

static const struct node *ask(struct why *w, struct kube_request *request, struct str *text)
{
	struct reply reply;
	request->timeout_ms = CALL_TIMEOUT_MS;
	cluster_call(&w->run->cluster, &w->arena, request, &reply);
	if (text)
		*text = reply.text;
	return reply.result == KUBE_OK ? reply.body : NULL;
}

static void tell_log(struct why *w, const char *namespace, const char *pod, const char *container,
		     bool previous)
{
	struct str text = { 0 };
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Pod"),
		.namespace = str_of(namespace),
		.name = str_of(pod),
		.subresource = "log",
		.query = arena_printf(&w->arena, "container=%s&tailLines=%d&limitBytes=8192%s", container,
				      PUSH_WHY_LOG_LINES, previous ? "&previous=true" : ""),
	};
	ask(w, &request, &text);
	while (text.n) {
		struct str line = str_cut(text, '\n', &text);
		tell_more(w->run->tell, "  | %.*s", STR_ARG(line));
	}
}

/* "ImagePullBackOff: Back-off pulling image ...", or "" when the container is well. */
static const char *container_reason(struct why *w, const struct node *status, bool *ended)
{
	const struct node *waiting = node_at(status, "state.waiting");
	const struct node *terminated = node_at(status, "state.terminated");
	const struct node *last = node_at(status, "lastState.terminated");
	const struct node *from = waiting ? waiting : terminated;
	const struct node *end = terminated ? terminated : last;
	int64_t code = 0;
	*ended = end != NULL;
	node_int(node_get(end, "exitCode"), &code);
	if (!from)
		return node_bool(node_get(status, "ready"), false) ? "" : "it runs, and is not ready";
	const char *reason = apps_text(&w->arena, node_get(from, "reason")),
		   *message = apps_text(&w->arena, node_get(from, "message"));
	if (terminated && code == 0)
		return "";
	return arena_printf(&w->arena, "%s%s%s%s", reason, *message ? ": " : "", message,
			    end && code ? arena_printf(&w->arena, " (exit code %lld)", (long long)code) : "");
}

static void tell_containers(struct why *w, const struct node *pod, const char *list)
{
	struct arena *a = &w->arena;
	const struct node *all = node_at(pod, list);
	const char *name = apps_text(a, node_at(pod, "metadata.name")),
		   *namespace = apps_text(a, node_at(pod, "metadata.namespace"));
	for (size_t i = 0; i < node_count(all); i++) {
		bool ended;
		const struct node *status = node_item(all, i);
		const char *container = apps_text(a, node_get(status, "name")),
			   *reason = container_reason(w, status, &ended);
		if (!*reason)
			continue;
		tell_more(w->run->tell, "Pod %s, container %s: %s", name, container, reason);
		tell_log(w, namespace, name, container, ended && node_at(status, "state.waiting"));
	}
}

static const struct node *condition(const struct node *pod, const char *type)
{
	const struct node *all = node_at(pod, "status.conditions");
	for (size_t i = 0; i < node_count(all); i++)
		if (str_is(node_text(node_get(node_item(all, i), "type")), type))
			return node_item(all, i);
	return NULL;
}

static bool is_ready(const struct node *pod)
{
	return str_is(node_text(node_get(condition(pod, "Ready"), "status")), "True") ||
	       str_is(node_text(node_at(pod, "status.phase")), "Succeeded");
}

static void tell_pod(struct why *w, const struct node *pod)
{
	struct arena *a = &w->arena;
	const struct node *scheduled = condition(pod, "PodScheduled");
	if (str_is(node_text(node_get(scheduled, "status")), "False"))
		tell_more(w->run->tell, "Pod %s: %s: %s", apps_text(a, node_at(pod, "metadata.name")),
			  apps_text(a, node_get(scheduled, "reason")),
			  apps_text(a, node_get(scheduled, "message")));
	tell_containers(w, pod, "status.initContainerStatuses");
	tell_containers(w, pod, "status.containerStatuses");
	w->pods++;
}

/* "a=1,b=2" of spec.selector.matchLabels; NULL: it selects by something else. */
static const char *selector_of(struct why *w, const struct node *workload)
{
	const struct node *labels = node_at(workload, "spec.selector.matchLabels");
	cleanup_buf struct buf text = BUF_INIT;
	if (!node_count(labels) || node_count(node_at(workload, "spec.selector.matchExpressions")))
		return NULL;
	for (size_t i = 0; i < labels->map.n; i++)
		buf_printf(&text, "%s%.*s=%.*s", i ? "," : "", STR_ARG(labels->map.pairs[i].key),
			   STR_ARG(node_text(labels->map.pairs[i].value)));
	return arena_strndup(&w->arena, text.p, text.n);
}

/* The newest pods first: those of the failed rollout. */
static void tell_pods(struct why *w, const char *namespace, const char *selector)
{
	struct kube_request request = {
		.verb = KUBE_LIST,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Pod"),
		.namespace = str_of(namespace),
		.label_selector = selector,
		.limit = 50,
	};
	const struct node *items = node_get(ask(w, &request, NULL), "items"), *told = NULL;
	while (w->pods < PUSH_WHY_PODS) {
		const struct node *next = NULL;
		struct str newest = { "", 0 };
		for (size_t i = 0; i < node_count(items); i++) {
			const struct node *pod = node_item(items, i);
			struct str made = node_text(node_at(pod, "metadata.creationTimestamp"));
			if (!is_ready(pod) && str_cmp(made, newest) > 0)
				newest = made, next = pod;
		}
		/* One of each rollout says it all. */
		if (!next || told)
			return;
		tell_pod(w, next);
		told = next;
	}
}

static bool is_workload(const char *kind)
{
	return strcmp(kind, "Deployment") == 0 || strcmp(kind, "StatefulSet") == 0 ||
	       strcmp(kind, "DaemonSet") == 0 || strcmp(kind, "Job") == 0;
}

static void tell_object(struct why *w, const struct node *o)
{
	struct arena *a = &w->arena;
	const char *kind = apps_text(a, node_get(o, "kind")), *name = apps_text(a, node_get(o, "name")),
		   *namespace = apps_text(a, node_get(o, "namespace"));
	tell_more(w->run->tell, "%s %s: %s: %s", kind, name, apps_text(a, node_get(o, "health")),
		  apps_text(a, node_get(o, "message")));
	if (!is_workload(kind))
		return;
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = str_of(strcmp(kind, "Job") == 0 ? "batch" : "apps"),
		.version = STR("v1"),
		.kind = str_of(kind),
		.namespace = str_of(namespace),
		.name = str_of(name),
	};
	const struct node *workload = ask(w, &request, NULL);
	const char *selector = workload ? selector_of(w, workload) : NULL;
	if (selector)
		tell_pods(w, namespace, selector);
}

void push_why_deployment(struct push_run *run, const struct node *deployment)
{
	struct why w = { .run = run };
	const char *selector = selector_of(&w, deployment);
	tell_step(run->tell, "watch", "Deployment %s: failed",
		  apps_text(&w.arena, node_at(deployment, "metadata.name")));
	if (selector)
		tell_pods(&w, apps_text(&w.arena, node_at(deployment, "metadata.namespace")), selector);
	arena_release(&w.arena);
}

void push_why(struct push_run *run, const struct push_target *t, const struct node *app)
{
	struct why w = { .run = run };
	const struct node *objects = node_at(app, "status.objects");
	unsigned n = 0;
	tell_step(run->tell, "watch", "%s: failed", t->record->environment);
	tell_errors(&w, app);
	for (size_t i = 0; i < node_count(objects) && n < PUSH_WHY_OBJECTS; i++) {
		const struct node *o = node_item(objects, i);
		if (str_is(node_text(node_get(o, "health")), "Current"))
			continue;
		tell_object(&w, o);
		n++;
	}
	arena_release(&w.arena);
}
