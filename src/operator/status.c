/*
 * status.c - the status of an App: built from the state machine, compared with what the server has, written
 * when it says something new.
 *
 * Writes are coalesced: at the end of an attempt the status goes out on the next turn; while one is under way
 * it goes out at most once a second, and less often when many are: of a thousand Apps that start at once each
 * is written once. Until then the definition's default says that nobody has looked at them yet. Times do not
 * count as news. At most STATUS_IN_FLIGHT writes are under way, at low priority, so that telling never delays
 * doing.
 */
#include "operator/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deploy/key.h"
#include "doc/json.h"

enum {
	STATUS_IN_FLIGHT = 16,
	STATUS_PROGRESS_MS = 1000, /* while an attempt is under way */
	STATUS_BUSY_MS = 5000,	   /* the same, while others wait for a slot */
	STATUS_WAITING_MS = 30000, /* while it waits for a slot */
	STATUS_FIRST_MS = 3000,	   /* until an App whose source is not read yet says that it waits for it */
	STATUS_RETRY_MS = 3000,
	STATUS_TIMEOUT_MS = 300000,
	OBJECTS_MAX = 100, /* deploy/crds/apps.yaml: maxItems */
	ERRORS_MAX = 50,
	WARNINGS_MAX = 20,
};

/* Fields that are not news by themselves. */
static const char *const volatile_fields[] = { "timings", "lastAttemptTime", "lastAppliedTime", "failures" };

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text && *text)
		node_set(a, map, str_of(key), node_string(a, str_of(arena_strdup(a, text))));
}

static void set_int(struct arena *a, struct node *map, const char *key, int64_t value)
{
	node_set(a, map, str_of(key), node_int_new(a, value));
}

static void set_time(struct arena *a, struct node *map, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339_MAX];
	clock_format(wall_ms, false, text);
	set_text(a, map, key, text);
}

/* --- conditions --- */

/* Which spec the state is about. While it is not known what a new one means, all that is told is of the one
 * before: Ready of the new one would be a lie. */
static int64_t told_generation(const struct managed *m)
{
	bool before = m->ready && !m->spec_error && !m->spec.config.suspend && !m->spec.config.deleting &&
		      m->settled_generation && !m->app.source_error;
	return before ? m->settled_generation : m->spec.generation;
}

static struct node *condition(struct arena *a, const struct managed *m, const char *type, const char *status,
			      const char *reason, const char *message, int64_t since_ms)
{
	struct node *c = node_map(a);
	set_text(a, c, "type", type);
	set_text(a, c, "status", status);
	set_int(a, c, "observedGeneration", told_generation(m));
	set_time(a, c, "lastTransitionTime", since_ms);
	set_text(a, c, "reason", reason);
	node_set(a, c, STR("message"), node_string(a, str_of(arena_strdup(a, message))));
	return c;
}

static void judge(const struct managed *m, struct app_verdict *v)
{
	if (!m->spec_error && m->ready) {
		app_verdict(&m->app, v);
		return;
	}
	*v = (struct app_verdict){ .ready = APP_NOT_READY, .stalled = true, .reason = "InvalidSpec" };
	snprintf(v->message, sizeof(v->message), "%.500s", m->spec_error ? m->spec_error : "");
}

static void move(bool now, bool *was, int64_t *since, int64_t wall)
{
	if (now == *was && *since)
		return;
	*was = now;
	*since = wall;
}

static struct node *conditions(struct arena *a, struct managed *m, const struct app_verdict *v)
{
	static const char *const words[] = {
		[APP_READY] = "True", [APP_NOT_READY] = "False", [APP_IN_PROGRESS] = "Unknown"
	};
	int64_t wall = clock_wall_ms();
	const char *ready = words[v->ready];
	if (strcmp(ready, m->ready_status) != 0) {
		snprintf(m->ready_status, sizeof(m->ready_status), "%s", ready);
		m->ready_since_ms = wall;
	}
	move(v->reconciling, &m->was_reconciling, &m->reconciling_since_ms, wall);
	move(v->stalled, &m->was_stalled, &m->stalled_since_ms, wall);
	struct node *list = node_seq(a);
	node_push(a, list, condition(a, m, "Ready", ready, v->reason, v->message, m->ready_since_ms));
	/* kstatus: these two are absent unless they are true. */
	if (v->reconciling)
		node_push(a, list,
			  condition(a, m, "Reconciling", "True", v->reason, v->message,
				    m->reconciling_since_ms));
	if (v->stalled)
		node_push(a, list,
			  condition(a, m, "Stalled", "True", v->reason, v->message, m->stalled_since_ms));
	return list;
}

/* --- objects and errors --- */

struct object_list {
	struct arena *a;
	struct node *list;
	bool problems_first; /* first pass: what is not in order */
};

static void add_object(void *arg, const struct driver_item *item)
{
	struct object_list *l = arg;
	bool fine = item->sync == ITEM_SYNCED && strcmp(item->health, "Current") == 0;
	struct key k;
	if (fine == l->problems_first || node_count(l->list) >= OBJECTS_MAX || !key_split(item->key, &k))
		return;
	struct node *o = node_map(l->a);
	if (k.group.n)
		node_set(l->a, o, STR("group"), node_string(l->a, arena_str(l->a, k.group)));
	node_set(l->a, o, STR("version"), node_string(l->a, arena_str(l->a, item->version)));
	node_set(l->a, o, STR("kind"), node_string(l->a, arena_str(l->a, k.kind)));
	if (k.namespace.n)
		node_set(l->a, o, STR("namespace"), node_string(l->a, arena_str(l->a, k.namespace)));
	node_set(l->a, o, STR("name"), node_string(l->a, arena_str(l->a, k.name)));
	set_text(l->a, o, "sync", item_sync_word(item->sync));
	set_text(l->a, o, "health", item->health);
	set_text(l->a, o, "message", item->message);
	node_push(l->a, l->list, o);
}

static struct node *objects(struct arena *a, struct managed *m)
{
	struct object_list l = { a, node_seq(a), true };
	m->app.driver->ops->each_item(m->app.driver, add_object, &l);
	l.problems_first = false;
	m->app.driver->ops->each_item(m->app.driver, add_object, &l);
	return l.list;
}

static struct node *problems(struct arena *a, const struct managed *m, bool warnings, size_t max,
			     size_t *count)
{
	struct node *list = node_seq(a);
	*count = 0;
	for (size_t i = 0; i < m->app.n_problems; i++) {
		const struct problem *p = &m->app.problems[i];
		if (p->warning != warnings || (*count)++ >= max)
			continue;
		struct node *e = node_map(a);
		set_text(a, e, "object", p->key[0] ? key_display(a, str_of(p->key)) : NULL);
		set_text(a, e, "file", p->file);
		if (p->line)
			set_int(a, e, "line", p->line);
		set_text(a, e, "message", arena_strndup(a, p->text, strnlen(p->text, 2000)));
		node_push(a, list, e);
	}
	return list;
}

static struct node *counts(struct arena *a, const struct driver_summary *s)
{
	struct node *n = node_map(a);
	set_int(a, n, "total", (int64_t)s->items);
	set_int(a, n, "synced", (int64_t)s->synced);
	set_int(a, n, "outOfSync", (int64_t)(s->items + s->stale - s->synced));
	set_int(a, n, "current", (int64_t)s->current);
	set_int(a, n, "progressing", (int64_t)(s->progressing + s->unknown));
	set_int(a, n, "failed", (int64_t)s->failed);
	return n;
}

static struct node *revisions(struct arena *a, const struct app *app)
{
	struct node *r = node_map(a);
	set_text(a, r, "wanted", app->wanted.text);
	set_text(a, r, "attempted", app->attempted.text);
	set_text(a, r, "applied", app->applied.text);
	set_text(a, r, "healthy", app->healthy.text);
	return r;
}

static int64_t wall_of(const struct app *app, int64_t mono_ms)
{
	return clock_wall_ms() - (app->now - mono_ms);
}

static void add_times(struct arena *a, struct node *status, const struct app *app)
{
	if (!app->attempts)
		return;
	struct node *t = node_map(a);
	set_time(a, t, "lastAttempt", wall_of(app, app->started_at));
	if (app->rendered_at >= app->started_at)
		set_int(a, t, "renderMs", app->rendered_at - app->started_at);
	if (app->applied_at >= app->started_at && app->applied_at >= app->rendered_at)
		set_int(a, t, "applyMs", app->applied_at - app->rendered_at);
	if (app->phase == APP_IDLE && app->finished_at >= app->started_at)
		set_int(a, t, "healthyMs", app->finished_at - app->started_at);
	node_set(a, status, STR("timings"), t);
	set_time(a, status, "lastAttemptTime", wall_of(app, app->started_at));
	if (app->applied_at)
		set_time(a, status, "lastAppliedTime", wall_of(app, app->applied_at));
}

static void add_state(struct arena *a, struct managed *m, struct node *status)
{
	const struct app *app = &m->app;
	size_t error_count, warning_count;
	struct node *error_list = problems(a, m, false, ERRORS_MAX, &error_count);
	struct node *warning_list = problems(a, m, true, WARNINGS_MAX, &warning_count);
	node_set(a, status, STR("revision"), revisions(a, app));
	if (!hash_is_zero(app->applied.input)) {
		char hex[HASH_HEX_LEN + 1];
		hash_hex(app->applied.input, hex);
		set_text(a, status, "input", hex);
	}
	node_set(a, status, STR("counts"), counts(a, app->driver->ops->summary(app->driver)));
	node_set(a, status, STR("objects"), objects(a, m));
	node_set(a, status, STR("errors"), error_list);
	node_set(a, status, STR("warnings"), warning_list);
	set_int(a, status, "errorCount", (int64_t)error_count);
	set_int(a, status, "failures", app->failures);
	add_times(a, status, app);
	set_text(a, status, "lastHandledSync", m->handled_sync);
	hydration_status(m, a, status);
	cleanup_buf struct buf reads = BUF_INIT;
	if (m->reads.packed && reads_write(&m->reads, &reads) && reads.n <= READS_PACKED_MAX)
		set_text(a, status, "reads", arena_strndup(a, reads.p, reads.n));
	char *inventory = store_status_text(m, a);
	set_text(a, status, "inventory", inventory);
	if (m->chunks)
		set_int(a, status, "inventoryChunks", (int64_t)m->chunks);
}

static struct node *build(struct arena *a, struct managed *m)
{
	struct app_verdict v;
	judge(m, &v);
	struct node *status = node_map(a);
	set_int(a, status, "observedGeneration", told_generation(m));
	node_set(a, status, STR("conditions"), conditions(a, m, &v));
	if (m->ready)
		add_state(a, m, status);
	return status;
}

/* What is news in a status: everything but times. Changes the tree. */
static struct hash news_hash(struct node *status)
{
	for (size_t i = 0; i < sizeof(volatile_fields) / sizeof(volatile_fields[0]); i++)
		node_del(status, str_of(volatile_fields[i]));
	struct node *list = node_get(status, "conditions");
	for (size_t i = 0; i < node_count(list); i++)
		node_del(node_item(list, i), STR("lastTransitionTime"));
	return json_hash(status);
}

/* --- writing --- */

static void pump(struct operator* op);

static void queue(struct managed *m)
{
	if (m->status_queued)
		return;
	m->status_queued = true;
	vec_push(&m->operator->status_queue, m);
}

static void flush_soon(void *arg)
{
	struct managed *m = arg;
	queue(m);
	pump(m->operator);
}

static void on_written(void *arg, const struct kube_response *response)
{
	struct managed *m = arg;
	struct operator* op = m->operator;
	m->status_in_flight = false;
	op->status_in_flight--;
	if (m->gone) {
		managed_free(m);
	} else if (response->result != KUBE_OK && response->code != 404) {
		log_warn("status not written", "app", m->key, "error", response->message.p, NULL);
		m->status_hash = (struct hash){ { 0 } };
		loop_timer_set(m->status_timer, STATUS_RETRY_MS);
	}
	pump(op);
}

/* Merge patch: what is no longer there must be null. */
static void add_nulls(struct arena *a, struct node *status)
{
	static const char *const optional[] = { "input",	   "inventory",	      "inventoryChunks",
						"lastHandledSync", "lastAppliedTime", "reads",
						"hydrated" };
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (!node_get(status, optional[i]))
			node_set(a, status, str_of(optional[i]), node_null(a));
}

static void write_status(struct managed *m)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *status = build(&a, m);
	struct hash hash = news_hash(node_clone(&a, status));
	if (m->status_known && hash_eq(hash, m->status_hash))
		return;
	m->status_known = true;
	m->status_hash = hash;
	add_nulls(&a, status);
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body, "{\"metadata\":{\"uid\":");
	json_write_string(&body, str_of(m->spec.uid));
	buf_adds(&body, "},\"status\":");
	json_write(&body, status);
	buf_addc(&body, '}');
	struct kube_request request = {
		.verb = KUBE_MERGE_PATCH,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(m->spec.namespace),
		.name = str_of(m->spec.name),
		.subresource = "status",
		.body = buf_str(&body),
		.field_manager = "capstan-status",
		.priority = KUBE_PRIORITY_LOW,
		.timeout_ms = STATUS_TIMEOUT_MS,
	};
	m->status_in_flight = true;
	m->operator->status_in_flight++;
	m->operator->status_writes++;
	kube_send(m->operator->client, &request, on_written, m);
}

static void pump(struct operator* op)
{
	size_t taken = 0;
	while (taken < op->status_queue.n && op->status_in_flight < STATUS_IN_FLIGHT) {
		struct managed *m = op->status_queue.at[taken++];
		if (!m)
			continue;
		m->status_queued = false;
		if (m->status_in_flight)
			loop_timer_set(m->status_timer, 50);
		else
			write_status(m);
	}
	memmove(op->status_queue.at, op->status_queue.at + taken,
		(op->status_queue.n - taken) * sizeof(*op->status_queue.at));
	op->status_queue.n -= taken;
}

/* A restarted operator that has not yet looked at everything knows less than what is written. */
static bool knows_less(const struct managed *m)
{
	if (!m->ready || !m->status_known || m->app.attempts || m->app.config.suspend)
		return false;
	const struct driver_summary *s = m->app.driver->ops->summary(m->app.driver);
	return !s->observed || (hash_is_zero(m->app.wanted.input) && !m->app.source_error);
}

/* How long news can wait for more. */
static int64_t pause_of(const struct managed *m)
{
	if (!m->ready)
		return 0;
	if (m->app.phase == APP_IDLE)
		return m->status_known || m->app.attempts || m->app.source_error || m->app.config.suspend
			       ? 0
			       : STATUS_FIRST_MS;
	if (m->start_queued)
		return STATUS_WAITING_MS;
	return m->operator->start_queue.n ? STATUS_BUSY_MS : STATUS_PROGRESS_MS;
}

void status_defer(struct managed *m)
{
	if (!m->status_timer || !loop_timer_armed(m->status_timer))
		return;
	m->status_due = clock_mono_ms() + pause_of(m);
	loop_timer_set_at(m->status_timer, m->status_due);
}

void status_touch(struct managed *m)
{
	if (m->gone || knows_less(m))
		return;
	store_update(m);
	if (!m->status_timer)
		m->status_timer = loop_timer_new(m->operator->loop, flush_soon, m);
	int64_t due = clock_mono_ms() + pause_of(m);
	if (loop_timer_armed(m->status_timer) && m->status_due <= due)
		return;
	m->status_due = due;
	loop_timer_set_at(m->status_timer, due);
}

static int64_t transition_of(const struct node *c)
{
	int64_t ms = 0;
	clock_parse(node_text(node_get(c, "lastTransitionTime")), &ms);
	return ms;
}

void status_restore(struct managed *m, const struct node *object)
{
	const struct node *status = node_get(object, "status");
	const struct node *list = node_get(status, "conditions");
	int64_t observed = 0;
	node_int(node_get(status, "observedGeneration"), &observed);
	if (!node_count(list) || observed < 0)
		return; /* the definition's default */
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *c = node_item(list, i);
		struct str type = node_text(node_get(c, "type")), value = node_text(node_get(c, "status"));
		if (str_is(type, "Ready")) {
			snprintf(m->ready_status, sizeof(m->ready_status), "%.*s", STR_ARG(value));
			m->ready_since_ms = transition_of(c);
		} else if (str_is(type, "Reconciling")) {
			m->was_reconciling = str_is(value, "True");
			m->reconciling_since_ms = transition_of(c);
		} else if (str_is(type, "Stalled")) {
			m->was_stalled = str_is(value, "True");
			m->stalled_since_ms = transition_of(c);
		}
	}
	struct str handled = node_text(node_get(status, "lastHandledSync"));
	m->handled_sync = handled.n ? mem_strndup(handled.p, handled.n) : NULL;
	cleanup_arena struct arena a = ARENA_INIT;
	m->status_hash = news_hash(node_clone(&a, status));
	m->status_known = true;
}

void status_release(struct managed *m)
{
	loop_timer_free(m->status_timer);
	m->status_timer = NULL;
	free(m->handled_sync);
	m->handled_sync = NULL;
	for (size_t i = 0; i < m->operator->status_queue.n; i++)
		if (m->operator->status_queue.at[i] == m)
			m->operator->status_queue.at[i] = NULL;
}
