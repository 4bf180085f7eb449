/*
 * plain_app.c - Apps of a plain machine joined with their state machines and directories.
 *
 * An App that is wanted in another directory, or with another command, is another one: it starts anew, and
 * what it made in the old place stays there.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "deploy/directory/directory.h"
#include "repo/tree.h"

enum {
	START_AGAIN_MS = 10000,		/* after a driver could not be made */
	NEVER_MS = 24 * 60 * 60 * 1000, /* a sync does not try again */
};

/* --- what the machine asks for --- */

static void host_render(void *ctx, uint64_t ticket)
{
	struct plain_app *m = ctx;
	m->plain->attempts++;
	plain_job_start(m, ticket);
}

/* The old driver still writes its inventory as long as something is under way. */
static bool may_restart(const struct plain_app *m)
{
	return m->restarting && m->app.phase == APP_IDLE && !m->app.draining;
}

static void host_arm(void *ctx, int64_t at)
{
	struct plain_app *m = ctx;
	if (may_restart(m))
		at = 0;
	loop_timer_set_at(m->timer, at);
}

static void host_publish(void *ctx)
{
	struct plain_app *m = ctx;
	m->plain->observer->publish(m);
}

static uint32_t host_random(void *ctx)
{
	return plain_random(((struct plain_app *)ctx)->plain);
}

static const struct app_host host = {
	.render = host_render,
	.arm = host_arm,
	.publish = host_publish,
	.removed = host_publish,
	.random = host_random,
};

/* --- start and stop --- */

static void configure(struct plain_app *m)
{
	struct app_config config = m->spec.config;
	/* There is no object that could be deleted; what is to go is taken from git, or by hand. */
	config.deleting = false;
	config.suspend = config.suspend || m->restarting;
	if (m->plain->once) {
		config.self_heal = false;
		config.retry_base_ms = config.retry_max_ms = NEVER_MS;
	}
	app_configure(&m->app, &config, clock_mono_ms());
}

static void start(struct plain_app *m)
{
	struct error err = ERROR_INIT;
	struct directory_options options = {
		.root = m->spec.directory,
		.state_dir = m->plain->options->state_dir,
		.app = m->key,
		.command = (const char *const *)m->spec.command,
	};
	struct driver *driver = directory_driver_new(m->plain->loop, &options, &err);
	if (!driver) {
		m->plain->observer->refused(m, err.text);
		loop_timer_set(m->timer, START_AGAIN_MS);
		return;
	}
	app_init(&m->app, &host, m, driver, clock_mono_ms());
	m->started = true;
	configure(m);
	if (m->plain->once)
		app_sync_now(&m->app, clock_mono_ms());
}

static void stop(struct plain_app *m)
{
	plain_job_forget(m->job);
	m->job = NULL;
	loop_timer_clear(m->timer);
	if (m->started)
		app_release(&m->app);
	m->started = m->restarting = false;
	m->told_attempt = 0;
	m->told_failure = m->told_applied = (struct hash){ { 0 } };
	m->told_drift = false;
}

static void on_timer(void *arg)
{
	struct plain_app *m = arg;
	if (m->started && !may_restart(m)) {
		app_tick(&m->app, clock_mono_ms());
		return;
	}
	stop(m);
	start(m);
	plain_app_wanted(m);
}

/* --- revisions --- */

/* All that a render reads, and where it goes. */
static struct hash input_hash(const struct plain_app *m)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(m->tree, hex);
	struct str parts[] = {
		STR("plain/1"),
		{ hex, HASH_HEX_LEN },
		str_of(m->path),
		str_of(m->spec.directory),
	};
	return hash_parts(parts, sizeof(parts) / sizeof(parts[0]));
}

static bool is_same(const struct plain_app *m, const char *mirror, const struct resolved *revision)
{
	return m->mirror && strcmp(m->mirror, mirror) == 0 && strcmp(m->revision.sha, revision->sha) == 0 &&
	       strcmp(m->path, m->spec.path) == 0;
}

static void replace(char **text, const char *with)
{
	char *copy = mem_strdup(with);
	free(*text);
	*text = copy;
}

/* 0 and what m->revision and the fields beside it say is wanted; 1 not known yet. */
static int find_revision(struct plain_app *m, struct error *err)
{
	struct resolved revision;
	struct hash tree;
	int rc = m->source
			 ? plain_source_resolve(m->source, m->spec.revision, &revision, err)
			 : error_set(
				   err,
				   "there is no Repo %s in namespace %s; add it, or correct spec.source.repo",
				   m->spec.repo, m->spec.namespace);
	if (rc != 0)
		return rc;
	const char *mirror = remote_mirror(m->source->remote);
	if (is_same(m, mirror, &revision))
		return 0;
	rc = repo_tree_hash(mirror, revision.sha, m->spec.path, &tree, err);
	if (rc > 0)
		return error_set(err, "%s: there is no path %s; correct spec.source.path, or commit it",
				 revision.display, m->spec.path);
	if (rc < 0)
		return error_wrap(err, "Repo %s: %s", m->spec.repo, revision.display);
	replace(&m->mirror, mirror);
	replace(&m->path, m->spec.path);
	m->revision = revision;
	m->tree = tree;
	return 0;
}

void plain_app_wanted(struct plain_app *m)
{
	struct error err = ERROR_INIT;
	if (!m->started)
		return;
	int rc = find_revision(m, &err);
	if (rc > 0)
		return;
	if (rc < 0) {
		app_source_failed(&m->app, err.text, clock_mono_ms());
		return;
	}
	struct app_revision revision = { .input = input_hash(m) };
	/* A commit that changes nothing this App reads keeps the revision that did: nothing new is said then.
	 */
	bool same = hash_eq(revision.input, m->app.wanted.input);
	snprintf(revision.text, sizeof(revision.text), "%s", same ? m->app.wanted.text : m->revision.display);
	app_wanted(&m->app, &revision, clock_mono_ms());
}

/* --- entries --- */

static bool same_command(char *const *a, char *const *b)
{
	size_t i = 0;
	while (a && b && a[i] && b[i] && strcmp(a[i], b[i]) == 0)
		i++;
	return !(a && a[i]) == !(b && b[i]) && !(a && a[i]);
}

static void changed(struct plain_app *m, const struct plain_entry *entry)
{
	struct arena old = m->arena;
	struct app_spec was = m->spec;
	m->arena = (struct arena)ARENA_INIT;
	m->hash = entry->hash;
	app_spec_read(&m->arena, entry->object, &m->spec, NULL); /* plain_file.c has seen that it can be */
	bool moved = strcmp(was.directory, m->spec.directory) != 0;
	if (moved)
		log_info("app has another directory; what it made in the old one is left as it is", "app",
			 m->key, "old", was.directory, "new", m->spec.directory, NULL);
	m->restarting = m->restarting || moved || !same_command(was.command, m->spec.command);
	if (m->started)
		configure(m); /* comes back by host_arm() when it is to start anew */
	else
		start(m);
	arena_release(&old);
}

void plain_app_seen(struct plain *p, const struct plain_entry *entry)
{
	struct plain_app *m = map_get(&p->apps, str_of(entry->key));
	bool is_new = !m;
	if (is_new) {
		m = mem_alloc(sizeof(*m));
		m->plain = p;
		m->key = mem_strdup(entry->key);
		m->hash = entry->hash;
		m->timer = loop_timer_new(p->loop, on_timer, m);
		app_spec_read(&m->arena, entry->object, &m->spec, NULL);
		map_put(&p->apps, str_of(entry->key), m);
	}
	m->listed = true;
	m->line = entry->line;
	if (is_new)
		start(m);
	else if (!hash_eq(m->hash, entry->hash))
		changed(m, entry);
}

void plain_app_bind(struct plain_app *m)
{
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s/%s", m->spec.namespace, m->spec.repo);
	m->source = map_get(&m->plain->sources, buf_str(&key));
	plain_app_wanted(m);
}

void plain_app_free(struct plain_app *m)
{
	stop(m);
	loop_timer_free(m->timer);
	arena_release(&m->arena);
	free(m->mirror);
	free(m->path);
	free(m->told_source);
	free(m->key);
	free(m);
}
