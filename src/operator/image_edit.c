/* image_edit.c - see image_edit.h. */
#include "operator/image_edit.h"

#include <stdio.h>

#include "base/vec.h"
#include "operator/rendered.h"
#include "render/environments.h"
#include "render/kustomize/kustomize.h"
#include "repo/tree.h"

/* A file that is, or may be, changed. */
struct file {
	const char *path; /* with links followed */
	struct edit *edit;
	bool executable;
};

struct work {
	struct arena *a;
	const char *mirror, *sha;
	struct image_edit *edit;
	struct image_item *item; /* that is looked at */
	struct commit_tree *commit;
	struct render_tree under, tree; /* as committed; with what was changed */
	VEC(struct file *) files;
	struct environments all;
	const struct environment *environment;
	const char *dir;	     /* of the environment, as a path of the tree */
	struct repo_files manifests; /* below dir, as committed */
	const char *kustomization;   /* of dir; NULL: there is none */
};

/* --- the tree with what was changed --- */

static struct file *known(const struct work *w, const char *path)
{
	for (size_t i = 0; i < w->files.n; i++)
		if (strcmp(w->files.at[i]->path, path) == 0)
			return w->files.at[i];
	return NULL;
}

static int over_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		     struct error *err)
{
	const struct work *w = ctx;
	return w->under.ops->find(w->under.ctx, a, path, kind, real, err);
}

static int over_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	const struct work *w = ctx;
	enum tree_kind kind;
	const char *real = path;
	if (over_find(ctx, a, path, &kind, &real, err) < 0)
		return -1;
	const struct file *f = kind == TREE_FILE ? known(w, real) : NULL;
	if (!f)
		return w->under.ops->read(w->under.ctx, a, path, out, err);
	*out = edit_text(f->edit);
	return 0;
}

static int over_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	const struct work *w = ctx;
	return w->under.ops->list(w->under.ctx, a, path, names, n, err);
}

static int over_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		       struct error *err)
{
	const struct work *w = ctx;
	const struct image_remotes *r = &w->edit->remotes;
	return r->find ? r->find(r->ctx, url, ref, submodules, out, err) : 1;
}

static const struct render_tree_ops over_ops = { over_find, over_read, over_list, over_remote };

static struct file *open_file(struct work *w, const char *path, struct error *err)
{
	enum tree_kind kind;
	const char *real = path;
	struct repo_files found;
	if (over_find(w, w->a, path, &kind, &real, err) < 0)
		return NULL;
	struct file *f = known(w, real);
	if (f)
		return f;
	if (kind != TREE_FILE || repo_tree_read(w->mirror, w->sha, real, NULL, w->a, &found, err) != 0 ||
	    found.n != 1) {
		error_set(err, "%s: there is no such file in the commit", path);
		return NULL;
	}
	f = arena_new(w->a, struct file);
	*f = (struct file){ .path = arena_strdup(w->a, real), .executable = found.files[0].mode == 0755 };
	if (edit_open(w->a, f->path, found.files[0].data, &f->edit, err) < 0)
		return NULL;
	vec_push(&w->files, f);
	return f;
}

/* --- what there is --- */

static int read_environment(struct work *w, struct error *err)
{
	struct str text;
	enum tree_kind kind;
	if (!w->item->environment) {
		struct environment *alone = arena_new(w->a, struct environment);
		*alone = (struct environment){ .name = w->item->path,
					       .path = w->item->path,
					       .type = RENDER_AUTO };
		w->environment = alone;
		w->dir = rendered_path(w->a, alone->path);
		return 0;
	}
	if (over_find(w, w->a, ENVIRONMENTS_FILE, &kind, NULL, err) < 0)
		return -1;
	if (kind != TREE_FILE)
		return error_set(err, "there is no " ENVIRONMENTS_FILE " at the root of the commit %.12s",
				 w->sha);
	if (over_read(w, w->a, ENVIRONMENTS_FILE, &text, err) < 0)
		return -1;
	environments_read(w->a, ENVIRONMENTS_FILE, text, &w->all);
	if (environments_check(&w->all, err) < 0)
		return -1;
	w->environment = environments_find(&w->all, str_of(w->item->environment), err);
	if (!w->environment)
		return -1;
	w->dir = rendered_path(w->a, w->environment->path);
	return 0;
}

static int read_directory(struct work *w, struct error *err)
{
	enum tree_kind kind;
	const char **names;
	size_t n;
	if (over_find(w, w->a, w->dir, &kind, NULL, err) < 0)
		return -1;
	if (kind != TREE_DIR)
		return w->item->environment
			       ? error_set(err, "%s:%u: environment %s: there is no directory %s",
					   ENVIRONMENTS_FILE, w->environment->line, w->environment->name,
					   w->environment->path)
			       : error_set(err, "there is no directory %s", w->environment->path);
	if (repo_tree_read(w->mirror, w->sha, w->dir, render_is_manifest, w->a, &w->manifests, err) < 0 ||
	    over_list(w, w->a, w->dir, &names, &n, err) < 0)
		return -1;
	bool kustomize = w->environment->type == RENDER_AUTO || w->environment->type == RENDER_KUSTOMIZE;
	for (size_t i = 0; i < n && kustomize; i++)
		if (kustomize_is_file(str_of(names[i])))
			w->kustomization = tree_join(&w->under, w->a, w->dir, names[i]);
	return 0;
}

static bool holds(struct str text, const char *word)
{
	return memmem(text.p ? text.p : "", text.n, word, strlen(word)) != NULL;
}

/* --- rendering --- */

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct work *w = ctx;
	int rc = repo_tree_read(w->mirror, w->sha, path, render_is_manifest, a, out, err);
	for (size_t i = 0; rc == 0 && i < out->n; i++) {
		enum tree_kind kind;
		const char *real = out->files[i].path;
		if (over_find(w, a, real, &kind, &real, err) < 0)
			return -1;
		const struct file *f = known(w, real);
		if (f)
			out->files[i].data = edit_text(f->edit);
	}
	return rc > 0 ? error_set(err, "there is no path %s", path) : rc;
}

static int render_once(struct work *w, struct arena *a, struct render_output *out, struct error *err)
{
	static const struct rendered_ops ops = { .files = read_files };
	struct render_spec spec;
	struct substitute_values values = { .a = a };
	const struct environment *e = w->environment;
	int rc = rendered_environment_values(e, &values, err);
	rendered_environment_spec(a, e, &spec);
	spec.lenient = true; /* the cluster's values are not at hand, and images seldom need them */
	struct rendered_request request = {
		.tree = &w->tree,
		.root = "",
		.path = w->dir,
		.ops = &ops,
		.ctx = w,
		.spec = &spec,
		.values = e->substitutes ? &values : NULL,
	};
	if (rc == 0)
		rc = rendered_objects(a, &request, out);
	substitute_values_release(&values);
	return rc;
}

/* 1: bases of other repositories cannot be had here. */
static int render(struct work *w, struct arena *a, struct render_output *out, struct error *err)
{
	int rc = RENDERED_LACKS_REMOTES;
	const struct image_remotes *r = &w->edit->remotes;
	for (unsigned round = 0; rc == RENDERED_LACKS_REMOTES; round++) {
		int ready = r->round ? r->round(r->ctx, round, err) : round > 0;
		if (ready)
			return ready;
		rc = render_once(w, a, out, err);
	}
	if (rc < 0 || !out->n_errors)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < out->n_diags; i++)
		if (out->diags[i].severity == RENDER_ERROR)
			return error_set(err, "it cannot be rendered: %s",
					 render_diag_text(a, &out->diags[i]));
	return error_set(err, "it cannot be rendered");
}

/* What is used, without what is used twice. */
struct used {
	struct arena *a;
	VEC(struct str) texts;
};

static void note_used(void *ctx, const struct node *image)
{
	struct used *u = ctx;
	struct str text = node_text(image);
	for (size_t i = 0; i < u->texts.n; i++)
		if (str_eq(u->texts.at[i], text))
			return;
	if (text.n)
		vec_push(&u->texts, arena_str(u->a, text));
}

static int find_used(struct work *w, struct used *u, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out = { 0 };
	int rc = render(w, &a, &out, err);
	for (size_t i = 0; i < out.n && rc == 0; i++)
		images_of(out.objects[i].root, note_used, u);
	return rc;
}

enum { NAMES_SHOWN = 12 };

static int not_used(const struct work *w, const struct used *u, const struct image_change *c,
		    struct error *err)
{
	cleanup_buf struct buf names = BUF_INIT;
	for (size_t i = 0; i < u->texts.n && i < NAMES_SHOWN; i++)
		buf_printf(&names, "%s%.*s", i ? ", " : "", STR_ARG(image_ref_split(u->texts.at[i]).name));
	return error_set(err, "%s %.*s: no object of environment %s uses an image of that name; it has %s%s",
			 w->item->option, STR_ARG(c->name), w->environment->name, names.n ? names.p : "none",
			 u->texts.n > NAMES_SHOWN ? ", ..." : "");
}

/* The one name in use that the change is for. */
static int name_in_use(struct work *w, const struct image_change *c, struct str *out, struct error *err)
{
	struct used used = { .a = w->a };
	int rc = find_used(w, &used, err);
	if (rc > 0)
		rc = error_set(
			err,
			"%s %.*s: nothing below %s sets it, and what is rendered there is not known here, as it "
			"has bases in other repositories; give it an entry of `images`",
			w->item->option, STR_ARG(c->name), w->environment->path);
	*out = STR("");
	for (size_t i = 0; i < used.texts.n && rc == 0; i++) {
		struct str name = image_ref_split(used.texts.at[i]).name;
		if (!image_change_is_for(c, name) || str_eq(name, *out))
			continue;
		if (out->n)
			rc = error_set(err, "%s %.*s: it may be %.*s or %.*s; write one of these in full",
				       w->item->option, STR_ARG(c->name), STR_ARG(*out), STR_ARG(name));
		*out = name;
	}
	if (rc == 0 && !out->n)
		rc = not_used(w, &used, c, err);
	vec_release(&used.texts);
	return rc;
}

/* --- changing --- */

/* Of all files first the policies, twice: a digest's setter may stand before the image's. */
static int at_setters(struct work *w, const struct image_change *c, size_t *n, struct error *err)
{
	struct image_policies policies = { .n = 0 };
	if (w->item->policy) {
		policies.at[0] = str_of(w->item->policy);
		policies.n = 1;
	}
	for (unsigned pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < w->manifests.n; i++) {
			if (!holds(w->manifests.files[i].data, "$imagepolicy"))
				continue;
			struct file *f = open_file(w, w->manifests.files[i].path, err);
			if (!f)
				return -1;
			int rc = 0;
			if (pass == 2)
				rc = images_at_setters(f->edit, w->a, c, &policies, n, err);
			else if (w->item->policy)
				images_note_digests(f->edit, w->a, &policies);
			else
				rc = images_find_policies(f->edit, w->a, c, &policies, err);
			if (rc < 0)
				return error_wrap(err, "%s", f->path);
		}
	}
	return 0;
}

static struct str additions_path(const struct work *w)
{
	return str_of(arena_printf(w->a, "environments[\"%s\"].kustomize", w->environment->name));
}

/* 0; 1: there is no entry. */
static int in_entries(struct work *w, const struct image_change *c, struct str as, struct error *err)
{
	int rc = 1;
	if (w->environment->additions) {
		struct file *f = open_file(w, ENVIRONMENTS_FILE, err);
		rc = f ? images_in_kustomization(f->edit, additions_path(w), c, STR(""), err) : -1;
	}
	if (rc <= 0 || !w->kustomization)
		return rc;
	struct file *f = open_file(w, w->kustomization, err);
	return f ? images_in_kustomization(f->edit, STR(""), c, as, err) : -1;
}

static int in_manifests(struct work *w, const struct image_change *c, size_t *n, struct error *err)
{
	struct str last = c->name;
	for (size_t i = 0; i < last.n; i++)
		if (last.p[i] == '/')
			last = str_from(last, i + 1), i = 0;
	const char *word = arena_str(w->a, last).p;
	for (size_t i = 0; i < w->manifests.n; i++) {
		if (!holds(w->manifests.files[i].data, word))
			continue;
		struct file *f = open_file(w, w->manifests.files[i].path, err);
		if (!f || images_in_manifest(f->edit, c, n, err) < 0)
			return -1;
	}
	return 0;
}

static int change_image(struct work *w, const struct image_change *c, struct error *err)
{
	size_t n = 0;
	struct str name;
	if (at_setters(w, c, &n, err) < 0)
		return -1;
	if (n)
		return 0;
	int rc = in_entries(w, c, STR(""), err);
	if (rc <= 0)
		return rc;
	if (!w->kustomization && w->environment->type != RENDER_EXEC && in_manifests(w, c, &n, err) < 0)
		return -1;
	if (n)
		return 0;
	if (w->environment->type == RENDER_EXEC)
		return error_set(err,
				 "%s %.*s: environment %s is rendered by a program, and no setter comment "
				 "(# {\"$imagepolicy\": ...}) below %s stands for it",
				 w->item->option, STR_ARG(c->name), w->environment->name,
				 w->environment->path);
	if (name_in_use(w, c, &name, err) < 0)
		return -1;
	if (!w->kustomization)
		return error_set(err, "%s %.*s: no manifest below %s has it as a container's image",
				 w->item->option, STR_ARG(c->name), w->environment->path);
	return in_entries(w, c, name, err);
}

static int change_variable(struct work *w, const char *given, struct error *err)
{
	struct str value, name = str_cut(str_of(given), '=', &value);
	struct file *f = open_file(w, ENVIRONMENTS_FILE, err);
	if (!f)
		return -1;
	struct str base = str_of(arena_printf(w->a, "environments[\"%s\"]", w->environment->name));
	struct str path = str_of(arena_printf(w->a, "%.*s.substitute", STR_ARG(base)));
	struct node *values = NULL, *text = node_string(w->a, value);
	if (edit_find(f->edit, 0, path, &values, NULL) < 0) {
		struct node *map = node_map(w->a);
		node_set(w->a, map, name, text);
		return edit_add(f->edit, 0, base, STR("substitute"), map, err);
	}
	const struct node *is = node_get_str(values, name);
	if (!is)
		return edit_add(f->edit, 0, path, name, text, err);
	return str_eq(is->text, value) && is->type != NODE_MAP ? 0
							       : edit_replace_node(f->edit, is, text, 0, err);
}

/* What was written has to be what comes out. */
static int check_outcome(struct work *w, struct error *err)
{
	struct used used = { .a = w->a };
	if (w->environment->type == RENDER_EXEC)
		return 0;
	int rc = read_environment(w, err) < 0 ? -1 : find_used(w, &used, err);
	if (rc < 0)
		error_wrap(err, "after the change");
	if (rc > 0) /* the entries that were found have to do */
		return 0;
	for (size_t i = 0; i < w->item->n_images && rc == 0; i++) {
		const struct image_change *c = &w->item->images[i];
		const struct str *other = NULL;
		bool found = false;
		for (size_t k = 0; k < used.texts.n; k++) {
			const struct str *text = &used.texts.at[k];
			if (str_eq(*text, c->text))
				found = true;
			else if (image_change_is_for(c, image_ref_split(*text).name))
				other = text;
		}
		if (!found || other)
			rc = error_set(err,
				       "%s %.*s: with the change the objects of %s would use %.*s; something "
				       "else sets it, too (`capstan render --env %s --origin` says what)",
				       w->item->option, STR_ARG(c->name), w->environment->name,
				       other ? (int)other->n : 11, other ? other->p : "other ones",
				       w->environment->name);
	}
	vec_release(&used.texts);
	return rc;
}

/* --- all files below a directory --- */

static bool is_kustomization(const char *path)
{
	const char *slash = strrchr(path, '/');
	return kustomize_is_file(str_of(slash ? slash + 1 : path));
}

/* Entries of `images`, where no setter comment of the policy stands. */
static int in_kustomizations(struct work *w, const struct image_change *c, size_t *n, struct error *err)
{
	for (size_t i = 0; i < w->manifests.n; i++) {
		struct image_policies policies = { .at = { str_of(w->item->policy) }, .n = 1 };
		size_t setters = 0;
		if (!is_kustomization(w->manifests.files[i].path) ||
		    !holds(w->manifests.files[i].data, "images"))
			continue;
		struct file *f = open_file(w, w->manifests.files[i].path, err);
		if (!f)
			return -1;
		int rc = images_at_setters(f->edit, w->a, c, &policies, &setters, err);
		if (rc == 0 && !setters)
			rc = images_in_kustomization(f->edit, STR(""), c, STR(""), err);
		else if (rc == 0)
			rc = 1;
		if (rc < 0)
			return error_wrap(err, "%s", f->path);
		*n += rc == 0;
	}
	return 0;
}

static int work_below(struct work *w, struct error *err)
{
	const struct image_item *item = w->item;
	size_t n = 0;
	w->dir = rendered_path(w->a, item->path);
	int rc = repo_tree_read(w->mirror, w->sha, w->dir, render_is_manifest, w->a, &w->manifests, err);
	if (rc > 0)
		return error_set(err, "there is no directory %s", item->path);
	for (size_t i = 0; i < item->n_images && rc == 0; i++) {
		if (at_setters(w, &item->images[i], &n, err) < 0 ||
		    in_kustomizations(w, &item->images[i], &n, err) < 0)
			return -1;
	}
	if (rc == 0 && !n)
		return error_set(
			err,
			"no value below %s has the setter comment # {\"$imagepolicy\": \"%s\"}, and no "
			"kustomization file there has the image in `images`",
			*w->dir ? w->dir : ".", item->policy);
	return rc;
}

/* --- the commit's files --- */

static int take_files(struct work *w, struct commit_spec *spec)
{
	struct image_edit *e = w->edit;
	struct commit_file *files = arena_array(w->a, struct commit_file, w->files.n + 1);
	e->files = arena_array(&e->arena, const char *, w->files.n + 1);
	for (size_t i = 0; i < w->files.n; i++) {
		const struct file *f = w->files.at[i];
		if (!edit_changed(f->edit))
			continue;
		files[e->n_files] = (struct commit_file){ f->path, edit_text(f->edit), f->executable };
		e->files[e->n_files++] = arena_strdup(&e->arena, f->path);
	}
	spec->files = files;
	spec->n = e->n_files;
	return e->n_files ? 0 : 1;
}

static int work(struct work *w, struct error *err)
{
	const struct image_item *c = w->item;
	if (c->policy && !c->environment)
		return work_below(w, err);
	w->kustomization = NULL;
	if (read_environment(w, err) < 0 || read_directory(w, err) < 0)
		return -1;
	for (size_t i = 0; i < c->n_images; i++)
		if (change_image(w, &c->images[i], err) < 0)
			return -1;
	for (size_t i = 0; i < c->n_set; i++)
		if (change_variable(w, c->set[i], err) < 0)
			return -1;
	return check_outcome(w, err);
}

/* All that can be written; what an item that cannot has changed before it failed is not kept. */
static int work_all(struct work *w, struct error *err)
{
	struct image_edit *e = w->edit;
	for (size_t i = 0; i < e->n; i++) {
		struct error why = ERROR_INIT;
		w->item = &e->items[i];
		if (w->item->error.text[0] || work(w, &why) == 0)
			continue;
		if (!e->each_alone)
			return error_set(err, "%s", why.text);
		w->item->error = why;
		vec_release(&w->files);
		i = SIZE_MAX; /* all of it again, without that one */
	}
	return 0;
}

int image_edit(void *ctx, struct arena *a, const char *git_dir, const char *parent, struct commit_spec *spec,
	       struct error *err)
{
	struct image_edit *e = ctx;
	struct work w = { .a = a, .mirror = git_dir, .sha = parent, .edit = e };
	arena_release(&e->arena);
	e->n_files = 0;
	for (size_t i = 0; i < e->n; i++)
		e->items[i].error.text[0] = '\0';
	snprintf(e->parent, sizeof(e->parent), "%s", parent);
	if (!*parent)
		return error_set(err, "the branch is not there yet; push it first");
	w.commit = commit_tree_open(git_dir, parent, NULL, NULL, err);
	if (!w.commit)
		return -1;
	w.under = commit_tree_files(w.commit);
	w.tree = w.under;
	w.tree.ops = &over_ops;
	w.tree.ctx = &w;
	int rc = work_all(&w, err);
	if (rc == 0)
		rc = take_files(&w, spec);
	commit_tree_close(w.commit);
	vec_release(&w.files);
	return rc;
}
