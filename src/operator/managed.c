/*
 * managed.c - App objects joined with their state machines.
 *
 * An App is first read (spec, stored inventory, what was applied), then started: driver and machine made, its
 * source subscribed. From then on events only move the machine.
 */
#include "operator/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

struct cluster_driver *managed_driver(struct managed *m)
{
	return cluster_driver_of(m->app.driver);
}

/* --- what the machine asks for --- */

static void host_render(void *ctx, uint64_t ticket)
{
	struct managed *m = ctx;
	m->operator->reconciles++;
	slot_wait(m, ticket);
}

static void host_arm(void *ctx, int64_t at)
{
	struct managed *m = ctx;
	slot_check(m);
	loop_timer_set_at(m->timer, at);
}

static void host_publish(void *ctx)
{
	status_touch(ctx);
}

static void host_removed(void *ctx)
{
	struct managed *m = ctx;
	log_info("app removed", "app", m->key, NULL);
	store_remove_finalizer(m);
}

static uint32_t host_random(void *ctx)
{
	return random_next(&((struct managed *)ctx)->operator->random_state);
}

static const struct app_host host = {
	.render = host_render,
	.arm = host_arm,
	.publish = host_publish,
	.removed = host_removed,
	.random = host_random,
};

static void on_timer(void *arg)
{
	struct managed *m = arg;
	link_tick(&m->operator->link);
	app_tick(&m->app, clock_mono_ms());
}

/* --- revisions --- */

/* All that a render depends on: the same input gives the same objects. files: a hash of what it reads. */
struct hash managed_input(const struct managed *m, struct hash files)
{
	char hex[HASH_HEX_LEN + 1], render[HASH_HEX_LEN + 1], values[HASH_HEX_LEN + 1],
		environment[HASH_HEX_LEN + 1];
	hash_hex(files, hex);
	hash_hex(m->spec.render.hash, render);
	hash_hex(values_hash(m->values), values);
	hash_hex(values_hash(m->environment_values), environment);
	struct str parts[] = {
		STR("input/2"),
		{ hex, HASH_HEX_LEN },
		{ render, HASH_HEX_LEN },
		{ values, HASH_HEX_LEN },
		{ environment, HASH_HEX_LEN },
		str_of(m->spec.path),
		str_of(m->spec.target_namespace ? m->spec.target_namespace : ""),
		str_of(m->spec.service_account ? m->spec.service_account : ""),
		/* `images` of an environment are for the App that follows its branch. */
		str_of(m->spec.repo),
		str_of(m->spec.revision),
	};
	size_t n = sizeof(parts) / sizeof(parts[0]);
	return hash_parts(parts, m->spec.render.type == RENDER_ENVIRONMENT ? n : n - 2);
}

/* What a hydrated App deploys is rendered already: it depends on the files of its branch. */
static struct hash input_hash(const struct managed *m, struct hash files)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(files, hex);
	struct str parts[] = {
		STR("hydrated/1"),
		{ hex, HASH_HEX_LEN },
		str_of(m->spec.hydrate.path),
		str_of(m->spec.target_namespace ? m->spec.target_namespace : ""),
		str_of(m->spec.service_account ? m->spec.service_account : ""),
	};
	return m->spec.hydrate.branch ? hash_parts(parts, sizeof(parts) / sizeof(parts[0]))
				      : managed_input(m, files);
}

struct hash managed_files_hash(const struct managed *m, struct reads *reads,
			       const struct source_answer *answer)
{
	struct remote_cache *remotes = m->operator->remotes;
	struct str parts[] = { STR("not rendered yet"), str_of(answer->sha) };
	if (!reads->packed)
		return hash_parts(parts, 2);
	return reads_hash(reads, answer->view, remotes ? remote_cache_current : NULL, remotes);
}

void managed_reads_known(struct managed *m, uint64_t ticket, struct reads *reads, struct hash hash)
{
	reads_release(&m->reads);
	m->reads = *reads;
	*reads = (struct reads){ 0 };
	app_input_known(&m->app, ticket, input_hash(m, hash));
}

/* Whether everything but files is there; what is missing for good is the app's error. */
static bool values_known(struct managed *m, int64_t now)
{
	struct error err = ERROR_INIT;
	int state = values_state(m->values, &err);
	if (state < 0)
		app_source_failed(&m->app, err.text, now);
	return state == 0;
}

struct source_ask managed_source_ask(const struct managed *m)
{
	return (struct source_ask){ m->spec.revision,
				    m->spec.render.type == RENDER_ENVIRONMENT ? NULL : m->spec.path };
}

/* What is deployed. */
static struct source_ask asked(const struct managed *m)
{
	const struct app_spec *spec = &m->spec;
	if (spec->hydrate.branch)
		return (struct source_ask){ spec->hydrate.branch, spec->hydrate.path };
	return managed_source_ask(m);
}

/* false: it is not known yet what the spec means. */
static bool take_wanted(struct managed *m)
{
	struct source_answer answer = { 0 };
	int64_t now = clock_mono_ms();
	link_tick(&m->operator->link);
	if (!m->source) {
		char text[512];
		snprintf(text, sizeof(text),
			 "there is no Repo %s in namespace %s; create it, or correct spec.source.repo",
			 m->spec.repo, m->spec.namespace);
		app_source_failed(&m->app, m->operator->repos_listed ? text : NULL, now);
		return m->operator->repos_listed;
	}
	bool hydrating = m->spec.hydrate.branch && hydration_step(m);
	const char *why = hydration_error(m);
	struct source_ask ask = asked(m);
	if (!source_resolve(m->source, &ask, &answer))
		return false;
	if (answer.error && *answer.error) {
		/* The branch comes with the first commit to it. */
		if (!hydrating || why)
			app_source_failed(&m->app, why ? why : answer.error, now);
		return true;
	}
	if (!m->spec.hydrate.branch && !values_known(m, now))
		return m->app.source_error != NULL;
	if (!m->sha || strcmp(m->sha, answer.sha) != 0) {
		free(m->sha);
		m->sha = mem_strdup(answer.sha);
	}
	struct app_revision revision = { .input = input_hash(m, managed_files_hash(m, &m->reads, &answer)) };
	/* A commit that changes nothing this app reads keeps the revision that did: nothing new is said then.
	 */
	bool same = hash_eq(revision.input, m->app.wanted.input);
	snprintf(revision.text, sizeof(revision.text), "%s", same ? m->app.wanted.text : answer.display);
	/* The same after a restart: what was applied then is what is wanted now. */
	if (hash_is_zero(m->app.wanted.input) && hash_eq(revision.input, m->app.applied.input))
		snprintf(revision.text, sizeof(revision.text), "%s", m->app.applied.text);
	app_wanted(&m->app, &revision, now);
	if (why)
		app_source_failed(&m->app, why, now);
	return true;
}

/* The fetch that a sync asked for is through: what was wanted then, or is newer, is tried now. */
static void finish_sync(struct managed *m)
{
	if (!m->sync_due || (m->source && !source_passed(m->source, m->sync_cycle)))
		return;
	m->sync_due = false;
	free(m->handled_sync);
	m->handled_sync = mem_strdup(m->spec.sync_token);
	if (m->app.phase == APP_IDLE)
		app_sync_now(&m->app, clock_mono_ms());
	status_touch(m);
}

void managed_wanted(struct managed *m)
{
	if (!m->ready || m->spec_error)
		return;
	if (take_wanted(m) && m->settled_generation != m->spec.generation) {
		/* Also when nothing is to be done for it: whoever waits for the new spec is told so. */
		m->settled_generation = m->spec.generation;
		status_touch(m);
	}
	finish_sync(m);
}

/* --- start --- */

static void read_revision(const struct node *status, const char *which, struct app_revision *out)
{
	struct str text = node_text(node_get(node_get(status, "revision"), which));
	*out = (struct app_revision){ 0 };
	snprintf(out->text, sizeof(out->text), "%.*s", STR_ARG(text));
	if (text.n)
		hash_from_hex(node_text(node_get(status, "input")), &out->input);
}

static bool was_ready(const struct node *status)
{
	const struct node *list = node_get(status, "conditions");
	for (size_t i = 0; i < node_count(list); i++)
		if (str_is(node_text(node_get(node_item(list, i), "type")), "Ready"))
			return str_is(node_text(node_get(node_item(list, i), "status")), "True");
	return false;
}

static void set_impersonation(struct managed *m)
{
	free(m->port.impersonate);
	m->port.impersonate = NULL;
	if (!m->spec.service_account)
		return;
	cleanup_buf struct buf user = BUF_INIT;
	buf_printf(&user, "system:serviceaccount:%s:%s", m->spec.namespace, m->spec.service_account);
	m->port.impersonate = mem_strdup(user.p);
}

/* A token that was not acted on yet asks for a fetch, and then for an attempt. */
static void handle_sync_request(struct managed *m)
{
	if (!m->spec.sync_token || (m->handled_sync && strcmp(m->handled_sync, m->spec.sync_token) == 0))
		return;
	uint64_t token = hash_fast(str_of(m->spec.sync_token));
	if (m->sync_due && m->sync_token == token)
		return;
	m->sync_due = true;
	m->sync_token = token;
	m->sync_cycle = m->source ? source_next_cycle(m->source) : 0;
	if (m->source)
		source_notify(m->source);
	finish_sync(m);
}

static void bind_values(struct managed *m)
{
	m->values = values_use(m->operator->values, m->values, m->spec.namespace, &m->spec.render, m);
}

void managed_environment(struct managed *m, const struct render_spec *sources)
{
	struct arena arena = ARENA_INIT;
	struct render_spec copy = { 0 };
	render_spec_copy_sources(&arena, sources, &copy);
	m->environment_values =
		values_use(m->operator->values, m->environment_values, m->spec.namespace, &copy, m);
	arena_release(&m->environment_arena);
	m->environment_arena = arena;
	m->environment = copy;
}

void managed_values_changed(void *ctx, void *user)
{
	struct managed *m = user;
	if (m->job)
		job_values_changed(m->job);
	managed_wanted(m);
}

static void bind_source(struct managed *m)
{
	struct source *source = source_find(m->operator, m->spec.namespace, m->spec.repo);
	if (source == m->source)
		return;
	if (m->source)
		source_unsubscribe(m->source, m);
	m->source = source;
	m->sync_cycle = source ? source_next_cycle(source) : 0;
	if (source)
		source_subscribe(source, m);
}

void managed_start(struct managed *m, const struct node *object, const struct inventory *inventory)
{
	struct operator* op = m->operator;
	int64_t now = clock_mono_ms();
	link_tick(&op->link);
	m->port = (struct link_port){ .link = &op->link, .persist = store_persist, .persist_ctx = m };
	set_impersonation(m);
	m->timer = loop_timer_new(op->loop, on_timer, m);
	struct driver *driver = cluster_driver_new(&op->link.view, &link_port_ops, &m->port,
						   m->spec.namespace, m->spec.name, inventory, now);
	app_init(&m->app, &host, m, driver, now);
	status_restore(m, object);
	const struct node *status = node_get(object, "status");
	struct app_revision applied, healthy;
	read_revision(status, "applied", &applied);
	read_revision(status, "healthy", &healthy);
	if (!was_ready(status) || strcmp(applied.text, healthy.text) != 0)
		healthy.input = (struct hash){ { 0 } };
	/* An attempt that did not end well is made again. */
	struct str attempted = node_text(node_get(node_get(status, "revision"), "attempted"));
	if (attempted.n && !str_is(attempted, applied.text))
		applied.input = (struct hash){ { 0 } };
	reads_read(node_text(node_get(status, "reads")), &m->reads); /* or a render finds out */
	hydration_restore(m, status);
	m->ready = true;
	app_restore(&m->app, &applied, &healthy);
	app_configure(&m->app, &m->spec.config, now);
	handle_sync_request(m);
	bind_values(m);
	bind_source(m);
	managed_wanted(m);
	status_touch(m);
}

/* --- events --- */

static void read_spec(struct managed *m, const struct node *object)
{
	struct error err = ERROR_INIT;
	struct arena arena = ARENA_INIT;
	struct app_spec spec;
	free(m->spec_error);
	m->spec_error = NULL;
	if (app_spec_read(&arena, object, &spec, &err) == 0 && spec.directory)
		error_set(
			&err,
			"spec.target.directory: is for `capstan run --apps` on a plain machine; in a cluster set spec.target.namespace");
	if (err.text[0])
		m->spec_error = mem_strdup(err.text);
	/* What could be read is kept also when it is refused: name, uid and finalizers are needed to say so.
	 */
	arena_release(&m->spec_arena);
	m->spec_arena = arena;
	m->spec = spec;
}

static struct managed *managed_new(struct operator* op, struct str key)
{
	struct managed *m = mem_alloc(sizeof(*m));
	m->operator= op;
	m->key = mem_strndup(key.p, key.n);
	map_put(&op->apps, key, m);
	return m;
}

static void changed(struct managed *m)
{
	link_tick(&m->operator->link);
	set_impersonation(m);
	bind_values(m);
	bind_source(m);
	app_configure(&m->app, &m->spec.config, clock_mono_ms());
	managed_wanted(m);
	handle_sync_request(m);
}

/* Our own status writes come back as events; only a new generation, a token or a deletion is news. */
static bool is_news(const struct managed *m, const struct node *object)
{
	int64_t generation = 0;
	node_int(node_at(object, "metadata.generation"), &generation);
	const struct node *annotations = node_at(object, "metadata.annotations");
	struct str token = node_text(node_get(annotations, ANNOTATION_SYNC));
	bool deleting = node_text(node_at(object, "metadata.deletionTimestamp")).n > 0;
	return generation != m->spec.generation || deleting != m->spec.config.deleting ||
	       !str_eq(token, str_of(m->spec.sync_token ? m->spec.sync_token : ""));
}

/* Finalizers of others may come and go without a new generation; our patches must carry them on. */
static void note_finalizers(struct managed *m, const struct node *object)
{
	const struct node *list = node_at(object, "metadata.finalizers");
	size_t n = 0;
	while (m->spec.finalizers && m->spec.finalizers[n])
		n++;
	bool same = n == node_count(list);
	for (size_t i = 0; same && i < n; i++)
		same = str_is(node_text(node_item(list, i)), m->spec.finalizers[i]);
	if (!same)
		read_spec(m, object);
}

static void seen(struct operator* op, struct str key, const struct node *object)
{
	struct managed *m = map_get(&op->apps, key);
	bool is_new = !m;
	if (is_new)
		m = managed_new(op, key);
	m->listed = true;
	if (!is_new && !is_news(m, object)) {
		note_finalizers(m, object);
		return;
	}
	struct str uid = node_text(node_at(object, "metadata.uid"));
	bool replaced = !is_new && !str_is(uid, m->spec.uid);
	if (replaced) {
		/* Deleted and created again while we did not look: another App of the same name. */
		map_del(&op->apps, key);
		managed_free(m);
		m = managed_new(op, key);
		m->listed = true;
	}
	read_spec(m, object);
	if (m->spec_error) {
		log_warn("app refused", "app", m->key, "error", m->spec_error, NULL);
		status_touch(m);
		return;
	}
	if (m->ready)
		changed(m);
	else if (!m->restoring)
		store_restore(m, object);
}

static void vanished(struct operator* op, struct str key)
{
	struct managed *m = map_del(&op->apps, key);
	if (m)
		managed_free(m);
}

void managed_list_begin(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->apps, &i));)
		((struct managed *)e->value)->listed = false;
}

void managed_list_end(struct operator* op)
{
	struct map_entry *e;
	VEC(struct managed *) gone = { 0 };
	for (size_t i = 0; (e = map_next(&op->apps, &i));) {
		struct managed *m = e->value;
		if (!m->listed)
			vec_push(&gone, m);
	}
	for (size_t i = 0; i < gone.n; i++)
		vanished(op, str_of(gone.at[i]->key));
	vec_release(&gone);
}

void managed_event(struct operator* op, const struct kube_watch_event *event)
{
	const struct node *metadata = node_get(event->object, "metadata");
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s/%.*s", STR_ARG(node_text(node_get(metadata, "namespace"))),
		   STR_ARG(node_text(node_get(metadata, "name"))));
	if (event->type == WATCH_DELETED)
		vanished(op, buf_str(&key));
	else
		seen(op, buf_str(&key), event->object);
}

/* Frees at once what may go; the rest goes when its last answer is in. */
void managed_free(struct managed *m)
{
	if (m->job)
		job_forget(m->job);
	m->job = NULL;
	if (m->source)
		source_unsubscribe(m->source, m);
	m->source = NULL;
	hydration_free(m);
	values_use_free(m->operator->values, m->values);
	values_use_free(m->operator->values, m->environment_values);
	m->values = m->environment_values = NULL;
	if (m->ready) {
		link_port_release(&m->port);
		app_release(&m->app);
	}
	m->ready = false;
	slot_release(m);
	store_release(m);
	m->persist = NULL;
	status_release(m);
	loop_timer_free(m->timer);
	m->timer = NULL;
	m->gone = true;
	if (m->status_in_flight || m->restoring)
		return;
	reads_release(&m->reads);
	arena_release(&m->environment_arena);
	arena_release(&m->spec_arena);
	arena_release(&m->restore_arena);
	free(m->spec_error);
	free(m->sha);
	free(m->key);
	free(m);
}
