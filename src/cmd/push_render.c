/* push_render.c - see push_render.h. */
#include "cmd/push_render.h"

#include "cmd/push_address.h"
#include "operator/rendered.h"
#include "render/images.h"
#include "repo/tree.h"

/* --- the tree, as it is read --- */

static int over_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		     struct error *err)
{
	struct push_render *r = ctx;
	return r->under.ops->find(r->under.ctx, a, path, kind, real, err);
}

static int over_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	struct push_render *r = ctx;
	if (r->under.ops->read(r->under.ctx, a, path, out, err) < 0)
		return -1;
	vec_push(&r->texts, ((struct render_file){ arena_strdup(&r->arena, path), *out }));
	return 0;
}

static int over_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	struct push_render *r = ctx;
	return r->under.ops->list(r->under.ctx, a, path, names, n, err);
}

/* Which repositories may be read, and with whose keys, is the operator's to decide. */
static int over_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		       struct error *err)
{
	return 1;
}

static const struct render_tree_ops over_ops = { over_find, over_read, over_list, over_remote };

int push_render_open(struct push_render *r, const char *git_dir, const char *sha, struct error *err)
{
	*r = (struct push_render){ .git_dir = git_dir, .sha = sha };
	r->commit = commit_tree_open(git_dir, sha, NULL, NULL, err);
	if (!r->commit)
		return -1;
	r->under = commit_tree_files(r->commit);
	r->tree = (struct render_tree){ .ops = &over_ops, .ctx = r, .prefix = "" };
	return 0;
}

void push_render_close(struct push_render *r)
{
	commit_tree_close(r->commit);
	origins_release(&r->origins);
	vec_release(&r->texts);
	arena_release(&r->arena);
}

bool push_render_has(struct push_render *r, const char *path)
{
	enum tree_kind kind = TREE_NONE;
	return over_find(r, &r->arena, path, &kind, NULL, NULL) == 0 && kind != TREE_NONE;
}

int push_render_file(struct push_render *r, struct arena *a, struct environments *out, struct error *err)
{
	struct str text;
	enum tree_kind kind;
	*out = (struct environments){ .file = ENVIRONMENTS_FILE };
	if (over_find(r, a, ENVIRONMENTS_FILE, &kind, NULL, err) < 0)
		return -1;
	if (kind != TREE_FILE)
		return 1;
	if (r->under.ops->read(r->under.ctx, a, ENVIRONMENTS_FILE, &text, err) < 0)
		return -1;
	environments_read(a, ENVIRONMENTS_FILE, arena_str(a, text), out);
	return environments_check(out, err);
}

/* --- rendering --- */

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct push_render *r = ctx;
	size_t kept = 0;
	int rc = repo_tree_read(r->git_dir, r->sha, path, NULL, a, out, err);
	if (rc)
		return rc > 0 ? error_set(err, "there is no path %s", *path ? path : ".") : -1;
	for (size_t i = 0; i < out->n; i++) {
		const struct repo_file *file = &out->files[i];
		vec_push(&r->texts, ((struct render_file){ file->path, file->data }));
		if (render_is_manifest(str_of(file->path)))
			out->files[kept++] = *file;
	}
	out->n = kept;
	return 0;
}

int push_render_environment(struct push_render *r, const struct environment *e, struct error *err)
{
	static const struct rendered_ops ops = { .files = read_files };
	struct arena *a = &r->arena;
	struct render_spec spec;
	struct substitute_values values = { .a = a };
	if (e->type == RENDER_EXEC) {
		r->passed = true;
		return 0;
	}
	int rc = rendered_environment_values(e, &values, err);
	rendered_environment_spec(a, e, &spec);
	spec.lenient = spec.lenient || e->n_from; /* what only the cluster knows is empty */
	struct rendered_request request = {
		.tree = &r->tree,
		.root = "",
		.path = rendered_path(a, e->path),
		.ops = &ops,
		.ctx = r,
		.spec = &spec,
		.values = e->substitutes ? &values : NULL,
		.origins = &r->origins,
	};
	if (rc == 0 && !request.path)
		rc = error_set(err, "%s:%u: path %s leaves the repository", ENVIRONMENTS_FILE, e->line,
			       e->path);
	if (rc == 0)
		rc = rendered_objects(a, &request, &r->output);
	substitute_values_release(&values);
	r->passed = rc == RENDERED_LACKS_REMOTES;
	return rc < 0 ? -1 : 0;
}

/* --- what comes of it --- */

void push_render_check(struct push_render *r, struct check *c, const struct environment *e,
		       const char *namespace)
{
	struct check_environment environment = {
		.name = e->name,
		.objects = r->output.objects,
		.n = r->output.n,
		.diags = r->output.diags,
		.n_diags = r->output.n_diags,
		.origins = r->output.origins,
		.namespace = e->namespace ? e->namespace : namespace,
		.cluster = e->context ? e->context : "",
	};
	check_definitions(c, &environment);
	check_environment(c, &environment);
	for (size_t i = 0; i < r->texts.n; i++)
		check_text(c, r->texts.at[i].path, r->texts.at[i].data);
}

struct noting {
	struct push_run *run;
	VEC(const char *) names;
};

static void note_image(void *ctx, const struct node *image)
{
	struct noting *n = ctx;
	struct str name = image_ref_split(node_text(image)).name;
	for (size_t i = 0; i < n->names.n; i++)
		if (str_is(name, n->names.at[i]))
			return;
	if (name.n)
		vec_push(&n->names, arena_strndup(&n->run->arena, name.p, name.n));
}

void push_render_note(struct push_render *r, struct push_run *run, struct push_target *t)
{
	struct noting noting = { .run = run };
	for (size_t i = 0; i < r->output.n; i++)
		images_of(r->output.objects[i].root, note_image, &noting);
	t->n_objects = r->output.n;
	t->images_used = arena_array(&run->arena, const char *, noting.names.n + 1);
	t->n_images_used = noting.names.n;
	for (size_t i = 0; i < noting.names.n; i++)
		t->images_used[i] = noting.names.at[i];
	vec_release(&noting.names);
	t->address = push_address(&run->arena, &r->output, t->namespace, &t->balancer);
}
