/* rendered.c - see rendered.h. */
#include "operator/rendered.h"

#include "render/kustomize/kustomize.h"
#include "render/render.h"

bool rendered_is_manifest(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
}

const char *rendered_path(struct arena *a, const char *path)
{
	static const struct render_tree repository = { 0 };
	return tree_join(&repository, a, "", path);
}

/* --- types --- */

/* One error that is the render's as a whole. */
static void fail_whole(struct arena *a, const char *file, const char *text, struct render_output *out)
{
	struct render_diag *diag = arena_new(a, struct render_diag);
	*diag = (struct render_diag){ .severity = RENDER_ERROR, .file = file, .text = arena_strdup(a, text) };
	*out = (struct render_output){ .diags = diag, .n_diags = 1, .n_errors = 1 };
}

static void add_unreadable(struct arena *a, const struct repo_files *files, struct render_output *out)
{
	struct render_diag *all = arena_array(a, struct render_diag, out->n_diags + files->n_problems + 1);
	if (out->n_diags)
		memcpy(all, out->diags, out->n_diags * sizeof(*all));
	for (size_t i = 0; i < files->n_problems; i++)
		all[out->n_diags + i] = (struct render_diag){ .severity = RENDER_ERROR,
							      .file = files->problems[i].path,
							      .text = files->problems[i].text };
	out->diags = all;
	out->n_diags += files->n_problems;
	out->n_errors += files->n_problems;
}

static void plain(struct arena *a, const struct rendered_request *r, struct render_output *out)
{
	struct repo_files files = { 0 };
	struct error err = ERROR_INIT;
	if (r->files(r->files_ctx, r->files_path, a, &files, &err) < 0) {
		fail_whole(a, "", err.text, out);
		return;
	}
	struct render_file *list = arena_array(a, struct render_file, files.n + 1);
	for (size_t i = 0; i < files.n; i++)
		list[i] = (struct render_file){ files.files[i].path, files.files[i].data };
	struct render_input input = { .files = list,
				      .n = files.n,
				      .root = r->files_path,
				      .templates = r->values != NULL,
				      .origins = r->origins };
	render_plain(a, &input, out);
	add_unreadable(a, &files, out);
}

static int kustomize(struct arena *a, const struct rendered_request *r, struct render_output *out)
{
	struct kustomize_options options = {
		.unrestricted = r->unrestricted,
		.overlay = r->spec->additions,
		.overlay_name = "spec.render.kustomize",
		.origins = r->origins,
		.getenv = r->getenv,
	};
	return render_kustomize(a, r->tree, r->path, &options, r->values != NULL, out);
}

/* Whether the directory has a kustomization file. */
static bool has_kustomization(struct arena *a, const struct rendered_request *r)
{
	static const char *const names[] = { "kustomization.yaml", "kustomization.yml", "Kustomization" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum tree_kind kind;
		const char *path = tree_join(r->tree, a, r->path, names[i]);
		if (path && r->tree->ops->find(r->tree->ctx, a, path, &kind, NULL, NULL) == 0 &&
		    kind == TREE_FILE)
			return true;
	}
	return false;
}

static int by_type(struct arena *a, const struct rendered_request *r, struct render_output *out)
{
	enum render_type type = r->spec->type;
	if (type == RENDER_AUTO)
		type = r->spec->additions || has_kustomization(a, r) ? RENDER_KUSTOMIZE : RENDER_PLAIN;
	switch (type) {
	case RENDER_KUSTOMIZE:
		return kustomize(a, r, out);
	case RENDER_PLAIN:
		plain(a, r, out);
		return 0;
	case RENDER_EXEC:
	case RENDER_ENVIRONMENT:
	case RENDER_AUTO:
		break;
	}
	fail_whole(a, "", "this type of render is not known here", out);
	return 0;
}

int rendered_objects(struct arena *a, const struct rendered_request *request, struct render_output *out)
{
	struct render_output rendered = { 0 };
	int rc = by_type(a, request, &rendered);
	if (rc)
		return rc;
	if (!request->values) {
		*out = rendered;
		return 0;
	}
	struct substitute_options options = {
		.values = request->values,
		.lenient = request->spec->lenient,
		.origins = request->origins,
	};
	render_substitute(a, &rendered, &options, out);
	return 0;
}

int rendered_desired(const struct rendered_request *request, const struct prepare_options *prepare,
		     struct desired **out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output output = { 0 };
	int rc = rendered_objects(&a, request, &output);
	*out = NULL;
	if (rc)
		return rc;
	*out = desired_new();
	cluster_prepare(prepare, &output, *out);
	return 0;
}
