/* rendered.c - see rendered.h. */
#include "operator/rendered.h"

#include "render/render.h"

bool rendered_is_manifest(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
}

static void add_unreadable(struct desired *d, const struct repo_files *files)
{
	struct problem *all = arena_array(&d->arena, struct problem, d->n_problems + files->n_problems + 1);
	if (d->n_problems)
		memcpy(all, d->problems, d->n_problems * sizeof(*all));
	for (size_t i = 0; i < files->n_problems; i++)
		all[d->n_problems + i] =
			(struct problem){ .key = "",
					  .file = arena_strdup(&d->arena, files->problems[i].path),
					  .text = arena_strdup(&d->arena, files->problems[i].text) };
	d->problems = all;
	d->n_problems += files->n_problems;
	d->n_errors += files->n_problems;
}

struct desired *rendered_files(const struct repo_files *files, const char *root,
			       const struct prepare_options *prepare)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_file *in = arena_array(&a, struct render_file, files->n + 1);
	for (size_t i = 0; i < files->n; i++)
		in[i] = (struct render_file){ files->files[i].path, files->files[i].data };
	struct render_input input = { in, files->n, root };
	struct render_output output = { 0 };
	render_plain(&a, &input, &output);
	struct desired *desired = desired_new();
	cluster_prepare(prepare, &output, desired);
	add_unreadable(desired, files);
	return desired;
}
