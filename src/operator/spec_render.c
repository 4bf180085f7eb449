/* spec_render.c - spec.render and spec.hydrate of an App; see spec.h. */
#include "operator/spec_parts.h"

#include "doc/json.h"
#include "render/environments.h"

enum { EXEC_OUTPUT_MOST = 1 << 30, EXEC_PIDS_MOST = 32768 };

bool render_spec_substitutes(const struct render_spec *r)
{
	return r->substitute || r->n_from;
}

void render_spec_copy_sources(struct arena *a, const struct render_spec *from, struct render_spec *to)
{
	to->n_from = from->n_from;
	to->from = arena_array(a, struct value_source, from->n_from + 1);
	for (size_t i = 0; i < from->n_from; i++) {
		to->from[i] = from->from[i];
		to->from[i].name = arena_strdup(a, from->from[i].name);
	}
}

/* A list of texts; NULL when there is none. */
static char **texts(struct arena *a, const struct node *list)
{
	size_t n = node_count(list);
	if (n == 0)
		return NULL;
	char **out = arena_array(a, char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct str text = node_text(node_item(list, i));
		out[i] = arena_strndup(a, text.p, text.n);
	}
	return out;
}

static char **variables(struct arena *a, const struct node *map)
{
	size_t n = node_count(map);
	if (n == 0)
		return NULL;
	char **out = arena_array(a, char *, n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = arena_printf(a, "%.*s=%.*s", STR_ARG(map->map.pairs[i].key),
				      STR_ARG(node_text(map->map.pairs[i].value)));
	return out;
}

static int read_type(struct arena *a, const struct node *render, struct render_spec *out, struct error *err)
{
	struct str type = node_text(node_get(render, "type"));
	if (type.n && !render_type_read(type, &out->type))
		return error_set(
			err,
			"spec.render.type: \"%.*s\" is not known; known are: auto, plain, kustomize, exec, environment",
			STR_ARG(type));
	struct str name = node_text(node_get(render, "name"));
	if ((out->type == RENDER_ENVIRONMENT) != (name.n > 0))
		return error_set(
			err,
			"spec.render.name: is the environment of type: environment; give both or neither");
	out->environment = name.n ? arena_strndup(a, name.p, name.n) : NULL;
	return 0;
}

static int read_size(const struct node *exec, const char *key, uint64_t *out, struct error *err)
{
	int64_t bytes;
	struct str text = node_text(node_get(exec, key));
	if (!text.n)
		return 0;
	if (!environments_size(text, &bytes) || bytes <= 0)
		return error_set(err, "spec.render.exec.%s: \"%.*s\" is no size such as 64Mi", key,
				 STR_ARG(text));
	*out = (uint64_t)bytes;
	return 0;
}

static int read_limits(struct arena *a, const struct node *exec, struct render_spec *out, struct error *err)
{
	int64_t pids = 0;
	uint64_t output = 0;
	out->inputs = texts(a, node_get(exec, "inputs"));
	if (read_size(exec, "memory", &out->exec_memory_bytes, err) < 0 ||
	    read_size(exec, "disk", &out->exec_disk_bytes, err) < 0 ||
	    read_size(exec, "output", &output, err) < 0)
		return -1;
	if (output > EXEC_OUTPUT_MOST)
		return error_set(err, "spec.render.exec.output: is more than 1Gi");
	if (node_get(exec, "pids") &&
	    (!node_int(node_get(exec, "pids"), &pids) || pids < 1 || pids > EXEC_PIDS_MOST))
		return error_set(err, "spec.render.exec.pids: is no number from 1 to %d", EXEC_PIDS_MOST);
	out->exec_output_max = (size_t)output;
	out->exec_pids_max = (uint32_t)pids;
	return 0;
}

static int read_exec(struct arena *a, const struct node *object, struct render_spec *out, struct error *err)
{
	const struct node *exec = node_at(object, "spec.render.exec");
	out->command = texts(a, node_get(exec, "command"));
	out->env = variables(a, node_get(exec, "env"));
	if ((out->type == RENDER_EXEC) != (out->command != NULL))
		return error_set(
			err, "spec.render.exec.command: is the program of type: exec; give both or neither");
	if (read_limits(a, exec, out, err) < 0)
		return -1;
	return spec_duration(object, "spec.render.exec.timeout", RENDER_EXEC_TIMEOUT_MS,
			     &out->exec_timeout_ms, err);
}

static int read_from(struct arena *a, const struct node *render, struct render_spec *out, struct error *err)
{
	const struct node *list = node_get(render, "substituteFrom");
	size_t n = node_count(list);
	if (n > VALUE_SOURCES_MAX)
		return error_set(err, "spec.render.substituteFrom: names more than %d sources",
				 VALUE_SOURCES_MAX);
	out->from = arena_array(a, struct value_source, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct node *item = node_item(list, i);
		struct str kind = node_text(node_get(item, "kind")), name = node_text(node_get(item, "name"));
		if (!name.n || (!str_is(kind, "ConfigMap") && !str_is(kind, "Secret")))
			return error_set(
				err,
				"spec.render.substituteFrom: item %zu needs a kind (ConfigMap or Secret) and a name",
				i + 1);
		out->from[out->n_from++] = (struct value_source){
			.secret = str_is(kind, "Secret"),
			.name = arena_strndup(a, name.p, name.n),
			.optional = node_bool(node_get(item, "optional"), false),
		};
	}
	return 0;
}

static const struct node *cloned(struct arena *a, const struct node *n)
{
	return node_count(n) ? node_clone(a, n) : NULL;
}

static void read_hydrate(struct arena *a, const struct node *object, struct hydrate_spec *out)
{
	const struct node *hydrate = node_at(object, "spec.hydrate");
	struct str branch = node_text(node_get(hydrate, "branch")),
		   path = node_text(node_get(hydrate, "path"));
	out->branch = branch.n ? arena_strndup(a, branch.p, branch.n) : NULL;
	out->path = path.n ? arena_strndup(a, path.p, path.n) : arena_strdup(a, ".");
	out->review = node_bool(node_get(hydrate, "review"), false);
}

int spec_read_render(struct arena *a, const struct node *object, struct app_spec *out, struct error *err)
{
	const struct node *render = node_at(object, "spec.render");
	struct render_spec *r = &out->render;
	if (read_type(a, render, r, err) < 0 || read_exec(a, object, r, err) < 0 ||
	    read_from(a, render, r, err) < 0)
		return -1;
	if (render)
		r->hash = json_hash(render);
	r->additions = cloned(a, node_get(render, "kustomize"));
	r->substitute = cloned(a, node_get(render, "substitute"));
	r->lenient = !node_bool(node_get(render, "substituteStrict"), true);
	if (r->additions && (r->type == RENDER_PLAIN || r->type == RENDER_EXEC))
		return error_set(
			err,
			"spec.render.kustomize: adds to what type: kustomize renders; set that type, or remove it");
	read_hydrate(a, object, &out->hydrate);
	return 0;
}
