/* rendered.c - see rendered.h. */
#include "operator/rendered_parts.h"

#include "render/kustomize/kustomize.h"
#include "render/render.h"

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

static int plain(struct arena *a, const struct rendered_request *r, struct render_output *out,
		 struct error *err)
{
	struct repo_files files = { 0 };
	if (r->ops->files(r->ctx, r->path, a, &files, err) < 0)
		return -1;
	struct render_file *list = arena_array(a, struct render_file, files.n + 1);
	for (size_t i = 0; i < files.n; i++)
		list[i] = (struct render_file){ files.files[i].path, files.files[i].data };
	struct render_input input = { .files = list,
				      .n = files.n,
				      .root = tree_shown(r->tree, a, r->path),
				      .templates = r->values != NULL,
				      .origins = r->origins };
	render_plain(a, &input, out);
	add_unreadable(a, &files, out);
	return 0;
}

static int kustomize(struct arena *a, const struct rendered_request *r, struct render_output *out)
{
	struct kustomize_options options = {
		.overlay = r->spec->additions,
		.overlay_name = "spec.render.kustomize",
		.origins = r->origins,
		.getenv = r->ops->getenv,
		.getenv_ctx = r->ctx,
	};
	int rc = render_kustomize(a, r->tree, r->path, &options, r->values != NULL, out);
	return rc ? RENDERED_LACKS_REMOTES : 0;
}

static int exec(struct arena *a, const struct rendered_request *r, struct render_output *out,
		struct error *err)
{
	const struct render_spec *from = r->spec;
	struct exec_output made = { 0 };
	if (!r->exec)
		return error_set(err, "programs are not run here");
	struct exec_spec spec = {
		.argv = (const char *const *)from->command,
		.env = (const char *const *)from->env,
		.timeout_ms = from->exec_timeout_ms,
		.inputs = (const char *const *)from->inputs,
		.memory_bytes = from->exec_memory_bytes,
		.disk_bytes = from->exec_disk_bytes,
		.pids_max = from->exec_pids_max,
		.output_max = from->exec_output_max,
	};
	if (exec_render(r->exec, a, r->tree, r->path, &spec, &made, err) < 0)
		return -1;
	struct render_input input = { .templates = r->values != NULL, .origins = r->origins };
	render_exec(a, arena_printf(a, "output of %s", from->command[0]), made.text, made.warnings,
		    made.n_warnings, &input, out);
	return 0;
}

enum render_type rendered_auto(struct arena *a, const struct rendered_request *r, const char *path)
{
	for (size_t i = 0; kustomize_file_names[i]; i++) {
		enum tree_kind kind;
		const char *file = tree_join(r->tree, a, path, kustomize_file_names[i]);
		if (file && r->tree->ops->find(r->tree->ctx, a, file, &kind, NULL, NULL) == 0 &&
		    kind == TREE_FILE)
			return RENDER_KUSTOMIZE;
	}
	return RENDER_PLAIN;
}

static int by_type(struct arena *a, const struct rendered_request *r, struct render_output *out,
		   struct error *err)
{
	enum render_type type = r->spec->type;
	if (type == RENDER_AUTO)
		type = rendered_auto(a, r, r->path);
	switch (type) {
	case RENDER_KUSTOMIZE:
		return kustomize(a, r, out);
	case RENDER_EXEC:
		return exec(a, r, out, err);
	case RENDER_ENVIRONMENT:
		return rendered_environment(a, r, out, err);
	case RENDER_PLAIN:
	case RENDER_AUTO:
		break;
	}
	int rc = plain(a, r, out, err);
	if (rc == 0 && r->spec->additions)
		rendered_over(a, r->spec->additions, out);
	return rc;
}

int rendered_objects(struct arena *a, const struct rendered_request *request, struct render_output *out)
{
	struct render_output rendered = { 0 };
	struct error err = ERROR_INIT;
	int rc = by_type(a, request, &rendered, &err);
	if (rc > 0)
		return rc;
	if (rc < 0)
		fail_whole(a, "", err.text, &rendered);
	/* An environment has substituted already. */
	bool substitutes = rc == 0 && request->values && request->spec->type != RENDER_ENVIRONMENT;
	*out = rendered;
	if (!substitutes)
		return 0;
	struct substitute_options options = {
		.values = request->values,
		.lenient = request->spec->lenient,
		.origins = request->origins,
	};
	render_substitute(a, &rendered, &options, out);
	out->origins = request->origins;
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
