/*
 * httpd.h - HTTP server on the loop (libmicrohttpd, external event loop).
 *
 * Small answers from memory: health, metrics, notify. Bodies and headers are capped; a request that
 * is not complete within HTTPD_REQUEST_TIMEOUT_S is cut.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"

#define HTTPD_BODY_MAX (1u << 20)
#define HTTPD_REQUEST_TIMEOUT_S 10
#define HTTPD_CONNECTIONS_MAX 256

struct httpd;

struct httpd_request {
	const char *method, *path; /* path without query */
	struct str body;
	const char *(*header)(const struct httpd_request *r, const char *name); /* NULL: absent */
	const char *(*query)(const struct httpd_request *r, const char *name);
	void *connection;
};

struct httpd_reply {
	int status;
	const char *content_type;
	struct buf body;
};

/* Fills *reply (starts as 404 with no body). */
typedef void httpd_fn(void *arg, const struct httpd_request *request, struct httpd_reply *reply);

/* address: "host:port", ":port" (every address) or "[v6]:port"; port 0 picks one. */
struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *handle, void *arg,
			struct error *err);
int httpd_port(const struct httpd *d);
void httpd_free(struct httpd *d);
