/*
 * explain_field.c - `capstan explain-field KIND/NAME PATH`: where a value comes from, and what stood there
 * before.
 *
 * The way is that of doc/origin.h: the newest place first, then what each step replaced.
 */
#include "cmd/commands.h"

#include <strings.h>

#include "cmd/hide.h"
#include "cmd/local_objects.h"
#include "cmd/style.h"
#include "doc/json.h"
#include "doc/path.h"
#include "doc/yaml.h"

struct explain_options {
	const char *namespace, *dir;
	struct local_objects_given given;
};

/* --- which object --- */

/* "Deployment/web", "deployment/web", "deployments.apps/web", "Deployment.apps/web" */
static bool is_kind(struct str asked, const struct render_object *o)
{
	struct str group, kind = str_cut(asked, '.', &group);
	bool grouped = kind.n < asked.n;
	if (grouped && !str_eq(group, o->group))
		return false;
	size_t n = o->kind.n;
	bool plural = kind.n == n + 1 && (kind.p[n] == 's' || kind.p[n] == 'S');
	return (kind.n == n || plural) && strncasecmp(kind.p, o->kind.p, n) == 0;
}

static const struct render_object *find_object(const struct render_output *out, const char *namespace,
					       struct str asked, struct error *err)
{
	const struct render_object *found = NULL;
	struct str name, kind = str_cut(asked, '/', &name);
	for (size_t i = 0; i < out->n; i++) {
		const struct render_object *o = &out->objects[i];
		if (!is_kind(kind, o) || !str_eq(name, o->name) ||
		    (namespace && o->namespace.n && !str_is(o->namespace, namespace)))
			continue;
		if (found) {
			error_set(
				err,
				"%.*s is there twice: at %s:%u and at %s:%u; name the namespace (-n) or the "
				"group (%.*s.GROUP/%.*s)",
				STR_ARG(asked), found->file, found->line, o->file, o->line, STR_ARG(kind),
				STR_ARG(name));
			return NULL;
		}
		found = o;
	}
	if (!found)
		error_set(err, "there is no %.*s among the %zu objects; `capstan render` shows them",
			  STR_ARG(asked), out->n);
	return found;
}

/* --- the way --- */

struct step {
	const char *file, *text;
	uint32_t line, column;
};

enum { STEPS_MAX = 256 };

/* A step that touched a value twice is told once. */
static bool is_repeated(const struct step *steps, size_t count)
{
	if (count < 2)
		return false;
	const struct step *last = &steps[count - 1], *before = &steps[count - 2];
	return last->line == before->line && strcmp(last->file, before->file) == 0 &&
	       strcmp(last->text, before->text) == 0;
}

/* The newest first; how many. */
static size_t walk(const struct origins *origins, const struct render_object *o, const struct node *n,
		   struct step steps[STEPS_MAX])
{
	uint32_t entry = n->origin, line = n->line, column = n->column;
	size_t count = 0;
	do {
		const struct origin *origin = origin_get(origins, entry);
		steps[count++] = (struct step){
			.file = origin && origin->file ? origin->file : o->file,
			.text = origin && origin->step ? origin->step : "as written",
			.line = line,
			.column = column,
		};
		count -= is_repeated(steps, count);
		entry = origin ? origin->before : 0;
		line = origin ? origin->before_line : 0;
		column = origin ? origin->before_column : 0;
	} while ((entry || line) && count < STEPS_MAX);
	return count;
}

static void print_steps(const struct cli *cli, const struct step *steps, size_t n)
{
	struct style style = style_of(cli->out, cli->common.color);
	size_t width = 0;
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			cleanup_buf struct buf place = BUF_INIT;
			style_safe(&place, str_of(steps[i].file), false);
			if (steps[i].line)
				buf_printf(&place, ":%u", steps[i].line);
			width = place.n > width ? place.n : width;
			if (pass == 0)
				continue;
			buf_printf(&out, "  %s%-*s%s  ", style_on(&style, TINT_BOLD), (int)width, place.p,
				   style_off(&style));
			style_safe(&out, str_of(steps[i].text), false);
			buf_adds(&out, i == 0 ? "\n" : ", replaced\n");
		}
	}
	fwrite(out.p, 1, out.n, cli->out);
}

/* Values of Secrets are not shown. */
static void print_value(const struct cli *cli, struct arena *a, const struct render_object *o,
			struct str path)
{
	struct node *copy = node_clone(a, o->root), *value = NULL;
	cleanup_buf struct buf out = BUF_INIT;
	hide_secrets(a, copy);
	if (path_find(copy, path, &value, NULL) < 0)
		return;
	style_safe(&out, path, false);
	bool block = node_count(value) > 0 ||
		     (value->type == NODE_STRING && str_find(value->text, '\n', 0) != SIZE_MAX);
	buf_adds(&out, block ? ":\n" : ": ");
	yaml_write(&out, value);
	fwrite(out.p, 1, out.n, cli->out);
}

static void print_data(const struct cli *cli, struct arena *a, const struct render_object *o, struct str path,
		       const struct step *steps, size_t n)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *whole = node_map(a), *list = node_seq(a), *value = NULL, *copy = node_clone(a, o->root);
	hide_secrets(a, copy);
	path_find(copy, path, &value, NULL);
	for (size_t i = 0; i < n; i++) {
		struct node *one = node_map(a);
		node_set(a, one, STR("file"), node_string(a, str_of(steps[i].file)));
		node_set(a, one, STR("line"), node_int_new(a, steps[i].line));
		node_set(a, one, STR("column"), node_int_new(a, steps[i].column));
		node_set(a, one, STR("step"), node_string(a, str_of(steps[i].text)));
		node_push(a, list, one);
	}
	node_set(a, whole, STR("path"), node_string(a, path));
	node_set(a, whole, STR("value"), value ? value : node_null(a));
	node_set(a, whole, STR("steps"), list);
	if (strcmp(cli->common.output, "json") == 0)
		json_write_pretty(&text, whole);
	else
		yaml_write(&text, whole);
	fwrite(text.p, 1, text.n, cli->out);
}

/* --- the command --- */

static int explain(struct cli *cli, struct local_objects *objects, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct explain_options *own = cli->own;
	struct render_output out = { 0 };
	struct node *value;
	struct step steps[STEPS_MAX];
	struct str path = str_of(cli->operands[1]);
	if (local_objects_render(objects, &a, &out, err) < 0)
		return -1;
	for (size_t i = 0; out.n_errors && i < out.n_diags; i++)
		if (out.diags[i].severity == RENDER_ERROR)
			return error_set(err, "%s", render_diag_text(&a, &out.diags[i]));
	const struct render_object *o =
		find_object(&out, own->namespace ? own->namespace : local_objects_namespace(objects, NULL),
			    str_of(cli->operands[0]), err);
	if (!o || path_find(o->root, path, &value, err) < 0)
		return o ? error_wrap(err, "%s", cli->operands[0]) : -1;
	size_t n = walk(out.origins, o, value, steps);
	if (cli->common.output) {
		print_data(cli, &a, o, path, steps, n);
		return 0;
	}
	print_value(cli, &a, o, path);
	print_steps(cli, steps, n);
	return 0;
}

static int run(struct cli *cli)
{
	const struct explain_options *own = cli->own;
	struct local_objects objects;
	struct error err = ERROR_INIT;
	int rc = local_objects_open(&objects, cli, &own->given, own->dir, &err);
	if (rc == 0)
		rc = explain(cli, &objects, &err);
	local_objects_close(&objects);
	return rc < 0 ? command_fail(cli, &err) : EXIT_OK;
}

static const char *const formats[] = { "json", "yaml", NULL };

static const struct option_def options[] = {
	{ .name = "dir",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .offset = offsetof(struct explain_options, dir),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "The directory that is rendered. Default: `.`, or the environment's." },
	{ .name = "namespace",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .value = "NAMESPACE",
	  .offset = offsetof(struct explain_options, namespace),
	  .complete = COMPLETE_NAMESPACE,
	  .help = "Where several objects have the kind and the name: the one in this namespace." },
	LOCAL_OBJECTS_OPTIONS(struct explain_options),
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "explain-field Deployment/web spec.replicas --env prod", "Which file and which patch set it" },
	{ "explain-field ConfigMap/settings 'data[\"log.level\"]' --dir overlays/prod",
	  "A key with a dot in it" },
	{ "explain-field Deployment/web spec.template.spec.containers[name=web].image --env prod",
	  "An item of a list" },
	{ NULL, NULL },
};

const struct command command_explain_field = {
	.name = "explain-field",
	.operands = "KIND/NAME PATH",
	.summary = "Show where a value comes from",
	.help = "Renders the directory or environment and shows the value of one field, the file and line it stands in, and "
		"each step that put it there (a base, a patch, an image rule, a substitution), the newest first.\n\n"
		"PATH is written as in messages of the API server, `spec.template.spec.containers[0].image`, with "
		"`[name=web]` for an item of a list, or as a JSON pointer. Values of Secrets are not shown.",
	.options = options,
	.options_size = sizeof(struct explain_options),
	.formats = formats,
	.common = COMMON_COLOR,
	.operands_min = 2,
	.operands_max = 2,
	.examples = examples,
	.run = run,
};
