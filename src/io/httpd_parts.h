/* httpd_parts.h - one server, shared by httpd.c (connections, small requests) and httpd_stream.c. */
#pragma once

#include <microhttpd.h>

#include "io/httpd.h"

struct connection {
	struct connection *next, **link;
	int fd;
	int64_t since; /* it was opened, or its last request was answered */
	struct httpd_stream *stream;
};

struct httpd {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct uv_poll_s *poll;
	struct loop_timer *timer, *sweep;
	struct connection *connections;
	httpd_fn *handle;
	void *arg;
	const struct httpd_stream_ops *stream_ops; /* or NULL */
	void *stream_arg;
	struct httpd_stream *streams;
	int port;
};

void httpd_run(struct httpd *d);

/* --- httpd_stream.c --- */

/* NULL: it is none; reply has a status when it is answered all the same. */
struct httpd_stream *httpd_stream_begin(struct httpd *d, const struct httpd_request *request,
					struct httpd_reply *reply);
/* A part of the body, or its end (*n is 0), as the library's access handler gets it. */
enum MHD_Result httpd_stream_requested(struct httpd_stream *s, const char *data, size_t *n);
bool httpd_stream_is_idle(const struct httpd_stream *s, int64_t now);
void httpd_stream_over(struct httpd_stream *s); /* the request ended; s is gone */
void httpd_streams_end(struct httpd *d);	/* the server does */
