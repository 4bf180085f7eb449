/*
 * client.c - where a request is, from kube_send() to done.
 *
 *   kube_send -> QUEUED -> FLYING -> done          the usual way
 *                  ^ |        |
 *                  | +-> KIND (discovery is being refreshed)
 *                  +---- BACKOFF (429, or 500/503 with Retry-After)
 *
 * Each call is on exactly one list. Everything is started by pump(), on the turn after something changed,
 * so that done never comes from inside kube_send(). Callers may send, cancel and free from inside done:
 * `inside` delays the freeing of the client. Deadlines of what is not flying are kept by one coarse timer; a
 * flying call's deadline is the HTTP client's.
 */
#include "kube/client.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kube/client_parts.h"

enum {
	TICK_MS = 200,
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 10000,
	LOW_SHARE = 8,	 /* of so many requests one is of low priority, when there is one */
	TRIM_AFTER = 500 /* requests; then the next pause gives memory back */
};

static void pump(struct kube_client *c);

static void list_remove(struct kube_call *call)
{
	struct kube_list *l = call->list;
	*(call->prev ? &call->prev->next : &l->first) = call->next;
	*(call->next ? &call->next->prev : &l->last) = call->prev;
	call->prev = call->next = NULL;
	call->list = NULL;
	l->n--;
}

static void list_add(struct kube_list *l, struct kube_call *call)
{
	call->list = l;
	call->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = call;
	l->last = call;
	l->n++;
}

static void move(struct kube_call *call, struct kube_list *to, enum kube_call_state state)
{
	list_remove(call);
	list_add(to, call);
	call->state = state;
}

static bool counted(const struct kube_call *call)
{
	return !call->is_raw && call->request.priority != KUBE_PRIORITY_LEASE;
}

static bool writes(const struct kube_call *call)
{
	return counted(call) && call->request.verb != KUBE_GET && call->request.verb != KUBE_LIST;
}

static void destroy_call(struct kube_call *call)
{
	if (call->state == KUBE_CALL_FLYING) {
		if (call->http)
			http_cancel(call->http);
		call->client->stats.in_flight -= counted(call);
	}
	if (call->list)
		list_remove(call);
	arena_release(&call->arena);
	free(call);
}

static void destroy_list(struct kube_list *l)
{
	while (l->first)
		destroy_call(l->first);
}

static void destroy(struct kube_client *c)
{
	kube_discovery_release(c);
	for (int p = 0; p < KUBE_PRIORITIES; p++)
		destroy_list(&c->queues[p]);
	destroy_list(&c->parked);
	destroy_list(&c->flying);
	destroy_list(&c->over);
	http_client_free(c->http);
	http_client_free(c->http_before);
	kube_auth_free(c->auth);
	loop_timer_free(c->kick);
	loop_timer_free(c->tick);
	arena_release(&c->arena);
	free(c);
}

static void leave(struct kube_client *c)
{
	if (--c->inside == 0 && c->dying)
		destroy(c);
}

void kube_client_kick(struct kube_client *c)
{
	if (!loop_timer_armed(c->kick))
		loop_timer_set(c->kick, 0);
}

uint64_t kube_client_random(struct kube_client *c, uint64_t n)
{
	/* xorshift64: jitter needs no better. */
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 7;
	c->seed ^= c->seed << 17;
	return n ? c->seed % n : 0;
}

int64_t kube_backoff_ms(struct kube_client *c, unsigned tries)
{
	unsigned shift = tries > 1 ? tries - 1 : 0;
	int64_t full = shift > 8 ? BACKOFF_MAX_MS : (int64_t)BACKOFF_FIRST_MS << shift;
	if (full > BACKOFF_MAX_MS)
		full = BACKOFF_MAX_MS;
	return full / 2 + (int64_t)kube_client_random(c, (uint64_t)(full / 2) + 1);
}

/* Calls done and forgets the call. */
static void tell(struct kube_call *call, struct kube_response *response)
{
	struct kube_client *c = call->client;
	if (call->list)
		list_remove(call);
	call->state = KUBE_CALL_TELLING;
	c->inside++;
	call->done(call->arg, response);
	destroy_call(call);
	leave(c);
}

static void fail(struct kube_call *call, enum kube_result result, const char *message)
{
	call->failure = result;
	call->message = message;
	move(call, &call->client->over, KUBE_CALL_OVER);
}

static void wait_for_place(struct kube_call *call)
{
	call->queued_ms = clock_mono_ms();
	move(call, &call->client->queues[call->request.priority], KUBE_CALL_QUEUED);
}

static void wake_at(struct kube_client *c, int64_t at_ms)
{
	int64_t now = clock_mono_ms();
	if (c->tick_at && c->tick_at <= at_ms && loop_timer_armed(c->tick))
		return;
	c->tick_at = at_ms;
	loop_timer_set(c->tick, at_ms - now);
}

static void tick_list(struct kube_client *c, struct kube_list *l, int64_t now)
{
	struct kube_call *next;
	for (struct kube_call *call = l->first; call; call = next) {
		next = call->next;
		bool waits_free = call->state == KUBE_CALL_QUEUED && counted(call);
		if (!waits_free && call->deadline_ms <= now) {
			fail(call, KUBE_TIMEOUT, "the deadline passed before the request could be sent");
		} else if (call->state == KUBE_CALL_BACKOFF) {
			if (call->not_before_ms <= now)
				wait_for_place(call);
			else
				wake_at(c, call->not_before_ms);
		}
	}
}

static void ticked(void *arg)
{
	struct kube_client *c = arg;
	int64_t now = clock_mono_ms();
	c->tick_at = 0;
	tick_list(c, &c->parked, now);
	for (int p = 0; p < KUBE_PRIORITIES; p++)
		tick_list(c, &c->queues[p], now);
	pump(c);
}

/* ---- answers ---- */

static enum kube_limit_outcome outcome_of(const struct http_response *http)
{
	if (http->status == 0)
		return KUBE_LIMIT_FAILED;
	bool pushed_back = http->status == 429 ||
			   ((http->status == 503 || http->status == 500) && http->retry_after_ms >= 0);
	return pushed_back ? KUBE_LIMIT_THROTTLED : KUBE_LIMIT_OK;
}

static bool park_for_retry(struct kube_call *call, const struct http_response *http)
{
	struct kube_client *c = call->client;
	int64_t now = clock_mono_ms(), wait = kube_backoff_ms(c, ++call->tries);
	if (http->retry_after_ms >= 0)
		wait += http->retry_after_ms;
	if (call->is_raw && !call->raw.timeout_ms)
		return false;
	if (now + wait >= call->deadline_ms)
		return false;
	c->stats.retries++;
	call->not_before_ms = now + wait;
	move(call, &c->parked, KUBE_CALL_BACKOFF);
	wake_at(c, call->not_before_ms);
	return true;
}

/* The path itself is not served: the kind went away, or moved, since discovery was read. */
static bool kind_is_gone(const struct kube_call *call, const struct kube_response *r)
{
	if (call->is_raw || r->code != 404 || call->refreshed)
		return false;
	return node_text(node_at(r->body, "details.name")).n == 0;
}

static void park_for_kind(struct kube_call *call)
{
	move(call, &call->client->parked, KUBE_CALL_KIND);
	call->asked_ms = clock_mono_ms();
	kube_discovery_refresh(call->client, NULL, NULL);
}

static void deliver(struct kube_call *call, const struct http_response *http)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_response r;
	kube_answer_read(&a, http, &r);
	if (kind_is_gone(call, &r)) {
		park_for_kind(call);
		return;
	}
	if (r.result == KUBE_LOST) {
		call->client->stats.lost++;
		if (clock_mono_ms() >= call->deadline_ms - 1)
			r.result = KUBE_TIMEOUT;
	}
	tell(call, &r);
}

static void answered(void *arg, const struct http_response *http)
{
	struct kube_call *call = arg;
	struct kube_client *c = call->client;
	int64_t now = clock_mono_ms();
	enum kube_limit_outcome outcome = outcome_of(http);
	call->http = NULL;
	c->inside++;
	if (counted(call)) {
		c->stats.in_flight--;
		kube_limit_sample(&c->limit, now, call->started_ms, call->load, outcome);
	}
	move(call, &c->parked, KUBE_CALL_KIND); /* not flying any more; where it goes is said below */
	c->stats.throttled += outcome == KUBE_LIMIT_THROTTLED;
	if (http->status == 401 && !call->rejected && kube_auth_rejected(c->auth)) {
		call->rejected = true;
		wait_for_place(call);
	} else if (outcome != KUBE_LIMIT_THROTTLED || !park_for_retry(call, http)) {
		deliver(call, http);
	}
	if (!c->dying)
		pump(c);
	leave(c);
}

/* ---- sending ---- */

static struct http_client *make_http(struct kube_client *c, struct error *err)
{
	const struct kube_config *config = &c->config;
	struct http_client_options options = {
		.ca_pem = config->ca_pem,
		.insecure = config->insecure,
		.server_name = config->tls_server_name,
		.proxy = config->proxy_url,
	};
	kube_auth_certificate(c->auth, &options.cert_pem, &options.key_pem, &c->http_generation);
	return http_client_new(c->loop, &options, err);
}

/* A plugin gave another client certificate: new calls go over connections made with that. */
static void follow_certificate(struct kube_client *c)
{
	struct str cert, key;
	unsigned generation;
	kube_auth_certificate(c->auth, &cert, &key, &generation);
	if (c->http_before && http_client_calls(c->http_before) == 0) {
		http_client_free(c->http_before);
		c->http_before = NULL;
	}
	if (generation == c->http_generation || c->http_before)
		return;
	struct http_client *fresh = make_http(c, NULL);
	if (!fresh)
		return;
	c->http_before = c->http;
	c->http = fresh;
}

/* After a chunk the call may be gone: its owner may have cancelled it. */
static bool chunk_came(void *arg, struct str chunk)
{
	struct kube_call *call = arg;
	return call->raw.on_chunk(call->raw.arg, chunk);
}

static void fly(struct kube_call *call, const struct kube_resource *resource)
{
	struct kube_client *c = call->client;
	struct kube_wire w = { 0 };
	int64_t now = clock_mono_ms();
	if (call->is_raw)
		kube_wire_raw(&w, c, &call->raw);
	else
		kube_wire_of(&w, c, &call->request, resource);
	struct http_request r = {
		.method = w.method,
		.url = w.url.p,
		.headers = w.headers,
		.n_headers = w.n_headers,
		.body = call->request.body,
		.timeout_ms = call->deadline_ms == INT64_MAX ? 0 : call->deadline_ms - now,
		.idle_timeout_ms = call->raw.idle_ms,
		.on_chunk = call->raw.on_chunk ? chunk_came : NULL,
		.done = answered,
		.arg = call,
	};
	call->started_ms = now;
	c->stats.requests++;
	if (counted(call))
		call->load = ++c->stats.in_flight;
	c->stats.writes += writes(call);
	move(call, &c->flying, KUBE_CALL_FLYING);
	call->http = http_send(c->http, &r);
	buf_release(&w.url);
}

static bool needs_name(enum kube_verb verb)
{
	return verb != KUBE_LIST && verb != KUBE_CREATE;
}

/* What is wrong with the request itself, or NULL. */
static const char *objection(const struct kube_request *r, const struct kube_resource *resource)
{
	if (!resource->namespaced && r->namespace.n)
		return "the kind is cluster-scoped: it takes no namespace";
	if (resource->namespaced && !r->namespace.n && r->verb != KUBE_LIST)
		return "the kind is namespaced: it needs a namespace";
	return NULL;
}

static void launch(struct kube_call *call)
{
	struct kube_client *c = call->client;
	const struct kube_request *r = &call->request;
	if (counted(call) && call->deadline_ms != INT64_MAX)
		call->deadline_ms += clock_mono_ms() - call->queued_ms;
	if (call->is_raw) {
		fly(call, NULL);
		return;
	}
	if (writes(call) && clock_mono_ms() >= c->writes_until) {
		fail(call, KUBE_LOST, "the lease has run out");
		return;
	}
	const struct kube_resource *resource = kube_discovery_find(c, r->group, r->version, r->kind);
	if (!resource && !call->refreshed) {
		park_for_kind(call);
		return;
	}
	if (!resource) {
		fail(call, KUBE_NO_KIND,
		     arena_printf(&call->arena, "the server knows no kind %.*s in %.*s%s%.*s",
				  STR_ARG(r->kind), STR_ARG(r->group), r->group.n && r->version.n ? "/" : "",
				  STR_ARG(r->version)));
		return;
	}
	const char *why = objection(r, resource);
	if (why)
		fail(call, KUBE_SCOPE_MISMATCH, why);
	else
		fly(call, resource);
}

static void fail_queued(struct kube_client *c, const struct error *err)
{
	for (int p = 0; p < KUBE_PRIORITIES; p++) {
		while (c->queues[p].first) {
			struct kube_call *call = c->queues[p].first;
			fail(call, KUBE_LOST, arena_strdup(&call->arena, err->text));
		}
	}
}

static void tell_over(struct kube_client *c)
{
	while (c->over.first && !c->dying) {
		struct kube_call *call = c->over.first;
		cleanup_arena struct arena a = ARENA_INIT;
		struct kube_response r = {
			.result = call->failure,
			.message = str_of(call->message),
			.arena = &a,
			.retry_after_ms = -1,
		};
		tell(call, &r);
	}
}

static bool has_room(const struct kube_client *c)
{
	return c->stats.in_flight < kube_limit_value(&c->limit);
}

/* However much there is to do, what is to be told moves too: one of LOW_SHARE goes first. */
static void launch_low(struct kube_client *c)
{
	struct kube_call *low = c->queues[KUBE_PRIORITY_LOW].first;
	if (++c->since_low < LOW_SHARE || !low || !has_room(c))
		return;
	c->since_low = 0;
	launch(low);
}

static void launch_queued(struct kube_client *c)
{
	struct error err = ERROR_INIT;
	bool any = false;
	for (int p = 0; p < KUBE_PRIORITIES; p++)
		any |= c->queues[p].first != NULL;
	if (!any)
		return;
	switch (kube_auth_check(c->auth, &err)) {
	case KUBE_AUTH_WAIT:
		return;
	case KUBE_AUTH_FAILED:
		fail_queued(c, &err);
		return;
	case KUBE_AUTH_READY:
		break;
	}
	follow_certificate(c);
	for (int p = 0; p < KUBE_PRIORITIES; p++) {
		struct kube_call *next;
		for (struct kube_call *call = c->queues[p].first; call; call = next) {
			next = call->next;
			if (counted(call) && !has_room(c))
				break;
			launch(call);
			if (p < KUBE_PRIORITY_LOW)
				launch_low(c);
		}
	}
}

static void pump(struct kube_client *c)
{
	c->inside++;
	launch_queued(c);
	tell_over(c);
	bool waiting = c->parked.n > 0;
	for (int p = 0; p < KUBE_PRIORITIES; p++)
		waiting |= c->queues[p].n > 0;
	if (waiting && !c->dying)
		wake_at(c, clock_mono_ms() + TICK_MS);
	else if (!waiting && c->stats.in_flight == 0 && c->stats.requests - c->trimmed_at >= TRIM_AFTER) {
		c->trimmed_at = c->stats.requests;
		malloc_trim(0);
	}
	leave(c);
}

static void kicked(void *arg)
{
	pump(arg);
}

static void auth_changed(void *arg)
{
	kube_client_kick(arg);
}

/* A refresh that began before the call asked may have missed what the call waits for: once more, then. */
static void settle_kind(struct kube_call *call, const struct error *err)
{
	struct kube_client *c = call->client;
	const struct kube_request *r = &call->request;
	if (err) {
		fail(call, KUBE_LOST, arena_strdup(&call->arena, err->text));
		return;
	}
	call->refreshed = c->discovery.began_ms >= call->asked_ms;
	if (call->refreshed || kube_discovery_find(c, r->group, r->version, r->kind))
		wait_for_place(call);
	else
		kube_discovery_refresh(c, NULL, NULL);
}

void kube_client_refreshed(struct kube_client *c, const struct error *err)
{
	struct kube_call *next;
	for (struct kube_call *call = c->parked.first; call; call = next) {
		next = call->next;
		if (call->state == KUBE_CALL_KIND)
			settle_kind(call, err);
	}
	kube_client_kick(c);
}

/* ---- the interface ---- */

struct kube_client *kube_client_new(struct loop *loop, const struct kube_config *config, struct error *err)
{
	struct kube_client *c = mem_alloc(sizeof(*c));
	c->loop = loop;
	kube_config_copy(&c->arena, config, &c->config);
	c->auth = kube_auth_new(loop, &c->config, auth_changed, c);
	c->kick = loop_timer_new(loop, kicked, c);
	c->tick = loop_timer_new(loop, ticked, c);
	c->discovery.began_ms = INT64_MIN;
	c->writes_until = INT64_MAX;
	c->seed = (uint64_t)clock_wall_ms() * 2654435761u ^ (uint64_t)(uintptr_t)c ^ 1;
	kube_limit_init(&c->limit);
	c->http = make_http(c, err);
	if (!c->http) {
		destroy(c);
		error_wrap(err, "server %s", config->server);
		return NULL;
	}
	return c;
}

void kube_client_free(struct kube_client *client)
{
	if (!client)
		return;
	client->dying = true;
	if (client->inside == 0)
		destroy(client);
}

static struct kube_call *call_new(struct kube_client *c, kube_done_fn *done, void *arg, int64_t timeout_ms)
{
	struct kube_call *call = mem_alloc(sizeof(*call));
	call->client = c;
	call->done = done;
	call->arg = arg;
	call->deadline_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : INT64_MAX;
	return call;
}

static void enqueue(struct kube_call *call)
{
	struct kube_client *c = call->client;
	call->state = KUBE_CALL_QUEUED;
	call->queued_ms = clock_mono_ms();
	list_add(&c->queues[call->request.priority], call);
	kube_client_kick(c);
}

static bool has_control(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

struct kube_call *kube_send(struct kube_client *client, const struct kube_request *request,
			    kube_done_fn *done, void *arg)
{
	struct kube_call *call = call_new(client, done, arg, request->timeout_ms);
	kube_request_copy(&call->arena, request, &call->request);
	enqueue(call);
	if (has_control(request->impersonate_user))
		fail(call, KUBE_LOST, "the user to act as has a control character in its name");
	else if (needs_name(request->verb) && request->name.n == 0)
		fail(call, KUBE_LOST, "the object has no name");
	return call;
}

struct kube_call *kube_send_raw(struct kube_client *client, const struct kube_raw *raw)
{
	struct kube_call *call = call_new(client, raw->done, raw->arg, raw->timeout_ms);
	call->is_raw = true;
	call->raw = *raw;
	call->raw.path = arena_strdup(&call->arena, raw->path);
	call->raw.accept = raw->accept; /* a constant */
	call->request.priority = KUBE_PRIORITY_LEASE;
	enqueue(call);
	return call;
}

void kube_cancel(struct kube_call *call)
{
	/* From inside its own done there is nothing left to cancel. */
	if (call && call->state != KUBE_CALL_TELLING) {
		kube_client_kick(call->client);
		destroy_call(call);
	}
}

void kube_client_writes_until(struct kube_client *client, int64_t mono_ms)
{
	client->writes_until = mono_ms;
}

struct kube_stats kube_client_stats(const struct kube_client *client)
{
	struct kube_stats s = client->stats;
	for (int p = 0; p < KUBE_PRIORITIES; p++)
		s.queued += client->queues[p].n;
	s.queued += client->parked.n;
	s.limit = kube_limit_value(&client->limit);
	return s;
}
