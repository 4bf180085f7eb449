/*
 * plain_sync.c - one attempt of each App of a file, in the foreground: what fails is said, and not tried
 * again.
 */
#include "operator/plain_parts.h"

#include <signal.h>
#include <stdio.h>

enum { TICK_MS = 100 };

struct sync {
	struct plain plain;
	const struct plain_sync *wish;
	struct loop_timer *tick, *deadline;
	size_t left;
	bool failed, timed_out, interrupted;
};

/* Without the namespace when it is the usual one. */
static const char *shown(const char *key)
{
	return strncmp(key, "default/", 8) == 0 ? key + 8 : key;
}

static bool is_name(const char *name, const char *key)
{
	return strcmp(name, key) == 0 || strcmp(name, shown(key)) == 0;
}

static bool asked_for(const struct sync *s, const char *key)
{
	for (size_t i = 0; i < s->wish->n_names; i++)
		if (is_name(s->wish->names[i], key))
			return true;
	return s->wish->n_names == 0;
}

/* --- the end of an attempt --- */

static void stop_loop(void *arg)
{
	loop_stop(((struct sync *)arg)->plain.loop);
}

static void app_over(struct sync *s, struct plain_app *m, bool failed)
{
	m->over = true;
	s->failed = s->failed || failed;
	if (--s->left == 0)
		loop_defer(s->plain.loop, stop_loop, s);
}

static void publish(struct plain_app *m)
{
	struct sync *s = m->plain->observer_ctx;
	const struct app *app = &m->app;
	if (m->over)
		return;
	bool ended = app->attempts > 0 && app->outcome != APP_OUTCOME_NONE;
	bool over = ended || app->source_error;
	if (over)
		app_over(s, m, app->source_error || app->outcome != APP_OUTCOME_APPLIED);
	s->wish->watcher->app(s->wish->ctx, shown(m->key), app, over);
}

static void tell_refused(struct sync *s, const char *name, uint32_t line, const char *why)
{
	cleanup_buf struct buf place = BUF_INIT;
	buf_printf(&place, "%s:%u", s->wish->options.file, line);
	s->wish->watcher->refused(s->wish->ctx, name, place.p, why);
}

static void refused(struct plain_app *m, const char *why)
{
	struct sync *s = m->plain->observer_ctx;
	if (m->over)
		return;
	app_over(s, m, true);
	tell_refused(s, shown(m->key), m->line, why);
}

static const struct plain_observer observer = { .publish = publish, .refused = refused };

/* --- timers and signals --- */

static void on_tick(void *arg)
{
	struct sync *s = arg;
	s->wish->watcher->tick(s->wish->ctx);
	loop_timer_set(s->tick, TICK_MS);
}

static void on_deadline(void *arg)
{
	struct sync *s = arg;
	s->timed_out = true;
	loop_stop(s->plain.loop);
}

static void on_interrupt(void *arg)
{
	struct sync *s = arg;
	s->interrupted = true;
	loop_stop(s->plain.loop);
}

/* --- what is to be done --- */

static int check_names(const struct sync *s, const struct plain_file *file, struct error *err)
{
	for (size_t i = 0; i < s->wish->n_names; i++) {
		bool found = false;
		for (size_t k = 0; k < file->entries.n && !found; k++)
			found = file->entries.at[k].kind == PLAIN_APP &&
				is_name(s->wish->names[i], file->entries.at[k].key);
		for (size_t k = 0; k < file->problems.n && !found; k++)
			found = file->problems.at[k].kind == PLAIN_APP &&
				is_name(s->wish->names[i], file->problems.at[k].key);
		if (!found)
			return error_set(err, "there is no App %s in %s", s->wish->names[i],
					 s->wish->options.file);
	}
	return 0;
}

static void tell_problems(struct sync *s, const struct plain_file *file)
{
	for (size_t i = 0; i < file->problems.n; i++) {
		const struct plain_problem *problem = &file->problems.at[i];
		char line[24];
		snprintf(line, sizeof(line), "line %u", problem->line);
		tell_refused(s, line, problem->line, problem->text);
		/* Who asks for one App need not care for the others. */
		if (s->wish->n_names == 0 ||
		    (problem->kind == PLAIN_APP && problem->key[0] && asked_for(s, problem->key)))
			s->failed = true;
	}
}

static bool skipped(struct sync *s, const struct plain_entry *e)
{
	if (e->kind != PLAIN_APP)
		return false;
	if (!asked_for(s, e->key))
		return true;
	if (!node_bool(node_at(e->object, "spec.suspend"), false))
		return false;
	tell_refused(s, shown(e->key), e->line, "is suspended (spec.suspend)");
	s->failed = s->failed || s->wish->n_names > 0;
	return true;
}

/* Leaves the Apps that are to be tried, and the Repos that these read. */
static void choose(struct sync *s, struct plain_file *file)
{
	for (size_t i = file->entries.n; i-- > 0;)
		if (skipped(s, &file->entries.at[i]))
			vec_remove(&file->entries, i);
	for (size_t i = file->entries.n; i-- > 0;) {
		const struct plain_entry *repo = &file->entries.at[i];
		if (repo->kind != PLAIN_REPO)
			continue;
		bool read = false;
		for (size_t k = 0; k < file->entries.n && !read; k++) {
			const struct plain_entry *app = &file->entries.at[k];
			read = app->kind == PLAIN_APP &&
			       str_eq(node_text(node_at(app->object, "spec.source.repo")),
				      node_text(node_at(repo->object, "metadata.name")));
		}
		if (!read)
			vec_remove(&file->entries, i);
	}
	for (size_t i = 0; i < file->entries.n; i++)
		s->left += file->entries.at[i].kind == PLAIN_APP;
}

static int start(struct sync *s, struct error *err)
{
	struct plain_file file;
	int rc = plain_file_read(s->wish->options.file, &file, err);
	if (rc == 0)
		rc = check_names(s, &file, err);
	if (rc == 0) {
		tell_problems(s, &file);
		choose(s, &file);
		if (s->left == 0)
			loop_defer(s->plain.loop, stop_loop, s);
		plain_take(&s->plain, &file);
	}
	plain_file_release(&file);
	if (rc < 0 || loop_signal(s->plain.loop, SIGTERM, on_interrupt, s, err) < 0)
		return -1;
	return loop_signal(s->plain.loop, SIGINT, on_interrupt, s, err);
}

int plain_sync(const struct plain_sync *wish, struct error *err)
{
	struct sync s = { .wish = wish,
			  .plain = { .observer = &observer, .observer_ctx = &s, .once = true } };
	int rc = plain_open(&s.plain, &wish->options, err);
	if (rc == 0) {
		s.tick = loop_timer_new(s.plain.loop, on_tick, &s);
		s.deadline = loop_timer_new(s.plain.loop, on_deadline, &s);
		loop_timer_set(s.tick, 0);
		loop_timer_set(s.deadline, wish->timeout_ms);
		rc = start(&s, err);
	}
	if (rc == 0)
		loop_run(s.plain.loop);
	loop_timer_free(s.tick);
	loop_timer_free(s.deadline);
	plain_close(&s.plain);
	if (rc < 0)
		return rc;
	if (s.interrupted)
		return PLAIN_INTERRUPTED;
	return s.timed_out ? PLAIN_TIMED_OUT : s.failed ? PLAIN_FAILED : 0;
}
