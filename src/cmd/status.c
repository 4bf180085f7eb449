/*
 * status.c - `capstan status [APP...]`: a table of apps; of one app also its revisions, errors and objects.
 *
 * Everything shown is in the App's status, which the operator writes: nothing else is asked.
 */
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "cmd/apps.h"
#include "cmd/commands.h"
#include "kube/watch.h"
#include "operator/spec.h"

struct status_options {
	bool watch, objects;
};

static bool all_ready(const struct node *apps)
{
	for (size_t i = 0; i < node_count(apps); i++)
		if (!apps_ready(node_item(apps, i)))
			return false;
	return true;
}

/* --- the table --- */

static void print_table(const struct cli *cli, const struct style *style, const struct node *apps)
{
	cleanup_arena struct arena a = ARENA_INIT;
	size_t n = node_count(apps);
	struct status_row *rows = arena_array(&a, struct status_row, n + 1);
	for (size_t i = 0; i < n; i++)
		apps_row(&a, node_item(apps, i), clock_wall_ms(), &rows[i]);
	struct status_table table = {
		.rows = rows,
		.n = n,
		.namespaces = cli->common.all_namespaces,
		.wide = cli->common.output && strcmp(cli->common.output, "wide") == 0,
	};
	print_status(cli->out, style, &table);
}

/* --- one app --- */

static void add_text(struct buf *out, const struct node *n)
{
	style_safe(out, node_text(n), false);
}

static void add_revisions(struct buf *out, const struct node *app)
{
	static const char *const names[] = { "wanted", "attempted", "applied", "healthy" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct node *text = node_get(node_at(app, "status.revision"), names[i]);
		buf_printf(out, "  %-10s ", names[i]);
		if (node_text(text).n)
			add_text(out, text);
		else
			buf_addc(out, '-');
		buf_addc(out, '\n');
	}
}

static void add_conditions(struct buf *out, const struct style *style, const struct node *app)
{
	const struct node *list = node_at(app, "status.conditions");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *c = node_item(list, i);
		buf_printf(out, "  %s%.*s %.*s%s ", style_on(style, TINT_BOLD),
			   STR_ARG(node_text(node_get(c, "type"))), STR_ARG(node_text(node_get(c, "status"))),
			   style_off(style));
		add_text(out, node_get(c, "reason"));
		if (node_text(node_get(c, "message")).n)
			buf_adds(out, ": ");
		add_text(out, node_get(c, "message"));
		buf_addc(out, '\n');
	}
}

/* "shop/api.yaml:14: Deployment shop/api: what is wrong" */
static void add_problems(struct buf *out, const struct style *style, const struct node *list, bool warnings)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *e = node_item(list, i);
		int64_t line = 0;
		node_int(node_get(e, "line"), &line);
		buf_printf(out, "  %s%s:%s ", style_on(style, warnings ? TINT_YELLOW : TINT_RED),
			   warnings ? "warning" : "error", style_off(style));
		add_text(out, node_get(e, "file"));
		if (line > 0)
			buf_printf(out, ":%lld", (long long)line);
		buf_adds(out, node_text(node_get(e, "file")).n ? ": " : "");
		add_text(out, node_get(e, "object"));
		buf_adds(out, node_text(node_get(e, "object")).n ? ": " : "");
		add_text(out, node_get(e, "message"));
		buf_addc(out, '\n');
	}
}

static void add_errors(struct buf *out, const struct style *style, const struct node *app)
{
	const struct node *list = node_at(app, "status.errors");
	int64_t count = 0;
	node_int(node_at(app, "status.errorCount"), &count);
	add_problems(out, style, list, false);
	add_problems(out, style, node_at(app, "status.warnings"), true);
	if (count > (int64_t)node_count(list))
		buf_printf(out, "  ... and %lld more errors\n",
			   (long long)count - (long long)node_count(list));
}

static bool is_fine(const struct node *object)
{
	return str_is(node_text(node_get(object, "sync")), "Synced") &&
	       str_is(node_text(node_get(object, "health")), "Current");
}

/* Those that need attention; all of them when asked. */
static void add_objects(struct buf *out, const struct style *style, const struct node *app, bool all)
{
	const struct node *list = node_at(app, "status.objects");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *o = node_item(list, i);
		if (is_fine(o) && !all)
			continue;
		struct str health = node_text(node_get(o, "health")), sync = node_text(node_get(o, "sync"));
		enum tint tint = is_fine(o) ? TINT_GREEN : str_is(health, "Failed") ? TINT_RED : TINT_YELLOW;
		buf_printf(out, "  %s%-12.*s%s %-10.*s ", style_on(style, tint), STR_ARG(health),
			   style_off(style), STR_ARG(sync));
		add_text(out, node_get(o, "kind"));
		buf_addc(out, ' ');
		add_text(out, node_get(o, "namespace"));
		buf_adds(out, node_text(node_get(o, "namespace")).n ? "/" : "");
		add_text(out, node_get(o, "name"));
		buf_adds(out, node_text(node_get(o, "message")).n ? ": " : "");
		add_text(out, node_get(o, "message"));
		buf_addc(out, '\n');
	}
	int64_t total = 0;
	node_int(node_at(app, "status.counts.total"), &total);
	if (all && total > (int64_t)node_count(list))
		buf_printf(out, "  ... and %lld more\n", (long long)total - (long long)node_count(list));
}

static void add_counts(struct buf *out, const struct node *app)
{
	static const char *const names[] = { "total",	"synced",      "outOfSync",
					     "current", "progressing", "failed" };
	static const char *const words[] = { "objects", "synced",      "out of sync",
					     "healthy", "progressing", "failed" };
	const struct node *counts = node_at(app, "status.counts");
	if (!counts)
		return;
	buf_adds(out, "  ");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t n = 0;
		node_int(node_get(counts, names[i]), &n);
		buf_printf(out, "%s%lld %s", i ? ", " : "", (long long)n, words[i]);
	}
	buf_addc(out, '\n');
}

static void print_detail(const struct cli *cli, const struct style *style, const struct node *app,
			 bool objects)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_addc(&text, '\n');
	add_conditions(&text, style, app);
	add_revisions(&text, app);
	add_counts(&text, app);
	add_errors(&text, style, app);
	add_objects(&text, style, app, objects);
	fwrite(text.p, 1, text.n, cli->out);
}

static void print_people(const struct cli *cli, const struct node *apps)
{
	const struct status_options *own = cli->own;
	struct style style = style_of(cli->out, cli->common.color);
	if (node_count(apps) == 0) {
		fprintf(cli->err, "No apps%s.\n",
			cli->common.all_namespaces ? "" : " in this namespace; -A shows all");
		return;
	}
	print_table(cli, &style, apps);
	for (size_t i = 0; i < node_count(apps); i++)
		if (own->objects || cli->n_operands == 1)
			print_detail(cli, &style, node_item(apps, i), own->objects);
}

/* --- for programs --- */

static void print_data(const struct cli *cli, struct arena *a, struct node *apps)
{
	if (cli->n_operands == 1) {
		apps_print(cli, node_item(apps, 0));
		return;
	}
	struct node *whole = node_map(a);
	node_set(a, whole, STR("apiVersion"), node_string(a, STR("v1")));
	node_set(a, whole, STR("items"), apps);
	node_set(a, whole, STR("kind"), node_string(a, STR("List")));
	apps_print(cli, whole);
}

static void print_apps(const struct cli *cli, struct arena *a, struct node *apps)
{
	const char *format = cli->common.output;
	if (format && strcmp(format, "wide") != 0)
		print_data(cli, a, apps);
	else
		print_people(cli, apps);
}

/* --- watching --- */

static void on_change(void *arg, const struct kube_watch_event *event)
{
	if (event->type == WATCH_LIST_END ||
	    (!event->in_list && event->type <= WATCH_DELETED && event->object))
		loop_stop(arg);
}

/* Shows the apps anew after each change, until the timeout or a signal ends it. */
static int watch(struct cluster *c, struct error *err)
{
	enum { GATHER_MS = 200 };
	struct kube_watch_spec spec = {
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = c->cli->common.all_namespaces ? STR("") : str_of(c->namespace),
	};
	struct kube_watch *w = kube_watch_start(c->client, &spec, on_change, c->loop);
	int rc = 0;
	bool ready = false;
	for (bool first = true; rc == 0 && cluster_left_ms(c) > 0; first = false) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct node *apps;
		cluster_pause(c, cluster_left_ms(c) < INT32_MAX ? cluster_left_ms(c) : INT32_MAX);
		if (cluster_left_ms(c) == 0)
			break;
		cluster_pause(c, GATHER_MS);
		rc = apps_named(c, &a, &apps, err);
		if (rc != 0)
			break;
		if (!first && !c->cli->common.output)
			fputc('\n', c->cli->out);
		print_apps(c->cli, &a, apps);
		fflush(c->cli->out);
		ready = all_ready(apps);
	}
	kube_watch_stop(w);
	return rc == 0 ? (ready ? EXIT_OK : EXIT_DIFFERS) : command_fail(c->cli, err);
}

/* --- the command --- */

static int run(struct cli *cli)
{
	const struct status_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct cluster c;
	struct error err = ERROR_INIT;
	struct node *apps;
	int status;
	if (cluster_open(&c, cli, 0, &err) < 0) {
		status = command_fail(cli, &err);
	} else if (own->watch) {
		status = watch(&c, &err);
	} else if (apps_named(&c, &a, &apps, &err) != 0) {
		status = command_fail(cli, &err);
	} else {
		print_apps(cli, &a, apps);
		status = all_ready(apps) ? EXIT_OK : EXIT_DIFFERS;
	}
	cluster_close(&c);
	return status;
}

static const struct option_def options[] = {
	{ .name = "watch",
	  .letter = 'w',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct status_options, watch),
	  .help = "Go on showing changes until interrupted." },
	{ .name = "objects",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct status_options, objects),
	  .help = "List the objects of each app with their health; else only those that need attention." },
	{ .name = NULL },
};

static const char *const formats[] = { "wide", "json", "yaml", NULL };

static const struct example examples[] = {
	{ "status", "The apps of this namespace" },
	{ "status -A", "The apps of all namespaces" },
	{ "status shop --objects", "One app with its objects" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Every app shown is ready." },
	{ EXIT_DIFFERS, "At least one is not ready." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster, no such app or any other error." },
	{ 0, NULL },
};

const struct command command_status = {
	.name = "status",
	.operands = "[APP...]",
	.summary = "Show apps: what is applied, what is healthy, what is wrong",
	.help = "Shows the apps named, or all of the namespace: whether each is ready, the revision that is applied, whether "
		"the cluster still is as git says, the health of its objects, and the first error with file and line.\n\n"
		"With the name of one app every error is shown.",
	.options = options,
	.options_size = sizeof(struct status_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_ALL_NAMESPACES | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
	.run = run,
};
