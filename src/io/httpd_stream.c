/*
 * httpd_stream.c - requests with bodies and answers of any length.
 *
 * The library calls; when we have nothing to say or no room, the connection is suspended, and resumed when
 * there is. A suspended connection's socket is not looked at, so that a client that goes away meanwhile is
 * noticed at the next byte. The owner may resume from anywhere: what is resumed runs on the loop's next turn.
 */
#include "io/httpd_parts.h"

#include "base/mem.h"

enum { BLOCK = 32 << 10 };

struct httpd_stream {
	struct httpd_stream *next, **link;
	struct httpd *server;
	struct MHD_Connection *connection;
	void *state;
	struct MHD_Response *response; /* the head was given; NULL again once it is on its way */
	int status;
	bool suspended, body_over, queued;
	int64_t moved; /* monotonic ms: the client sent or took something last, or waits for us */
};

void httpd_streams(struct httpd *d, const struct httpd_stream_ops *ops, void *arg)
{
	d->stream_ops = ops;
	d->stream_arg = arg;
}

struct httpd_stream *httpd_stream_begin(struct httpd *d, const struct httpd_request *request,
					struct httpd_reply *reply)
{
	struct httpd_stream *s = mem_alloc(sizeof(*s));
	s->server = d;
	s->connection = request->connection;
	s->moved = loop_now(d->loop);
	s->state = d->stream_ops->begin(d->stream_arg, request, s, reply);
	if (!s->state) {
		free(s);
		return NULL;
	}
	s->next = d->streams;
	s->link = &d->streams;
	if (s->next)
		s->next->link = &s->next;
	d->streams = s;
	/* The library's own limit is for small requests. */
	MHD_set_connection_option(s->connection, MHD_CONNECTION_OPTION_TIMEOUT,
				  (unsigned)HTTPD_STREAM_IDLE_S);
	return s;
}

static void suspend(struct httpd_stream *s)
{
	if (s->suspended)
		return;
	s->suspended = true;
	MHD_suspend_connection(s->connection);
}

void httpd_stream_resume(struct httpd_stream *s)
{
	if (!s->suspended)
		return;
	s->suspended = false;
	s->moved = loop_now(s->server->loop);
	MHD_resume_connection(s->connection);
	loop_timer_set(s->server->timer, 0);
}

static ssize_t give(void *arg, uint64_t at, char *out, size_t max)
{
	struct httpd_stream *s = arg;
	s->moved = loop_now(s->server->loop);
	long n = s->server->stream_ops->give(s->state, out, max);
	if (n == 0)
		suspend(s);
	if (n < 0)
		return n == -1 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
	return n;
}

void httpd_stream_answer(struct httpd_stream *s, int status, const struct httpd_header *headers, size_t n)
{
	if (s->response || s->queued)
		return;
	s->status = status;
	s->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, s, NULL);
	if (!s->response)
		abort(); /* out of memory, as in mem.h */
	for (size_t i = 0; i < n; i++)
		MHD_add_response_header(s->response, headers[i].name, headers[i].value);
	httpd_stream_resume(s);
}

static enum MHD_Result queue(struct httpd_stream *s)
{
	struct MHD_Response *response = hand_over(s->response);
	s->queued = true;
	enum MHD_Result rc = MHD_queue_response(s->connection, (unsigned)s->status, response);
	MHD_destroy_response(response);
	return rc;
}

enum MHD_Result httpd_stream_requested(struct httpd_stream *s, const char *data, size_t *n)
{
	const struct httpd_stream_ops *ops = s->server->stream_ops;
	s->moved = loop_now(s->server->loop);
	if (*n) {
		size_t taken = ops->take(s->state, (struct str){ data, *n });
		*n -= taken < *n ? taken : *n;
		if (*n)
			suspend(s);
		return MHD_YES;
	}
	if (!s->body_over) {
		s->body_over = true;
		ops->end(s->state);
	}
	if (s->response)
		return queue(s);
	suspend(s);
	return MHD_YES;
}

bool httpd_stream_is_idle(const struct httpd_stream *s, int64_t now)
{
	return !s->suspended && s->moved < now - HTTPD_STREAM_IDLE_S * 1000;
}

void httpd_stream_over(struct httpd_stream *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	if (s->response)
		MHD_destroy_response(s->response);
	MHD_set_connection_option(s->connection, MHD_CONNECTION_OPTION_TIMEOUT,
				  (unsigned)HTTPD_REQUEST_TIMEOUT_S);
	s->server->stream_ops->closed(s->state);
	free(s);
}

/* The library refuses to stop with suspended connections. */
void httpd_streams_end(struct httpd *d)
{
	for (struct httpd_stream *s = d->streams; s; s = s->next)
		httpd_stream_resume(s);
}
