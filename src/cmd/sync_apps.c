/*
 * sync_apps.c - `capstan sync --apps FILE [NAME...]`: one attempt for each App of a file, on a machine with
 * no cluster.
 *
 * An App is one line of the progress; each of its errors is one more.
 */
#include "cmd/sync_apps.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/progress.h"
#include "cmd/session.h"
#include "cmd/sync.h"
#include "operator/plain.h"

enum { DEFAULT_TIMEOUT_MS = 600000 };

const char *sync_apps_state_dir(struct arena *a)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	if (geteuid() == 0)
		return "/var/lib/capstan";
	if (xdg && *xdg == '/')
		return arena_printf(a, "%s/capstan", xdg);
	if (home && *home == '/')
		return arena_printf(a, "%s/.local/state/capstan", home);
	return arena_printf(a, "/tmp/capstan-state-%d", (int)getuid());
}

static void say_problem(struct progress *p, const char *object, const struct problem *problem)
{
	cleanup_buf struct buf place = BUF_INIT;
	buf_adds(&place, problem->file);
	if (problem->line)
		buf_printf(&place, ":%u", problem->line);
	progress_object(p, object, place.n ? place.p : "", PROGRESS_FAILED, problem->text);
}

static enum progress_state change_of(const struct driver_summary *s)
{
	if (s->to_update || (s->to_create && s->to_prune))
		return PROGRESS_UPDATED;
	if (s->to_create)
		return s->unchanged ? PROGRESS_UPDATED : PROGRESS_CREATED;
	return s->to_prune ? PROGRESS_PRUNED : PROGRESS_UNCHANGED;
}

static void say_applied(struct progress *p, const char *object, const struct app *app)
{
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s: %zu created, %zu updated, %zu pruned, %zu unchanged", app->applied.text,
		   s->to_create, s->to_update, app->config.prune ? s->to_prune : 0, s->unchanged);
	progress_object(p, object, "", change_of(s), text.p);
}

/* More than one: a line each, named by the file. */
static void say_problems(struct progress *p, const char *object, const struct app *app)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t errors = 0;
	for (size_t i = 0; i < app->n_problems; i++)
		errors += !app->problems[i].warning;
	for (size_t i = 0; i < app->n_problems; i++) {
		const struct problem *problem = &app->problems[i];
		cleanup_buf struct buf name = BUF_INIT;
		buf_printf(&name, "%s %s", object, problem->key[0] ? problem->key : problem->file);
		if (!problem->warning)
			say_problem(p, errors == 1 ? object : name.p, problem);
	}
	buf_printf(&text, "%s: %zu errors", app->attempted.text, errors);
	if (errors != 1)
		progress_object(p, object, "", PROGRESS_FAILED, text.p);
}

static void say_failed(struct progress *p, const char *object, const struct app *app)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (!app->source_error && !app->error) {
		say_problems(p, object, app);
		return;
	}
	if (app->source_error)
		buf_adds(&text, app->source_error);
	else
		buf_printf(&text, "%s: %s", app->attempted.text, app->error);
	progress_object(p, object, "", PROGRESS_FAILED, text.p);
}

static void on_app(void *ctx, const char *name, const struct app *app, bool over)
{
	struct progress *p = ctx;
	cleanup_buf struct buf object = BUF_INIT;
	buf_printf(&object, "App %s", name);
	if (over && !app->source_error && app->outcome == APP_OUTCOME_APPLIED)
		say_applied(p, object.p, app);
	else if (over)
		say_failed(p, object.p, app);
	else
		progress_object(p, object.p, "",
				app->phase == APP_IDLE ? PROGRESS_PENDING : PROGRESS_APPLYING,
				app->phase == APP_IDLE ? "" : app->attempted.text);
}

static void on_refused(void *ctx, const char *name, const char *place, const char *why)
{
	progress_object(ctx, name, place, PROGRESS_FAILED, why);
}

static void on_tick(void *ctx)
{
	progress_draw(ctx, clock_mono_ms());
}

static int exit_of(struct cli *cli, int end, const struct error *err, int64_t timeout_ms)
{
	if (end < 0)
		return command_fail(cli, err);
	if (end == PLAIN_INTERRUPTED) {
		fprintf(cli->err,
			"%s: stopped; what was begun is in the inventories, and sync goes on from there\n",
			cli->program);
		return EXIT_INTERRUPTED;
	}
	if (end == PLAIN_TIMED_OUT)
		fprintf(cli->err, "%s: not done within %lld s\n", cli->program,
			(long long)(timeout_ms / 1000));
	return end == PLAIN_TIMED_OUT ? EXIT_TIMED_OUT : end == PLAIN_FAILED ? EXIT_DIFFERS : EXIT_OK;
}

/* What the App itself says, or what only a cluster has. */
static int check_options(const struct cli *cli, struct error *err)
{
	const struct sync_options *own = cli->own;
	if (own->name || own->app || own->no_prune || own->no_wait || own->force || own->allow_empty)
		return error_set(
			err,
			"--apps takes no options of an app: each App of the file says them in spec.sync");
	if (cli->common.kubeconfig || cli->common.context || cli->common.namespace)
		return error_set(err,
				 "--apps needs no cluster: remove --kubeconfig, --context and --namespace");
	return cli->common.output ? error_set(err, "--apps has no other output: remove --output") : 0;
}

int sync_apps(struct cli *cli)
{
	const struct sync_options *own = cli->own;
	static const struct plain_watcher watcher = { on_app, on_refused, on_tick };
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	if (check_options(cli, &err) < 0)
		return command_fail(cli, &err);
	struct style style = style_of(cli->out, cli->common.color);
	struct progress *p = progress_new(cli->out, &style);
	if (!cli->common.log_level)
		log_setup(LOG_ERROR, LOG_LOGFMT); /* the progress says it all */
	struct plain_sync sync = {
		.options = {
			.file = own->apps,
			.state_dir = own->state ? own->state : sync_apps_state_dir(&a),
			.cache_dir = session_cache_dir(&a),
		},
		.names = cli->operands,
		.n_names = cli->n_operands,
		.timeout_ms = cli->common.timeout_ms > 0 ? cli->common.timeout_ms : DEFAULT_TIMEOUT_MS,
		.watcher = &watcher,
		.ctx = p,
	};
	int end = plain_sync(&sync, &err);
	if (end >= 0)
		progress_finish(p, clock_mono_ms());
	progress_free(p);
	return exit_of(cli, end, &err, sync.timeout_ms);
}
