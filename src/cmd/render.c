/*
 * render.c - `capstan render DIR|--env ENVIRONMENT`: what would be applied, and every warning and error at
 * once.
 *
 * Needs no cluster: kinds that are not built in keep the namespace that their file gives them. With any error
 * nothing is printed on standard output, so that a pipe never gets half of a directory.
 */
#include "cmd/commands.h"

#include "cmd/hide.h"
#include "cmd/local_objects.h"
#include "cmd/render_branch.h"
#include "cmd/style.h"
#include "deploy/cluster/prepare.h"
#include "deploy/key.h"
#include "deploy/places.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "render/render.h"

struct render_options {
	const char *name, *namespace;
	bool origin, all;
	struct branch_given branch;
	struct local_objects_given given;
};

/* --- problems --- */

static void print_problem(const struct cli *cli, const struct style *style, const struct problem *p)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf line = BUF_INIT;
	if (p->file && p->file[0])
		style_safe(&line, str_of(p->file), false);
	if (line.n > 0 && p->line > 0)
		buf_printf(&line, ":%u", p->line);
	buf_printf(&line, "%s%s%s%s ", line.n > 0 ? ": " : "",
		   style_on(style, p->warning ? TINT_YELLOW : TINT_RED),
		   p->warning ? "warning:" : "error:", style_off(style));
	if (p->key && p->key[0]) {
		style_safe(&line, str_of(key_display(&a, str_of(p->key))), false);
		buf_adds(&line, ": ");
	}
	style_safe(&line, str_of(p->text), false);
	buf_addc(&line, '\n');
	fwrite(line.p, 1, line.n, cli->err);
}

/* --- objects --- */

/* The object as it would be sent, without what nobody should see. Payloads are JSON of our own. */
static struct node *shown_object(struct arena *a, const struct desired_item *item)
{
	struct node *object = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(a, item->payload, false, &object, &err) != 0)
		return node_map(a);
	hide_secrets(a, object);
	return object;
}

/* "# spec.replicas: overlays/prod/patch.yaml:7 (patch 1 of ...)" for each field that a step put there. */
static void add_origins(struct buf *out, struct str places)
{
	while (places.n) {
		struct str line = str_cut(places, '\n', &places), rest;
		struct str path = str_cut(line, '\t', &rest);
		struct str file = str_cut(rest, '\t', &rest), number = str_cut(rest, '\t', &rest);
		buf_adds(out, "# ");
		style_safe(out, path, false);
		buf_adds(out, ": ");
		style_safe(out, file, false);
		if (!str_is(number, "0"))
			buf_printf(out, ":%.*s", STR_ARG(number));
		buf_adds(out, " (");
		style_safe(out, rest, false);
		buf_adds(out, ")\n");
	}
}

static void add_yaml(struct arena *a, struct buf *out, const struct desired_item *item, bool origin)
{
	buf_adds(out, "---\n# Source: ");
	style_safe(out, str_of(item->file), false);
	buf_printf(out, ":%u\n", item->line);
	if (origin)
		add_origins(out, item->places);
	yaml_write(out, shown_object(a, item));
}

static void add_list(struct arena *a, struct buf *out, const struct desired *desired)
{
	struct node *list = node_map(a), *items = node_seq(a);
	for (size_t i = 0; i < desired->n; i++)
		node_push(a, items, shown_object(a, &desired->items[i]));
	node_set(a, list, STR("apiVersion"), node_string(a, STR("v1")));
	node_set(a, list, STR("items"), items);
	node_set(a, list, STR("kind"), node_string(a, STR("List")));
	json_write_pretty(out, list);
}

static void print_objects(const struct cli *cli, const struct desired *desired)
{
	const struct render_options *own = cli->own;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_arena struct arena whole = ARENA_INIT;
	if (cli->common.output && strcmp(cli->common.output, "json") == 0)
		add_list(&whole, &text, desired);
	for (size_t i = 0; text.n == 0 && i < desired->n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		cleanup_buf struct buf one = BUF_INIT;
		add_yaml(&a, &one, &desired->items[i], own->origin);
		fwrite(one.p, 1, one.n, cli->out);
	}
	fwrite(text.n ? text.p : "", 1, text.n, cli->out);
}

/* --- the command --- */

static struct desired *prepare(const struct cli *cli, const struct local_objects *objects,
			       const struct render_output *rendered)
{
	const struct render_options *own = cli->own;
	char name[COMMAND_APP_NAME_MAX];
	local_objects_name(objects, name);
	const char *namespace = own->namespace ? own->namespace : local_objects_namespace(objects, "default");
	struct prepare_options options = {
		.app_name = own->name ? own->name : name,
		.app_namespace = namespace,
		.target_namespace = namespace,
		.all_places = own->origin,
	};
	struct desired *desired = desired_new();
	cluster_prepare(&options, rendered, desired);
	return desired;
}

/* One directory or environment. With any error nothing of it is printed or committed. */
static int render(struct cli *cli, struct local_objects *objects, struct error *err)
{
	const struct render_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct style style = style_of(cli->err, cli->common.color);
	struct render_output rendered = { 0 };
	if (local_objects_render(objects, &a, &rendered, err) < 0)
		return command_fail(cli, err);
	/* What is committed is as git says it: without the labels of an app. */
	int rc = rendered.n_errors == 0 && own->branch.to_branch
			 ? render_branch(cli, &own->branch, objects, &rendered, err)
			 : 0;
	struct desired *desired = prepare(cli, objects, &rendered);
	for (size_t i = 0; i < desired->n_problems; i++)
		print_problem(cli, &style, &desired->problems[i]);
	bool failed = desired->n_errors > 0;
	if (!failed && !own->branch.to_branch)
		print_objects(cli, desired);
	desired_unref(desired);
	if (rc < 0)
		return command_fail(cli, err);
	return failed ? EXIT_TROUBLE : EXIT_OK;
}

static int render_all(struct cli *cli, const struct local_objects *opened)
{
	int status = EXIT_OK;
	for (size_t i = 0; i < opened->all.n; i++) {
		struct local_objects one;
		struct error err = ERROR_INIT;
		int rc = local_objects_open_environment(&one, opened, opened->all.list[i].name, &err) < 0
				 ? command_fail(cli, &err)
				 : render(cli, &one, &err);
		status = rc ? rc : status;
		local_objects_close(&one);
	}
	return status;
}

static int check_usage(const struct cli *cli, struct error *err)
{
	const struct render_options *own = cli->own;
	if (own->all && own->given.env)
		return error_set(err, "--all and --env: give one of them");
	if (own->all && own->branch.to_branch && !strstr(own->branch.to_branch, "{env}"))
		return error_set(
			err, "--to-branch %s: with --all it must hold {env}, or all would share one branch",
			own->branch.to_branch);
	if ((own->branch.push || own->branch.secrets) && !own->branch.to_branch)
		return error_set(err, "--push and --include-secrets go with --to-branch");
	if (!cli->n_operands && !own->given.env && !own->all)
		return error_set(err, "DIR, --env or --all is missing");
	return 0;
}

static int run(struct cli *cli)
{
	const struct render_options *own = cli->own;
	struct local_objects objects;
	struct error err = ERROR_INIT;
	if (check_usage(cli, &err) < 0)
		return command_fail(cli, &err);
	int status;
	if (local_objects_open(&objects, cli, &own->given, cli->n_operands ? cli->operands[0] : NULL, &err) <
		    0 ||
	    (own->all && local_objects_open_file(&objects, &err) < 0))
		status = command_fail(cli, &err);
	else
		status = own->all ? render_all(cli, &objects) : render(cli, &objects, &err);
	local_objects_close(&objects);
	return status;
}

static const char *const formats[] = { "yaml", "json", NULL };

static const struct option_def options[] = {
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .value = "APP",
	  .offset = offsetof(struct render_options, name),
	  .help = "Name of the app in the owner labels. Default: the directory's name." },
	{ .name = "namespace",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .value = "NAMESPACE",
	  .offset = offsetof(struct render_options, namespace),
	  .complete = COMPLETE_NAMESPACE,
	  .help = "Namespace of objects that name none. Default: the environment's, or `default`." },
	{ .name = "origin",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct render_options, origin),
	  .help = "Say above each object which fields a patch, a generator or another step put there, with its place." },
	{ .name = "all",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct render_options, all),
	  .help = "Every environment of `capstan.yaml`." },
	{ .name = "to-branch",
	  .kind = OPTION_TEXT,
	  .value = "BRANCH",
	  .offset = offsetof(struct render_options, branch.to_branch),
	  .help = "Commit the objects to this branch, one file an object, instead of printing them; `{env}` stands for the "
		  "environment's name. Nothing is committed when nothing changed." },
	{ .name = "push",
	  .kind = OPTION_TEXT,
	  .value = "REMOTE",
	  .offset = offsetof(struct render_options, branch.push),
	  .help = "With `--to-branch`: push the branch to this remote. A push that "
		  "another one forestalls is made again on top of it." },
	{ .name = "include-secrets",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct render_options, branch.secrets),
	  .help = "With `--to-branch`: commit Secrets with their values, too." },
	LOCAL_OBJECTS_OPTIONS(struct render_options),
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "render ./shop", "Show what `sync` would apply" },
	{ "render ./shop -n web -o json", "The same as one JSON list, for the namespace web" },
	{ "render --env prod --origin",
	  "The environment prod of `capstan.yaml`, and where its values come from" },
	{ "render --all --to-branch 'rendered/{env}' --push origin",
	  "Rendered branches, for review of what will be applied" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Everything could be rendered." },
	{ EXIT_TROUBLE, "There was an error. Nothing is printed on standard output then." },
	{ 0, NULL },
};

const struct command command_render = {
	.name = "render",
	.operands = "DIR|--env ENVIRONMENT|--all",
	.summary = "Print the objects that a directory or an environment stands for",
	.help = "Builds the kustomization in DIR, or else reads every manifest in it, and prints the objects as they would be applied, in the order in which they "
		"would be applied, each with the file and line it comes from. No cluster is asked.\n\n"
		"Warnings and errors are all printed to standard error at once, as `FILE:LINE: error: TEXT`.\n\n"
		"Values of Secrets are never shown: `(hidden: N bytes)` stands for each.",
	.options = options,
	.options_size = sizeof(struct render_options),
	.formats = formats,
	.common = COMMON_COLOR,
	.operands_max = 1,
	.complete = COMPLETE_DIRECTORY,
	.examples = examples,
	.exits = exits,
	.run = run,
};
