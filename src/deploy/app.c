/*
 * app.c - one step function decides everything.
 *
 * Each public call records what happened and runs step(). step() loops over small rules until none applies;
 * each rule looks at the state alone. A cancelled operation drains beside the next render: apply starts when
 * both are through, so that an old request can never land after a new one for the same object.
 */
#include "deploy/app.h"

#include <stdio.h>
#include <string.h>

enum {
	HEAL_QUIET_MS = 60000, /* without a heal for this long a fight is over */
	HEAL_FREE = 3,	       /* heals in a row that are immediate */
	HEAL_BACKOFF_BASE_MS = 500,
	HEAL_BACKOFF_MAX_MS = 60000,
};

static bool same_input(const struct app_revision *a, const struct app_revision *b)
{
	return hash_eq(a->input, b->input);
}

static bool known(const struct app_revision *r)
{
	return !hash_is_zero(r->input);
}

static void say(struct app *app)
{
	app->host->publish(app->host_ctx);
}

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = text && *text ? mem_strdup(text) : NULL;
}

/* --- the report of the last attempt --- */

static void clear_problems(struct app *app)
{
	arena_release(&app->problem_arena);
	app->problems = NULL;
	app->n_problems = 0;
}

static void copy_problem(struct arena *a, struct problem *to, const struct problem *from)
{
	*to = (struct problem){
		.key = arena_strdup(a, from->key ? from->key : ""),
		.file = arena_strdup(a, from->file ? from->file : ""),
		.line = from->line,
		.text = arena_strdup(a, from->text ? from->text : ""),
		.warning = from->warning,
	};
}

/* Everything that is wrong: what the render found, then what the driver found. */
static void collect_problems(struct app *app)
{
	size_t n_driver = 0;
	const struct problem *of_driver = app->driver->ops->problems(app->driver, &n_driver);
	size_t n_render = app->desired ? app->desired->n_problems : 0;
	clear_problems(app);
	if (n_driver + n_render == 0)
		return;
	app->problems = arena_array(&app->problem_arena, struct problem, n_driver + n_render);
	for (size_t i = 0; i < n_render; i++)
		copy_problem(&app->problem_arena, &app->problems[app->n_problems++],
			     &app->desired->problems[i]);
	for (size_t i = 0; i < n_driver; i++)
		copy_problem(&app->problem_arena, &app->problems[app->n_problems++], &of_driver[i]);
}

static bool has_errors(const struct app *app)
{
	for (size_t i = 0; i < app->n_problems; i++)
		if (!app->problems[i].warning)
			return true;
	return false;
}

/* --- attempts --- */

static int64_t jittered(struct app *app, int64_t ms)
{
	uint32_t random = app->host->random(app->host_ctx);
	return ms * 4 / 5 + (int64_t)(random % 1024) * ms * 2 / 5 / 1024;
}

static int64_t backoff(struct app *app, int64_t base, int64_t max, unsigned times)
{
	int64_t ms = base;
	for (unsigned i = 1; i < times && ms < max; i++)
		ms *= 2;
	return jittered(app, ms < max ? ms : max);
}

static void drop_desired(struct app *app)
{
	desired_unref(app->desired);
	app->desired = NULL;
}

static void stop_driver(struct app *app)
{
	if (app->phase != APP_APPLYING && app->phase != APP_REMOVING)
		return;
	app->draining = true;
	app->driver->now = app->now;
	app->driver->ops->cancel(app->driver);
}

/* Ends whatever is under way without a verdict. */
static void abandon(struct app *app)
{
	stop_driver(app);
	app->ticket++;
	app->phase = APP_IDLE;
	drop_desired(app);
}

static void fail(struct app *app, enum app_outcome outcome, const char *error)
{
	app->outcome = outcome;
	set_text(&app->error, error);
	app->failures++;
	app->retry_at =
		app->now + backoff(app, app->config.retry_base_ms, app->config.retry_max_ms, app->failures);
	app->finished_at = app->now;
	app->phase = APP_IDLE;
	drop_desired(app);
	say(app);
}

static void start(struct app *app)
{
	stop_driver(app);
	drop_desired(app);
	if (!same_input(&app->attempted, &app->wanted))
		app->failures = 0;
	app->phase = APP_RENDERING;
	app->attempted = app->wanted;
	app->outcome = APP_OUTCOME_NONE;
	app->started_at = app->now;
	app->sync_requested = false;
	app->health_timed_out = false;
	app->retry_at = 0;
	app->attempts++;
	app->ticket++;
	app->host->render(app->host_ctx, app->ticket);
	say(app);
}

/* The render is here and nothing old is under way: compare and apply. */
static void begin_apply(struct app *app)
{
	app->phase = APP_APPLYING;
	/* Until it is through the world matches nothing that has a name: a restart, or a way back, must begin
	 * anew. */
	app->applied.input = (struct hash){ { 0 } };
	app->events &= ~(unsigned)(DRIVER_PLANNED | DRIVER_APPLIED);
	app->driver->ops->plan(app->driver, app->desired);
}

static void on_planned(struct app *app)
{
	if (app->driver->ops->summary(app->driver)->needs_approval)
		return; /* goes on when a person asks */
	struct apply_options options = {
		.prune = app->config.prune,
		.force = app->config.force,
		.allow_empty = app->config.allow_empty,
	};
	app->driver->ops->apply(app->driver, &options);
}

static void on_applied(struct app *app)
{
	collect_problems(app);
	if (has_errors(app)) {
		fail(app, APP_OUTCOME_APPLY_FAILED, "");
		return;
	}
	app->outcome = APP_OUTCOME_APPLIED;
	set_text(&app->error, NULL);
	app->applied = app->attempted;
	app->applied_at = app->now;
	app->failures = 0;
	app->phase = APP_WAITING;
	drop_desired(app);
	say(app);
}

static bool all_current(const struct driver_summary *s)
{
	return s->observed && s->drifted == 0 && s->current == s->items && s->stale == 0;
}

/* --- the rules; each returns true when it changed something --- */

static bool rule_deleting(struct app *app)
{
	if (!app->config.deleting || app->phase == APP_REMOVED)
		return false;
	if (app->phase != APP_REMOVING) {
		if (app->phase != APP_IDLE)
			abandon(app);
		if (app->draining || app->now < app->retry_at)
			return false;
		app->phase = APP_REMOVING;
		app->events &= ~(unsigned)DRIVER_REMOVED;
		app->driver->ops->remove(app->driver, app->config.orphan);
		say(app);
		return true;
	}
	if (!(app->events & DRIVER_REMOVED))
		return false;
	app->events &= ~(unsigned)DRIVER_REMOVED;
	collect_problems(app);
	if (has_errors(app)) {
		fail(app, APP_OUTCOME_APPLY_FAILED, "");
		return true;
	}
	app->phase = APP_REMOVED;
	app->host->removed(app->host_ctx);
	return true;
}

static bool rule_suspended(struct app *app)
{
	if (!app->config.suspend || app->config.deleting || app->phase == APP_IDLE)
		return false; /* a deletion goes on: its finalizer must not wait for a person */
	abandon(app);
	say(app);
	return true;
}

/* Work under way for a revision that is no longer the newest is dropped at once, whatever it waits for. */
static bool rule_preempt(struct app *app)
{
	if (app->phase == APP_IDLE || !known(&app->wanted) || same_input(&app->attempted, &app->wanted) ||
	    !app->config.automatic)
		return false;
	start(app);
	return true;
}

static bool rule_deadline(struct app *app)
{
	if (app->phase == APP_IDLE || app->phase == APP_REMOVING ||
	    app->now - app->started_at < app->config.timeout_ms)
		return false;
	if (app->phase == APP_WAITING) {
		app->health_timed_out = true;
		app->finished_at = app->now;
		app->phase = APP_IDLE;
		say(app);
		return true;
	}
	if (app->phase == APP_APPLYING)
		collect_problems(app);
	stop_driver(app);
	app->ticket++;
	char text[96];
	snprintf(text, sizeof(text), "not applied within the timeout of %lld s (sync.timeout)",
		 (long long)(app->config.timeout_ms / 1000));
	fail(app, APP_OUTCOME_TIMED_OUT, text);
	return true;
}

static bool rule_progress(struct app *app)
{
	if (app->phase == APP_RENDERING && app->desired && !app->draining) {
		begin_apply(app);
		return true;
	}
	if (app->phase != APP_APPLYING)
		return false;
	if (app->events & DRIVER_PLANNED) {
		app->events &= ~(unsigned)DRIVER_PLANNED;
		on_planned(app);
		return true;
	}
	if (app->events & DRIVER_APPLIED) {
		app->events &= ~(unsigned)DRIVER_APPLIED;
		on_applied(app);
		return true;
	}
	return false;
}

static bool rule_healthy(struct app *app)
{
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (app->phase == APP_WAITING &&
	    (all_current(s) || !app->config.wait || (s->failed && s->observed))) {
		app->finished_at = app->now;
		app->phase = APP_IDLE;
		if (all_current(s))
			app->healthy = app->applied;
		say(app);
		return true;
	}
	if (app->phase != APP_IDLE || app->outcome != APP_OUTCOME_APPLIED || !all_current(s))
		return false;
	if (!app->health_timed_out && same_input(&app->healthy, &app->applied))
		return false;
	app->health_timed_out = false;
	app->healthy = app->applied;
	say(app);
	return true;
}

static bool wants_new(const struct app *app)
{
	bool tried = same_input(&app->attempted, &app->wanted);
	bool whole =
		app->outcome == APP_OUTCOME_APPLIED && !app->driver->ops->summary(app->driver)->unfinished;
	if (!app->config.automatic || (tried && whole))
		return false;
	/* The same input again is a retry; another one is new and waits for nothing. */
	return !tried || app->failures == 0 || app->now >= app->retry_at;
}

static bool wants_retry(const struct app *app)
{
	return app->failures > 0 && app->now >= app->retry_at;
}

static bool wants_heal(struct app *app)
{
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (!app->config.self_heal || !app->config.automatic || !s->observed || s->drifted == 0 ||
	    !same_input(&app->applied, &app->wanted) || app->failures > 0)
		return false;
	return app->now >= app->heal_at;
}

/* The first heals are immediate; in a fight with another writer each next one waits longer. */
static void note_heal(struct app *app)
{
	if (app->heal_at && app->now - app->heal_at > HEAL_QUIET_MS)
		app->heals = 0;
	app->heals++;
	app->heal_at = app->now;
	if (app->heals > HEAL_FREE)
		app->heal_at +=
			backoff(app, HEAL_BACKOFF_BASE_MS, HEAL_BACKOFF_MAX_MS, app->heals - HEAL_FREE);
}

static bool rule_begin(struct app *app)
{
	if ((app->phase != APP_IDLE && app->phase != APP_WAITING) || app->config.suspend ||
	    app->config.deleting || !known(&app->wanted))
		return false;
	if (app->sync_requested) {
		app->failures = 0;
		start(app);
		return true;
	}
	if (app->phase == APP_IDLE && (wants_new(app) || wants_retry(app))) {
		start(app);
		return true;
	}
	if (wants_heal(app)) {
		note_heal(app);
		start(app);
		return true;
	}
	return false;
}

static void note_events(struct app *app)
{
	if (app->events & DRIVER_DRAINED) {
		app->events &= ~(unsigned)(DRIVER_DRAINED | DRIVER_APPLIED | DRIVER_PLANNED | DRIVER_REMOVED);
		app->draining = false;
	}
	if (app->events & DRIVER_CHANGED) {
		app->events &= ~(unsigned)DRIVER_CHANGED;
		say(app);
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_wake(struct app *app)
{
	int64_t at = app->driver->ops->tick(app->driver);
	if (app->phase == APP_REMOVED)
		return INT64_MAX;
	if (app->phase != APP_IDLE && app->phase != APP_REMOVING)
		at = earlier(at, app->started_at + app->config.timeout_ms);
	if (app->phase == APP_IDLE && app->failures > 0 && (!app->config.suspend || app->config.deleting))
		at = earlier(at, app->retry_at);
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (app->phase == APP_IDLE && s->drifted && app->heal_at > app->now && !app->config.suspend)
		at = earlier(at, app->heal_at);
	return at;
}

static void run_rules(struct app *app)
{
	bool again;
	do {
		note_events(app);
		again = rule_deleting(app) || rule_suspended(app);
		if (!again && !app->config.deleting)
			again = rule_preempt(app) || rule_deadline(app) || rule_progress(app) ||
				rule_healthy(app) || rule_begin(app);
	} while (again || (app->events & ~(unsigned)(DRIVER_PLANNED | DRIVER_APPLIED | DRIVER_REMOVED)));
}

static void step(struct app *app)
{
	if (app->stepping)
		return; /* an event from inside a call: the loop below sees it */
	app->stepping = true;
	app->driver->now = app->now;
	int64_t at;
	unsigned before;
	do {
		run_rules(app);
		before = app->events;
		at = next_wake(app);
	} while (app->events & ~before); /* the driver's tick may end an operation */
	app->stepping = false;
	app->host->arm(app->host_ctx, at);
}

/* --- public --- */

void app_driver_event(void *ctx, enum driver_event event)
{
	struct app *app = ctx;
	app->events |= event;
	if (app->now < app->driver->now)
		app->now = app->driver->now;
	step(app);
}

void app_init(struct app *app, const struct app_host *host, void *ctx, struct driver *driver, int64_t now)
{
	*app = (struct app){
		.host = host, .host_ctx = ctx, .driver = driver, .now = now, .config = APP_CONFIG_DEFAULT
	};
	driver->notify = app_driver_event;
	driver->notify_ctx = app;
	driver->now = now;
}

void app_release(struct app *app)
{
	drop_desired(app);
	clear_problems(app);
	free(app->error);
	free(app->source_error);
	if (app->driver) {
		app->driver->notify = NULL;
		app->driver->ops->free(app->driver);
	}
	app->driver = NULL;
}

void app_configure(struct app *app, const struct app_config *config, int64_t now)
{
	app->now = now;
	bool removes = app->phase == APP_REMOVING && app->config.orphan != config->orphan;
	bool applies = app->phase == APP_APPLYING &&
		       (app->config.prune != config->prune || app->config.force != config->force ||
			app->config.allow_empty != config->allow_empty);
	if (removes || applies)
		abandon(app); /* begins again as it is wished now */
	app->config = *config;
	step(app);
}

void app_restore(struct app *app, const struct app_revision *applied, const struct app_revision *healthy)
{
	app->applied = *applied;
	app->attempted = *applied;
	app->healthy = *healthy;
	if (known(applied))
		app->outcome = APP_OUTCOME_APPLIED;
}

void app_wanted(struct app *app, const struct app_revision *revision, int64_t now)
{
	app->now = now;
	bool news = !same_input(&app->wanted, revision) || app->source_error;
	set_text(&app->source_error, NULL);
	app->wanted = *revision;
	if (news)
		say(app);
	step(app);
}

void app_source_failed(struct app *app, const char *error, int64_t now)
{
	app->now = now;
	if (strcmp(app->source_error ? app->source_error : "", error ? error : "") == 0)
		return;
	set_text(&app->source_error, error);
	say(app);
	step(app);
}

void app_rendered(struct app *app, uint64_t ticket, struct desired *desired, const char *error, int64_t now)
{
	app->now = now;
	if (ticket != app->ticket || app->phase != APP_RENDERING || app->desired) {
		desired_unref(desired);
		return;
	}
	app->rendered_at = now;
	if (desired) {
		app->desired = desired;
	} else {
		clear_problems(app);
		fail(app, APP_OUTCOME_RENDER_FAILED, error ? error : "the render failed");
	}
	step(app);
}

void app_input_known(struct app *app, uint64_t ticket, struct hash input)
{
	if (ticket != app->ticket || app->phase != APP_RENDERING)
		return;
	/* What is wanted now may be another revision already, which this says nothing of. */
	if (same_input(&app->wanted, &app->attempted))
		app->wanted.input = input;
	app->attempted.input = input;
}

void app_render_started(struct app *app, uint64_t ticket, int64_t now)
{
	if (ticket == app->ticket && app->phase == APP_RENDERING)
		app->started_at = now;
}

void app_sync_now(struct app *app, int64_t now)
{
	app->now = now;
	app->sync_requested = true;
	step(app);
}

void app_tick(struct app *app, int64_t now)
{
	app->now = now;
	step(app);
}
