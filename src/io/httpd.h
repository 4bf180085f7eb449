/*
 * httpd.h - HTTP server on the loop (libmicrohttpd, external event loop).
 *
 * Small answers from memory: health, metrics, notify. Bodies and headers are capped; a request that
 * is not complete within HTTPD_REQUEST_TIMEOUT_S is cut. Requests that a server takes as streams have bodies
 * and answers of any length instead, and are cut when nothing moves for HTTPD_STREAM_IDLE_S.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"

#define HTTPD_BODY_MAX (1u << 20)
#define HTTPD_REQUEST_TIMEOUT_S 10
#define HTTPD_CONNECTIONS_MAX 256
#define HTTPD_STREAM_IDLE_S 300 /* the client neither sends nor takes anything, though it could */
#define HTTPD_HEADERS_MAX 8u	/* of one answer */
#define HTTPD_PEER_MAX 64u

struct httpd;

struct httpd_request {
	const char *method, *path; /* path without query */
	struct str body;
	const char *(*header)(const struct httpd_request *r, const char *name); /* NULL: absent */
	const char *(*query)(const struct httpd_request *r, const char *name);
	void *connection;
};

struct httpd_header {
	const char *name, *value;
};

struct httpd_reply {
	int status;
	const char *content_type;
	struct buf body;
	struct httpd_header headers[HTTPD_HEADERS_MAX]; /* further ones; texts live until the call returns */
	size_t n_headers;
};

/* Fills *reply (starts as 404 with no body). */
typedef void httpd_fn(void *arg, const struct httpd_request *request, struct httpd_reply *reply);

/* address: "host:port", ":port" (every address) or "[v6]:port"; port 0 picks one. */
struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *handle, void *arg,
			struct error *err);
int httpd_port(const struct httpd *d);
/* Who asks: "192.0.2.7" or "2001:db8::1"; "" when that is not known. */
void httpd_peer(const struct httpd_request *request, char out[HTTPD_PEER_MAX]);

/* --- streams --- */

struct httpd_stream; /* one request: gone when closed() returns */

struct httpd_stream_ops {
	/*
	 * The head of a request is there. A state of the caller's own: it is taken as a stream. NULL: it is
	 * not; answered by *reply at once when its status was set, else as any other request.
	 */
	void *(*begin)(void *arg, const struct httpd_request *request, struct httpd_stream *stream,
		       struct httpd_reply *reply);
	/* A part of the body; how much of it was taken. Fewer bytes than there are: the rest comes again
	 * after httpd_stream_resume(). */
	size_t (*take)(void *state, struct str data);
	void (*end)(void *state); /* of the body */
	/* A part of the answer, after httpd_stream_answer(): its length; 0: nothing yet, asked for again
	 * after httpd_stream_resume(); -1: that was all; -2: it broke, and the connection is cut. */
	long (*give)(void *state, char *out, size_t max);
	void (*closed)(void *state); /* answered in full, or the client is gone; once, for each begin() */
};

/* Before the first request. ops->begin gets arg. */
void httpd_streams(struct httpd *d, const struct httpd_stream_ops *ops, void *arg);
/* The head of the answer, once; texts are copied. Its body comes from give(). */
void httpd_stream_answer(struct httpd_stream *stream, int status, const struct httpd_header *headers,
			 size_t n);
/* There is something to give, or room to take. Never calls back from within. */
void httpd_stream_resume(struct httpd_stream *stream);

void httpd_free(struct httpd *d);
