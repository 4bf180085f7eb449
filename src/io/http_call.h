/*
 * http_call.h - one call and its client, shared by http.c (sockets, scheduling) and http_call.c
 * (what is said to curl about one request, and what it answers).
 */
#pragma once

#include <curl/curl.h>

#include "base/vec.h"
#include "io/http.h"

/* Memory of a pooled call above this is given back, so that one big body does not stay for ever. */
#define HTTP_KEEP_MAX (32u << 10)
#define HTTP_HEADERS_MAX 32

enum http_call_state {
	HTTP_CALL_FREE,	   /* in the pool */
	HTTP_CALL_PENDING, /* sent from inside curl: handed to it when that returns */
	HTTP_CALL_ACTIVE,  /* curl has it */
	HTTP_CALL_DROPPED, /* cancelled from inside curl: taken from it when that returns */
	HTTP_CALL_DONE,	   /* curl has given it back, and done is being called */
};

struct http_call {
	struct http_client *client;
	struct http_call *prev, *next; /* oldest first; in the pool: next only */
	enum http_call_state state;
	CURL *easy;

	struct buf text; /* url and header lines, NUL-terminated one after the other */
	struct buf request_body;
	struct curl_slist headers[HTTP_HEADERS_MAX + 1];
	struct curl_slist connect_to;

	http_chunk_fn *on_chunk;
	http_done_fn *done;
	void *arg;

	struct buf body, response_headers;
	bool keep_headers;
	size_t body_max;
	int status;
	bool refused_by_caller, too_big;
	int64_t retry_after_ms;
	char content_type[64];
	VEC(struct str) warnings; /* each owned */

	struct loop_timer *idle_timer; /* made on first use, kept with the call */
	int64_t idle_ms, last_byte_ms;
	bool idle_ended;
	char failure[CURL_ERROR_SIZE];
};

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct http_call *first, *last, *pool;
	int n_calls, n_pool;
	unsigned inside; /* > 0: inside a function of curl or a callback of ours */
	bool unswept;	 /* there are pending or dropped calls */
	bool dying;	 /* freed from inside: goes when that returns */

	struct buf ca, cert, key;
	bool insecure;
	char *server_name, *proxy;
};

struct http_call *http_call_new(struct http_client *client); /* with an easy handle that knows the client */
void http_call_destroy(struct http_call *call);
/* Fills text, headers and the easy handle from the request. Keeps copies only. */
void http_call_prepare(struct http_call *call, const struct http_request *request);
/* Back to as good as new; the easy handle keeps what belongs to the client. */
void http_call_reset(struct http_call *call);
void http_call_report(struct http_call *call, CURLcode code); /* calls done */
void http_call_finish(struct http_call *call, CURLcode code); /* takes it from curl, reports, recycles */
