/* rendered_environment.c - an environment of capstan.yaml as the render that an App could ask for. */
#include "operator/rendered_parts.h"

static char **program_env(struct arena *a, const struct environments_program *p)
{
	char **out = arena_array(a, char *, p->n_env + 1);
	for (size_t i = 0; i < p->n_env; i++)
		out[i] = arena_printf(a, "%s=%.*s", p->env[i].name, STR_ARG(p->env[i].text));
	return out;
}

static char **program_inputs(struct arena *a, const struct environments_program *p)
{
	char **out = arena_array(a, char *, p->n_inputs + 1);
	for (size_t i = 0; i < p->n_inputs; i++)
		out[i] = arena_strdup(a, p->inputs[i]);
	return out;
}

static void take_program(struct arena *a, const struct environments_program *p, struct render_spec *out)
{
	out->command = arena_array(a, char *, p->n_command + 1);
	for (size_t i = 0; i < p->n_command; i++)
		out->command[i] = arena_strdup(a, p->command[i]);
	out->env = program_env(a, p);
	out->inputs = program_inputs(a, p);
	out->exec_memory_bytes = (uint64_t)p->memory_bytes;
	out->exec_disk_bytes = (uint64_t)p->disk_bytes;
	out->exec_pids_max = (uint32_t)p->pids;
	out->exec_output_max = (size_t)p->output_bytes;
	if (p->timeout_ms)
		out->exec_timeout_ms = p->timeout_ms;
}

void rendered_environment_spec(struct arena *a, const struct environment *e, struct render_spec *out)
{
	*out = (struct render_spec){ .type = e->type, .lenient = !e->strict, .additions = e->additions };
	out->exec_timeout_ms = RENDER_EXEC_TIMEOUT_MS;
	if (e->program)
		take_program(a, e->program, out);
}

/* One field of two kustomizations: lists one after the other, maps together, of all else the second. */
static struct node *joined(struct arena *a, const struct node *first, const struct node *second)
{
	struct node *out = node_copy(a, first);
	if (first->type == NODE_SEQ && second->type == NODE_SEQ) {
		for (size_t i = 0; i < second->seq.n; i++)
			node_push(a, out, second->seq.items[i]);
		return out;
	}
	if (first->type != NODE_MAP || second->type != NODE_MAP)
		return node_copy(a, second);
	for (size_t i = 0; i < second->map.n; i++)
		node_set(a, out, second->map.pairs[i].key, second->map.pairs[i].value);
	return out;
}

/* What an App adds on top of what its environment does. */
static const struct node *join_additions(struct arena *a, const struct node *environment,
					 const struct node *app)
{
	if (!environment || !app)
		return environment ? environment : app;
	struct node *out = node_copy(a, environment);
	for (size_t i = 0; i < app->map.n; i++) {
		struct node_pair *pair = &app->map.pairs[i];
		struct node *there = node_get_str(out, pair->key);
		node_set(a, out, pair->key, there ? joined(a, there, pair->value) : pair->value);
	}
	return out;
}

int rendered_environment_values(const struct environment *e, struct substitute_values *out, struct error *err)
{
	for (size_t i = 0; i < e->n_substitute; i++)
		if (substitute_add(out, str_of(e->substitute[i].name), e->substitute[i].text,
				   ENVIRONMENTS_FILE, false, err) < 0)
			return -1;
	return 0;
}

static int add_values(const struct rendered_request *r, const struct environment *e,
		      struct substitute_values *out, struct error *err)
{
	if (e->n_from && !r->ops->values)
		return error_set(err, "substituteFrom of environment %s needs a cluster to read it from",
				 e->name);
	int rc = e->n_from ? r->ops->values(r->ctx, e->from, e->n_from, out, err) : 0;
	return rc ? rc : rendered_environment_values(e, out, err);
}

static int find(struct arena *a, const struct rendered_request *r, struct environments *all,
		const struct environment **out, struct render_output *diags, struct error *err)
{
	struct str text;
	const char *file = tree_join(r->tree, a, r->root, ENVIRONMENTS_FILE);
	if (!file || r->tree->ops->read(r->tree->ctx, a, file, &text, err) < 0)
		return error_set(err,
				 "%s: environment %s needs it at the root of the repository; there is none",
				 ENVIRONMENTS_FILE, r->spec->environment);
	environments_read(a, tree_shown(r->tree, a, file), text, all);
	if (all->n_errors) {
		*diags = (struct render_output){ .diags = all->diags,
						 .n_diags = all->n_diags,
						 .n_errors = all->n_errors };
		return 1;
	}
	*out = environments_find(all, str_of(r->spec->environment), err);
	return *out ? 0 : -1;
}

static int check_namespace(const struct rendered_request *r, const struct environment *e, struct error *err)
{
	if (!r->namespace || !e->namespace || strcmp(r->namespace, e->namespace) == 0)
		return 0;
	return error_set(
		err,
		"%s:%u: environment %s is for namespace %s, and the App's spec.target.namespace is %s; make them one",
		ENVIRONMENTS_FILE, e->line, e->name, e->namespace, r->namespace);
}

int rendered_environment(struct arena *a, const struct rendered_request *r, struct render_output *out,
			 struct error *err)
{
	const struct environment *e = NULL;
	struct environments all;
	int rc = find(a, r, &all, &e, out, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (check_namespace(r, e, err) < 0)
		return -1;
	struct render_spec spec;
	struct substitute_values values = { .a = a };
	rendered_environment_spec(a, e, &spec);
	struct rendered_request inner = *r;
	inner.spec = &spec;
	inner.path = tree_join(r->tree, a, r->root, e->path);
	/* A kustomization gets the App's as its own; anything else, once it is rendered. */
	if (spec.type == RENDER_AUTO && inner.path)
		spec.type = spec.additions ? RENDER_KUSTOMIZE : rendered_auto(a, r, inner.path);
	bool over = spec.type != RENDER_KUSTOMIZE && r->spec->additions;
	if (!over)
		spec.additions = join_additions(a, spec.additions, r->spec->additions);
	rc = add_values(r, e, &values, err);
	if (rc == 0) {
		substitute_add_all(&values, r->values); /* the App\'s own win */
		inner.values = e->substitutes || r->values ? &values : NULL;
		rc = rendered_objects(a, &inner, out);
		if (rc == 0 && over)
			rendered_over(a, r->spec->additions, out);
		if (rc == 0)
			rendered_images(a, r->app, &all, e, out);
	} else if (rc > 0) {
		rc = RENDERED_LACKS_VALUES;
	}
	substitute_values_release(&values);
	return rc;
}
