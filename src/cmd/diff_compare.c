/*
 * diff_compare.c - asks the server about every object at once: what it is, and what an apply would make of
 * it.
 *
 * How many requests fly is the client's matter (kube/limit.h). An object whose namespace or kind is itself
 * still to be created cannot be tried; then what is written stands for what it would be.
 */
#include "cmd/diff.h"

#include <stdio.h>
#include <string.h>

#include "deploy/cluster/prepare.h"
#include "deploy/key.h"
#include "doc/json.h"
#include "kube/discovery.h"
#include "operator/config_store.h"
#include "operator/standalone.h"

/* --- git's side --- */

static int scope(void *ctx, struct str group, struct str kind)
{
	const struct kube_resource *resource = kube_discovery_find(ctx, group, STR(""), kind);
	return resource ? resource->namespaced : -1;
}

static int render(struct comparison *c, struct error *err)
{
	const struct checkout *co = c->checkout;
	struct prepare_options prepare = { .scope = scope, .scope_ctx = c->cluster->client };
	if (co) {
		prepare.app_name = co->app.name;
		prepare.app_namespace = co->app.namespace;
		prepare.target_namespace = co->app.target_namespace;
		c->desired = desired_new();
		cluster_prepare(&prepare, &co->output, c->desired);
		return 0;
	}
	if (c->output) {
		prepare.app_name = c->name;
		prepare.app_namespace = prepare.target_namespace = c->cluster->namespace;
		c->desired = desired_new();
		cluster_prepare(&prepare, c->output, c->desired);
		return 0;
	}
	struct standalone_options options = { .name = c->name,
					      .namespace = c->cluster->namespace,
					      .render = local_objects_render,
					      .render_ctx = c->objects,
					      .shown = c->objects->dir };
	c->desired = standalone_render(&options, scope, c->cluster->client, NULL, err);
	return c->desired ? 0 : -1;
}

/* --- the inventory --- */

struct reading {
	struct comparison *c;
	struct inventory inventory;
	struct error *err;
	bool done, failed;
};

static void on_inventory(void *ctx, const struct inventory *inventory, const char *failure)
{
	struct reading *r = ctx;
	struct arena *a = &r->c->arena;
	r->done = true;
	r->failed = !inventory;
	if (r->failed)
		error_set(r->err, "inventory of %s: %s", r->c->name, failure);
	for (size_t i = 0; inventory && i < inventory->n; i++) {
		struct inventory_entry e = inventory->entries[i];
		if (i == 0)
			r->inventory.entries = arena_array(a, struct inventory_entry, inventory->n);
		r->inventory.entries[r->inventory.n++] =
			(struct inventory_entry){ .key = arena_str(a, e.key),
						  .version = arena_str(a, e.version) };
	}
	loop_stop(r->c->cluster->loop);
}

static int read_inventory(struct comparison *c, struct inventory *out, struct error *err)
{
	if (c->checkout) {
		*out = c->checkout->inventory;
		return 0;
	}
	if (c->output)
		return 0;
	struct reading r = { .c = c, .err = err };
	struct config_store *store = config_store_new(c->cluster->client, c->cluster->namespace, c->name);
	config_store_read(store, on_inventory, &r);
	while (!r.done)
		loop_run(c->cluster->loop);
	config_store_free(store);
	*out = r.inventory;
	return r.failed ? -1 : 0;
}

/* --- the cluster's side --- */

struct question {
	struct comparison *c;
	struct compared *about;
	bool dry_run;
};

static const char *failure_text(struct arena *a, const struct kube_response *response)
{
	if (response->code)
		return arena_printf(a, "%d %.*s", response->code, STR_ARG(response->message));
	return arena_str(a, response->message).p;
}

static void on_live(struct question *q, const struct kube_response *response)
{
	struct arena *a = &q->c->arena;
	if (response->result == KUBE_OK)
		q->about->live = node_clone(a, response->body);
	else if (response->code != 404 && response->result != KUBE_NO_KIND && !q->about->failure)
		q->about->failure = failure_text(a, response);
}

/* Whether a kind is about to come with the same directory. */
static bool brings_kind(const struct desired *d, struct str group, struct str kind)
{
	for (size_t i = 0; i < d->n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct key k;
		struct node *crd;
		if (!key_split(d->items[i].key, &k) || !str_is(k.kind, "CustomResourceDefinition") ||
		    json_parse(&a, d->items[i].payload, false, &crd, NULL) != 0)
			continue;
		if (str_eq(node_text(node_at(crd, "spec.group")), group) &&
		    str_eq(node_text(node_at(crd, "spec.names.kind")), kind))
			return true;
	}
	return false;
}

static bool brings_namespace(const struct desired *d, struct str namespace)
{
	for (size_t i = 0; namespace.n && i < d->n; i++) {
		struct key k;
		if (key_split(d->items[i].key, &k) && !k.group.n && str_is(k.kind, "Namespace") &&
		    str_eq(k.name, namespace))
			return true;
	}
	return false;
}

static void on_dry_run(struct question *q, const struct kube_response *response)
{
	struct arena *a = &q->c->arena;
	struct key k = { 0 };
	key_split(q->about->key, &k);
	if (response->result == KUBE_OK) {
		q->about->git = node_clone(a, response->body);
		return;
	}
	bool later = (response->code == 404 && brings_namespace(q->c->desired, k.namespace)) ||
		     (response->result == KUBE_NO_KIND && brings_kind(q->c->desired, k.group, k.kind));
	if (!later)
		q->about->failure = failure_text(a, response);
}

static void on_answer(void *arg, const struct kube_response *response)
{
	struct question *q = arg;
	if (q->dry_run)
		on_dry_run(q, response);
	else
		on_live(q, response);
	if (--q->c->open == 0)
		loop_stop(q->c->cluster->loop);
}

static void ask(struct comparison *c, struct compared *about, struct str body)
{
	struct question *q = arena_new(&c->arena, struct question);
	struct key k = { 0 };
	key_split(about->key, &k);
	*q = (struct question){ .c = c, .about = about, .dry_run = body.n > 0 };
	int64_t left = cluster_left_ms(c->cluster), most = 10 * CLUSTER_CALL_TIMEOUT_MS;
	struct kube_request request = {
		.verb = body.n ? KUBE_APPLY : KUBE_GET,
		.group = k.group,
		.version = about->version,
		.kind = k.kind,
		.namespace = k.namespace,
		.name = k.name,
		.body = body,
		.field_manager = body.n ? FIELD_MANAGER : NULL,
		.force = body.n > 0,
		.dry_run = body.n > 0,
		.field_validation = body.n ? "Ignore" : NULL, /* warnings are sync's to tell */
		.timeout_ms = left < most ? left + 1 : most,
	};
	c->open++;
	kube_send(c->cluster->client, &request, on_answer, q);
}

static void ask_about_items(struct comparison *c)
{
	for (size_t i = 0; i < c->desired->n; i++) {
		const struct desired_item *item = &c->desired->items[i];
		struct node *written = NULL;
		if (item->flags & DESIRED_IGNORE)
			continue;
		json_parse(&c->arena, item->payload, false, &written, NULL);
		struct compared *about = &c->all[c->n++];
		*about = (struct compared){ .key = item->key,
					    .version = item->version,
					    .file = item->file,
					    .line = item->line,
					    .git = written };
		ask(c, about, STR(""));
		ask(c, about, item->payload);
	}
}

static void ask_about_stale(struct comparison *c, const struct inventory *inventory)
{
	for (size_t i = 0; c->prune && i < inventory->n; i++) {
		const struct inventory_entry *e = &inventory->entries[i];
		if (desired_find(c->desired, e->key))
			continue;
		struct compared *about = &c->all[c->n++];
		*about = (struct compared){ .key = e->key, .version = e->version };
		ask(c, about, STR(""));
	}
}

/* What is not ours, or asked to be kept, will not be pruned. */
static void drop_kept(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct compared *about = &c->all[i];
		const struct node *labels = node_at(about->live, "metadata.labels");
		const struct node *annotations = node_at(about->live, "metadata.annotations");
		if (about->file || !about->live)
			continue;
		if (!str_is(node_text(node_get_str(labels, STR(LABEL_APP))), c->name) ||
		    !str_is(node_text(node_get_str(labels, STR(LABEL_NAMESPACE))), c->cluster->namespace) ||
		    str_is(node_text(node_get_str(annotations, STR(ANNOTATION_PRUNE))), "disabled"))
			about->live = NULL;
	}
}

/* What is to be created is shown as written, without the server's defaults. */
static void prefer_written(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct compared *about = &c->all[i];
		const struct desired_item *item = about->file ? desired_find(c->desired, about->key) : NULL;
		struct node *written = NULL;
		if (item && !about->live && json_parse(&c->arena, item->payload, false, &written, NULL) == 0)
			about->git = written;
	}
}

int comparison_run(struct comparison *c, struct error *err)
{
	struct inventory inventory = { 0 };
	if (render(c, err) < 0 || read_inventory(c, &inventory, err) < 0)
		return -1;
	/* A render that failed prunes nothing. */
	c->prune = c->prune && c->desired->n_errors == 0;
	c->all = arena_array(&c->arena, struct compared, c->desired->n + inventory.n + 1);
	ask_about_items(c);
	ask_about_stale(c, &inventory);
	while (c->open > 0)
		loop_run(c->cluster->loop);
	drop_kept(c);
	prefer_written(c);
	return 0;
}

void comparison_release(struct comparison *c)
{
	desired_unref(c->desired);
	arena_release(&c->arena);
}

struct node *comparison_clean(struct arena *a, const struct node *object)
{
	static const char *const server[] = { "managedFields", "resourceVersion",   "generation",
					      "uid",	       "creationTimestamp", "selfLink" };
	if (!object)
		return NULL;
	struct node *copy = node_clone(a, object), *metadata = node_get(copy, "metadata");
	struct node *annotations = node_get(metadata, "annotations");
	for (size_t i = 0; metadata && i < sizeof(server) / sizeof(server[0]); i++)
		node_del(metadata, str_of(server[i]));
	if (annotations)
		node_del(annotations, STR("kubectl.kubernetes.io/last-applied-configuration"));
	if (annotations && node_count(annotations) == 0)
		node_del(metadata, STR("annotations"));
	node_del(copy, STR("status"));
	return copy;
}
