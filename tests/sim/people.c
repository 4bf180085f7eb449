/* people.c - one function a kind of step; what ends a disturbance is an event of its own. */
#include "people.h"

#include <stdio.h>

#include "deploy/cluster/prepare.h"
#include "doc/json.h"
#include "operator.h"

/* What ends later. */
struct ending {
	struct step step;
	char *key;
	int64_t until;
};

static void ending_drop(void *arg)
{
	struct ending *e = arg;
	free(e->key);
	free(e);
}

static void later(struct world *w, const struct step *step, int64_t delay, event_fn *fn, const char *key,
		  int64_t until)
{
	struct ending *e = mem_alloc(sizeof(*e));
	e->step = *step;
	e->key = key ? mem_strdup(key) : NULL;
	e->until = until;
	queue_add(&w->queue, w->now + delay, fn, e, ending_drop);
}

/* An object of that app on the server (a Deployment when asked), or NULL. */
static struct object *some_object(struct world *w, struct rng *rng, const struct resource *r,
				  const char *kind)
{
	size_t n = w->server.objects.n;
	size_t start = n ? rng_below(rng, (uint32_t)n) : 0;
	for (size_t i = 0; i < n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct object *o = w->server.objects.at[(start + i) % n];
		const char *owner = object_owner(&a, o->v->root);
		if (owner && strcmp(owner, r->owner) == 0 && (!kind || strcmp(o->kind, kind) == 0))
			return o;
	}
	return NULL;
}

/* A merge patch that changes a field which git may have. */
static const char *edit_of(const struct object *o, struct rng *rng)
{
	uint32_t pick = rng_below(rng, 3);
	if (strcmp(o->kind, "apps/Deployment") == 0)
		return pick == 0 ? "{\"spec\":{\"replicas\":7}}"
		       : pick == 1
			       ? "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"edited\"}]}}}}"
			       : "{\"spec\":{\"paused\":true}}";
	if (strcmp(o->kind, "/Service") == 0)
		return "{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"name\":\"edited\"}]}}";
	if (strcmp(o->kind, "/ConfigMap") == 0)
		return pick ? "{\"data\":{\"k0\":\"edited\",\"k1\":\"edited\"}}" : "{\"data\":null}";
	if (strcmp(o->kind, "/Secret") == 0)
		return "{\"data\":{\"password\":\"ZWRpdGVk\"}}";
	if (strstr(o->kind, "Widget"))
		return "{\"spec\":{\"k0\":\"edited\",\"k2\":null}}";
	return "{\"metadata\":{\"labels\":{\"tier\":\"edited\"}}}";
}

static void edit(struct world *w, struct object *o, const char *patch, const char *manager)
{
	world_trace(w, "people: edit %s %s", o->key, patch);
	cleanup_free char *key = mem_strdup(o->key);
	server_edit(&w->server, key, patch, manager);
}

static void delete_key(struct world *w, const char *key)
{
	world_trace(w, "people: delete %s", key);
	struct server_request request = { .verb = SERVER_DELETE, .key = str_of(key), .manager = "kubectl" };
	struct server_answer out;
	const char *webhook = hand_over(w->server.webhook_kind);
	server_handle(&w->server, &request, &out);
	w->server.webhook_kind = webhook;
	server_answer_release(&out);
}

/* ---- endings ---- */

static void start_again(struct world *w, void *arg)
{
	operator_start(w);
	ending_drop(arg);
}

static void branch_back(struct world *w, void *arg)
{
	struct ending *e = arg;
	w->apps[e->step.app].branch_gone = false;
	operator_notice(w, &w->apps[e->step.app]);
	ending_drop(e);
}

static void resume(struct world *w, void *arg)
{
	struct ending *e = arg;
	w->apps[e->step.app].config.suspend = false;
	operator_notice(w, &w->apps[e->step.app]);
	ending_drop(e);
}

static void webhook_back(struct world *w, void *arg)
{
	w->server.webhook_kind = NULL;
	ending_drop(arg);
}

static void flap_up(struct world *w, void *arg)
{
	struct ending *e = arg;
	server_flap(&w->server, e->key, false);
	ending_drop(e);
}

static void finalizer_off(struct world *w, void *arg)
{
	struct ending *e = arg;
	server_edit(&w->server, e->key, "{\"metadata\":{\"finalizers\":null}}", "finalizer-controller");
	ending_drop(e);
}

static void create_again(struct world *w, void *arg)
{
	struct ending *e = arg;
	struct resource *r = &w->apps[e->step.app];
	if (!r->exists) {
		r->exists = true;
		r->incarnation++;
		r->config = (struct app_config)APP_CONFIG_DEFAULT;
		world_trace(w, "people: create App %s again", r->name);
		operator_notice(w, r);
		ending_drop(e);
		return;
	}
	queue_add(&w->queue, w->now + 5000, create_again, e, ending_drop);
}

static void fight(struct world *w, void *arg)
{
	struct ending *e = arg;
	struct object *o = server_find(&w->server, str_of(e->key));
	if (w->now >= e->until || w->calm) {
		ending_drop(e);
		return;
	}
	if (o) {
		uint64_t before = o->v->rv;
		struct rng rng = { e->step.seed };
		server_edit(&w->server, e->key, edit_of(o, &rng), "other-controller");
		o = server_find(&w->server, str_of(e->key));
		w->fights += o && o->v->rv != before;
	}
	queue_add(&w->queue, w->now + 50, fight, e, ending_drop);
}

/* ---- steps ---- */

static void step_remove(struct world *w, const struct step *step, struct resource *r, struct rng *rng)
{
	if (!r->exists)
		return;
	r->config.orphan = rng_chance(rng, 250);
	r->config.deleting = true;
	world_trace(w, "people: delete App %s%s", r->name, r->config.orphan ? ", orphan" : "");
	operator_notice(w, r);
	if (rng_chance(rng, 600))
		later(w, step, rng_range(rng, 1000, 60000), create_again, NULL, 0);
}

static void step_config(struct world *w, struct resource *r, struct rng *rng)
{
	struct app_config *c = &r->config;
	switch (rng_below(rng, 6)) {
	case 0:
		c->prune = !c->prune;
		break;
	case 1:
		c->force = !c->force;
		break;
	case 2:
		c->wait = !c->wait;
		break;
	case 3:
		c->self_heal = !c->self_heal;
		break;
	case 4:
		c->allow_empty = !c->allow_empty;
		break;
	default:
		c->timeout_ms = rng_range(rng, 5000, 300000);
		break;
	}
	world_trace(w, "people: config of %s: prune %d force %d wait %d heal %d empty %d timeout %lld",
		    r->name, c->prune, c->force, c->wait, c->self_heal, c->allow_empty,
		    (long long)c->timeout_ms);
	operator_notice(w, r);
}

static void step_precreate(struct world *w, struct resource *r, struct rng *rng)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct git_repo future = { .app = r->index };
	git_commit_random(&future, rng, 1, true);
	const struct git_object *o = &git_head(&future)->objects[0];
	struct node *root = git_object_node(&a, &future, o);
	const char *key = git_object_key(&a, &future, o);
	struct key parts;
	if (!key_split(str_of(key), &parts) || o->kind == GIT_NAMESPACE) {
		vec_release(&future.commits);
		return;
	}
	struct node *meta = node_get(root, "metadata");
	if (parts.namespace.n)
		node_set(&a, meta, STR("namespace"), node_string(&a, parts.namespace));
	if (rng_chance(rng, 300)) {
		struct node *labels = node_map(&a);
		node_set(&a, labels, STR(LABEL_APP), node_string(&a, STR("ghost")));
		node_set(&a, labels, STR(LABEL_NAMESPACE), node_string(&a, STR("elsewhere")));
		node_set(&a, meta, STR("labels"), labels);
	}
	cleanup_buf struct buf json = BUF_INIT;
	json_write(&json, root);
	world_trace(w, "people: create %s", key);
	server_put(&w->server, key, json.p, rng_chance(rng, 500) ? "kubectl-create" : "helm");
	vec_release(&future.commits);
}

static void step_object(struct world *w, const struct step *step, struct resource *r, struct rng *rng)
{
	bool deployment = step->kind == STEP_FLAP;
	struct object *o = some_object(w, rng, r, deployment ? "apps/Deployment" : NULL);
	if (!o)
		return;
	switch (step->kind) {
	case STEP_EDIT:
		edit(w, o, edit_of(o, rng), "kubectl-edit");
		break;
	case STEP_ADD_LABEL:
		edit(w, o, "{\"metadata\":{\"labels\":{\"mine\":\"x\"},\"annotations\":{\"note\":\"y\"}}}",
		     "kubectl-label");
		break;
	case STEP_STRIP:
		edit(w, o, "{\"metadata\":{\"labels\":null}}", "kubectl-label");
		break;
	case STEP_CLAIM:
		edit(w, o,
		     "{\"metadata\":{\"labels\":{\"" LABEL_APP "\":\"ghost\",\"" LABEL_NAMESPACE
		     "\":\"elsewhere\"}}}",
		     "kubectl-label");
		break;
	case STEP_DELETE: {
		cleanup_free char *key = mem_strdup(o->key);
		delete_key(w, key);
		break;
	}
	case STEP_FINALIZER:
		if (node_at(o->v->root, "metadata.deletionTimestamp"))
			break;
		later(w, step, rng_range(rng, 1000, 200000), finalizer_off, o->key, 0);
		edit(w, o, "{\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}", "finalizer-controller");
		break;
	case STEP_FIGHT:
		if (w->now < w->fight_until)
			break; /* two of them would fight each other */
		w->fight_until = w->now + 600000;
		later(w, step, 50, fight, o->key, w->now + 600000);
		break;
	case STEP_FLAP:
		later(w, step, rng_range(rng, 200, 20000), flap_up, o->key, 0);
		server_flap(&w->server, o->key, true);
		break;
	default:
		break;
	}
}

static void step_namespace(struct world *w, struct resource *r, struct rng *rng)
{
	char key[48];
	snprintf(key, sizeof(key), "/Namespace//%s%d", rng_chance(rng, 500) ? "own" : "team", r->index);
	struct object *o = server_find(&w->server, str_of(key));
	if (!o)
		return;
	if (rng_chance(rng, 500)) {
		struct object *inside = some_object(w, rng, r, NULL);
		if (inside && !node_at(inside->v->root, "metadata.deletionTimestamp"))
			edit(w, inside, "{\"metadata\":{\"finalizers\":[\"example.com/stuck\"]}}",
			     "finalizer-controller");
	}
	delete_key(w, key);
}

static void step_crash(struct world *w, const struct step *step, struct rng *rng)
{
	static const int64_t gaps[] = { 50, 2000, 15000, 120000 };
	w->crashes++;
	operator_kill(w);
	if (step->kind == STEP_LEADER) {
		operator_start(w);
		return;
	}
	int64_t gap = gaps[rng_below(rng, 4)];
	later(w, step, rng_range(rng, gap / 2, gap), start_again, NULL, 0);
}

static void step_webhook(struct world *w, const struct step *step, struct rng *rng)
{
	static const char *const kinds[] = { "/ConfigMap", "apps/Deployment", "/Secret", "/Namespace" };
	w->server.webhook_kind = kinds[rng_below(rng, 4)];
	world_trace(w, "people: webhook of %s fails", w->server.webhook_kind);
	later(w, step, rng_range(rng, 1000, 60000), webhook_back, NULL, 0);
}

static void commit(struct world *w, struct resource *r, struct rng *rng)
{
	git_commit_random(&r->repo, rng, (size_t)w->script.objects, w->script.calm);
	const struct git_commit *head = git_head(&r->repo);
	world_trace(w, "git: %s gets commit %u: %zu objects%s", r->name, head->number, head->n,
		    head->broken == GIT_PARSE_ERROR    ? ", one file does not parse"
		    : head->broken == GIT_RENDER_FAILS ? ", does not render"
						       : "");
	operator_notice(w, r);
}

/* Whom a step may hold up: one app, or everybody. */
static void disturb(struct world *w, const struct step *step)
{
	bool all = step->kind == STEP_CRASH || step->kind == STEP_LEADER || step->kind == STEP_DOWN ||
		   step->kind == STEP_WEBHOOK || step->kind == STEP_WATCH_CUT;
	for (int i = 0; i < w->n_apps; i++)
		w->apps[i].disturbed |= all || (i == step->app && step->kind != STEP_COMMIT);
}

static void take_step(struct world *w, void *arg)
{
	const struct step *step = arg;
	struct resource *r = &w->apps[step->app];
	struct rng rng = { step->seed };
	world_trace(w, "--- step %s of app%d", STEP_NAMES[step->kind], step->app);
	disturb(w, step);
	switch (step->kind) {
	case STEP_COMMIT:
		commit(w, r, &rng);
		break;
	case STEP_BRANCH_GONE:
		r->branch_gone = true;
		operator_notice(w, r);
		later(w, step, rng_range(&rng, 500, 60000), branch_back, NULL, 0);
		break;
	case STEP_CRASH:
	case STEP_LEADER:
		step_crash(w, step, &rng);
		break;
	case STEP_SUSPEND:
		r->config.suspend = true;
		operator_notice(w, r);
		if (rng_chance(&rng, 700))
			later(w, step, rng_range(&rng, 500, 60000), resume, NULL, 0);
		break;
	case STEP_CONFIG:
		step_config(w, r, &rng);
		break;
	case STEP_SYNC_NOW:
		operator_sync_now(w, r);
		break;
	case STEP_REMOVE:
		step_remove(w, step, r, &rng);
		break;
	case STEP_WEBHOOK:
		step_webhook(w, step, &rng);
		break;
	case STEP_NAMESPACE:
		step_namespace(w, r, &rng);
		break;
	case STEP_WATCH_CUT:
		if (w->process)
			watch_cut(w->process, &rng, w->now + rng_range(&rng, 500, 20000));
		break;
	case STEP_DOWN:
		w->server_down_until = w->now + rng_range(&rng, 500, 120000);
		break;
	case STEP_PRECREATE:
		step_precreate(w, r, &rng);
		break;
	default:
		step_object(w, step, r, &rng);
		break;
	}
}

void people_plan(struct world *w)
{
	for (size_t i = 0; i < w->script.steps.n; i++)
		queue_add(&w->queue, w->script.steps.at[i].at, take_step, &w->script.steps.at[i], NULL);
}

static void namespaces_back(struct world *w, void *arg)
{
	for (int i = 0; i < w->n_apps; i++) {
		char key[48], text[128];
		snprintf(key, sizeof(key), "/Namespace//team%d", i);
		snprintf(text, sizeof(text),
			 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"team%d\"}}",
			 i);
		server_put(&w->server, key, text, "kubectl-create");
	}
}

void people_calm(struct world *w)
{
	world_trace(w, "--- calm: faults are over");
	w->calm = true;
	w->server_down_until = w->server_down_until < w->now ? w->server_down_until : w->now;
	w->server.webhook_kind = NULL;
	server_clear_finalizers(&w->server);
	for (size_t i = 0; i < w->server.objects.n; i++)
		if (w->server.objects.at[i]->flapping)
			server_flap(&w->server, w->server.objects.at[i]->key, false);
	/* Once what is being deleted is gone. */
	queue_add(&w->queue, w->now + 10000, namespaces_back, NULL, NULL);
	operator_start(w);
	for (int i = 0; i < w->n_apps; i++) {
		w->apps[i].branch_gone = false;
		w->apps[i].config.self_heal = true;
		operator_notice(w, &w->apps[i]);
	}
}
