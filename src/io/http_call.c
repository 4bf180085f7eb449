/*
 * http_call.c - one request told to curl, and its answer told to the caller.
 *
 * An easy handle is set up once with what belongs to the client (TLS, sockets, callbacks) and then used
 * again and again: setting only what differs costs a tenth of a fresh handle. Header lines are
 * curl_slist nodes inside the call that point into one text buffer, so that a request allocates nothing
 * once its call has been used before.
 */
#include "io/http_call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	KEEPALIVE_IDLE_S = 10,
	KEEPALIVE_EVERY_S = 5,
	CONNECT_TIMEOUT_MS = 10000,
	WARNING_MAX = 4096,
	RETRY_AFTER_MAX_S = 3600
};

/* TCP_USER_TIMEOUT also bounds how long unacknowledged data and keepalives may go unanswered (tcp(7)). */
static int socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned ms = HTTP_DEAD_PEER_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

static int64_t parse_retry_after(struct str value)
{
	int64_t seconds;
	if (!str_int64(value, &seconds)) {
		char text[64];
		snprintf(text, sizeof(text), "%.*s", STR_ARG(value));
		time_t at = curl_getdate(text, NULL);
		if (at < 0)
			return -1;
		seconds = (int64_t)at - clock_wall_ms() / 1000;
	}
	if (seconds < 0)
		seconds = 0;
	return (seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds) * 1000;
}

static bool header_is(struct str line, const char *name, struct str *value)
{
	size_t n = strlen(name);
	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
		return false;
	*value = str_trim(str_from(line, n + 1));
	return true;
}

struct str http_header(struct str headers, const char *name, size_t i)
{
	struct str value, rest = headers;
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		if (header_is(line, name, &value) && i-- == 0)
			return value;
	}
	return (struct str){ NULL, 0 };
}

static void forget_warnings(struct http_call *call)
{
	for (size_t i = 0; i < call->warnings.n; i++)
		free((char *)(uintptr_t)call->warnings.at[i].p);
	call->warnings.n = 0;
}

static size_t header_came(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	struct str line = { p, size * n }, value;
	/* Only a status line starts "HTTP/"; what an interim answer (1xx) or a proxy said is forgotten. */
	if (str_starts(line, STR("HTTP/"))) {
		forget_warnings(call);
		call->retry_after_ms = -1;
		call->content_type[0] = '\0';
		buf_clear(&call->response_headers);
	} else if (call->keep_headers && line.n <= HTTP_HEADERS_KEPT_MAX - call->response_headers.n) {
		buf_add_str(&call->response_headers, line);
	}
	if (header_is(line, "content-type", &value)) {
		snprintf(call->content_type, sizeof(call->content_type), "%.*s", STR_ARG(value));
	} else if (header_is(line, "retry-after", &value)) {
		call->retry_after_ms = parse_retry_after(value);
	} else if (header_is(line, "warning", &value) && call->warnings.n < HTTP_WARNINGS_MAX) {
		value.n = value.n > WARNING_MAX ? WARNING_MAX : value.n;
		struct str copy = { mem_strndup(value.p, value.n), value.n };
		vec_push(&call->warnings, copy);
	}
	return size * n;
}

static size_t body_came(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t total = size * n;
	if (call->state == HTTP_CALL_DROPPED)
		return CURL_WRITEFUNC_ERROR;
	if (call->idle_ms)
		call->last_byte_ms = loop_now(call->client->loop);
	if (call->status == 0) {
		long status = 0;
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = (int)status;
	}
	if (call->on_chunk && call->status == 200) {
		if (call->on_chunk(call->arg, (struct str){ p, total }))
			return total;
		call->refused_by_caller = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (total > call->body_max - call->body.n) {
		call->too_big = true;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_add(&call->body, p, total);
	return total;
}

static void set_blob(CURL *easy, CURLoption option, const struct buf *data)
{
	/* Not copied: the client outlives its calls. */
	struct curl_blob blob = { .data = data->p, .len = data->n, .flags = CURL_BLOB_NOCOPY };
	if (data->n)
		curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct http_client *client)
{
	set_blob(easy, CURLOPT_CAINFO_BLOB, &client->ca);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, &client->cert);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, &client->key);
	/* A given authority is the only one: without this the system's directory would be trusted as well. */
	if (client->ca.n)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (client->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_client(CURL *easy, const struct http_client *client)
{
	set_tls(easy, client);
	if (client->proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_EVERY_S);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_came);
}

struct http_call *http_call_new(struct http_client *client)
{
	struct http_call *call = mem_alloc(sizeof(*call));
	call->client = client;
	call->easy = curl_easy_init();
	if (!call->easy)
		abort(); /* out of memory, as in mem.h */
	set_client(call->easy, client);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->failure);
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	return call;
}

void http_call_destroy(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	loop_timer_free(call->idle_timer);
	forget_warnings(call);
	vec_release(&call->warnings);
	buf_release(&call->text);
	buf_release(&call->request_body);
	buf_release(&call->body);
	buf_release(&call->response_headers);
	free(call);
}

static void empty(struct buf *b)
{
	if (b->cap > HTTP_KEEP_MAX)
		buf_release(b);
	else
		buf_clear(b);
}

void http_call_reset(struct http_call *call)
{
	if (call->idle_timer)
		loop_timer_clear(call->idle_timer);
	forget_warnings(call);
	empty(&call->text);
	empty(&call->request_body);
	empty(&call->body);
	empty(&call->response_headers);
	call->status = 0;
	call->too_big = call->refused_by_caller = call->idle_ended = false;
	call->idle_ms = 0;
	call->failure[0] = '\0';
}

/* Appends a NUL-terminated text and returns its place; the buffer may still move. */
static size_t add_text(struct buf *b, const char *name, const char *value)
{
	size_t at = b->n;
	buf_adds(b, name);
	if (value) {
		/* curl drops a header that has nothing after its colon, unless it ends in a semicolon. */
		buf_adds(b, *value ? ": " : ";");
		buf_adds(b, value);
	}
	buf_addc(b, '\0');
	return at;
}

/* The same server under another name for TLS: the name goes into the URL, the address beside it. */
static void add_renamed_url(struct http_call *call, const char *url, size_t *connect_to)
{
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	size_t n = strcspn(host, "/?");
	size_t name_n = n;
	for (size_t i = n; i > 0 && host[i - 1] != ']'; i--)
		if (host[i - 1] == ':')
			name_n = i - 1;
	buf_printf(&call->text, "%.*s%s%s", (int)(host - url), url, call->client->server_name, host + name_n);
	buf_addc(&call->text, '\0');
	*connect_to = call->text.n;
	buf_printf(&call->text, "::%.*s:", (int)name_n, host);
	if (name_n < n)
		buf_printf(&call->text, "%.*s", (int)(n - name_n - 1), host + name_n + 1);
	buf_addc(&call->text, '\0');
}

static void set_texts(struct http_call *call, const struct http_request *r)
{
	size_t at[HTTP_HEADERS_MAX], n = 0, connect_to = SIZE_MAX;
	buf_clear(&call->text);
	if (call->client->server_name)
		add_renamed_url(call, r->url, &connect_to);
	else
		add_text(&call->text, r->url, NULL);
	for (; n < r->n_headers && n < HTTP_HEADERS_MAX - 1; n++)
		at[n] = add_text(&call->text, r->headers[n].name, r->headers[n].value);
	/* "Expect: 100-continue" would cost a round trip for every larger body. */
	at[n] = add_text(&call->text, "Expect:", NULL);
	n++;
	for (size_t i = 0; i < n; i++) {
		call->headers[i].data = call->text.p + at[i];
		call->headers[i].next = i + 1 < n ? &call->headers[i + 1] : NULL;
	}
	curl_easy_setopt(call->easy, CURLOPT_URL, call->text.p);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	if (connect_to != SIZE_MAX) {
		call->connect_to.data = call->text.p + connect_to;
		curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, &call->connect_to);
	}
}

static void idle_check(void *arg);

static void arm_idle(struct http_call *call, int64_t in_ms)
{
	if (!call->idle_timer)
		call->idle_timer = loop_timer_new(call->client->loop, idle_check, call);
	loop_timer_set(call->idle_timer, in_ms);
}

/* The timer is not moved at each byte: when it fires it looks how long ago the last one was. */
static void idle_check(void *arg)
{
	struct http_call *call = arg;
	int64_t left = call->last_byte_ms + call->idle_ms - loop_now(call->client->loop);
	if (left > 0) {
		arm_idle(call, left);
		return;
	}
	call->idle_ended = true;
	http_call_finish(call, CURLE_OPERATION_TIMEDOUT);
}

void http_call_prepare(struct http_call *call, const struct http_request *r)
{
	CURL *easy = call->easy;
	set_texts(call, r);
	call->on_chunk = r->on_chunk;
	call->keep_headers = r->keep_headers;
	call->done = r->done;
	call->arg = r->arg;
	call->body_max = r->body_max && r->body_max < HTTP_BODY_MAX ? r->body_max : HTTP_BODY_MAX;
	call->retry_after_ms = -1;
	call->content_type[0] = '\0';
	buf_add(&call->request_body, r->body.p, r->body.n);
	bool get = strcmp(r->method, "GET") == 0, head = strcmp(r->method, "HEAD") == 0;
	bool body = r->body.n > 0 || (!get && !head && strcmp(r->method, "DELETE") != 0);
	if (body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_body.n);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->request_body.p ? call->request_body.p : "");
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		/* Of a HEAD no body comes, whatever Content-Length says; the other options take this back. */
		if (head)
			curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, (get || head) && !body ? NULL : r->method);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	call->idle_ms = r->idle_timeout_ms;
	if (call->idle_ms) {
		call->last_byte_ms = loop_now(call->client->loop);
		arm_idle(call, call->idle_ms);
	}
}

/* Whether the server may have seen the request: only what failed before it was written is known to be safe.
 */
static bool may_have_been_sent(struct http_call *call, CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_PROXY:
		return false;
	default:
		break;
	}
	curl_off_t begun = 0;
	curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
	return begun > 0;
}

static const char *failure_text(struct http_call *call, CURLcode code)
{
	if (call->too_big) {
		snprintf(call->failure, sizeof(call->failure), "the answer is larger than %zu bytes",
			 call->body_max);
	} else if (call->refused_by_caller) {
		snprintf(call->failure, sizeof(call->failure), "ended by us");
	} else if (call->idle_ended) {
		snprintf(call->failure, sizeof(call->failure), "nothing heard for %lld s",
			 (long long)call->idle_ms / 1000);
	}
	return call->failure[0] ? call->failure : curl_easy_strerror(code);
}

void http_call_report(struct http_call *call, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	struct http_response response = {
		.status = (int)status,
		.retry_after_ms = call->retry_after_ms,
		.body = buf_str(&call->body),
		.content_type = str_of(call->content_type),
		.warnings = call->warnings.at,
		.n_warnings = call->warnings.n,
		.headers = buf_str(&call->response_headers),
	};
	if (code != CURLE_OK || status == 0) {
		response.status = 0;
		response.failure = failure_text(call, code);
		response.maybe_sent = may_have_been_sent(call, code);
	}
	call->done(call->arg, &response);
}
