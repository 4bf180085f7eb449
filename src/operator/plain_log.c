/*
 * plain_log.c - what the daemon's log says of its Apps: each change of state once, every error of a failed
 * attempt. An attempt that fails as the one before did is not worth its lines again.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

#include "base/log.h"

static void log_applied(struct plain_app *m)
{
	const struct driver_summary *s = m->app.driver->ops->summary(m->app.driver);
	char created[24], updated[24], pruned[24], unchanged[24];
	snprintf(created, sizeof(created), "%zu", s->to_create);
	snprintf(updated, sizeof(updated), "%zu", s->to_update);
	snprintf(pruned, sizeof(pruned), "%zu", m->spec.config.prune ? s->to_prune : 0);
	snprintf(unchanged, sizeof(unchanged), "%zu", s->unchanged);
	bool healed = hash_eq(m->told_applied, m->app.applied.input);
	log_info(healed ? "healed" : "applied", "app", m->key, "revision", m->app.applied.text, "directory",
		 m->spec.directory, "created", created, "updated", updated, "pruned", pruned, "unchanged",
		 unchanged, NULL);
	m->told_applied = m->app.applied.input;
	m->told_failure = (struct hash){ { 0 } };
}

static void log_problem(const struct plain_app *m, const struct problem *problem)
{
	cleanup_buf struct buf place = BUF_INIT;
	buf_adds(&place, problem->file);
	if (problem->line)
		buf_printf(&place, ":%u", problem->line);
	enum log_level level = problem->warning ? LOG_WARN : LOG_ERROR;
	log_write(level, problem->warning ? "warning" : "failed", "app", m->key, "revision",
		  m->app.attempted.text, "file", place.n ? place.p : NULL, "path",
		  problem->key[0] ? problem->key : NULL, "error", problem->text, NULL);
}

static struct hash failure_hash(const struct plain_app *m)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s\n%s\n", m->app.attempted.text, m->app.error ? m->app.error : "");
	for (size_t i = 0; i < m->app.n_problems; i++)
		buf_printf(&text, "%s %s\n", m->app.problems[i].key, m->app.problems[i].text);
	return hash_of(buf_str(&text));
}

static void log_failed(struct plain_app *m)
{
	struct hash failure = failure_hash(m);
	m->told_applied = (struct hash){ { 0 } };
	if (hash_eq(failure, m->told_failure)) {
		log_debug("failed as before", "app", m->key, NULL);
		return;
	}
	m->told_failure = failure;
	if (m->app.error)
		log_error("failed", "app", m->key, "revision", m->app.attempted.text, "error", m->app.error,
			  NULL);
	for (size_t i = 0; i < m->app.n_problems; i++)
		log_problem(m, &m->app.problems[i]);
}

static void log_source(struct plain_app *m)
{
	const char *now = m->app.source_error, *was = m->told_source;
	if (strcmp(now ? now : "", was ? was : "") == 0)
		return;
	free(m->told_source);
	m->told_source = now ? mem_strdup(now) : NULL;
	if (now)
		log_error("no revision", "app", m->key, "error", now, NULL);
	else
		log_info("the revision can be had again", "app", m->key, NULL);
}

/* Drift that is healed is told when it is; what nobody heals is told when it is seen. */
static void log_drift(struct plain_app *m)
{
	const struct driver_summary *s = m->app.driver->ops->summary(m->app.driver);
	bool left = m->spec.config.suspend || !m->spec.config.self_heal || !m->spec.config.automatic;
	bool drifted = left && s->observed && s->drifted > 0 && m->app.phase == APP_IDLE;
	if (drifted == m->told_drift)
		return;
	m->told_drift = drifted;
	char files[24];
	snprintf(files, sizeof(files), "%zu", s->drifted);
	if (drifted)
		log_warn("differs from git, and may not be healed", "app", m->key, "files", files, NULL);
}

static void publish(struct plain_app *m)
{
	const struct app *app = &m->app;
	log_source(m);
	log_drift(m);
	if (app->outcome == APP_OUTCOME_NONE || app->attempts == m->told_attempt)
		return;
	m->told_attempt = app->attempts;
	if (app->outcome == APP_OUTCOME_APPLIED)
		log_applied(m);
	else
		log_failed(m);
}

static void refused(struct plain_app *m, const char *why)
{
	log_error("failed", "app", m->key, "error", why, NULL);
}

const struct plain_observer plain_log = { .publish = publish, .refused = refused };
