/*
 * watch.c - one kind, for ever.
 *
 *   next(): kind unknown?   -> wait for discovery (and ask for it, with back-off)
 *           no version yet? -> LIST, page by page -> next()
 *           else            -> WATCH from the version -> ended: next()
 *
 * Whatever happens ends in again(): at once, or after a back-off that grows with every try that brought
 * nothing. The callback may stop the watch: `inside` delays its freeing, and `stopped` is looked at after
 * every call.
 */
#include "kube/watch.h"

#include <malloc.h>
#include <stdio.h>

#include "base/clock.h"
#include "doc/json.h"
#include "kube/client_parts.h"
#include "kube/watch_stream.h"

enum {
	PAGE_DEFAULT = 500,
	WATCH_S_MIN = 300, /* the server ends a watch after a random time between these */
	WATCH_S_MAX = 600,
	WATCH_IDLE_MS = 100000, /* bookmarks come about once a minute: longer silence is a dead server */
	LIST_IDLE_MS = 30000,
	GOOD_MS = 1000, /* a watch that lived this long was a good one */
	TELL_AFTER_TRIES = 2,
	RELIST_AFTER_TRIES = 5, /* a version that cannot be resumed from is given up */
	UNPAGED_AFTER_EXPIRIES = 2,
	LOST_WAIT_MAX_MS =
		3000, /* trying to connect costs a server that is down nothing, and waiting costs us */
	NO_KIND_MAX_MS = 30000
};

struct kube_watch {
	struct kube_client *client;
	struct arena arena; /* of the spec */
	struct kube_watch_spec spec;
	kube_watch_fn *fn;
	void *arg;

	struct kube_listener listener;
	struct loop_timer *timer;
	struct kube_call *call;
	struct watch_lines lines;
	struct watch_list list;
	struct buf version;	/* resourceVersion to watch from; empty: list first */
	struct buf more;	/* continue token of the next page */
	struct buf api_version; /* of the kind as served, for list items */
	unsigned tries;		/* in a row that brought nothing */
	unsigned expiries;	/* of continue tokens, in a row */
	int64_t opened_ms;
	unsigned inside;
	bool stopped, listing, begun, progressed, no_kind_told, gone;
	bool waiting_kind, asked; /* the kind was not there; discovery has been asked since */
};

static void next(struct kube_watch *w);

static void destroy(struct kube_watch *w)
{
	if (w->call)
		kube_cancel(w->call);
	kube_listener_remove(&w->listener);
	loop_timer_free(w->timer);
	watch_lines_release(&w->lines);
	watch_list_release(&w->list);
	buf_release(&w->version);
	buf_release(&w->more);
	buf_release(&w->api_version);
	arena_release(&w->arena);
	free(w);
}

/* Returns false when the watch was stopped by the callback. */
static bool tell(struct kube_watch *w, const struct kube_watch_event *event)
{
	if (!w->stopped)
		w->fn(w->arg, event);
	return !w->stopped;
}

static bool tell_type(struct kube_watch *w, enum kube_watch_type type, const char *message)
{
	struct kube_watch_event event = { .type = type, .message = message };
	return tell(w, &event);
}

static void leave(struct kube_watch *w)
{
	if (--w->inside == 0 && w->stopped)
		destroy(w);
}

static void again(struct kube_watch *w, int64_t in_ms)
{
	if (!w->stopped)
		loop_timer_set(w->timer, in_ms);
}

static void again_within(struct kube_watch *w, int64_t max_ms, const char *message)
{
	w->tries++;
	if (w->tries >= TELL_AFTER_TRIES && !tell_type(w, WATCH_FAILING, message))
		return;
	int64_t wait = kube_backoff_ms(w->client, w->tries);
	again(w, wait < max_ms ? wait
			       : max_ms / 2 + (int64_t)kube_client_random(w->client, (uint64_t)max_ms / 2));
}

static void again_after_failure(struct kube_watch *w, const char *message)
{
	again_within(w, INT64_MAX / 2, message);
}

static void relist(struct kube_watch *w)
{
	buf_clear(&w->version);
	buf_clear(&w->more);
}

/* ---- what came ---- */

static void set_text(struct buf *b, struct str text)
{
	buf_clear(b);
	buf_add(b, text.p, text.n);
}

static bool item_came(void *arg, struct str text)
{
	struct kube_watch *w = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *object;
	/* One object that cannot be read (nested too deeply, say) does not hold up the others. */
	if (json_parse(&a, text, false, &object, &err) < 0)
		return tell_type(w, WATCH_FAILING, err.text);
	if (!node_get(object, "kind"))
		node_set(&a, object, STR("kind"), node_string(&a, w->spec.kind));
	if (!node_get(object, "apiVersion"))
		node_set(&a, object, STR("apiVersion"), node_string(&a, buf_str(&w->api_version)));
	struct kube_watch_event event = {
		.type = WATCH_OBJECT, .object = object, .arena = &a, .in_list = true
	};
	return tell(w, &event);
}

static bool error_came(struct kube_watch *w, const struct node *status)
{
	int64_t code = 0;
	node_int(node_get(status, "code"), &code);
	struct str reason = node_text(node_get(status, "reason"));
	w->gone = code == 410 || str_is(reason, "Expired") || str_is(reason, "Gone");
	return true;
}

static bool line_came(void *arg, struct str line)
{
	struct kube_watch *w = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	enum watch_stream_type type;
	struct node *object;
	if (watch_event_read(&a, line, &type, &object, &err) < 0) {
		/* What was missed is not known: only a list can tell. */
		relist(w);
		w->gone = true;
		tell_type(w, WATCH_FAILING, err.text);
		return false;
	}
	if (type == WATCH_STREAM_ERROR)
		return error_came(w, object);
	w->progressed = true;
	struct str version = node_text(node_at(object, "metadata.resourceVersion"));
	if (version.n)
		set_text(&w->version, version);
	if (type == WATCH_STREAM_BOOKMARK)
		return true;
	struct kube_watch_event event = {
		.type = type == WATCH_STREAM_DELETED ? WATCH_DELETED : WATCH_OBJECT,
		.object = object,
		.arena = &a,
	};
	return tell(w, &event);
}

static bool begin_list(struct kube_watch *w)
{
	if (w->begun)
		return true;
	w->begun = true;
	return tell_type(w, WATCH_LIST_BEGIN, NULL);
}

static bool chunk_came(void *arg, struct str chunk)
{
	struct kube_watch *w = arg;
	enum watch_fed fed = WATCH_STOPPED;
	w->inside++;
	if (!w->listing)
		fed = watch_lines_feed(&w->lines, chunk, line_came, w);
	else if (begin_list(w))
		fed = watch_list_feed(&w->list, chunk, item_came, w);
	if (fed == WATCH_TOO_BIG) {
		relist(w);
		tell_type(w, WATCH_FAILING, "an object is larger than 16 MiB");
	}
	leave(w);
	return fed == WATCH_FED;
}

/* ---- how a request ended ---- */

static void kind_went_away(struct kube_watch *w)
{
	relist(w);
	w->waiting_kind = true;
	w->asked = false;
	w->tries++;
	kube_listener_add(w->client, &w->listener);
	kube_discovery_refresh(w->client, NULL, NULL);
	again(w, kube_backoff_ms(w->client, w->tries + 4));
}

static void refused(struct kube_watch *w, const struct kube_response *r)
{
	char message[512];
	bool expired = r->code == 410;
	if (r->code == 404) {
		kind_went_away(w);
		return;
	}
	if (expired && w->listing && w->more.n)
		w->expiries++;
	if (expired || w->tries >= RELIST_AFTER_TRIES)
		relist(w);
	if (expired && w->tries == 0) {
		w->tries++;
		again(w, 0);
		return;
	}
	snprintf(message, sizeof(message), "%s: %.*s", w->listing ? "list" : "watch", STR_ARG(r->message));
	again_after_failure(w, message);
}

static void list_ended(struct kube_watch *w)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *envelope;
	if (!begin_list(w))
		return;
	int rc = watch_list_end(&w->list, &a, &envelope, &err);
	watch_list_release(&w->list);
	struct str version = rc < 0 ? STR("") : node_text(node_at(envelope, "metadata.resourceVersion"));
	if (rc == 0 && version.n == 0)
		rc = error_set(&err, "the list has no resourceVersion");
	if (rc < 0) {
		relist(w);
		again_after_failure(w, err.text);
		return;
	}
	w->tries = 0;
	set_text(&w->more, node_text(node_at(envelope, "metadata.continue")));
	if (w->more.n) {
		next(w);
		return;
	}
	w->expiries = 0;
	w->no_kind_told = false;
	set_text(&w->version, version);
	/* Lists are the largest thing ever read: what they took goes back. */
	malloc_trim(0);
	int64_t number = 0;
	struct kube_watch_event event = { .type = WATCH_LIST_END };
	if (str_int64(version, &number) && number > 0)
		event.resource_version = (uint64_t)number;
	if (tell(w, &event))
		next(w);
}

static void watch_ended(struct kube_watch *w, const struct kube_response *r)
{
	bool good = w->progressed || clock_mono_ms() - w->opened_ms >= GOOD_MS;
	if (w->gone) {
		relist(w);
		w->tries++;
		again(w, w->tries > 1 ? kube_backoff_ms(w->client, w->tries) : 0);
	} else if (good) {
		w->tries = 0;
		again(w, (int64_t)kube_client_random(w->client, 20));
	} else {
		char message[512];
		snprintf(message, sizeof(message), "watch: %.*s",
			 STR_ARG(r->message.n ? r->message : STR("the server ended it at once")));
		if (w->tries >= RELIST_AFTER_TRIES && r->result == KUBE_OK)
			relist(w);
		again_within(w, LOST_WAIT_MAX_MS, message);
	}
}

static void lost(struct kube_watch *w, const struct kube_response *r)
{
	char message[512];
	if (!w->listing) {
		watch_ended(w, r);
		return;
	}
	snprintf(message, sizeof(message), "list: %.*s", STR_ARG(r->message));
	again_within(w, LOST_WAIT_MAX_MS, message);
}

static void ended(void *arg, const struct kube_response *r)
{
	struct kube_watch *w = arg;
	w->call = NULL;
	w->inside++;
	watch_lines_release(&w->lines);
	if (r->result == KUBE_STATUS)
		refused(w, r);
	else if (r->result != KUBE_OK)
		lost(w, r);
	else if (w->listing)
		list_ended(w);
	else
		watch_ended(w, r);
	leave(w);
}

/* ---- asking ---- */

static void add_query(struct buf *b, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(b, "&%s=", key);
	kube_add_escaped(b, value.p, value.n);
}

static void send(struct kube_watch *w, const char *path, int64_t idle_ms)
{
	struct kube_raw raw = {
		.path = path,
		.idle_ms = idle_ms,
		.on_chunk = chunk_came,
		.done = ended,
		.arg = w,
	};
	w->gone = w->progressed = false;
	w->opened_ms = clock_mono_ms();
	w->call = kube_send_raw(w->client, &raw);
}

static void open_list(struct kube_watch *w, struct buf *path)
{
	w->listing = true;
	watch_list_release(&w->list);
	if (w->more.n == 0)
		w->begun = false;
	/* No resourceVersion: the newest state, never a cached one from before a restart. */
	if (w->expiries < UNPAGED_AFTER_EXPIRIES)
		buf_printf(path, "?limit=%d", w->spec.page > 0 ? w->spec.page : PAGE_DEFAULT);
	else
		buf_adds(path, "?limit=0");
	add_query(path, "continue", buf_str(&w->more));
}

static void open_watch(struct kube_watch *w, struct buf *path)
{
	w->listing = false;
	int seconds = WATCH_S_MIN + (int)kube_client_random(w->client, WATCH_S_MAX - WATCH_S_MIN);
	buf_printf(path, "?watch=true&allowWatchBookmarks=true&timeoutSeconds=%d", seconds);
	add_query(path, "resourceVersion", buf_str(&w->version));
}

static void wait_for_kind(struct kube_watch *w)
{
	w->waiting_kind = true;
	relist(w);
	kube_listener_add(w->client, &w->listener);
	if (w->client->discovery.kinds && w->asked && !w->no_kind_told) {
		w->no_kind_told = true;
		if (!tell_type(w, WATCH_NO_KIND, NULL))
			return;
	}
	if (!w->asked)
		kube_discovery_refresh(w->client, NULL, NULL);
	w->asked = false;
	w->tries++;
	int64_t wait = w->tries < 9 ? kube_backoff_ms(w->client, w->tries + 3) : NO_KIND_MAX_MS;
	again(w, wait);
}

static void next(struct kube_watch *w)
{
	const struct kube_resource *r =
		kube_discovery_find(w->client, w->spec.group, w->spec.version, w->spec.kind);
	if (w->call)
		return;
	w->inside++;
	if (!r) {
		wait_for_kind(w);
		leave(w);
		return;
	}
	cleanup_buf struct buf path = BUF_INIT;
	kube_listener_remove(&w->listener);
	w->waiting_kind = false;
	buf_clear(&w->api_version);
	buf_printf(&w->api_version, "%.*s%s%.*s", STR_ARG(r->group), r->group.n ? "/" : "",
		   STR_ARG(r->version));
	kube_add_path(&path, r, w->spec.namespace);
	if (w->version.n)
		open_watch(w, &path);
	else
		open_list(w, &path);
	add_query(&path, "labelSelector", str_of(w->spec.label_selector));
	add_query(&path, "fieldSelector", str_of(w->spec.field_selector));
	send(w, path.p, w->listing ? LIST_IDLE_MS : WATCH_IDLE_MS);
	leave(w);
}

static void timer_fired(void *arg)
{
	next(arg);
}

static void refreshed(struct kube_listener *listener)
{
	struct kube_watch *w =
		(struct kube_watch *)((char *)listener - offsetof(struct kube_watch, listener));
	if (!w->waiting_kind || w->call)
		return;
	w->asked = true;
	loop_timer_set(w->timer, 0);
}

static void copy_spec(struct kube_watch *w, const struct kube_watch_spec *from)
{
	struct arena *a = &w->arena;
	w->spec = *from;
	w->spec.group = arena_str(a, from->group);
	w->spec.version = arena_str(a, from->version);
	w->spec.kind = arena_str(a, from->kind);
	w->spec.namespace = arena_str(a, from->namespace);
	w->spec.label_selector = from->label_selector ? arena_strdup(a, from->label_selector) : NULL;
	w->spec.field_selector = from->field_selector ? arena_strdup(a, from->field_selector) : NULL;
}

struct kube_watch *kube_watch_start(struct kube_client *client, const struct kube_watch_spec *spec,
				    kube_watch_fn *fn, void *arg)
{
	struct kube_watch *w = mem_alloc(sizeof(*w));
	w->client = client;
	w->fn = fn;
	w->arg = arg;
	w->listener.fn = refreshed;
	copy_spec(w, spec);
	w->timer = loop_timer_new(client->loop, timer_fired, w);
	loop_timer_set(w->timer, 0);
	return w;
}

void kube_watch_stop(struct kube_watch *w)
{
	if (!w || w->stopped)
		return;
	w->stopped = true;
	if (w->inside == 0)
		destroy(w);
}
