/*
 * httpd.c - libmicrohttpd driven by the loop: its epoll descriptor is one uv poll, its timeout our timer.
 *
 * The library only cuts connections that are silent. One that drips a byte now and then would hold its place
 * for ever, so we keep the connections too, with the time since which each owes us a whole request, and shut
 * down those that took too long; the library then sees the end and cleans up.
 */
#include "io/httpd_parts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/mem.h"

#define CONNECTION_MEMORY (32u << 10) /* of headers and one read; a larger head is answered 431 */

enum { SWEEP_MS = 1000 };

struct upload { /* one request being received */
	struct buf body;
	bool too_big;
	struct httpd_stream *stream; /* or NULL */
};

void httpd_run(struct httpd *d)
{
	MHD_UNSIGNED_LONG_LONG in_ms;
	MHD_run(d->daemon);
	if (MHD_get_timeout(d->daemon, &in_ms) == MHD_YES)
		loop_timer_set(d->timer, (int64_t)in_ms);
	else
		loop_timer_clear(d->timer);
}

static void ready(uv_poll_t *poll, int status, int events)
{
	httpd_run(poll->data);
}

static void timer_fired(void *arg)
{
	httpd_run(arg);
}

static void sweep(void *arg)
{
	struct httpd *d = arg;
	int64_t now = loop_now(d->loop);
	for (struct connection *c = d->connections; c; c = c->next)
		if (c->stream ? httpd_stream_is_idle(c->stream, now)
			      : c->since < now - HTTPD_REQUEST_TIMEOUT_S * 1000)
			shutdown(c->fd, SHUT_RDWR);
	if (d->connections)
		loop_timer_set(d->sweep, SWEEP_MS);
}

static void connection_changed(void *arg, struct MHD_Connection *connection, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct httpd *d = arg;
	struct connection *c = *context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = mem_alloc(sizeof(*c));
		c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->since = loop_now(d->loop);
		c->next = d->connections;
		c->link = &d->connections;
		if (c->next)
			c->next->link = &c->next;
		d->connections = c;
		*context = c;
		if (!loop_timer_armed(d->sweep))
			loop_timer_set(d->sweep, SWEEP_MS);
	} else if (c) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		free(c);
		*context = NULL;
		if (!d->connections)
			loop_timer_clear(d->sweep);
	}
}

static void request_over(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct httpd *d = arg;
	struct upload *u = *state;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *c = info ? info->socket_context : NULL;
	if (c) {
		c->since = loop_now(d->loop);
		c->stream = NULL;
	}
	if (!u)
		return;
	if (u->stream)
		httpd_stream_over(u->stream);
	buf_release(&u->body);
	free(u);
	*state = NULL;
}

static const char *header_of(const struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static const char *query_of(const struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

void httpd_peer(const struct httpd_request *request, char out[HTTPD_PEER_MAX])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info ? info->client_addr : NULL;
	socklen_t n = !from			    ? 0
		      : from->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
		      : from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						    : 0;
	out[0] = '\0';
	if (n)
		getnameinfo(from, n, out, HTTPD_PEER_MAX, NULL, 0, NI_NUMERICHOST);
}

static enum MHD_Result answer(struct MHD_Connection *connection, struct httpd_reply *reply)
{
	size_t n = reply->body.n;
	/* The library frees it once it is sent. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(n, n ? reply->body.p : (void *)(uintptr_t) "",
						n ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!response)
		abort(); /* out of memory, as in mem.h */
	if (n == 0)
		buf_release(&reply->body);
	if (reply->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	for (size_t i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	enum MHD_Result rc = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return rc;
}

static struct httpd_request request_of(struct MHD_Connection *connection, const char *path,
				       const char *method)
{
	return (struct httpd_request){
		.method = method,
		.path = path,
		.header = header_of,
		.query = query_of,
		.connection = connection,
	};
}

/* The head is there. */
static enum MHD_Result begin(struct httpd *d, struct MHD_Connection *connection, struct upload *u,
			     const char *path, const char *method)
{
	if (!d->stream_ops)
		return MHD_YES;
	struct httpd_request request = request_of(connection, path, method);
	struct httpd_reply reply = { 0 };
	u->stream = httpd_stream_begin(d, &request, &reply);
	if (!u->stream)
		return reply.status ? answer(connection, &reply) : MHD_YES;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (info && info->socket_context)
		((struct connection *)info->socket_context)->stream = u->stream;
	return MHD_YES;
}

static enum MHD_Result serve(struct httpd *d, struct MHD_Connection *connection, struct upload *u,
			     const char *path, const char *method)
{
	struct httpd_request request = request_of(connection, path, method);
	request.body = buf_str(&u->body);
	struct httpd_reply reply = { .status = MHD_HTTP_NOT_FOUND };
	if (u->too_big)
		reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
	else
		d->handle(d->arg, &request, &reply);
	return answer(connection, &reply);
}

static enum MHD_Result requested(void *arg, struct MHD_Connection *connection, const char *path,
				 const char *method, const char *version, const char *data, size_t *n,
				 void **state)
{
	struct httpd *d = arg;
	struct upload *u = *state;
	if (!u) { /* the head is there; the body follows in further calls */
		*state = u = mem_alloc(sizeof(*u));
		return begin(d, connection, u, path, method);
	}
	if (u->stream)
		return httpd_stream_requested(u->stream, data, n);
	if (*n == 0)
		return serve(d, connection, u, path, method);
	if (*n > HTTPD_BODY_MAX - u->body.n)
		u->too_big = true;
	else if (!u->too_big)
		buf_add(&u->body, data, *n);
	*n = 0;
	return MHD_YES;
}

/* ---- where to listen ---- */

static int split(const char *address, char *host, size_t host_size, const char **port, struct error *err)
{
	const char *colon = strrchr(address, ':');
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return error_set(err, "address \"%s\": it must be host:port, :port or [v6]:port", address);
	const char *from = address;
	size_t n = (size_t)(colon - address);
	if (n >= 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	} else if (memchr(from, ':', n)) {
		return error_set(err, "address \"%s\": an IPv6 address is written [v6]:port", address);
	}
	if (n >= host_size)
		return error_set(err, "address \"%s\": the host is too long", address);
	memcpy(host, from, n);
	host[n] = '\0';
	*port = colon + 1;
	return 0;
}

static struct MHD_Daemon *start(struct httpd *d, const struct addrinfo *a)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	if (a->ai_family == AF_INET6)
		flags |= MHD_USE_DUAL_STACK;
	return MHD_start_daemon(flags, 0, NULL, NULL, requested, d, MHD_OPTION_SOCK_ADDR, a->ai_addr,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTPD_CONNECTIONS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTPD_REQUEST_TIMEOUT_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_NOTIFY_COMPLETED, request_over, d, MHD_OPTION_NOTIFY_CONNECTION,
				connection_changed, d, MHD_OPTION_END);
}

static int listen_on(struct httpd *d, const char *address, struct error *err)
{
	char host[256];
	const char *port = NULL;
	struct addrinfo *found = NULL, hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	if (split(address, host, sizeof(host), &port, err) < 0)
		return -1;
	/* "Every address" is one socket for both families, where the machine has IPv6. */
	int rc = getaddrinfo(*host ? host : "::", port, &hints, &found);
	if (rc != 0 && !*host)
		rc = getaddrinfo("0.0.0.0", port, &hints, &found);
	if (rc != 0)
		return error_set(err, "address \"%s\": %s", address, gai_strerror(rc));
	for (struct addrinfo *a = found; a && !d->daemon; a = a->ai_next)
		d->daemon = start(d, a);
	freeaddrinfo(found);
	if (!d->daemon && !*host && getaddrinfo("0.0.0.0", port, &hints, &found) == 0) {
		d->daemon = start(d, found);
		freeaddrinfo(found);
	}
	return d->daemon ? 0 : error_set(err, "cannot listen on \"%s\" (is the port in use?)", address);
}

struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *handle, void *arg,
			struct error *err)
{
	struct httpd *d = mem_alloc(sizeof(*d));
	d->loop = loop;
	d->handle = handle;
	d->arg = arg;
	d->timer = loop_timer_new(loop, timer_fired, d);
	d->sweep = loop_timer_new(loop, sweep, d);
	if (listen_on(d, address, err) < 0) {
		httpd_free(d);
		return NULL;
	}
	d->port = MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	d->poll = mem_alloc(sizeof(*d->poll));
	uv_poll_init(loop_uv(loop), d->poll,
		     MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
	d->poll->data = d;
	uv_poll_start(d->poll, UV_READABLE, ready);
	return d;
}

int httpd_port(const struct httpd *d)
{
	return d->port;
}

static void poll_closed(uv_handle_t *handle)
{
	free(handle);
}

void httpd_free(struct httpd *d)
{
	if (!d)
		return;
	if (d->poll)
		uv_close((uv_handle_t *)d->poll, poll_closed);
	if (d->daemon) {
		httpd_streams_end(d);
		MHD_stop_daemon(d->daemon);
	}
	loop_timer_free(d->timer);
	loop_timer_free(d->sweep);
	free(d);
}
