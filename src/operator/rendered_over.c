/*
 * rendered_over.c - an App's additions (spec.render.kustomize) over objects that no kustomization made: plain
 * manifests, or what a program printed. The objects become the one resource of a kustomization in memory.
 */
#include "operator/rendered_parts.h"

#include "doc/json.h"
#include "render/kustomize/kustomize.h"

#define OBJECTS_FILE "objects.yaml" /* JSON is YAML */

static bool same(const struct render_object *a, const struct render_object *b)
{
	return str_eq(a->group, b->group) && str_eq(a->kind, b->kind) && str_eq(a->name, b->name) &&
	       (str_eq(a->namespace, b->namespace) || !a->namespace.n);
}

/* Where an object stands is where it stood; the order is kept, so mostly the next one is it. */
static void keep_places(const struct render_output *from, struct render_output *to)
{
	for (size_t i = 0; i < to->n; i++) {
		struct render_object *o = &to->objects[i];
		size_t k = i < from->n && same(&from->objects[i], o) ? i : 0;
		while (k < from->n && !same(&from->objects[k], o))
			k++;
		if (k < from->n) {
			o->file = from->objects[k].file;
			o->line = from->objects[k].line;
		}
	}
}

static void keep_diags(struct arena *a, const struct render_output *from, struct render_output *to)
{
	struct render_diag *all = arena_array(a, struct render_diag, from->n_diags + to->n_diags + 1);
	for (size_t i = 0; i < from->n_diags; i++)
		all[i] = from->diags[i];
	for (size_t i = 0; i < to->n_diags; i++)
		all[from->n_diags + i] = to->diags[i];
	to->diags = all;
	to->n_diags += from->n_diags;
	to->n_errors += from->n_errors;
}

void rendered_over(struct arena *a, const struct node *additions, struct render_output *io)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct render_output over = { 0 };
	if (io->n_errors || !io->n)
		return;
	for (size_t i = 0; i < io->n; i++) {
		buf_adds(&text, "---\n");
		json_write(&text, io->objects[i].root);
		buf_addc(&text, '\n');
	}
	const char *const paths[] = { "kustomization.yaml", OBJECTS_FILE };
	const struct str texts[] = { STR("resources: [" OBJECTS_FILE "]\n"), arena_str(a, buf_str(&text)) };
	struct tree_memory files = { .paths = paths, .texts = texts, .n = 2 };
	struct render_tree tree = tree_memory(&files);
	struct kustomize_options options = { .overlay = additions, .overlay_name = "spec.render.kustomize" };
	render_kustomize(a, &tree, "", &options, true, &over);
	keep_places(io, &over);
	keep_diags(a, io, &over);
	*io = over;
}
