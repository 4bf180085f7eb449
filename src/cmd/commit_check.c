/*
 * commit_check.c - see commit_check.h. Each environment is rendered on its own tree of the commit, which
 * keeps the texts of what is read: secrets are looked for in files as they lie there, too.
 */
#include "cmd/commit_check.h"

#include <stdlib.h>

#include "cmd/checking.h"
#include "operator/rendered.h"
#include "operator/trees.h"
#include "repo/tree.h"

struct rendered_one {
	struct commit_environment made; /* first: what callers see */
	struct arena arena;
	struct substitute_values values;
	bool has_values;
	struct error lacking; /* a base that is not here, and may not be fetched */
	VEC(struct render_file) texts;
};

struct commit_check {
	struct commit_check_options options;
	struct arena arena;
	struct environments all;
	bool has_file;
	struct check *check;
	VEC(struct rendered_one *) list;
};

/* --- capstan.yaml --- */

static int read_file(struct commit_check *c, struct error *err)
{
	enum tree_kind kind;
	struct str text;
	struct commit_tree *commit = commit_tree_open(c->options.git_dir, c->options.sha, NULL, NULL, err);
	if (!commit)
		return -1;
	struct render_tree tree = commit_tree_files(commit);
	int rc = tree.ops->find(tree.ctx, &c->arena, ENVIRONMENTS_FILE, &kind, NULL, err);
	c->has_file = rc == 0 && kind == TREE_FILE;
	if (c->has_file)
		rc = tree.ops->read(tree.ctx, &c->arena, ENVIRONMENTS_FILE, &text, err);
	if (c->has_file && rc == 0) {
		environments_read(&c->arena, ENVIRONMENTS_FILE, arena_str(&c->arena, text), &c->all);
		rc = environments_check(&c->all, err);
	}
	commit_tree_close(commit);
	return rc;
}

struct commit_check *commit_check_open(const struct commit_check_options *options, struct error *err)
{
	struct commit_check *c = mem_alloc(sizeof(*c));
	c->options = *options;
	c->options.git_dir = arena_strdup(&c->arena, options->git_dir);
	c->options.sha = arena_strdup(&c->arena, options->sha);
	if (read_file(c, err) == 0)
		return c;
	commit_check_free(c);
	return NULL;
}

static void free_one(struct rendered_one *one)
{
	substitute_values_release(&one->values);
	origins_release(&one->made.origins);
	vec_release(&one->texts);
	arena_release(&one->arena);
	free(one);
}

void commit_check_free(struct commit_check *c)
{
	if (!c)
		return;
	check_free(c->check);
	for (size_t i = 0; i < c->list.n; i++)
		free_one(c->list.at[i]);
	vec_release(&c->list);
	arena_release(&c->arena);
	free(c);
}

const struct environments *commit_check_file(const struct commit_check *c)
{
	return c->has_file ? &c->all : NULL;
}

size_t commit_check_rendered(const struct commit_check *c, const struct commit_environment *const **out)
{
	*out = (const struct commit_environment *const *)c->list.at;
	return c->list.n;
}

/* --- a tree that keeps what is read of it --- */

struct kept_tree {
	struct render_tree under;
	struct rendered_one *one;
	const struct commit_check *c;
};

static void keep(struct rendered_one *one, const char *path, struct str text)
{
	struct render_file file = { arena_strdup(&one->arena, path), text };
	vec_push(&one->texts, file);
}

static int kept_find(void *ctx, struct arena *a, const char *path, enum tree_kind *kind, const char **real,
		     struct error *err)
{
	struct kept_tree *t = ctx;
	return t->under.ops->find(t->under.ctx, a, path, kind, real, err);
}

/* Some readers take their own arena; what is kept must outlive that. */
static int kept_read(void *ctx, struct arena *a, const char *path, struct str *out, struct error *err)
{
	struct kept_tree *t = ctx;
	if (t->under.ops->read(t->under.ctx, &t->one->arena, path, out, err) < 0)
		return -1;
	keep(t->one, path, *out);
	return 0;
}

static int kept_list(void *ctx, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	struct kept_tree *t = ctx;
	return t->under.ops->list(t->under.ctx, a, path, names, n, err);
}

static int kept_remote(void *ctx, const char *url, const char *ref, bool submodules, struct render_tree *out,
		       struct error *err)
{
	struct kept_tree *t = ctx;
	struct bases *bases = t->c->options.bases;
	struct error own = ERROR_INIT;
	int rc = bases_find(bases, url, ref, submodules, out, &own);
	if (rc < 0 && bases->offline)
		t->one->lacking = own;
	return rc < 0 ? error_set(err, "%s", own.text) : rc;
}

static const struct render_tree_ops kept_alone = {
	.find = kept_find,
	.read = kept_read,
	.list = kept_list,
};

static const struct render_tree_ops kept_with_remotes = {
	.find = kept_find,
	.read = kept_read,
	.list = kept_list,
	.remote = kept_remote,
};

/* --- rendering --- */

static bool is_hidden(const char *path)
{
	return path[0] == '.' || strstr(path, "/.") != NULL;
}

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct kept_tree *t = ctx;
	const struct commit_check_options *o = &t->c->options;
	size_t manifests = 0;
	int rc = repo_tree_read(o->git_dir, o->sha, path, NULL, a, out, err);
	if (rc)
		return rc > 0 ? error_set(err, "there is no path %s", *path ? path : ".") : rc;
	for (size_t i = 0; i < out->n; i++) {
		const struct repo_file *file = &out->files[i];
		if (!is_hidden(file->path))
			keep(t->one, file->path, file->data);
		if (render_is_manifest(str_of(file->path)))
			out->files[manifests++] = *file;
	}
	out->n = manifests;
	return 0;
}

static int take_values(struct commit_check *c, struct rendered_one *one, struct render_spec *spec,
		       struct error *err)
{
	const struct environment *e = one->made.environment;
	one->values.a = &one->arena;
	one->has_values = e->substitutes;
	/* What only the cluster knows is empty without one, instead of a hundred errors. */
	if (e->n_from && !c->options.values)
		spec->lenient = true;
	else if (e->n_from && c->options.values(c->options.ctx, e, &one->values, err) < 0)
		return error_wrap(err, "environment %s", e->name);
	return rendered_environment_values(e, &one->values, err);
}

/* 0, -1, or RENDERED_LACKS_REMOTES. */
static int render_once(struct commit_check *c, struct rendered_one *one, const struct render_spec *spec,
		       struct error *err)
{
	static const struct rendered_ops ops = { .files = read_files };
	struct commit_tree *commit = commit_tree_open(c->options.git_dir, c->options.sha, NULL, NULL, err);
	if (!commit)
		return -1;
	struct kept_tree kept = { .under = commit_tree_files(commit), .one = one, .c = c };
	struct render_tree tree = kept.under;
	tree.ops = c->options.bases ? &kept_with_remotes : &kept_alone;
	tree.ctx = &kept;
	struct rendered_request request = {
		.tree = &tree,
		.root = "",
		.path = rendered_path(&one->arena, one->made.environment->path),
		.ops = &ops,
		.ctx = &kept,
		.exec = c->options.exec,
		.spec = spec,
		.values = one->has_values ? &one->values : NULL,
		.origins = &one->made.origins,
	};
	origins_release(&one->made.origins);
	one->texts.n = 0;
	int rc = rendered_objects(&one->arena, &request, &one->made.output);
	commit_tree_close(commit);
	return rc;
}

static int render(struct commit_check *c, struct rendered_one *one, struct error *err)
{
	struct render_spec spec;
	rendered_environment_spec(&one->arena, one->made.environment, &spec);
	if (take_values(c, one, &spec, err) < 0)
		return -1;
	int rc = RENDERED_LACKS_REMOTES;
	for (unsigned round = 0; rc == RENDERED_LACKS_REMOTES; round++) {
		if (c->options.bases && bases_round(c->options.bases, round, err) < 0)
			return -1;
		rc = render_once(c, one, &spec, err);
	}
	return one->lacking.text[0] ? error_set(err, "%s", one->lacking.text) : rc;
}

const struct commit_environment *commit_check_render(struct commit_check *c, const struct environment *e,
						     struct error *err)
{
	struct rendered_one *one = mem_alloc(sizeof(*one));
	one->made.environment = e;
	if (render(c, one, err) == 0) {
		vec_push(&c->list, one);
		return &one->made;
	}
	free_one(one);
	return NULL;
}

/* --- checking --- */

static struct check_environment as_checked(const struct commit_environment *made)
{
	const struct environment *e = made->environment;
	return (struct check_environment){
		.name = e->name,
		.objects = made->output.objects,
		.n = made->output.n,
		.diags = made->output.diags,
		.n_diags = made->output.n_diags,
		.origins = made->output.origins,
		.namespace = e->namespace,
		.cluster = e->context ? e->context : "",
	};
}

/* A base that many environments read is looked at once. */
static void check_texts(struct commit_check *c)
{
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < c->list.n; i++) {
		const struct rendered_one *one = c->list.at[i];
		for (size_t k = 0; k < one->texts.n; k++) {
			const struct render_file *text = &one->texts.at[k];
			if (!map_put(&seen, str_of(text->path), &seen))
				check_text(c->check, text->path, text->data);
		}
	}
	map_release(&seen);
}

/* What is pushed is out for good, so that a Secret in plain text is an error here. Only some environments are
 * looked at: an entry of the allow-list that matches nothing may be for another one. */
static struct check *new_check(void)
{
	enum check_severity severities[RULE_COUNT];
	struct check_options options = { .severities = severities };
	for (size_t i = 0; i < RULE_COUNT; i++)
		severities[i] = check_rules[i].severity;
	severities[RULE_PLAINTEXT_SECRET] = CHECK_ERROR;
	severities[RULE_UNUSED_ALLOW] = CHECK_OFF;
	return check_new(&options);
}

int commit_check_finish(struct commit_check *c, struct check_result *out, struct error *err)
{
	bool known = false;
	c->check = new_check();
	if (checking_allow(c->check, &c->all, err) < 0)
		return -1;
	for (size_t i = 0; i < c->list.n; i++) {
		struct check_environment e = as_checked(&c->list.at[i]->made);
		if (checking_own_kinds(c->check, &e, &known, err) != 0)
			return -1;
		check_definitions(c->check, &e);
	}
	for (size_t i = 0; i < c->list.n; i++) {
		struct check_environment e = as_checked(&c->list.at[i]->made);
		check_environment(c->check, &e);
	}
	check_texts(c);
	check_finish(c->check, out);
	return 0;
}
