/*
 * plain_source.c - Repos of a plain machine: one mirror each, polled by ls-remote, fetched for all of its
 * Apps at once.
 *
 * A cycle is: poll -> resolve what the Apps want -> fetch what is missing (wants.h) -> tell the Apps. A
 * notification during a cycle makes another one follow at once. A cycle that fails backs off, never beyond
 * the interval.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

#include "base/log.h"
#include "repo/tree.h"

/* --- the cycle --- */

static void set_error(struct plain_source *s, const char *error)
{
	if (error && (!s->error || strcmp(error, s->error) != 0) && !s->plain->once)
		log_warn("repo", "repo", s->key, "error", error, NULL);
	if (!error && s->error)
		log_info("repo can be read again", "repo", s->key, NULL);
	char *copy = error ? mem_strdup(error) : NULL;
	free(s->error);
	s->error = copy;
}

static void end_cycle(struct plain_source *s, const char *error)
{
	struct map_entry *e;
	set_error(s, error);
	s->failures = s->error || wants_error(&s->wants) ? s->failures + 1 : 0;
	s->busy = false;
	bool again = s->again;
	s->again = false;
	loop_timer_set(s->timer,
		       again ? 0 : wants_pause_ms(s->spec.interval_ms, s->failures, plain_random(s->plain)));
	for (size_t i = 0; (e = map_next(&s->plain->apps, &i));)
		if (((struct plain_app *)e->value)->source == s)
			plain_app_wanted(e->value);
}

static void on_fetched(void *ctx)
{
	end_cycle(ctx, NULL);
}

static void add_want(struct plain_source *s, const char *revision)
{
	struct resolved resolved;
	if (refs_resolve(remote_refs(s->remote), revision, &resolved, NULL) < 0)
		return; /* the App hears it from plain_source_resolve() */
	if (!repo_tree_has(remote_mirror(s->remote), resolved.sha))
		wants_add(&s->wants, &resolved);
}

static void on_polled(void *ctx, bool changed, const char *error)
{
	struct plain_source *s = ctx;
	struct map_entry *e;
	wants_clear(&s->wants);
	if (error) {
		end_cycle(s, error);
		return;
	}
	s->polled = true;
	for (size_t i = 0; (e = map_next(&s->plain->apps, &i));)
		if (((struct plain_app *)e->value)->source == s)
			add_want(s, ((struct plain_app *)e->value)->spec.revision);
	if (s->wants.list.n)
		wants_fetch(&s->wants, s->remote, on_fetched, s);
	else
		end_cycle(s, NULL);
}

static int open_remote(struct plain_source *s, struct error *err)
{
	cleanup_buf struct buf mirror = BUF_INIT;
	buf_printf(&mirror, "%s/%s_%s.git", s->plain->mirrors, s->spec.namespace, s->spec.name);
	struct remote_options options = {
		.url = s->spec.url,
		.mirror = mirror.p,
		.timeout_ms = s->spec.timeout_ms,
		.max_bytes = s->spec.max_bytes,
		.submodules = s->spec.submodules,
		.user_environment = true,
	};
	if (!s->remote)
		s->remote = remote_new(s->plain->loop, &options, err);
	return s->remote ? 0 : -1;
}

static void cycle(void *arg)
{
	struct plain_source *s = arg;
	struct error err = ERROR_INIT;
	if (s->busy || s->spec.suspend)
		return;
	s->busy = true;
	if (open_remote(s, &err) < 0)
		end_cycle(s, err.text);
	else
		remote_poll(s->remote, on_polled, s);
}

void plain_source_notify(struct plain_source *s)
{
	if (s->busy)
		s->again = true;
	else if (!s->spec.suspend)
		loop_timer_set(s->timer, 0);
}

/* --- for the Apps --- */

int plain_source_resolve(struct plain_source *s, const char *revision, struct resolved *out,
			 struct error *err)
{
	if (!s->polled && s->spec.suspend)
		return error_set(err, "Repo %s: is suspended, and was not read yet", s->spec.name);
	if (!s->polled)
		return s->error ? error_set(err, "Repo %s: %s", s->spec.name, s->error) : 1;
	if (refs_resolve(remote_refs(s->remote), revision, out, err) < 0)
		return error_wrap(err, "Repo %s", s->spec.name);
	if (repo_tree_has(remote_mirror(s->remote), out->sha))
		return 0;
	const struct want *want = wants_find(&s->wants, out->sha);
	if (want && want->error)
		return error_set(err, "Repo %s: %s: %s", s->spec.name, out->display, want->error);
	if (s->error)
		return error_set(err, "Repo %s: %s", s->spec.name, s->error);
	if (s->busy)
		return 1;
	if (want)
		return error_set(err, "Repo %s: %s was fetched and is not there; is the mirror %s damaged?",
				 s->spec.name, out->display, remote_mirror(s->remote));
	plain_source_notify(s); /* nobody has asked for it yet */
	return 1;
}

/* --- entries --- */

static void stop(struct plain_source *s)
{
	remote_free(s->remote);
	s->remote = NULL;
	wants_clear(&s->wants);
	s->busy = s->again = s->polled = false;
	s->failures = 0;
}

void plain_source_seen(struct plain *p, const struct plain_entry *entry)
{
	struct plain_source *s = map_get(&p->sources, str_of(entry->key));
	if (!s) {
		s = mem_alloc(sizeof(*s));
		s->plain = p;
		s->key = mem_strdup(entry->key);
		s->timer = loop_timer_new(p->loop, cycle, s);
		map_put(&p->sources, str_of(entry->key), s);
	}
	s->listed = true;
	if (hash_eq(s->hash, entry->hash))
		return;
	stop(s);
	s->hash = entry->hash;
	arena_release(&s->arena);
	repo_spec_read(&s->arena, entry->object, &s->spec, NULL); /* plain_file.c has seen that it can be */
	set_error(s, NULL);
	loop_timer_set(s->timer, 0);
}

void plain_source_free(struct plain_source *s)
{
	stop(s);
	loop_timer_free(s->timer);
	arena_release(&s->arena);
	free(s->error);
	free(s->key);
	free(s);
}
