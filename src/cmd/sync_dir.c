/*
 * sync_dir.c - `capstan sync DIR`: one attempt of an app made of a directory, driven from this process.
 *
 * A tick looks at the machine a few times a second, draws, and sees the end: the attempt is over, or the user
 * said stop. Then the machine is suspended (an operation under way is cancelled and drains) and the inventory
 * stored before we go.
 */
#include "cmd/sync.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/place.h"
#include "cmd/sync_show.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "deploy/key.h"

enum { TICK_MS = 100, SYNC_TIMEOUT_MS = 300000, STOP_MS = 10000 };

struct sync {
	struct cli *cli;
	struct local_objects objects;
	struct cluster cluster;
	struct link link;
	struct scope_cache scopes;
	struct standalone *app;
	struct app_config config;
	struct loop_timer *timer;
	struct sync_show show;
	struct error failure; /* it could not begin */
	int64_t stop_at;      /* stopping since it was set: at the latest then; 0: not stopping */
	unsigned interrupts;
	bool over;
};

static void stop(struct sync *s)
{
	if (s->stop_at)
		return;
	s->stop_at = clock_mono_ms() + STOP_MS;
	s->config.suspend = true;
	standalone_configure(s->app, &s->config);
}

static bool is_over(const struct sync *s)
{
	const struct app *app = standalone_app(s->app);
	if (s->failure.text[0])
		return true;
	if (!app)
		return false;
	return app->source_error ||
	       (app->attempts > 0 && app->phase == APP_IDLE && app->outcome != APP_OUTCOME_NONE);
}

static void tick(void *arg)
{
	struct sync *s = arg;
	if (!s->over && !s->stop_at && is_over(s)) {
		s->over = s->show.over = true;
		sync_show_app(&s->show, s->app); /* before the machine is told to rest */
		stop(s);
	}
	if (!s->show.over)
		sync_show_app(&s->show, s->app);
	progress_draw(s->show.progress, clock_mono_ms());
	if (s->stop_at && (standalone_settle(s->app) || clock_mono_ms() >= s->stop_at)) {
		loop_stop(s->cluster.loop);
		return;
	}
	loop_timer_set(s->timer, TICK_MS);
}

static void on_changed(void *ctx)
{
	struct sync *s = ctx;
	if (s->stop_at || is_over(s))
		loop_timer_set(s->timer, 0);
}

static void on_failed(void *ctx, const char *why)
{
	struct sync *s = ctx;
	error_set(&s->failure, "inventory: %s", why);
	loop_timer_set(s->timer, 0);
}

static const struct standalone_host host = { on_changed, on_failed };

static void on_interrupt(void *arg)
{
	struct sync *s = arg;
	if (s->interrupts++ > 0) {
		loop_stop(s->cluster.loop);
		return;
	}
	progress_note(s->show.progress, "stopping; once more to stop at once");
	stop(s);
	loop_timer_set(s->timer, 0);
}

/* --- the end --- */

/* Which exit code, and one line on standard error when it is not 0. */
static int verdict(struct sync *s)
{
	const struct app *app = standalone_app(s->app);
	struct error err = s->failure;
	struct app_verdict v;
	if (s->interrupts && !s->over) {
		fprintf(s->cli->err,
			"%s: stopped; what was begun is in the inventory, and sync goes on from there\n",
			s->cli->program);
		return EXIT_INTERRUPTED;
	}
	if (err.text[0] || !app)
		return command_fail(s->cli, &err);
	if (app->source_error) {
		error_set(&err, "%s", app->source_error);
		return command_fail(s->cli, &err);
	}
	if (standalone_store_failure(s->app))
		fprintf(s->cli->err, "%s: the inventory could not be stored: %s\n", s->cli->program,
			standalone_store_failure(s->app));
	if (app->outcome == APP_OUTCOME_TIMED_OUT || app->health_timed_out) {
		fprintf(s->cli->err, "%s: not %s within %lld s\n", s->cli->program,
			app->health_timed_out ? "healthy" : "applied",
			(long long)(app->config.timeout_ms / 1000));
		return EXIT_TIMED_OUT;
	}
	if (app->outcome != APP_OUTCOME_APPLIED) {
		if (app->error)
			fprintf(s->cli->err, "%s: %s\n", s->cli->program, app->error);
		return EXIT_DIFFERS;
	}
	app_verdict(app, &v);
	const struct driver_summary *summary = app->driver->ops->summary(app->driver);
	return s->config.wait && summary->current != summary->items ? EXIT_DIFFERS : EXIT_OK;
}

struct listing {
	struct arena *a;
	struct node *list;
	const struct standalone *s;
};

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	node_set(a, map, str_of(key), node_string(a, str_of(arena_strdup(a, text))));
}

static void list_item(void *arg, const struct driver_item *item)
{
	static const char *const deeds[] = { "unchanged", "created", "updated", "pruned" };
	struct listing *l = arg;
	struct node *o = node_map(l->a);
	if (item->sync == ITEM_PRUNING && local_port_deed(standalone_port(l->s), item->key) == DEED_NOTHING)
		return; /* pruned by an earlier sync; it stays in the inventory until that is certain */
	set_text(l->a, o, "object", key_display(l->a, item->key));
	set_text(l->a, o, "action", deeds[local_port_deed(standalone_port(l->s), item->key)]);
	set_text(l->a, o, "sync", item_sync_word(item->sync));
	set_text(l->a, o, "health", item->health);
	if (item->message[0])
		set_text(l->a, o, "message", item->message);
	node_push(l->a, l->list, o);
}

static void print_data(const struct sync *s, int status)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const struct app *app = standalone_app(s->app);
	struct node *whole = node_map(&a), *errors = node_seq(&a);
	struct listing listing = { &a, node_seq(&a), s->app };
	if (app)
		app->driver->ops->each_item(app->driver, list_item, &listing);
	for (size_t i = 0; app && i < app->n_problems; i++) {
		const struct problem *p = &app->problems[i];
		struct node *e = node_map(&a);
		set_text(&a, e, "file", p->file);
		node_set(&a, e, STR("line"), node_int_new(&a, p->line));
		set_text(&a, e, "object", p->key[0] ? key_display(&a, str_of(p->key)) : "");
		set_text(&a, e, "severity", p->warning ? "warning" : "error");
		set_text(&a, e, "message", p->text);
		node_push(&a, errors, e);
	}
	node_set(&a, whole, STR("exitCode"), node_int_new(&a, status));
	set_text(&a, whole, "revision", app ? app->attempted.text : "");
	node_set(&a, whole, STR("objects"), listing.list);
	node_set(&a, whole, STR("problems"), errors);
	if (strcmp(s->cli->common.output, "json") == 0)
		json_write_pretty(&text, whole);
	else
		yaml_write(&text, whole);
	fwrite(text.p, 1, text.n, s->cli->out);
}

/* --- the command --- */

static void engine_run(struct sync *s, const char *name, struct error *err)
{
	FILE *out = s->cli->common.output ? s->cli->err : s->cli->out;
	struct style style = style_of(out, s->cli->common.color);
	s->show.progress = progress_new(out, &style);
	s->show.wait = s->config.wait;
	link_init(&s->link, s->cluster.loop, s->cluster.client);
	scope_cache_init(&s->scopes);
	s->timer = loop_timer_new(s->cluster.loop, tick, s);
	struct standalone_options options = {
		.link = &s->link,
		.scopes = &s->scopes,
		.name = name,
		.namespace = s->cluster.namespace,
		.render = local_objects_render,
		.render_ctx = &s->objects,
		.shown = s->objects.dir,
		.config = s->config,
	};
	s->app = standalone_new(&options, &host, s);
	if (loop_signal(s->cluster.loop, SIGINT, on_interrupt, s, err) == 0 &&
	    loop_signal(s->cluster.loop, SIGTERM, on_interrupt, s, err) == 0) {
		loop_timer_set(s->timer, TICK_MS);
		loop_run(s->cluster.loop);
	}
	if (standalone_app(s->app) && standalone_app(s->app)->attempts > 0)
		progress_finish(s->show.progress, clock_mono_ms());
}

static void engine_release(struct sync *s)
{
	sync_show_release(&s->show);
	standalone_free(s->app);
	loop_timer_free(s->timer);
	if (s->app)
		link_release(&s->link);
	cluster_close(&s->cluster);
	if (s->app)
		scope_cache_release(&s->scopes);
}

static struct app_config config_of(const struct cli *cli)
{
	const struct sync_options *own = cli->own;
	struct app_config config = APP_CONFIG_DEFAULT;
	config.self_heal = false; /* one attempt; nobody stays to heal */
	config.prune = !own->no_prune;
	config.wait = !own->no_wait;
	config.force = own->force;
	config.allow_empty = own->allow_empty;
	config.timeout_ms = cli->common.timeout_ms > 0 ? cli->common.timeout_ms : SYNC_TIMEOUT_MS;
	return config;
}

/* What is to be applied, and where. */
static int open_all(struct sync *s, const char *dir, const char *name, struct error *err)
{
	if (cluster_open(&s->cluster, s->cli, 0, err) < 0 || cluster_discover(&s->cluster, err) < 0 ||
	    local_objects_values(&s->objects, &s->cluster, err) < 0)
		return -1;
	return place_check(&s->cluster, name, dir ? dir : s->objects.dir, err);
}

int sync_dir(struct cli *cli, const char *dir)
{
	const struct sync_options *own = cli->own;
	struct error err = ERROR_INIT;
	struct sync s = { .cli = cli, .config = config_of(cli) };
	char name[COMMAND_APP_NAME_MAX];
	int status = local_objects_open(&s.objects, cli, &own->given, dir, &err) < 0 ? command_fail(cli, &err)
										     : -1;
	if (status < 0) {
		local_objects_context(&s.objects, &cli->common);
		local_objects_name(&s.objects, name);
		const char *called = own->name ? own->name : name;
		if (open_all(&s, dir, called, &err) == 0)
			engine_run(&s, called, &err);
		status = err.text[0] ? command_fail(cli, &err) : verdict(&s);
		if (cli->common.output && s.app)
			print_data(&s, status);
	}
	engine_release(&s);
	local_objects_close(&s.objects);
	return status;
}
