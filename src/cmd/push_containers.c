/*
 * push_containers.c - see push_containers.h. `before` of the record is {DEPLOYMENT: {CONTAINER: IMAGE}}. As
 * with Apps a Deployment carries the mark of the push that wrote it last, and each write names the generation
 * that it builds on.
 */
#include "cmd/push_containers.h"

#include <stdio.h>

#include "cmd/apps.h"
#include "cmd/push_app.h"
#include "cmd/push_why.h"
#include "doc/json.h"
#include "kube/watch.h"

bool push_is_containers(const struct push_target *t)
{
	return str_starts(str_of(t->record->key), STR(PUSH_CONTAINERS_KEY));
}

static struct kube_request about(const struct push_target *t, enum kube_verb verb, struct str name)
{
	return (struct kube_request){
		.verb = verb,
		.group = STR("apps"),
		.version = STR("v1"),
		.kind = STR("Deployment"),
		.namespace = str_of(t->record->namespace),
		.name = name,
		.field_manager = verb == KUBE_GET ? NULL : PUSH_FIELD_MANAGER,
		.priority = KUBE_PRIORITY_HIGH,
	};
}

/* 1: it is not there. */
static int get(struct push_run *run, const struct push_target *t, struct str name, const struct node **out,
	       struct error *err)
{
	struct reply reply;
	if (!push_cluster(run, err))
		return -1;
	struct kube_request request = about(t, KUBE_GET, name);
	cluster_call(&run->cluster, &run->arena, &request, &reply);
	*out = reply.body;
	if (reply.result == KUBE_STATUS && reply.code == 404)
		return 1;
	return reply.result == KUBE_OK ? 0 : cluster_error(err, &reply, "Deployment %.*s", STR_ARG(name));
}

static const struct node *containers_of(const struct node *deployment)
{
	return node_at(deployment, "spec.template.spec.containers");
}

static const struct node *find(const struct node *deployment, struct str container, size_t *index)
{
	const struct node *all = containers_of(deployment);
	for (size_t i = 0; i < node_count(all); i++) {
		*index = i;
		if (str_eq(node_text(node_get(node_item(all, i), "name")), container))
			return node_item(all, i);
	}
	return NULL;
}

static struct node *before_of(struct push_run *run, const struct push_target *t)
{
	struct node *before = NULL;
	json_parse(&run->arena, str_of(t->record->before ? t->record->before : "{}"), true, &before, NULL);
	return before;
}

/* --- claim --- */

static int note(struct push_run *run, const struct push_target *t, struct node *before,
		const struct hosted_container *c, struct error *err)
{
	const struct node *deployment;
	size_t index;
	struct arena *a = &run->arena;
	int rc = get(run, t, str_of(c->deployment), &deployment, err);
	if (rc < 0)
		return -1;
	const struct node *container = rc ? NULL : find(deployment, str_of(c->container), &index);
	if (!container)
		return error_set(
			err,
			"there is no Deployment %s/%s with a container %s; create it first, or name the "
			"directory of its manifest in spec.manifests.path",
			t->record->namespace, c->deployment, c->container);
	struct node *images = node_get(before, c->deployment);
	if (!images) {
		images = node_map(a);
		node_set(a, before, str_of(c->deployment), images);
	}
	node_set(a, images, str_of(c->container), node_string(a, node_text(node_get(container, "image"))));
	return 0;
}

enum step_outcome containers_claim(struct push_run *run, struct push_target *t, struct error *err)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct node *before = node_map(&run->arena);
	for (size_t i = 0; i < run->repo.n_containers; i++)
		if (note(run, t, before, &run->repo.containers[i], err) < 0)
			return STEP_FAILED;
	json_write(&json, before);
	t->record->before = arena_strndup(&run->arena, json.p, json.n);
	t->record->known = true;
	return STEP_OK;
}

/* --- writes --- */

static void add_operation(struct arena *a, struct node *patch, const char *op, const char *path,
			  struct node *value)
{
	struct node *n = node_map(a);
	node_set(a, n, STR("op"), node_string(a, str_of(op)));
	node_set(a, n, STR("path"), node_string(a, str_of(path)));
	node_set(a, n, STR("value"), value);
	node_push(a, patch, n);
}

/* images: {CONTAINER: IMAGE} of this Deployment; NULL: the mark alone. */
static int write_images(struct push_run *run, const struct push_target *t, const struct node *deployment,
			const struct node *images, const char *mark, struct error *err)
{
	cleanup_buf struct buf body = BUF_INIT, marked = BUF_INIT;
	struct arena *a = &run->arena;
	struct node *patch;
	struct reply reply;
	push_app_patch(a, deployment, NULL, mark, &marked);
	if (json_parse(a, buf_str(&marked), true, &patch, err) < 0)
		return -1;
	for (size_t i = 0; i < node_count(images); i++) {
		size_t index;
		const struct node_pair *pair = &images->map.pairs[i];
		const struct node *container = find(deployment, pair->key, &index);
		const char *at = arena_printf(a, "/spec/template/spec/containers/%zu", index);
		if (!container)
			continue;
		add_operation(a, patch, "test", arena_printf(a, "%s/name", at), node_string(a, pair->key));
		add_operation(a, patch, "replace", arena_printf(a, "%s/image", at),
			      node_copy(a, pair->value));
	}
	json_write(&body, patch);
	struct str name = node_text(node_at(deployment, "metadata.name"));
	struct kube_request request = about(t, KUBE_JSON_PATCH, name);
	request.body = buf_str(&body);
	cluster_call(&run->cluster, a, &request, &reply);
	return reply.result == KUBE_OK ? 0 : cluster_error(err, &reply, "Deployment %.*s", STR_ARG(name));
}

static struct node *built_for(struct push_run *run, struct str deployment)
{
	struct arena *a = &run->arena;
	struct node *images = node_map(a);
	for (size_t i = 0; i < run->n_images && i < run->repo.n_containers; i++) {
		const struct hosted_container *c = &run->repo.containers[i];
		if (str_is(deployment, c->deployment))
			node_set(a, images, str_of(c->container),
				 node_string(a, str_of(run->images[i].image)));
	}
	return images;
}

enum step_outcome containers_deliver(struct push_run *run, struct push_target *t, struct error *err)
{
	const struct node *before = before_of(run, t);
	for (size_t i = 0; i < node_count(before); i++) {
		const struct node *deployment;
		struct str name = before->map.pairs[i].key;
		int rc = get(run, t, name, &deployment, err);
		if (rc == 0)
			rc = write_images(run, t, deployment, built_for(run, name), run->record.id, err);
		else if (rc > 0)
			error_set(err, "Deployment %.*s was deleted meanwhile", STR_ARG(name));
		if (rc)
			return STEP_FAILED;
		tell_step(run->tell, "deliver", "Deployment %s/%.*s", t->record->namespace, STR_ARG(name));
	}
	return STEP_OK;
}

enum step_outcome containers_undo(struct push_run *run, struct push_target *t, struct error *err)
{
	enum step_outcome outcome = STEP_OK;
	const struct node *before = t->record->known ? before_of(run, t) : NULL;
	const char *mark = arena_printf(&run->arena, "undone %s", run->record.id);
	for (size_t i = 0; i < node_count(before); i++) {
		const struct node *deployment;
		const struct node_pair *pair = &before->map.pairs[i];
		int rc = get(run, t, pair->key, &deployment, err);
		if (rc == 0) {
			bool ours = str_is(push_app_mark(deployment), run->record.id);
			if (ours || (run->machine.resumed && !str_is(push_app_mark(deployment), mark)))
				rc = write_images(run, t, deployment, ours ? pair->value : NULL, mark, err);
		}
		if (rc < 0)
			outcome = STEP_FAILED;
	}
	return outcome;
}

/* --- watch --- */

enum rollout {
	ROLLING,
	ROLLED,
	STUCK,
	DELETED,
};

struct watching {
	struct push_run *run;
	enum rollout state;
	struct arena arena;
	const struct node *deployment;
	bool listed;
};

static int64_t number(const struct node *n, const char *path)
{
	int64_t value = 0;
	node_int(node_at(n, path), &value);
	return value;
}

/* As `kubectl rollout status` has it. */
static enum rollout rollout_of(const struct node *d)
{
	int64_t wanted = node_at(d, "spec.replicas") ? number(d, "spec.replicas") : 1;
	const struct node *conditions = node_at(d, "status.conditions");
	if (number(d, "status.observedGeneration") < number(d, "metadata.generation"))
		return ROLLING;
	for (size_t i = 0; i < node_count(conditions); i++)
		if (str_is(node_text(node_get(node_item(conditions, i), "reason")),
			   "ProgressDeadlineExceeded"))
			return STUCK;
	bool done = number(d, "status.updatedReplicas") >= wanted &&
		    number(d, "status.replicas") <= number(d, "status.updatedReplicas") &&
		    number(d, "status.availableReplicas") >= number(d, "status.updatedReplicas");
	return done ? ROLLED : ROLLING;
}

static void on_event(void *arg, const struct kube_watch_event *event)
{
	struct watching *w = arg;
	if (event->type == WATCH_LIST_BEGIN) {
		w->listed = false;
	} else if (event->type == WATCH_OBJECT) {
		w->listed = true;
		arena_release(&w->arena);
		w->deployment = node_clone(&w->arena, event->object);
		w->state = rollout_of(w->deployment);
	} else if (event->type == WATCH_DELETED || (event->type == WATCH_LIST_END && !w->listed)) {
		w->state = DELETED;
	}
	if (w->state != ROLLING)
		loop_stop(w->run->cluster.loop);
}

static enum rollout watch_one(struct push_run *run, const struct push_target *t, struct str name, bool why)
{
	struct watching w = { .run = run };
	struct kube_watch_spec spec = {
		.group = STR("apps"),
		.version = STR("v1"),
		.kind = STR("Deployment"),
		.namespace = str_of(t->record->namespace),
		.field_selector = arena_printf(&run->arena, "metadata.name=%.*s", STR_ARG(name)),
	};
	struct kube_watch *watch = kube_watch_start(run->cluster.client, &spec, on_event, &w);
	while (w.state == ROLLING && push_wait(run))
		;
	kube_watch_stop(watch);
	if (why && w.deployment && w.state != ROLLED && (w.state == STUCK || run->machine.late))
		push_why_deployment(run, w.deployment);
	arena_release(&w.arena);
	return w.state;
}

enum step_outcome containers_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	const struct node *before = before_of(run, t);
	for (size_t i = 0; i < node_count(before); i++) {
		struct str name = before->map.pairs[i].key;
		enum rollout state = watch_one(run, t, name, true);
		if (state == ROLLING)
			return STEP_LATE;
		if (state != ROLLED) {
			error_set(err, "Deployment %s/%.*s: %s", t->record->namespace, STR_ARG(name),
				  state == STUCK ? "its rollout failed: ProgressDeadlineExceeded"
						 : "it was deleted meanwhile");
			return STEP_FAILED;
		}
		tell_step(run->tell, "watch", "Deployment %s/%.*s: rolled out", t->record->namespace,
			  STR_ARG(name));
	}
	return STEP_OK;
}

enum step_outcome containers_undo_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	const struct node *before = t->record->known ? before_of(run, t) : NULL;
	if (node_count(before) && !push_cluster(run, err))
		return STEP_FAILED;
	for (size_t i = 0; i < node_count(before); i++) {
		struct str name = before->map.pairs[i].key;
		if (watch_one(run, t, name, false) == ROLLING) {
			error_set(err, "Deployment %s/%.*s is not rolled out again in time",
				  t->record->namespace, STR_ARG(name));
			return STEP_LATE;
		}
		tell_step(run->tell, "undo", "Deployment %s/%.*s: has its images of before",
			  t->record->namespace, STR_ARG(name));
	}
	return STEP_OK;
}
