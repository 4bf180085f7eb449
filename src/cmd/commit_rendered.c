/* commit_rendered.c - see commit_rendered.h. */
#include "cmd/commit_rendered.h"

#include "base/vec.h"
#include "operator/hydrate.h"
#include "operator/rendered.h"
#include "repo/tree.h"

/* What the commit has below dir; nothing when there is no such directory. */
static int read_committed(struct arena *a, const char *git_dir, const char *sha, const char *dir,
			  struct repo_files *out, struct error *err)
{
	*out = (struct repo_files){ 0 };
	int rc = repo_tree_read(git_dir, sha, dir, NULL, a, out, err);
	if (rc == 0 && out->n_problems)
		return error_set(err, "%s: %s", out->problems[0].path, out->problems[0].text);
	return rc < 0 ? -1 : 0;
}

int commit_rendered_changes(struct arena *a, const char *git_dir, const char *sha,
			    const struct commit_environment *e, struct rendered_file **out, size_t *n,
			    struct error *err)
{
	/* What may lie in plain text was decided by the check that came before. */
	struct hydrate_options options = { .namespace = e->environment->namespace, .secrets = true };
	const char *dir = rendered_path(a, e->environment->rendered);
	size_t cut = *dir ? strlen(dir) + 1 : 0, n_made, i = 0, k = 0;
	struct commit_file *made;
	struct repo_files there;
	if (hydrate_files(a, e->output.objects, e->output.n, &options, &made, &n_made, err) < 0 ||
	    read_committed(a, git_dir, sha, dir, &there, err) < 0)
		return error_wrap(err, "%s", e->environment->rendered);
	*out = arena_array(a, struct rendered_file, n_made + there.n + 1);
	*n = 0;
	while (i < n_made || k < there.n) {
		const struct repo_file *old = k < there.n ? &there.files[k] : NULL;
		const struct commit_file *new = i < n_made ? &made[i] : NULL;
		int order = !old ? -1 : !new ? 1 : strcmp(new->path, old->path + cut);
		i += order <= 0;
		k += order >= 0;
		if (order > 0 && !hydrate_is_ours(old->path + cut))
			continue;
		if (order == 0 && str_eq(new->data, old->data))
			continue;
		(*out)[(*n)++] = (struct rendered_file){
			.path = order < 0 ? arena_printf(a, "%s%s%s", dir, *dir ? "/" : "", new->path)
					  : old->path,
			.was = order >= 0,
			.is = order <= 0,
			.before = order >= 0 ? old->data : STR(""),
			.now = order <= 0 ? new->data : STR(""),
		};
	}
	return 0;
}
