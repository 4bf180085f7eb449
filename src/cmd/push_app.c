/* push_app.c - see push_app.h. */
#include "cmd/push_app.h"

#include "cmd/apps.h"
#include "doc/json.h"
#include "operator/spec.h"
#include "render/images.h"

/* --- the spec --- */

static struct node *text(struct arena *a, const char *z)
{
	return node_string(a, str_of(z));
}

static struct node *map_in(struct arena *a, struct node *map, const char *key)
{
	struct node *in = node_get(map, key);
	if (!in || in->type != NODE_MAP) {
		in = node_map(a);
		node_set(a, map, str_of(key), in);
	}
	return in;
}

/* "web" in the manifests becomes what was built for it. */
static void add_image(struct push_run *run, struct node *images, const char *name, struct str image)
{
	struct arena *a = &run->arena;
	struct image_ref ref = image_ref_split(image);
	struct node *n = node_map(a);
	node_set(a, n, STR("name"), text(a, name));
	node_set(a, n, STR("newName"), node_string(a, arena_str(a, ref.name)));
	if (ref.tag.n)
		node_set(a, n, STR("newTag"), node_string(a, arena_str(a, ref.tag)));
	if (ref.digest.n)
		node_set(a, n, STR("digest"), node_string(a, arena_str(a, ref.digest)));
	node_push(a, images, n);
}

/* The container of a Deployment, as a Remote names them. */
static struct node *container_patch(struct arena *a, const struct hosted_container *c, const char *image)
{
	cleanup_buf struct buf json = BUF_INIT;
	buf_adds(&json, "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":");
	json_write_string(&json, str_of(c->deployment));
	buf_adds(&json, "},\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":");
	json_write_string(&json, str_of(c->container));
	buf_adds(&json, ",\"image\":");
	json_write_string(&json, str_of(image));
	buf_adds(&json, "}]}}}}");
	struct node *patch = node_map(a);
	node_set(a, patch, STR("patch"), node_string(a, arena_str(a, buf_str(&json))));
	return patch;
}

/* Builds of a Remote are those of its containers, in their order. */
static const struct hosted_container *container_of(const struct push_run *run, const struct push_target *t,
						   size_t build)
{
	bool remote = t->environment->line == 0 && build < run->repo.n_containers;
	return remote ? &run->repo.containers[build] : NULL;
}

static void add_images(struct push_run *run, const struct push_target *t, struct node *images,
		       struct node *patches)
{
	struct arena *a = &run->arena;
	for (size_t i = 0; i < run->n_images; i++) {
		const struct built *b = &run->images[i];
		const struct hosted_container *c = container_of(run, t, i);
		struct image_change change = { .name = str_of(b->name) };
		if (c)
			node_push(a, patches, container_patch(a, c, b->image));
		for (size_t k = 0; !c && k < t->n_images_used; k++)
			if (image_change_is_for(&change, str_of(t->images_used[k])))
				add_image(run, images, t->images_used[k], str_of(b->image));
	}
}

static void set_or_drop(struct arena *a, struct node *map, const char *key, struct node *list)
{
	if (node_count(list))
		node_set(a, map, str_of(key), list);
	else
		node_del(map, str_of(key));
}

static void set_render(struct push_run *run, const struct push_target *t, struct node *spec)
{
	struct arena *a = &run->arena;
	struct node *render = map_in(a, spec, "render"), *images = node_seq(a), *patches = node_seq(a);
	struct node *overlay = map_in(a, render, "kustomize");
	/* Without a line it stands in no capstan.yaml: the directory of a Remote. */
	bool directory = t->environment->line == 0;
	node_set(a, render, STR("type"), text(a, directory ? "auto" : "environment"));
	if (directory) {
		node_del(render, STR("name"));
		node_set(a, map_in(a, spec, "source"), STR("path"), text(a, t->environment->path));
	} else {
		node_set(a, render, STR("name"), text(a, t->environment->name));
	}
	add_images(run, t, images, patches);
	set_or_drop(a, overlay, "images", images);
	if (directory)
		set_or_drop(a, overlay, "patches", patches);
	if (!node_count(overlay))
		node_del(render, STR("kustomize"));
}

struct node *push_app_spec(struct push_run *run, const struct push_target *t, const struct node *before)
{
	struct arena *a = &run->arena;
	struct node *spec = before ? node_clone(a, before) : node_map(a);
	struct node *source = map_in(a, spec, "source"), *target = map_in(a, spec, "target"),
		    *sync = map_in(a, spec, "sync");
	node_set(a, source, STR("repo"), text(a, run->repo.name));
	node_set(a, source, STR("revision"), text(a, t->commit));
	node_set(a, target, STR("namespace"), text(a, t->namespace));
	set_render(run, t, spec);
	/* A push asks for it to be deployed now, and to be told how that went. */
	node_del(sync, STR("auto"));
	node_del(sync, STR("wait"));
	if (t->record->timeout_ms % 1000)
		node_set(a, sync, STR("timeout"),
			 text(a, arena_printf(a, "%lldms", (long long)t->record->timeout_ms)));
	else
		node_set(a, sync, STR("timeout"),
			 text(a, arena_printf(a, "%llds", (long long)t->record->timeout_ms / 1000)));
	if (run->repo.service_account)
		node_set(a, spec, STR("serviceAccountName"), text(a, run->repo.service_account));
	return spec;
}

/* --- requests --- */

void push_app_create(struct push_run *run, const struct push_target *t, struct buf *out)
{
	struct arena *a = &run->arena;
	struct node *app = node_map(a), *meta = node_map(a), *labels = node_map(a), *notes = node_map(a);
	node_set(a, labels, STR(PUSH_LABEL), text(a, run->repo.name));
	node_set(a, notes, STR(PUSH_ANNOTATION), text(a, run->record.id));
	node_set(a, meta, STR("name"), text(a, t->record->app));
	node_set(a, meta, STR("namespace"), text(a, t->record->namespace));
	node_set(a, meta, STR("labels"), labels);
	node_set(a, meta, STR("annotations"), notes);
	node_set(a, app, STR("apiVersion"), text(a, CAPSTAN_GROUP "/" CAPSTAN_VERSION_NAME));
	node_set(a, app, STR("kind"), text(a, "App"));
	node_set(a, app, STR("metadata"), meta);
	node_set(a, app, STR("spec"), push_app_spec(run, t, NULL));
	json_write(out, app);
}

struct str push_app_mark(const struct node *app)
{
	struct str mark = node_text(node_get(node_at(app, "metadata.annotations"), PUSH_ANNOTATION));
	return mark.n ? mark : STR("");
}

static struct node *operation(struct arena *a, struct node *patch, const char *op, const char *path,
			      const struct node *value)
{
	struct node *n = node_map(a);
	node_set(a, n, STR("op"), text(a, op));
	node_set(a, n, STR("path"), text(a, path));
	node_set(a, n, STR("value"), node_copy(a, value));
	node_push(a, patch, n);
	return n;
}

#define MARK_PATH "/metadata/annotations/capstan.dev~1push"

void push_app_patch(struct arena *a, const struct node *app, const struct node *spec, const char *mark,
		    struct buf *out)
{
	struct node *patch = node_seq(a);
	const struct node *generation = node_at(app, "metadata.generation");
	struct str before = push_app_mark(app);
	if (generation)
		operation(a, patch, "test", "/metadata/generation", generation);
	if (before.n)
		operation(a, patch, "test", MARK_PATH, node_string(a, before));
	else if (!node_at(app, "metadata.annotations"))
		operation(a, patch, "add", "/metadata/annotations", node_map(a));
	operation(a, patch, "add", MARK_PATH, text(a, mark));
	if (spec)
		operation(a, patch, "replace", "/spec", spec);
	json_write(out, patch);
}

/* --- which one --- */

const struct node *push_app_find(const struct node *apps, const struct push_target *t)
{
	const struct node *named = NULL;
	bool directory = t->environment->line == 0;
	for (size_t i = 0; i < node_count(apps); i++) {
		const struct node *app = node_item(apps, i);
		struct str environment = node_text(node_at(app, "spec.render.name"));
		if (!directory && str_is(environment, t->environment->name))
			return app;
		if (str_is(node_text(node_at(app, "metadata.name")), t->record->app))
			named = app;
	}
	return named;
}
