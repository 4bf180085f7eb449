/* app_verdict.c - the state of an app in the words of kstatus: Ready, Reconciling, Stalled, each with a
 * reason. */
#include "deploy/app.h"

#include <stdio.h>
#include <string.h>

#include "deploy/key.h"

static void verdict(struct app_verdict *out, enum app_ready ready, const char *reason)
{
	out->ready = ready;
	out->reason = reason;
}

static const struct problem *first_error(const struct app *app, size_t *n)
{
	const struct problem *first = NULL;
	*n = 0;
	for (size_t i = 0; i < app->n_problems; i++) {
		if (app->problems[i].warning)
			continue;
		first = first ? first : &app->problems[i];
		(*n)++;
	}
	return first;
}

static void describe_failure(const struct app *app, struct app_verdict *out)
{
	size_t n;
	const struct problem *first = first_error(app, &n);
	if (app->error) {
		snprintf(out->message, sizeof(out->message), "%s: %.400s", app->attempted.text, app->error);
		return;
	}
	if (!first)
		return;
	char place[200] = "";
	if (first->file[0] && first->line)
		snprintf(place, sizeof(place), " (%.150s:%u)", first->file, first->line);
	else if (first->file[0])
		snprintf(place, sizeof(place), " (%.150s)", first->file);
	char more[48] = "";
	if (n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", n - 1);
	cleanup_arena struct arena a = ARENA_INIT;
	const char *what = first->key[0] ? key_display(&a, str_of(first->key)) : "render";
	snprintf(out->message, sizeof(out->message), "%.100s: %.100s%.60s: %.200s%s", app->attempted.text,
		 what, place, first->text, more);
}

static void describe_failed(const struct app *app, struct app_verdict *out)
{
	static const char *const reasons[] = {
		[APP_OUTCOME_RENDER_FAILED] = "RenderFailed",
		[APP_OUTCOME_APPLY_FAILED] = "ApplyFailed",
		[APP_OUTCOME_TIMED_OUT] = "TimedOut",
	};
	verdict(out, APP_NOT_READY, reasons[app->outcome]);
	out->reconciling = true; /* it is retried */
	describe_failure(app, out);
}

static void describe_health(const struct app *app, struct app_verdict *out)
{
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (!s->observed) {
		verdict(out, APP_IN_PROGRESS, "Observing");
		out->reconciling = true;
		snprintf(out->message, sizeof(out->message), "reading the live state");
		if (s->blind) {
			verdict(out, APP_NOT_READY, "CannotWatch");
			snprintf(out->message, sizeof(out->message), "%.400s", s->blind);
		}
	} else if (s->drifted) {
		verdict(out, APP_NOT_READY, "Drifted");
		out->reconciling = app->config.self_heal;
		snprintf(out->message, sizeof(out->message), "%zu of %zu objects differ from %s", s->drifted,
			 s->items, app->applied.text);
	} else if (s->failed) {
		verdict(out, APP_NOT_READY, "Unhealthy");
		snprintf(out->message, sizeof(out->message), "%zu of %zu objects failed", s->failed,
			 s->items);
	} else if (s->current < s->items || s->stale) {
		verdict(out, app->health_timed_out ? APP_NOT_READY : APP_IN_PROGRESS,
			app->health_timed_out ? "HealthTimeout" : "Progressing");
		out->reconciling = !app->health_timed_out;
		snprintf(out->message, sizeof(out->message), "%zu of %zu objects are current%s", s->current,
			 s->items, s->stale ? "; waiting for removed objects to go" : "");
	} else {
		verdict(out, APP_READY, "Succeeded");
		snprintf(out->message, sizeof(out->message), "applied %s", app->applied.text);
	}
	if (out->ready == APP_NOT_READY || out->ready == APP_IN_PROGRESS)
		out->stalled = app->health_timed_out || s->failed > 0;
	if (!app->config.wait && s->observed && !s->drifted && out->ready != APP_READY) {
		verdict(out, APP_READY, "Applied");
		out->reconciling = out->stalled = false;
	}
}

static void describe_phase(const struct app *app, struct app_verdict *out)
{
	static const char *const words[] = {
		[APP_RENDERING] = "Rendering",
		[APP_APPLYING] = "Applying",
		[APP_WAITING] = "Progressing",
	};
	verdict(out, APP_IN_PROGRESS, words[app->phase]);
	out->reconciling = true;
	const struct driver_summary *s = app->driver->ops->summary(app->driver);
	if (app->phase == APP_WAITING && s->blind)
		snprintf(out->message, sizeof(out->message), "%.400s", s->blind);
	else if (app->phase == APP_WAITING)
		snprintf(out->message, sizeof(out->message), "%zu of %zu objects are current at %s",
			 s->current, s->items, app->attempted.text);
	else
		snprintf(out->message, sizeof(out->message), "%s", app->attempted.text);
}

void app_verdict(const struct app *app, struct app_verdict *out)
{
	*out = (struct app_verdict){ .reason = "" };
	if (app->config.deleting) {
		verdict(out, APP_IN_PROGRESS, "Deleting");
		out->reconciling = true;
		if (app->outcome == APP_OUTCOME_APPLY_FAILED)
			describe_failure(app, out);
	} else if (app->config.suspend) {
		verdict(out, APP_NOT_READY, "Suspended");
		snprintf(out->message, sizeof(out->message), "suspended; applied is %s",
			 app->applied.text[0] ? app->applied.text : "nothing");
	} else if (app->source_error) {
		verdict(out, APP_NOT_READY, "SourceFailed");
		out->stalled = true;
		snprintf(out->message, sizeof(out->message), "%.500s", app->source_error);
	} else if (hash_is_zero(app->wanted.input)) {
		verdict(out, APP_IN_PROGRESS, "SourcePending");
		out->reconciling = true;
		snprintf(out->message, sizeof(out->message), "waiting for the first revision of the source");
	} else if (app->phase == APP_WAITING && !app->config.wait) {
		describe_health(app, out);
	} else if (app->phase != APP_IDLE && app->phase <= APP_WAITING) {
		describe_phase(app, out);
	} else if (app->failures > 0) {
		describe_failed(app, out);
	} else if (!hash_eq(app->applied.input, app->wanted.input)) {
		verdict(out, APP_NOT_READY, "OutOfSync");
		snprintf(out->message, sizeof(out->message), "%.200s is not applied (sync.auto is off)",
			 app->wanted.text);
	} else {
		describe_health(app, out);
	}
}
