/* local_objects.c - see local_objects.h. */
#include "cmd/local_objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/local_tree.h"
#include "cmd/session.h"
#include "cmd/value_source.h"
#include "io/file.h"
#include "repo/files.h"

const char *const local_objects_types[] = { "auto", "plain", "kustomize", NULL };

/* --- capstan.yaml --- */

static bool exists(const char *dir, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", dir, name);
	return access(path.p, F_OK) == 0;
}

/* The directory with capstan.yaml: real, or one above it up to the root of its repository. NULL: none. */
static char *find_root(struct arena *a, const char *real)
{
	char *at = arena_strdup(a, real);
	for (;;) {
		if (exists(at, ENVIRONMENTS_FILE))
			return at;
		char *slash = strrchr(at, '/');
		if (exists(at, ".git") || !slash || slash == at)
			return NULL;
		*slash = '\0';
	}
}

static int read_environments(struct local_objects *o, struct local_tree *files, struct error *err)
{
	struct str text;
	const char *path = tree_join(&files->tree, &o->arena, o->root, ENVIRONMENTS_FILE);
	if (files->tree.ops->read(files->tree.ctx, &o->arena, path, &text, err) < 0)
		return -1;
	char *copy = arena_strndup(&o->arena, text.p, text.n); /* the tree goes, the environments stay */
	environments_read(&o->arena, tree_shown(&files->tree, &o->arena, path), (struct str){ copy, text.n },
			  &o->all);
	return environments_check(&o->all, err);
}

static int take_environment(struct local_objects *o, const char *name, struct error *err)
{
	struct arena *a = &o->arena;
	o->environment = environments_find(&o->all, str_of(name), err);
	if (!o->environment)
		return -1;
	rendered_environment_spec(a, o->environment, &o->spec);
	static const struct render_tree local = { .skip = "/" };
	o->path = tree_join(&local, a, o->root, o->environment->path);
	return 0;
}

/* --- variables --- */

static int take_set(struct local_objects *o, struct error *err)
{
	for (size_t i = 0; i < o->given->set.n; i++) {
		struct str value, name = str_cut(str_of(o->given->set.at[i]), '=', &value);
		if (!memchr(o->given->set.at[i], '=', strlen(o->given->set.at[i])))
			return error_set(err, "--set %s: it is of the form NAME=VALUE", o->given->set.at[i]);
		if (substitute_add(&o->values, name, value, "--set", false, err) < 0)
			return -1;
	}
	return 0;
}

static int take_values(struct local_objects *o, struct error *err)
{
	const struct environment *e = o->environment;
	o->values.a = o->from_cluster.a = &o->arena;
	o->has_values = o->given->set.n || (e && e->substitutes);
	if (e && rendered_environment_values(e, &o->values, err) < 0)
		return -1;
	/* What only the cluster knows is empty without one, instead of a hundred errors. */
	if (e && e->n_from)
		o->spec.lenient = true;
	return take_set(o, err);
}

/* --- open --- */

static int open_dir(struct local_objects *o, struct local_tree *files, struct error *err)
{
	cleanup_free char *real = realpath(o->dir, NULL);
	if (!real)
		return error_set(err, "there is no directory %s", o->dir);
	char *root = find_root(&o->arena, real);
	o->path = arena_strdup(&o->arena, real + 1);
	o->has_file = root != NULL;
	o->root = root ? arena_strdup(&o->arena, root + 1) : o->path;
	if (!o->given->env)
		return 0;
	if (!root)
		return error_set(
			err,
			"--env %s: there is no %s in %s or above it up to the root of its repository; `capstan init` "
			"writes one",
			o->given->env, ENVIRONMENTS_FILE, o->dir);
	return read_environments(o, files, err) < 0 ? -1 : take_environment(o, o->given->env, err);
}

int local_objects_open(struct local_objects *o, const struct cli *cli,
		       const struct local_objects_given *given, const char *dir, struct error *err)
{
	*o = (struct local_objects){ .cli = cli, .given = given, .dir = dir ? dir : "." };
	o->bases.offline = given->offline;
	o->bases.refresh = given->refresh;
	struct local_tree files;
	if (local_tree_init(&files, err) < 0)
		return -1;
	int rc = open_dir(o, &files, err);
	local_tree_release(&files);
	if (rc == 0 && given->render && !render_type_read(str_of(given->render), &o->spec.type))
		rc = error_set(err, "--render %s is not known", given->render);
	return rc < 0 ? -1 : take_values(o, err);
}

int local_objects_open_file(struct local_objects *o, struct error *err)
{
	struct local_tree files;
	if (!o->has_file)
		return error_set(err, "there is no %s in %s or above it; `capstan init` writes one",
				 ENVIRONMENTS_FILE, o->dir);
	if (local_tree_init(&files, err) < 0)
		return -1;
	int rc = read_environments(o, &files, err);
	local_tree_release(&files);
	return rc;
}

int local_objects_open_environment(struct local_objects *o, const struct local_objects *opened,
				   const char *name, struct error *err)
{
	*o = (struct local_objects){ .cli = opened->cli, .given = opened->given, .dir = opened->dir };
	o->bases.offline = o->given->offline;
	o->bases.refresh = o->given->refresh;
	struct local_tree files;
	o->root = arena_strdup(&o->arena, opened->root);
	if (local_tree_init(&files, err) < 0)
		return -1;
	int rc = read_environments(o, &files, err);
	local_tree_release(&files);
	if (rc < 0 || take_environment(o, name, err) < 0)
		return -1;
	return take_values(o, err);
}

void local_objects_close(struct local_objects *o)
{
	substitute_values_release(&o->values);
	substitute_values_release(&o->from_cluster);
	bases_release(&o->bases);
	origins_release(&o->origins);
	arena_release(&o->arena);
}

void local_objects_name(const struct local_objects *o, char out[COMMAND_APP_NAME_MAX])
{
	command_app_name(o->environment ? o->environment->name : o->dir, out);
}

const char *local_objects_namespace(const struct local_objects *o, const char *otherwise)
{
	const struct environment *e = o->environment;
	return e && e->namespace ? e->namespace : otherwise;
}

void local_objects_context(const struct local_objects *o, struct common *common)
{
	if (!common->context && o->environment)
		common->context = o->environment->context;
	if (!common->namespace && o->environment)
		common->namespace = o->environment->namespace;
}

/* --- variables of the cluster --- */

int local_objects_values(struct local_objects *o, struct cluster *c, struct error *err)
{
	const struct environment *e = o->environment;
	for (size_t i = 0; e && i < e->n_from; i++)
		if (environment_source_get(c, &o->arena, c->namespace, &e->from[i], &o->from_cluster, err) <
		    0)
			return error_wrap(err, "environment %s", e->name);
	if (e)
		o->spec.lenient = !e->strict;
	return 0;
}

/* --- rendering --- */

struct rendering {
	struct local_objects *o;
	struct local_tree files;
};

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct rendering *r = ctx;
	struct local_objects *o = r->o;
	const char *shown = tree_shown(&r->files.tree, a, path);
	size_t kept = 0;
	/* Who wants to see texts wants those of other files, too. */
	if (repo_dir_read(shown, o->on_text ? NULL : render_is_manifest, a, out, err) != 0)
		return error_set(err, "there is no directory %s", shown);
	for (size_t i = 0; o->on_text && i < out->n; i++) {
		const struct repo_file *file = &out->files[i];
		o->on_text(o->on_text_ctx, file->path, file->data);
		if (render_is_manifest(str_of(file->path)))
			out->files[kept++] = *file;
	}
	out->n = o->on_text ? kept : out->n;
	return 0;
}

static const char *get_variable(void *ctx, const char *name)
{
	return getenv(name);
}

int local_objects_exec(const struct cli *cli, struct arena *a, struct exec_render *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	*out = (struct exec_render){
		.any = true,
		.cache_dir = arena_printf(a, "%s/exec", session_cache_dir(a)),
		.policy = CONFINE_TOLERATE,
	};
	if (files_make_dirs(session_cache_dir(a), err) < 0)
		return -1;
	int rc = exec_render_begin(out, &text, err);
	if (rc > 0)
		fprintf(cli->err, "%s: note: too little confines programs on this machine: they are %s\n",
			cli->program, text.p);
	return rc < 0 ? -1 : 0;
}

/* When too little confines programs it is said once. */
static int begin_exec(struct local_objects *o, struct error *err)
{
	if (o->exec_begun)
		return 0;
	o->exec_begun = true;
	return local_objects_exec(o->cli, &o->arena, &o->exec, err);
}

static int render_once(struct rendering *r, struct arena *a, struct render_output *out, struct error *err)
{
	static const struct rendered_ops ops = { .files = read_files, .getenv = get_variable };
	struct local_objects *o = r->o;
	struct substitute_values values = { .a = a };
	/* The cluster\'s, then the environment\'s, then --set: later ones win. */
	substitute_add_all(&values, &o->from_cluster);
	substitute_add_all(&values, &o->values);
	if (o->spec.type == RENDER_EXEC && begin_exec(o, err) < 0)
		return -1;
	struct rendered_request request = {
		.exec = &o->exec,
		.tree = &r->files.tree,
		.root = o->root,
		.path = o->path,
		.ops = &ops,
		.ctx = r,
		.spec = &o->spec,
		.values = o->has_values ? &values : NULL,
		.origins = &o->origins,
	};
	origins_release(&o->origins);
	int rc = rendered_objects(a, &request, out);
	substitute_values_release(&values);
	return rc;
}

int local_objects_render(void *arg, struct arena *a, struct render_output *out, struct error *err)
{
	struct rendering r = { .o = arg };
	int rc = RENDERED_LACKS_REMOTES;
	for (unsigned round = 0; rc == RENDERED_LACKS_REMOTES; round++) {
		if (bases_round(&r.o->bases, round, err) < 0 || local_tree_init(&r.files, err) < 0)
			return -1;
		r.files.bases = &r.o->bases;
		r.files.on_text = r.o->on_text;
		r.files.on_text_ctx = r.o->on_text_ctx;
		rc = render_once(&r, a, out, err);
		local_tree_release(&r.files);
	}
	return rc;
}
