/*
 * controllers.c - each controller is one planned event that looks at the object again when it fires: an event
 * that came too late finds another generation or nothing and does no harm.
 */
#include "controllers.h"

#include <stdio.h>

#include "world.h"

enum {
	SYNC_MIN_MS = 5,
	SYNC_MAX_MS = 60,
};

void controllers_default(struct version *v, const char *kind)
{
	struct arena *a = &v->arena;
	if (strcmp(kind, "apps/Deployment") == 0) {
		struct node *spec = node_get(v->root, "spec");
		if (!spec)
			return;
		if (!node_get(spec, "replicas"))
			node_set(a, spec, STR("replicas"), node_int_new(a, 1));
		node_set(a, spec, STR("revisionHistoryLimit"), node_int_new(a, 10));
	} else if (strcmp(kind, "/ServiceAccount") == 0) {
		node_set(a, v->root, STR("automountServiceAccountToken"), node_bool_new(a, true));
	} else if (strcmp(kind, "/Namespace") == 0) {
		struct node *status = node_map(a);
		node_set(a, status, STR("phase"), node_string(a, STR("Active")));
		node_set(a, v->root, STR("status"), status);
	}
}

bool controllers_established(const struct node *crd)
{
	const struct node *conditions = node_at(crd, "status.conditions");
	for (size_t i = 0; i < node_count(conditions); i++) {
		const struct node *c = node_item(conditions, i);
		if (str_is(node_text(node_get(c, "type")), "Established"))
			return str_is(node_text(node_get(c, "status")), "True");
	}
	return false;
}

static void deployment_status(struct server *s, struct object *o, int64_t generation, bool done)
{
	const struct node *root = o->v->root;
	int64_t replicas = 1;
	node_int(node_at(root, "spec.replicas"), &replicas);
	const struct node *container = node_item(node_at(root, "spec.template.spec.containers"), 0);
	bool bad = str_is(node_text(node_get(container, "image")), "bad");
	bool up = done && !bad && !o->flapping;
	cleanup_buf struct buf patch = BUF_INIT;
	buf_printf(&patch,
		   "{\"status\":{\"observedGeneration\":%lld,\"replicas\":%lld,\"updatedReplicas\":%lld,"
		   "\"readyReplicas\":%lld,\"availableReplicas\":%lld,\"conditions\":["
		   "{\"type\":\"Available\",\"status\":\"%s\"},"
		   "{\"type\":\"Progressing\",\"status\":\"%s\",\"reason\":\"%s\",\"message\":\"m\"}]}}",
		   (long long)generation, (long long)replicas, (long long)replicas,
		   (long long)(up ? replicas : 0), (long long)(up ? replicas : 0), up ? "True" : "False",
		   done && bad ? "False" : "True",
		   !done ? "ReplicaSetUpdated"
		   : bad ? "ProgressDeadlineExceeded"
			 : "NewReplicaSetAvailable");
	server_edit(s, o->key, patch.p, "kube-controller-manager");
}

struct task {
	char *key;
	int64_t generation;
	uint64_t uid_hash;
	bool done; /* the second step of a rollout */
};

static void task_drop(void *arg)
{
	struct task *t = arg;
	free(t->key);
	free(t);
}

static void sweep(struct server *s, const char *prefix_kind, struct str namespace)
{
	for (size_t i = s->objects.n; i-- > 0;) {
		if (i >= s->objects.n)
			continue;
		struct object *o = s->objects.at[i];
		struct key k;
		if (!key_split(str_of(o->key), &k))
			continue;
		if (prefix_kind ? strcmp(o->kind, prefix_kind) != 0 : !str_eq(k.namespace, namespace))
			continue;
		cleanup_free char *key = mem_strdup(o->key);
		struct server_request request = { .verb = SERVER_DELETE,
						  .key = str_of(key),
						  .manager = "gc" };
		struct server_answer out;
		const char *webhook = hand_over(s->webhook_kind);
		server_handle(s, &request, &out);
		s->webhook_kind = webhook;
		server_answer_release(&out);
	}
}

static void crd_kind(const struct node *root, struct buf *out)
{
	buf_printf(out, "%.*s/%.*s", STR_ARG(node_text(node_at(root, "spec.group"))),
		   STR_ARG(node_text(node_at(root, "spec.names.kind"))));
}

static bool has_content(struct server *s, const struct object *o)
{
	cleanup_buf struct buf kind = BUF_INIT;
	bool crd = strcmp(o->kind, "apiextensions.k8s.io/CustomResourceDefinition") == 0;
	if (crd)
		crd_kind(o->v->root, &kind);
	for (size_t i = 0; i < s->objects.n; i++) {
		struct key k;
		if (crd ? strcmp(s->objects.at[i]->kind, kind.p) == 0
			: key_split(str_of(s->objects.at[i]->key), &k) &&
				    str_eq(k.namespace, node_text(node_at(o->v->root, "metadata.name"))))
			return true;
	}
	return false;
}

bool controllers_hold(struct server *s, const struct object *o)
{
	if (strcmp(o->kind, "/Namespace") == 0)
		return true;
	return strcmp(o->kind, "apiextensions.k8s.io/CustomResourceDefinition") == 0 && has_content(s, o);
}

static void run(struct world *w, void *arg);

static void plan(struct server *s, struct object *o, int64_t delay, bool done)
{
	struct task *t = mem_alloc(sizeof(*t));
	t->key = mem_strdup(o->key);
	t->done = done;
	node_int(node_at(o->v->root, "metadata.generation"), &t->generation);
	t->uid_hash = hash_fast(node_text(node_at(o->v->root, "metadata.uid")));
	queue_add(&s->world->queue, s->world->now + delay, run, t, task_drop);
}

static void finalize(struct server *s, struct object *o)
{
	cleanup_buf struct buf kind = BUF_INIT;
	bool crd = strcmp(o->kind, "/Namespace") != 0;
	if (crd)
		crd_kind(o->v->root, &kind);
	cleanup_free char *key = mem_strdup(o->key),
			  *name = mem_strndup(node_text(node_at(o->v->root, "metadata.name")).p,
					      node_text(node_at(o->v->root, "metadata.name")).n);
	sweep(s, crd ? kind.p : NULL, str_of(name));
	o = server_find(s, str_of(key));
	if (!o)
		return;
	if (has_content(s, o) ||
	    !str_is(node_text(node_item(node_at(o->v->root, "metadata.finalizers"), 0)), "kubernetes"))
		plan(s, o, 2000, false); /* stuck: somebody's finalizer; looked at again */
	else
		server_edit(s, key, "{\"metadata\":{\"finalizers\":null}}", "gc");
}

static void rollout(struct server *s, struct object *o, bool done)
{
	int64_t generation = 0;
	node_int(node_at(o->v->root, "metadata.generation"), &generation);
	deployment_status(s, o, generation, done);
}

static void run(struct world *w, void *arg)
{
	struct task *t = arg;
	struct server *s = &w->server;
	struct object *o = server_find(s, str_of(t->key));
	if (o && hash_fast(node_text(node_at(o->v->root, "metadata.uid"))) == t->uid_hash) {
		int64_t generation = 0;
		node_int(node_at(o->v->root, "metadata.generation"), &generation);
		bool crd = strcmp(o->kind, "apiextensions.k8s.io/CustomResourceDefinition") == 0;
		if (node_at(o->v->root, "metadata.deletionTimestamp") &&
		    (crd || strcmp(o->kind, "/Namespace") == 0))
			finalize(s, o);
		else if (crd && !controllers_established(o->v->root))
			server_edit(
				s, t->key,
				"{\"status\":{\"conditions\":[{\"type\":\"NamesAccepted\",\"status\":\"True\"},"
				"{\"type\":\"Established\",\"status\":\"True\"}]}}",
				"kube-controller-manager");
		else if (strcmp(o->kind, "apps/Deployment") == 0 && generation == t->generation)
			rollout(s, o, t->done);
		else if (strcmp(o->kind, "batch/Job") == 0)
			server_edit(
				s, t->key,
				"{\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}}",
				"kube-controller-manager");
	}
	task_drop(t);
}

void controllers_changed(struct server *s, struct object *o)
{
	const struct node *root = o->v->root;
	bool deleting = node_at(root, "metadata.deletionTimestamp");
	int64_t soon = rng_range(&s->rng, SYNC_MIN_MS, SYNC_MAX_MS);
	bool crd = strcmp(o->kind, "apiextensions.k8s.io/CustomResourceDefinition") == 0;
	if (deleting && (crd || strcmp(o->kind, "/Namespace") == 0)) {
		plan(s, o, soon, false);
	} else if (crd && !controllers_established(root)) {
		plan(s, o, soon * (rng_chance(&s->rng, 200) ? 60 : 4), false);
	} else if (strcmp(o->kind, "batch/Job") == 0 && !node_get(root, "status")) {
		plan(s, o, soon * 50, false);
	} else if (strcmp(o->kind, "apps/Deployment") == 0) {
		int64_t generation = 0, observed = -1;
		node_int(node_at(root, "metadata.generation"), &generation);
		node_int(node_at(root, "status.observedGeneration"), &observed);
		bool up = str_is(
			node_text(node_get(node_item(node_at(root, "status.conditions"), 0), "status")),
			"True");
		if (observed < generation) {
			plan(s, o, soon, false);
			plan(s, o, soon + rng_range(&s->rng, 50, rng_chance(&s->rng, 100) ? 60000 : 3000),
			     true);
		} else if (up == o->flapping) {
			const struct node *progressing = node_item(node_at(root, "status.conditions"), 1);
			if (!str_is(node_text(node_get(progressing, "reason")), "ReplicaSetUpdated") &&
			    !str_is(node_text(node_get(progressing, "reason")), "ProgressDeadlineExceeded"))
				plan(s, o, soon, true);
		}
	}
}
