/* deploy_edit.c - see deploy_edit.h. */
#include "cmd/deploy_edit.h"

#include <string.h>

#include "cmd/bases.h"
#include "operator/image_edit.h"

static int find(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		struct error *err)
{
	return bases_find(ctx, url, ref, submodules, out, err);
}

static int round_of(void *ctx, unsigned round, struct error *err)
{
	return bases_round(ctx, round, err);
}

int deploy_edit(void *ctx, struct arena *a, const char *git_dir, const char *parent, struct commit_spec *spec,
		struct error *err)
{
	struct deploy_change *change = ctx;
	struct bases bases = { 0 };
	struct image_item item = {
		.environment = change->environment,
		.path = change->path,
		.images = change->images,
		.n_images = change->n_images,
		.set = change->set,
		.n_set = change->n_set,
		.option = "--image",
	};
	struct image_edit edit = {
		.items = &item,
		.n = 1,
		.remotes = { find, round_of, &bases },
	};
	int rc = image_edit(&edit, a, git_dir, parent, spec, err);
	bases_release(&bases);
	arena_release(&change->arena);
	memcpy(change->parent, edit.parent, sizeof(change->parent));
	change->arena = edit.arena;
	change->files = edit.files;
	change->n_files = edit.n_files;
	return rc;
}
