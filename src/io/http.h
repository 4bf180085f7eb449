/*
 * http.h - HTTP client on the loop (libcurl multi socket; HTTP/2 multiplexed on one connection where
 * offered).
 *
 * A client holds TLS and proxy settings for one server. Redirects are not followed.
 * done is called exactly once per call, on the loop, never from inside http_send(),
 * unless http_cancel() was called before.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"

#define HTTP_BODY_MAX (64u << 20)	  /* hard cap of one response that is not streamed */
#define HTTP_WARNINGS_MAX 32		  /* Warning headers kept of one response */
#define HTTP_HEADERS_KEPT_MAX (32u << 10) /* bytes of the headers of one response, where they are kept */
#define HTTP_DEAD_PEER_MS 15000		  /* unanswered bytes or keepalives for this long end a connection */

struct http_client;
struct http_call;

struct http_client_options {
	struct str ca_pem; /* empty: the system's trust store */
	struct str cert_pem,
		key_pem;	 /* client certificate (mTLS); empty: none. Held in memory, never on disk */
	bool insecure;		 /* do not verify the server (kubeconfig insecure-skip-tls-verify) */
	const char *server_name; /* verify and SNI under this name instead of the URL's; NULL */
	const char *proxy;	 /* NULL: HTTPS_PROXY/HTTP_PROXY/NO_PROXY as curl reads them; "" none */
	long max_streams;	 /* most concurrent calls handed to curl on one connection; 0: 1000 */
};

struct http_header {
	const char *name, *value;
};

struct http_response {
	int status;		/* 0: no complete response: failure says why */
	const char *failure;	/* transport failure, NULL when status != 0 and the body ended well */
	bool maybe_sent;	/* with a failure: the request may have taken effect at the server */
	int64_t retry_after_ms; /* Retry-After in ms (delta-seconds or HTTP date), -1: absent */
	struct str body;	/* empty for streamed calls with status 200 */
	struct str content_type;
	const struct str *warnings; /* values of Warning headers as received (at most HTTP_WARNINGS_MAX) */
	size_t n_warnings;
	struct str headers; /* with keep_headers: lines of the final answer, each ends in CR LF; see
			       http_header() */
};

/* The value of the i-th header of that name (any case) among response.headers; p NULL: there is none. */
struct str http_header(struct str headers, const char *name, size_t i);

/* A piece of a streamed body. Return false to end the call (done still comes, with a failure). */
typedef bool http_chunk_fn(void *arg, struct str chunk);
typedef void http_done_fn(void *arg, const struct http_response *response);

struct http_request {
	const char *method;
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	struct str body;	 /* copied; empty with "GET"/"DELETE": none */
	int64_t timeout_ms;	 /* of the whole call; 0: none (streams) */
	int64_t idle_timeout_ms; /* no byte for this long ends the call; 0: none */
	size_t body_max;	 /* 0: HTTP_BODY_MAX */
	bool keep_headers;	 /* what is beyond HTTP_HEADERS_KEPT_MAX is passed over */
	http_chunk_fn *on_chunk; /* set: a 200 body is streamed here instead of kept */
	http_done_fn *done;
	void *arg;
};

/*
 * Both may be called from inside any callback. http_client_free() cancels its calls.
 * Everything in a request is copied; a call is gone once its done was called.
 */
struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
				    struct error *err);
void http_client_free(struct http_client *client);
struct http_call *http_send(struct http_client *client, const struct http_request *request);
void http_cancel(struct http_call *call);
int http_client_calls(const struct http_client *client); /* not done yet */
