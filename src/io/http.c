/*
 * http.c - curl's multi interface on the loop: sockets are uv polls, its timer is ours.
 *
 * curl forbids most of its functions inside its own callbacks, and callers may send, cancel or free
 * from any callback. So `inside` counts how deep we are; while it is not 0, a new call waits as
 * PENDING, a cancelled one as DROPPED, and leave() settles both when the count is back at 0.
 */
#include "io/http.h"

#include <uv.h>

#include "base/mem.h"
#include "io/http_call.h"

enum {
	POOL_SPARE = 8, /* idle calls kept beside as many as are active */
	IDLE_CONNECTIONS = 8,
	CONNECTIONS_MAX = 256, /* to an HTTP/1.1 server, where each call needs one */
	STREAMS_DEFAULT = 1000
};

struct http_socket {
	uv_poll_t poll; /* first: freed by its address */
	struct http_client *client;
	curl_socket_t fd;
};

static void unlink_call(struct http_call *call)
{
	struct http_client *c = call->client;
	*(call->prev ? &call->prev->next : &c->first) = call->next;
	*(call->next ? &call->next->prev : &c->last) = call->prev;
	call->prev = call->next = NULL;
	c->n_calls--;
}

static void link_call(struct http_call *call)
{
	struct http_client *c = call->client;
	call->prev = c->last;
	call->next = NULL;
	*(c->last ? &c->last->next : &c->first) = call;
	c->last = call;
	c->n_calls++;
}

static void recycle(struct http_call *call)
{
	struct http_client *c = call->client;
	unlink_call(call);
	call->state = HTTP_CALL_FREE;
	/* The pool shrinks with the load: an idle program keeps next to nothing. */
	if (c->n_pool >= POOL_SPARE + c->n_calls) {
		http_call_destroy(call);
		return;
	}
	http_call_reset(call);
	call->next = c->pool;
	c->pool = call;
	c->n_pool++;
}

static void destroy(struct http_client *c)
{
	while (c->first) {
		struct http_call *call = c->first;
		if (call->state == HTTP_CALL_ACTIVE || call->state == HTTP_CALL_DROPPED)
			curl_multi_remove_handle(c->multi, call->easy);
		unlink_call(call);
		http_call_destroy(call);
	}
	while (c->pool) {
		struct http_call *call = c->pool;
		c->pool = call->next;
		http_call_destroy(call);
	}
	curl_multi_cleanup(c->multi);
	loop_timer_free(c->timer);
	buf_release(&c->ca);
	buf_release(&c->cert);
	buf_release(&c->key);
	free(c->server_name);
	free(c->proxy);
	free(c);
}

static void sweep(struct http_client *c)
{
	struct http_call *next;
	c->unswept = false;
	for (struct http_call *call = c->first; call; call = next) {
		next = call->next;
		if (call->state == HTTP_CALL_PENDING) {
			call->state = HTTP_CALL_ACTIVE;
			curl_multi_add_handle(c->multi, call->easy);
		} else if (call->state == HTTP_CALL_DROPPED) {
			curl_multi_remove_handle(c->multi, call->easy);
			recycle(call);
		}
	}
}

static void leave(struct http_client *c)
{
	if (--c->inside > 0)
		return;
	if (c->dying)
		destroy(c);
	else if (c->unswept)
		sweep(c);
}

void http_call_finish(struct http_call *call, CURLcode code)
{
	struct http_client *c = call->client;
	c->inside++;
	curl_multi_remove_handle(c->multi, call->easy);
	call->state = HTTP_CALL_DONE;
	http_call_report(call, code);
	recycle(call);
	leave(c);
}

/* Reports what curl has finished. A call that was cancelled meanwhile is left to the sweep. */
static void collect(struct http_client *c)
{
	CURLMsg *msg;
	int left;
	while (!c->dying && (msg = curl_multi_info_read(c->multi, &left))) {
		struct http_call *call;
		if (msg->msg != CURLMSG_DONE)
			continue;
		CURLcode code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
		if (call->state == HTTP_CALL_ACTIVE)
			http_call_finish(call, code);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int events)
{
	int running;
	c->inside++;
	curl_multi_socket_action(c->multi, fd, events, &running);
	collect(c);
	leave(c);
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
	struct http_socket *s = poll->data;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(s->client, s->fd, flags);
}

static void timer_fired(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int timer_wanted(CURLM *multi, long in_ms, void *arg)
{
	struct http_client *c = arg;
	if (in_ms < 0)
		loop_timer_clear(c->timer);
	else
		loop_timer_set(c->timer, in_ms);
	return 0;
}

static void socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct http_socket *socket_new(struct http_client *c, curl_socket_t fd)
{
	struct http_socket *s = mem_alloc(sizeof(*s));
	s->client = c;
	s->fd = fd;
	if (uv_poll_init_socket(loop_uv(c->loop), &s->poll, fd) != 0) {
		free(s);
		return NULL;
	}
	s->poll.data = s;
	curl_multi_assign(c->multi, fd, s);
	return s;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
	struct http_client *c = arg;
	struct http_socket *s = socket;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			uv_close((uv_handle_t *)&s->poll, socket_closed);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (!s)
		s = socket_new(c, fd);
	if (!s)
		return -1;
	int events = 0;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&s->poll, events, socket_ready);
	return 0;
}

static CURLM *multi_new(struct http_client *c, long max_streams)
{
	CURLM *multi = curl_multi_init();
	if (!multi)
		abort(); /* out of memory, as in mem.h */
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_MAX);
	curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
			  max_streams ? max_streams : STREAMS_DEFAULT);
	return multi;
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *o, struct error *err)
{
	static bool ready;
	if (!ready && curl_global_init(CURL_GLOBAL_SSL) != CURLE_OK) {
		error_set(err, "the HTTP library does not start");
		return NULL;
	}
	ready = true;
	if (!o->cert_pem.n != !o->key_pem.n) {
		error_set(err, "a client certificate needs its key, and a key its certificate");
		return NULL;
	}
	struct http_client *c = mem_alloc(sizeof(*c));
	c->loop = loop;
	c->timer = loop_timer_new(loop, timer_fired, c);
	c->multi = multi_new(c, o->max_streams);
	buf_add(&c->ca, o->ca_pem.p, o->ca_pem.n);
	buf_add(&c->cert, o->cert_pem.p, o->cert_pem.n);
	buf_add(&c->key, o->key_pem.p, o->key_pem.n);
	c->insecure = o->insecure;
	c->server_name = o->server_name ? mem_strdup(o->server_name) : NULL;
	c->proxy = o->proxy ? mem_strdup(o->proxy) : NULL;
	return c;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	client->dying = true;
	for (struct http_call *call = client->first; call; call = call->next) {
		if (call->state == HTTP_CALL_ACTIVE)
			call->state = HTTP_CALL_DROPPED;
	}
	if (client->inside == 0)
		destroy(client);
}

struct http_call *http_send(struct http_client *client, const struct http_request *request)
{
	struct http_call *call = client->pool;
	if (call) {
		client->pool = call->next;
		client->n_pool--;
	} else {
		call = http_call_new(client);
	}
	http_call_prepare(call, request);
	link_call(call);
	call->state = HTTP_CALL_PENDING;
	client->unswept = true;
	if (client->inside == 0)
		sweep(client);
	return call;
}

void http_cancel(struct http_call *call)
{
	struct http_client *c = call->client;
	switch (call->state) {
	case HTTP_CALL_PENDING:
		recycle(call);
		break;
	case HTTP_CALL_ACTIVE:
		call->state = HTTP_CALL_DROPPED;
		c->unswept = true;
		if (c->inside == 0)
			sweep(c);
		break;
	default: /* from inside its own done: nothing is left to cancel */
		break;
	}
}

int http_client_calls(const struct http_client *client)
{
	return client->n_calls;
}
