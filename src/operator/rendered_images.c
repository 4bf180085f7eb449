/*
 * rendered_images.c - lines of `images` in capstan.yaml as ImageRules among the objects of an App, one for
 * each line and App: so they come, change and go with the commit, by the App's rights, as all it deploys.
 *
 * Only the App that deploys the environment's own branch has them: whoever renders another branch of it (a
 * preview, a pinned commit) must not write there.
 */
#include "operator/rendered_parts.h"

static bool is_for(const struct environments_image *image, const struct environment *e)
{
	for (size_t i = 0; i < image->n_environments; i++)
		if (strcmp(image->environments[i], e->name) == 0)
			return true;
	return image->n_environments == 0;
}

static bool follows_branch(const struct rendered_app *app, const struct environment *e)
{
	struct str revision = str_of(app->revision);
	if (str_starts(revision, STR("refs/heads/")))
		revision = str_from(revision, strlen("refs/heads/"));
	return e->branch && str_is(revision, e->branch);
}

static void set(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		node_set(a, map, str_of(key), node_string(a, str_of(arena_strdup(a, text))));
}

static struct node *rule(struct arena *a, const struct rendered_app *app,
			 const struct environments_image *image, const struct environment *e,
			 const char *name)
{
	struct node *root = node_map(a), *metadata = node_map(a), *spec = node_clone(a, image->spec),
		    *update = node_map(a);
	set(a, root, "apiVersion", CAPSTAN_GROUP "/" CAPSTAN_VERSION_NAME);
	set(a, root, "kind", "ImageRule");
	set(a, metadata, "name", name);
	set(a, metadata, "namespace", app->namespace);
	set(a, update, "repo", app->repo);
	set(a, update, "branch", e->branch);
	set(a, update, "environment", e->name);
	set(a, update, "name", arena_printf(a, "%s:%s", app->namespace, image->name));
	set(a, update, "message", image->message);
	node_set(a, spec, STR("update"), update);
	node_set(a, root, STR("metadata"), metadata);
	node_set(a, root, STR("spec"), spec);
	return root;
}

static bool is_there(const struct render_output *out, const struct render_object *object)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct render_object *o = &out->objects[i];
		if (str_eq(o->kind, object->kind) && str_eq(o->name, object->name) &&
		    str_eq(o->group, object->group) &&
		    (!o->namespace.n || str_eq(o->namespace, object->namespace)))
			return true;
	}
	return false;
}

static void add_error(struct arena *a, struct render_output *io, const char *file, uint32_t line,
		      const char *text)
{
	struct render_diag *all = arena_array(a, struct render_diag, io->n_diags + 1);
	if (io->n_diags)
		memcpy(all, io->diags, io->n_diags * sizeof(*all));
	all[io->n_diags++] =
		(struct render_diag){ .severity = RENDER_ERROR, .file = file, .line = line, .text = text };
	io->diags = all;
	io->n_errors++;
}

void rendered_images(struct arena *a, const struct rendered_app *app, const struct environments *all,
		     const struct environment *e, struct render_output *io)
{
	if (!app || !all->n_images || !follows_branch(app, e))
		return;
	struct render_object *objects = arena_array(a, struct render_object, io->n + all->n_images);
	if (io->n)
		memcpy(objects, io->objects, io->n * sizeof(*objects));
	io->objects = objects;
	for (size_t i = 0; i < all->n_images; i++) {
		const struct environments_image *image = &all->images[i];
		if (!image->spec || !is_for(image, e))
			continue;
		const char *name = arena_printf(a, "%s-%s", app->name, image->name);
		struct render_object object = {
			.group = STR(CAPSTAN_GROUP),
			.version = STR(CAPSTAN_VERSION_NAME),
			.kind = STR("ImageRule"),
			.namespace = str_of(arena_strdup(a, app->namespace)),
			.name = str_of(name),
			.file = all->file,
			.line = image->line,
			.root = rule(a, app, image, e, name),
		};
		if (is_there(io, &object))
			add_error(
				a, io, all->file, image->line,
				arena_printf(
					a,
					"images.%s: the files have an ImageRule %s already; rename one of them",
					image->name, name));
		else
			io->objects[io->n++] = object;
	}
}
