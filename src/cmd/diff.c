/*
 * diff.c - `capstan diff DIR|APP`: git, the cluster, and who changed the cluster since.
 *
 * What the cluster would be is asked of the server: an apply as `sync` would send it, as a dry run. That and
 * the live object, without what the server alone fills in, are the two sides; managedFields of the live one
 * is the third.
 */
#include <string.h>

#include "cmd/apps.h"
#include "cmd/commands.h"
#include "cmd/diff.h"
#include "cmd/place.h"
#include "cmd/print_diff.h"
#include "deploy/key.h"
#include "doc/json.h"
#include "doc/yaml.h"

/* --- output --- */

struct output {
	const struct cli *cli;
	struct style style;
	struct arena arena;
	struct node *list; /* with -o */
	size_t differing;
};

static void add_authors(struct arena *a, struct node *to, const struct node *live)
{
	struct diff_author authors[16];
	size_t n = diff_authors(live, "capstan", authors, 16);
	struct node *list = node_seq(a);
	for (size_t i = 0; i < n; i++) {
		struct node *one = node_map(a);
		node_set(a, one, STR("manager"), node_string(a, arena_str(a, authors[i].manager)));
		node_set(a, one, STR("operation"), node_string(a, arena_str(a, authors[i].operation)));
		node_set(a, one, STR("time"), node_string(a, arena_str(a, authors[i].time)));
		node_push(a, list, one);
	}
	node_set(a, to, STR("changedBy"), list);
}

/* For programs: the same text, without colour, beside what it is about. */
static bool list_diff(struct output *out, const struct diff_object *o)
{
	char *text = NULL;
	size_t n = 0;
	struct style plain = { .width = 80, .height = 24 };
	FILE *memory = open_memstream(&text, &n);
	bool differs = memory && print_diff(memory, &plain, o);
	if (memory)
		fclose(memory);
	if (differs) {
		struct arena *a = &out->arena;
		struct node *one = node_map(a);
		const char *action = !o->cluster ? "create" : !o->git ? "prune" : "update";
		node_set(a, one, STR("object"), node_string(a, str_of(arena_strdup(a, o->name))));
		node_set(a, one, STR("place"), node_string(a, str_of(arena_strdup(a, o->place))));
		node_set(a, one, STR("action"), node_string(a, str_of(action)));
		node_set(a, one, STR("diff"), node_string(a, str_of(arena_strndup(a, text, n))));
		if (o->live)
			add_authors(a, one, o->live);
		node_push(a, out->list, one);
	}
	free(text);
	return differs;
}

static void show(struct output *out, const struct diff_object *o)
{
	bool differs = out->list ? list_diff(out, o) : print_diff(out->cli->out, &out->style, o);
	out->differing += differs;
}

static void show_compared(struct output *out, const struct compared *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct compared *c = &all[i];
		if (c->failure || (!c->git && !c->live))
			continue;
		struct diff_object o = {
			.name = key_display(&a, c->key),
			.place = c->file ? arena_printf(&a, "%s:%u", c->file, c->line) : "",
			.git = comparison_clean(&a, c->git),
			.cluster = comparison_clean(&a, c->live),
			.live = c->live,
		};
		show(out, &o);
	}
}

static void print_data(struct output *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *whole = node_map(&out->arena);
	node_set(&out->arena, whole, STR("differences"), out->list);
	if (strcmp(out->cli->common.output, "json") == 0)
		json_write_pretty(&text, whole);
	else
		yaml_write(&text, whole);
	fwrite(text.p, 1, text.n, out->cli->out);
}

/* --- problems --- */

static void print_problem(const struct cli *cli, const char *file, uint32_t line, bool warning,
			  const char *object, const char *text)
{
	struct style style = style_of(cli->err, cli->common.color);
	cleanup_buf struct buf out = BUF_INIT;
	if (file && *file) {
		style_safe(&out, str_of(file), false);
		if (line)
			buf_printf(&out, ":%u", line);
		buf_adds(&out, ": ");
	}
	buf_printf(&out, "%s%s%s ", style_on(&style, warning ? TINT_YELLOW : TINT_RED),
		   warning ? "warning:" : "error:", style_off(&style));
	style_safe(&out, str_of(object), false);
	buf_adds(&out, *object ? ": " : "");
	style_safe(&out, str_of(text), false);
	buf_addc(&out, '\n');
	fwrite(out.p, 1, out.n, cli->err);
}

static size_t print_render_problems(const struct cli *cli, const struct desired *d)
{
	for (size_t i = 0; i < d->n_problems; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct problem *p = &d->problems[i];
		print_problem(cli, p->file, p->line, p->warning,
			      p->key[0] ? key_display(&a, str_of(p->key)) : "", p->text);
	}
	return d->n_errors;
}

static size_t print_failures(const struct cli *cli, const struct compared *all, size_t n)
{
	size_t failures = 0;
	for (size_t i = 0; i < n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		if (!all[i].failure)
			continue;
		print_problem(cli, all[i].file, all[i].line, false, key_display(&a, all[i].key),
			      all[i].failure);
		failures++;
	}
	return failures;
}

/* --- the command --- */

static int compare_and_show(struct cluster *c, const char *name, struct local_objects *objects,
			    const struct checkout *checkout)
{
	const struct diff_given *own = c->cli->own;
	struct error err = ERROR_INIT;
	struct output out = { .cli = c->cli, .style = style_of(c->cli->out, c->cli->common.color) };
	out.list = c->cli->common.output ? node_seq(&out.arena) : NULL;
	struct comparison comparison = {
		.cluster = c, .name = name, .objects = objects, .checkout = checkout, .prune = !own->no_prune
	};
	int status;
	if (comparison_run(&comparison, &err) < 0) {
		status = command_fail(c->cli, &err);
	} else {
		size_t errors = print_render_problems(c->cli, comparison.desired);
		show_compared(&out, comparison.all, comparison.n);
		errors += print_failures(c->cli, comparison.all, comparison.n);
		if (out.list)
			print_data(&out);
		status = errors ? EXIT_TROUBLE : out.differing ? EXIT_DIFFERS : EXIT_OK;
	}
	comparison_release(&comparison);
	arena_release(&out.arena);
	return status;
}

static int compare_app(struct cluster *c, const char *name, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct checkout checkout = { 0 };
	struct node *app;
	int status;
	if (apps_get(c, &a, name, &app, err) != 0 || checkout_app(c, app, &checkout, err) < 0)
		status = command_fail(c->cli, err);
	else
		status = compare_and_show(c, name, NULL, &checkout);
	checkout_release(&checkout);
	return status;
}

/* A directory or an environment of this machine. */
static int compare_local(struct cli *cli, const char *dir)
{
	const struct diff_given *own = cli->own;
	struct cluster c = { 0 };
	struct local_objects objects;
	struct error err = ERROR_INIT;
	char name[COMMAND_APP_NAME_MAX];
	int status;
	bool opened = local_objects_open(&objects, cli, &own->given, dir, &err) == 0;
	if (opened)
		local_objects_context(&objects, &cli->common);
	if (!opened || cluster_open(&c, cli, 0, &err) < 0 || cluster_discover(&c, &err) < 0 ||
	    local_objects_values(&objects, &c, &err) < 0) {
		status = command_fail(cli, &err);
	} else {
		local_objects_name(&objects, name);
		status = compare_and_show(&c, own->name ? own->name : name, &objects, NULL);
	}
	cluster_close(&c);
	local_objects_close(&objects);
	return status;
}

static int run(struct cli *cli)
{
	const struct diff_given *own = cli->own;
	const char *operand = cli->n_operands ? cli->operands[0] : NULL;
	struct cluster c;
	struct error err = ERROR_INIT;
	int status;
	if (!operand && !own->given.env) {
		error_set(&err, "DIR, APP or --env is missing");
		return command_fail(cli, &err);
	}
	if (!operand || own->given.env || place_is_dir(operand, own->app))
		return compare_local(cli, operand);
	if (cluster_open(&c, cli, 0, &err) < 0 || cluster_discover(&c, &err) < 0)
		status = command_fail(cli, &err);
	else
		status = compare_app(&c, operand, &err);
	cluster_close(&c);
	return status;
}

static const struct option_def options[] = {
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .value = "APP",
	  .offset = offsetof(struct diff_given, name),
	  .help = "With a directory: name of the app it is. Default: the directory's name." },
	{ .name = "app",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct diff_given, app),
	  .help = "The operand is an App, also when there is a directory of that name." },
	{ .name = "no-prune",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct diff_given, no_prune),
	  .help = "Leave out what is no longer in git." },
	LOCAL_OBJECTS_OPTIONS(struct diff_given),
	{ .name = NULL },
};

static const char *const formats[] = { "json", "yaml", NULL };

static const struct example examples[] = {
	{ "diff shop", "What the cluster has that git does not say, for an app" },
	{ "diff ./shop -n web", "What `sync ./shop` would change" },
	{ "diff --env prod", "What would change in prod, as `capstan.yaml` describes it" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Git and the cluster are the same." },
	{ EXIT_DIFFERS, "They differ." },
	{ EXIT_TROUBLE, "Wrong usage, unreadable input, no cluster or any other error." },
	{ 0, NULL },
};

const struct command command_diff = {
	.name = "diff",
	.operands = "DIR|APP|--env ENVIRONMENT",
	.summary = "Show how the cluster differs from git, and who changed it",
	.help = "Shows each object that differs as a unified diff from the cluster to git, with the file and line in git, and "
		"with those who changed the object in the cluster and when. Nothing is changed.\n\n"
		"Fields that only the cluster fills in are no difference. Values of Secrets are never shown: each key is "
		"said to be changed or unchanged.\n\n"
		"Of an App, git is the newest commit of its revision: it is fetched here, with the Repo's Secret when it "
		"names one, and with your own git settings otherwise.",
	.options = options,
	.options_size = sizeof(struct diff_given),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_max = 1,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
	.run = run,
};
