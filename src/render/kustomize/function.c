/*
 * function.c - generators and transformers that are programs: KRM functions, which read a ResourceList and
 * print one (upstream: fnplugin, kyaml/fn). Programs are run by whoever asked for the build (options->exec),
 * or not at all: a repository is not trusted to bring its own. Functions in containers, in Starlark, and
 * plugins that are installed beside kustomize are refused.
 *
 * What upstream keeps of a resource in annotations travels through the program and back; ours is found again
 * by the number that both give it.
 */
#include "doc/yaml.h"
#include "render/kustomize/decode.h"
#include "render/kustomize/patch.h"
#include "render/kustomize/target.h"

#define ID_ANNOTATION "internal.config.kubernetes.io/id"
#define OLD_ID_ANNOTATION "config.k8s.io/id"
#define RES_ID_ANNOTATION "kustomize.config.k8s.io/id"
#define HASH_ANNOTATION "kustomize.config.k8s.io/needs-hash"
#define BEHAVIOR_ANNOTATION "kustomize.config.k8s.io/behavior"

/* --- what is to be run --- */

static const struct kshape_field exec_fields[] = {
	{ "path", &kshape_string }, { "args", &kshape_strings }, { "envs", &kshape_strings }, { NULL, NULL }
};
static const struct kshape shape_exec = { .kind = KSHAPE_STRUCT, .fields = exec_fields };
static const struct kshape_field function_fields[] = { { "deferFailure", &kshape_bool },
						       { "container", &kshape_any },
						       { "exec", &shape_exec },
						       { "starlark", &kshape_any },
						       { NULL, NULL } };
static const struct kshape shape_function = { .kind = KSHAPE_STRUCT, .fields = function_fields };

static struct str annotation(const struct kres *r, const char *key)
{
	return knode_text(node_get(kres_annotations(r), key));
}

/* Its annotation, read; *spec NULL: it has none. */
static int read_spec(struct ktarget *t, const struct kres *r, struct node **spec, struct error *err)
{
	static const char *const keys[] = { "config.kubernetes.io/function", "config.k8s.io/function" };
	struct yaml_stream stream;
	struct str text = annotation(r, keys[0]);
	*spec = NULL;
	if (text.n == 0)
		text = annotation(r, keys[1]);
	if (text.n == 0)
		return 0;
	struct kres_text from = { .file = r->file, .text = text, .lines_before = r->line, .strict = true };
	if (kyaml_parse(t->b, &from, &stream, err))
		return error_wrap(err, "its annotation %s", keys[0]);
	if (stream.n == 0)
		return 0;
	struct node *root = stream.documents[0].root;
	return kdecode(t->b, r->file, root, &shape_function, spec, err) ? -1 : 0;
}

static int refuse(const struct kres *r, const char *why, struct error *err)
{
	return error_set(err, "%s:%u: %.*s: %s", r->file, r->line, STR_ARG(kres_kind(r)), why);
}

/* The `exec` of its annotation, or an error that says why it is not run. */
static int find_program(struct ktarget *t, const struct kres *r, const struct node **exec, struct error *err)
{
	struct node *spec;
	if (!t->b->options->exec)
		return refuse(
			r,
			"external plugins are disabled: it is no plugin that is built in, and programs are "
			"not run",
			err);
	if (read_spec(t, r, &spec, err))
		return -1;
	if (!spec)
		return refuse(r,
			      "plugins that are installed beside kustomize are not supported: make it a KRM "
			      "function (annotation config.kubernetes.io/function)",
			      err);
	if (node_get(spec, "container"))
		return refuse(r, "functions in containers are not run; one that is a program could be (exec)",
			      err);
	if (node_get(spec, "starlark"))
		return refuse(r, "functions in Starlark are not run; one that is a program could be (exec)",
			      err);
	*exec = node_get(spec, "exec");
	if (node_text(node_get(*exec, "path")).n == 0)
		return refuse(r, "its annotation config.kubernetes.io/function names no program", err);
	if (t->root->remote_tree)
		return refuse(r, "programs of remote bases are not run", err);
	return 0;
}

/* --- input --- */

static void annotate(struct kbuild *b, struct kres *r, const char *key, const char *value)
{
	kres_set_annotation(b, r, str_of(key), str_of(value));
}

static const char *res_id_text(struct kbuild *b, const struct kres *r)
{
	struct kid id = kres_id(b, r);
	cleanup_buf struct buf out = BUF_INIT;
	struct node *map = node_map(b->a);
	struct {
		const char *key;
		struct str value;
	} fields[] = { { "group", id.group },
		       { "version", id.version },
		       { "kind", id.kind },
		       { "name", id.name },
		       { "namespace", id.namespace } };
	for (size_t i = 0; i < 5; i++)
		if (fields[i].value.n)
			node_set(b->a, map, str_of(fields[i].key), node_string(b->a, fields[i].value));
	yaml_write(&out, map);
	return arena_str(b->a, buf_str(&out)).p;
}

/* A copy as the program gets it. */
static int add_item(struct kbuild *b, struct node *items, const struct kres *r, size_t number, bool id,
		    struct error *err)
{
	struct kres *copy = kres_copy(b, r);
	kinternals_show(b, copy);
	if (id)
		annotate(b, copy, RES_ID_ANNOTATION, res_id_text(b, r));
	char *index = arena_printf(b->a, "%zu", number), *shown = arena_printf(b->a, "%zu", number + 1);
	annotate(b, copy, "internal.config.kubernetes.io/index", index);
	annotate(b, copy, "config.kubernetes.io/index", index);
	annotate(b, copy, ID_ANNOTATION, shown);
	annotate(b, copy, OLD_ID_ANNOTATION, shown);
	if (yaml_settle_printed(b->a, copy->root, err))
		return error_wrap(err, "%s:%u", r->file, r->line);
	node_push(b->a, items, copy->root);
	return 0;
}

static void add_field(struct kbuild *b, struct buf *out, const char *key, struct node *value)
{
	struct node *map = node_map(b->a);
	node_set(b->a, map, str_of(key), value);
	yaml_write(out, map);
}

static int call(struct ktarget *t, const struct kres *config, struct node *items, struct str *out,
		struct error *err)
{
	struct kbuild *b = t->b;
	const struct node *exec = NULL;
	cleanup_buf struct buf input = BUF_INIT;
	if (find_program(t, config, &exec, err))
		return -1;
	buf_adds(&input, "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n");
	add_field(b, &input, "items", items);
	add_field(b, &input, "functionConfig", config->root);
	if (b->options->exec(b->options->exec_ctx, b->a, t->root->dir, exec, buf_str(&input), out, err))
		return error_wrap(err, "%s:%u: %.*s", config->file, config->line, STR_ARG(kres_kind(config)));
	return 0;
}

/* The function's own object, as it sees it; kustomize drops it when the program gives it back. */
static int config_of(struct ktarget *t, const struct kres *r, struct kres **out, struct error *err)
{
	*out = kres_copy(t->b, r);
	annotate(t->b, *out, "config.kubernetes.io/local-config", "true");
	return yaml_settle_printed(t->b->a, (*out)->root, err);
}

/* --- output --- */

static const char *output_name(struct ktarget *t, const struct kres *r)
{
	return arena_printf(t->b->a, "output of %.*s %.*s of %s", STR_ARG(kres_kind(r)),
			    STR_ARG(kres_name(r)), r->file);
}

static void drop_annotation(struct kres *r, const char *key)
{
	struct node *map = kres_annotations(r);
	if (node_del(map, str_of(key)) && map->map.n == 0)
		node_del(node_get(r->root, "metadata"), STR("annotations"));
}

static int is_true(struct str s, bool *out)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	for (size_t i = 0; i < 6; i++) {
		if (str_is(s, yes[i]) || str_is(s, no[i])) {
			*out = str_is(s, yes[i]);
			return 0;
		}
	}
	return -1;
}

/* What a generator says of its resources in annotations (upstream: UpdateResourceOptions). */
static int read_options(struct kres *r, struct error *err)
{
	struct str behavior = annotation(r, BEHAVIOR_ANNOTATION);
	const struct node *hash = node_get(kres_annotations(r), HASH_ANNOTATION);
	if (hash && is_true(knode_text(hash), &r->needs_hash))
		return error_set(err, "%s:%u: the annotation %s is neither true nor false", r->file, r->line,
				 HASH_ANNOTATION);
	r->behavior = kbehavior_read(behavior);
	drop_annotation(r, HASH_ANNOTATION);
	drop_annotation(r, BEHAVIOR_ANNOTATION);
	return 0;
}

static void drop_ids(struct kres *r)
{
	drop_annotation(r, ID_ANNOTATION);
	drop_annotation(r, OLD_ID_ANNOTATION);
	drop_annotation(r, RES_ID_ANNOTATION);
}

int kfunction_generate(struct ktarget *t, const struct kres *r, kres_list *made, struct error *err)
{
	struct node *items = node_seq(t->b->a);
	struct kres *config;
	struct str out;
	size_t first = made->n;
	if (config_of(t, r, &config, err) || add_item(t->b, items, config, 0, false, err) ||
	    call(t, config, items, &out, err) || kres_parse(t->b, output_name(t, r), out, made, err))
		return -1;
	for (size_t i = first; i < made->n; i++) {
		drop_ids(made->at[i]);
		if (read_options(made->at[i], err))
			return -1;
	}
	return 0;
}

/* The old struct stays, with what the program printed: vars refer to it. Its past is what came back, too. */
static void replace(struct kres *old, struct kres *r)
{
	kres_release(old);
	*old = *r;
	memset(&r->previous, 0, sizeof(r->previous));
	memset(&r->prefixes, 0, sizeof(r->prefixes));
	memset(&r->suffixes, 0, sizeof(r->suffixes));
}

/* One resource of the output: in place of the one with its identity, or as a new one. */
static int update(struct kbuild *b, struct kresmap *m, struct kres *r, struct map *kept, struct error *err)
{
	kres_list same = { 0 };
	drop_ids(r);
	struct kid id = kres_id(b, r);
	kresmap_by_current_id(b, m, &id, &same);
	struct kres *old = same.n ? same.at[0] : NULL;
	vec_release(&same);
	if (old)
		replace(old, r);
	else if (kresmap_append(b, m, r, err))
		return -1;
	else
		old = r;
	struct str key = { (const char *)&old, sizeof(old) };
	if (map_put(kept, key, old))
		return error_set(err, "%s: the program prints %s twice", r->file, kid_text(b->a, &id));
	return 0;
}

int kfunction_transform(struct ktarget *t, const struct kres *r, struct kresmap *m, struct error *err)
{
	struct kbuild *b = t->b;
	struct node *items = node_seq(b->a);
	struct kres *config;
	struct str out;
	kres_list made = { 0 };
	struct map kept = MAP_INIT;
	if (config_of(t, r, &config, err))
		return -1;
	for (size_t i = 0; i < m->list.n; i++)
		if (add_item(b, items, m->list.at[i], i, true, err))
			return -1;
	if (call(t, config, items, &out, err))
		return -1;
	int rc = kres_parse(b, output_name(t, r), out, &made, err);
	for (size_t i = 0; rc == 0 && i < made.n; i++)
		rc = update(b, m, made.at[i], &kept, err);
	for (size_t i = 0; rc == 0 && i < m->list.n; i++) {
		struct str key = { (const char *)&m->list.at[i], sizeof(struct kres *) };
		if (!map_get(&kept, key))
			m->list.at[i]->gone = true;
	}
	map_release(&kept);
	vec_release(&made);
	kresmap_touch(m);
	kresmap_drop_gone(m);
	return rc;
}
