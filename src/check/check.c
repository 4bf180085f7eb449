/*
 * check.c - a check from its options to its result; see check.h. Findings are collected as they come, and
 * sorted at the end by where they are.
 */
#include "check/objects.h"
#include "check/secrets.h"
#include "check/validate.h"

#include "doc/json.h"
#include "doc/yaml.h"

unsigned check_oldest_minor(void)
{
	return schemas_oldest();
}

unsigned check_newest_minor(void)
{
	return schemas_newest();
}

struct check *check_new(const struct check_options *options)
{
	struct check *c = mem_alloc(sizeof(*c));
	schemas_init(&c->schemas, &c->a);
	c->wanted_minor = options->minor ? options->minor : schemas_newest();
	c->minor = c->wanted_minor < schemas_oldest()	? schemas_oldest()
		   : c->wanted_minor > schemas_newest() ? schemas_newest()
							: c->wanted_minor;
	c->mask = (uint8_t)(1u << (c->minor - schemas_oldest()));
	for (size_t i = 0; i < RULE_COUNT; i++)
		c->severities[i] = options->severities ? options->severities[i] : check_rules[i].severity;
	return c;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->found.n; i++)
		vec_release(&c->found.at[i]->environments);
	vec_release(&c->found);
	vec_release(&c->allows);
	map_release(&c->seen);
	map_release(&c->shared);
	map_release(&c->unknown);
	map_release(&c->secret_lines);
	schemas_release(&c->schemas);
	arena_release(&c->a);
	free(c);
}

/* --- definitions --- */

static void say_schema(void *ctx, const struct node *where, const char *text)
{
	const struct subject *s = ctx;
	find_at(s, RULE_BAD_SCHEMA, place_of_node(s, where), NULL, "%s", text);
}

/* A file of schemas as a subject: findings in it have its name. */
static bool learn_document(struct check *c, const char *file, const struct node *root)
{
	struct render_object object = { .file = file, .line = root->line, .root = (struct node *)root };
	struct subject s = { .c = c, .object = &object };
	object.kind = node_text(node_get(root, "kind"));
	object.name = node_text(node_at(root, "metadata.name"));
	return schemas_learn_crd(&c->schemas, root, say_schema, &s) ||
	       schemas_learn_openapi(&c->schemas, root, say_schema, &s);
}

int check_schema(struct check *c, const char *file, struct str text, struct error *err)
{
	struct yaml_stream stream;
	size_t learnt = 0;
	file = arena_strdup(&c->a, file);
	if (yaml_parse(&c->a, text, &stream, err) != 0)
		return error_wrap(err, "%s", file);
	for (size_t i = 0; i < stream.n; i++)
		learnt += learn_document(c, file, stream.documents[i].root);
	if (learnt == 0)
		return error_set(err, "%s: holds neither a CustomResourceDefinition nor an OpenAPI document",
				 file);
	return 0;
}

void check_definitions(struct check *c, const struct check_environment *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct render_object *o = &e->objects[i];
		struct subject s = { .c = c, .env = e, .object = o };
		if (!str_is(o->kind, "CustomResourceDefinition"))
			continue;
		/* The definition outlives its environment. */
		const struct node *root = node_clone(&c->a, o->root);
		schemas_learn_crd(&c->schemas, root, say_schema, &s);
	}
}

/* --- environments and texts --- */

/* What a renderer found, as findings. */
static void renderer_findings(struct check *c, const struct check_environment *e)
{
	struct subject s = { .c = c, .env = e };
	for (size_t i = 0; i < e->n_diags; i++) {
		const struct render_diag *d = &e->diags[i];
		enum check_severity severity = d->severity == RENDER_ERROR ? CHECK_ERROR : CHECK_WARNING;
		struct place place = { d->file, d->line, d->column };
		s.label = d->object ? arena_strdup(&c->a, d->object) : NULL;
		find_with(&s, d->duplicate ? RULE_DUPLICATE_OBJECT : RULE_RENDER, severity, place, NULL, "%s",
			  d->text);
	}
}

void check_environment(struct check *c, const struct check_environment *e)
{
	struct objects o;
	c->environments++;
	c->objects += e->n;
	renderer_findings(c, e);
	objects_init(&o, c, e);
	for (size_t i = 0; i < e->n; i++)
		validate_object(&o.subjects[i]);
	collisions_check(&o);
	references_check(&o);
	selectors_check(&o);
	ports_check(&o);
	secret_objects_check(&o);
	if (o.steps >= OBJECTS_STEPS_MAX) {
		struct subject s = { .c = c, .env = e };
		find_with(
			&s, RULE_RENDER, CHECK_WARNING, (struct place){ "", 0, 0 }, NULL,
			"there are too many objects to compare all selectors and ports (OBJECTS_STEPS_MAX)");
	}
	objects_release(&o);
}

struct text_scan {
	struct check *c;
	const char *file;
};

static void found_in_text(void *ctx, const struct secret *secret)
{
	const struct text_scan *t = ctx;
	struct subject s = { .c = t->c };
	struct place place = { t->file, secret->line, secret->column };
	struct str name = shown(secret->name), identity = secret_identity(secret);
	if (name.n)
		find_secret(&s, secret->rule, secret->severity, place, NULL, identity, "`%.*s` looks like %s",
			    STR_ARG(name), secret->what);
	else
		find_secret(&s, secret->rule, secret->severity, place, NULL, identity, "this is %s",
			    secret->what);
}

void check_text(struct check *c, const char *file, struct str text)
{
	struct text_scan t = { c, file };
	c->texts++;
	if (!secrets_is_binary(text))
		secrets_scan(text, found_in_text, &t);
}

/* --- the result --- */

static int by_place(const void *a, const void *b)
{
	const struct check_finding *x = &(*(struct found *const *)a)->f, *y = &(*(struct found *const *)b)->f;
	int order = strcmp(x->file, y->file);
	if (order)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	order = strcmp(x->path ? x->path : "", y->path ? y->path : "");
	order = order ? order : strcmp(x->text, y->text);
	return order ? order : strcmp(x->object ? x->object : "", y->object ? y->object : "");
}

/* What lies in a Secret is told by the findings of that Secret. */
static bool told_by_secret(struct check *c, const struct check_finding *f)
{
	cleanup_buf struct buf key = BUF_INIT;
	if (!check_rule_is_secret(f->rule) || f->rule == RULE_PLAINTEXT_SECRET || f->object || !f->line)
		return false;
	buf_printf(&key, "%s:%u", f->file, f->line);
	return map_get(&c->secret_lines, buf_str(&key));
}

static void count(struct check_result *out, const struct check_finding *f)
{
	if (f->allowed)
		out->allowed++;
	else if (f->severity == CHECK_ERROR)
		out->errors++;
	else if (f->severity == CHECK_WARNING)
		out->warnings++;
	else
		out->notes++;
}

void check_finish(struct check *c, struct check_result *out)
{
	allow_unused(c);
	*out = (struct check_result){ .dropped = c->dropped,
				      .objects = c->objects,
				      .environments = c->environments,
				      .texts = c->texts,
				      .minor = c->minor,
				      .wanted_minor = c->wanted_minor,
				      .errors = c->dropped_by[CHECK_ERROR],
				      .warnings = c->dropped_by[CHECK_WARNING],
				      .notes = c->dropped_by[CHECK_NOTE] };
	if (c->found.n)
		qsort(c->found.at, c->found.n, sizeof(*c->found.at), by_place);
	struct check_finding *findings = arena_array(&c->a, struct check_finding, c->found.n + 1);
	for (size_t i = 0; i < c->found.n; i++) {
		struct found *found = c->found.at[i];
		if (told_by_secret(c, &found->f))
			continue;
		found->f.environments = found->environments.at;
		found->f.n_environments = found->environments.n;
		count(out, &found->f);
		findings[out->n++] = found->f;
	}
	out->findings = findings;
}
