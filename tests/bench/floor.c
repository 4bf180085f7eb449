/*
 * floor.c - the floor of the benchmark: what a bare client needs for the same work on the same machine.
 *
 * It server-side applies every object of a list ("PATH JSON" a line, as tests/bench/fixture writes it) over
 * ONE HTTP/2 connection with a fixed number of streams, and watches Deployments on the same connection until
 * every one that it applied is available at the generation that its apply returned. No discovery, no
 * comparing, no inventory, no health beyond that, no retries: nothing that deploys can do less. It shares no
 * code with Capstan, so that a change there cannot move the floor.
 *
 * The cluster is the current context of kubeconfig, as `kubectl config view` tells it (client certificate or
 * token); that, reading the list of objects, the connection's handshake and listing what is there happen
 * before the clock starts.
 *
 * Prints one line of JSON: seconds until applied and until available, own CPU seconds, numbers.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <yyjson.h>

#define WINDOW (1 << 24) /* bytes the server may send ahead: never the limit */
#define APPLY_QUERY "?fieldManager=floor&force=true"
#define LIST_PATH "/apis/apps/v1/deployments"
#define WATCH_FORMAT LIST_PATH "?watch=true&resourceVersion=%s"
#define WATCHES_MAX 100 /* the server ends a watch that lags; the next goes on where it was */

/* One object of the list. */
struct object {
	char *path, *body; /* path with query */
	bool deployment;
	int64_t generation; /* as the apply returned it; 0: not applied yet */
	int64_t available;  /* newest generation seen available; 0: none */
};

/* One stream: an apply, the list or the watch (object NULL). */
struct stream {
	struct object *object;
	int status;
	size_t sent; /* of the body */
	char *data;  /* what came */
	size_t len, cap;
};

struct floor {
	struct object *objects;
	size_t n, next, done, failed;
	size_t deployments, available;
	struct hsearch_data by_name; /* "namespace/name" -> object, of Deployments */
	char *host, *port, *authorization;
	SSL *tls;
	int fd;
	nghttp2_session *session;
	struct stream list, watch;
	char version[32]; /* resourceVersion that the list or the last event had */
	int watches;	  /* begun */
	bool watching;	  /* the watch has answered */
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("floor: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *must(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the cluster ---- */

static char *read_all(FILE *f, size_t *len)
{
	size_t cap = 1 << 16, n;
	char *text = must(malloc(cap));

	*len = 0;
	while ((n = fread(text + *len, 1, cap - *len - 1, f)) > 0) {
		*len += n;
		if (cap - *len < 2)
			text = must(realloc(text, cap *= 2));
	}
	text[*len] = '\0';
	return text;
}

/* A PEM that kubeconfig holds as base64. */
static BIO *pem(yyjson_val *entry, const char *key)
{
	const char *text = yyjson_get_str(yyjson_obj_get(entry, key));
	size_t len = text ? strlen(text) : 0;
	unsigned char *out;
	int n;

	if (!text)
		return NULL;
	out = must(malloc(len + 4));
	n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (n < 0)
		die("kubeconfig: %s is no base64", key);
	while (len > 0 && text[len - 1] == '=')
		len--, n--;
	BIO *bio = must(BIO_new(BIO_s_mem()));
	BIO_write(bio, out, n);
	free(out);
	return bio;
}

static void trust(SSL_CTX *ctx, yyjson_val *cluster)
{
	BIO *bio = pem(cluster, "certificate-authority-data");
	X509 *cert;

	if (yyjson_get_bool(yyjson_obj_get(cluster, "insecure-skip-tls-verify")))
		return;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (!bio) {
		SSL_CTX_set_default_verify_paths(ctx);
		return;
	}
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
		X509_free(cert);
	}
	ERR_clear_error();
	BIO_free(bio);
}

static void identify(struct floor *f, SSL_CTX *ctx, yyjson_val *user)
{
	const char *token = yyjson_get_str(yyjson_obj_get(user, "token"));
	BIO *cert_pem = pem(user, "client-certificate-data"), *key_pem = pem(user, "client-key-data");

	if (token && asprintf(&f->authorization, "Bearer %s", token) < 0)
		die("out of memory");
	if (cert_pem && key_pem) {
		X509 *cert = PEM_read_bio_X509(cert_pem, NULL, NULL, NULL);
		EVP_PKEY *key = PEM_read_bio_PrivateKey(key_pem, NULL, NULL, NULL);

		if (!cert || !key || !SSL_CTX_use_certificate(ctx, cert) || !SSL_CTX_use_PrivateKey(ctx, key))
			die("kubeconfig: client certificate and key do not load");
		X509_free(cert);
		EVP_PKEY_free(key);
	}
	BIO_free(cert_pem);
	BIO_free(key_pem);
	if (!token && !cert_pem)
		die("kubeconfig: neither a token nor a client certificate");
}

static yyjson_val *first_of(yyjson_val *root, const char *list, const char *key)
{
	return yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(root, list)), key);
}

/* Fills host, port and authorization; returns the TLS context of the current kubeconfig context. */
static SSL_CTX *configure(struct floor *f)
{
	FILE *view = popen("kubectl config view --raw --flatten --minify -o json", "r");
	SSL_CTX *ctx = must(SSL_CTX_new(TLS_client_method()));
	size_t len;

	if (!view)
		die("kubectl: %s", strerror(errno));
	char *text = read_all(view, &len);
	if (pclose(view) != 0)
		die("kubectl config view failed");
	yyjson_doc *doc = yyjson_read(text, len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *cluster = first_of(root, "clusters", "cluster");
	const char *server = yyjson_get_str(yyjson_obj_get(cluster, "server"));

	if (!server || sscanf(server, "https://%m[^:/]:%m[0-9]", &f->host, &f->port) < 1)
		die("kubeconfig: the server must be https://HOST[:PORT]");
	if (!f->port)
		f->port = must(strdup("443"));
	trust(ctx, cluster);
	identify(f, ctx, first_of(root, "users", "user"));
	yyjson_doc_free(doc);
	free(text);
	return ctx;
}

static void connect_tls(struct floor *f)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	SSL_CTX *ctx = configure(f);
	int one = 1;

	if (getaddrinfo(f->host, f->port, &hints, &found) != 0)
		die("%s: unknown host", f->host);
	f->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || connect(f->fd, found->ai_addr, found->ai_addrlen) < 0)
		die("%s:%s: %s", f->host, f->port, strerror(errno));
	freeaddrinfo(found);
	setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2", 3);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	f->tls = must(SSL_new(ctx));
	SSL_CTX_free(ctx);
	SSL_set_fd(f->tls, f->fd);
	if (SSL_connect(f->tls) != 1) {
		ERR_print_errors_fp(stderr);
		die("TLS handshake with %s:%s failed", f->host, f->port);
	}
}

/* ---- the list ---- */

/* ".../namespaces/NS/deployments/NAME" -> "NS/NAME", allocated; NULL for other kinds. */
static char *deployment_name(const char *path)
{
	char *ns = NULL, *name = NULL, *both = NULL;

	if (sscanf(path, "/apis/apps/v1/namespaces/%m[^/]/deployments/%ms", &ns, &name) == 2 &&
	    asprintf(&both, "%s/%s", ns, name) < 0)
		die("out of memory");
	free(ns);
	free(name);
	return both;
}

static void read_objects(struct floor *f, const char *file)
{
	FILE *in = fopen(file, "re");
	char *line = NULL;
	size_t cap = 0, room = 0;
	ssize_t len;

	if (!in)
		die("%s: %s", file, strerror(errno));
	while ((len = getline(&line, &cap, in)) > 0) {
		char *body = strchr(line, ' ');

		if (!body)
			die("%s:%zu: no \"PATH JSON\"", file, f->n + 1);
		line[len - 1] = '\0';
		*body++ = '\0';
		if (f->n == room)
			f->objects = must(
				realloc(f->objects, (room = room ? room * 2 : 1024) * sizeof(*f->objects)));
		struct object *o = &f->objects[f->n++];
		*o = (struct object){ .path = must(malloc(strlen(line) + sizeof(APPLY_QUERY))),
				      .body = must(strdup(body)) };
		strcat(strcpy(o->path, line), APPLY_QUERY);
	}
	free(line);
	fclose(in);
}

static void index_deployments(struct floor *f)
{
	if (!hcreate_r(f->n * 2 + 1, &f->by_name))
		die("out of memory");
	for (size_t i = 0; i < f->n; i++) {
		char *end = strchr(f->objects[i].path, '?'), *name;

		*end = '\0';
		name = deployment_name(f->objects[i].path);
		*end = '?';
		if (!name)
			continue;
		ENTRY *entry, wanted = { .key = name, .data = &f->objects[i] };
		if (!hsearch_r(wanted, ENTER, &entry, &f->by_name))
			die("out of memory");
		f->objects[i].deployment = true;
		f->deployments++;
	}
}

/* ---- what the server says ---- */

static yyjson_val *get(yyjson_val *v, const char *a, const char *b)
{
	return yyjson_obj_get(yyjson_obj_get(v, a), b);
}

/* Counts the object once, when what was applied and what is available have met. */
static void settle(struct floor *f, struct object *o, int64_t generation, int64_t available)
{
	bool before = o->generation && o->available >= o->generation;

	if (generation)
		o->generation = generation;
	if (available > o->available)
		o->available = available;
	if (!before && o->generation && o->available >= o->generation)
		f->available++;
}

static bool is_available(yyjson_val *deployment)
{
	size_t i, max;
	yyjson_val *condition;

	yyjson_arr_foreach(get(deployment, "status", "conditions"), i, max, condition)
	{
		if (yyjson_equals_str(yyjson_obj_get(condition, "type"), "Available"))
			return yyjson_equals_str(yyjson_obj_get(condition, "status"), "True");
	}
	return false;
}

static void see(struct floor *f, yyjson_val *deployment)
{
	const char *ns = yyjson_get_str(get(deployment, "metadata", "namespace"));
	const char *name = yyjson_get_str(get(deployment, "metadata", "name"));
	char key[512];
	ENTRY *entry;

	snprintf(key, sizeof(key), "%s/%s", ns ? ns : "", name ? name : "");
	if (hsearch_r((ENTRY){ .key = key }, FIND, &entry, &f->by_name) && is_available(deployment))
		settle(f, entry->data, 0, yyjson_get_sint(get(deployment, "status", "observedGeneration")));
}

static void remember_version(struct floor *f, yyjson_val *object)
{
	const char *version = yyjson_get_str(get(object, "metadata", "resourceVersion"));

	if (!version || strlen(version) >= sizeof(f->version))
		die("no resourceVersion");
	strcpy(f->version, version);
}

static void watch_event(struct floor *f, const char *line, size_t len)
{
	yyjson_doc *doc = yyjson_read(line, len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *object = yyjson_obj_get(root, "object");

	if (!doc || yyjson_equals_str(yyjson_obj_get(root, "type"), "ERROR"))
		die("watch: %.*s", (int)len, line);
	see(f, object);
	remember_version(f, object);
	yyjson_doc_free(doc);
}

static void listed(struct floor *f)
{
	yyjson_doc *doc = yyjson_read(f->list.data, f->list.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *item;
	size_t i, max;

	if (!doc || f->list.status != 200)
		die("list: HTTP %d", f->list.status);
	yyjson_arr_foreach(yyjson_obj_get(root, "items"), i, max, item) see(f, item);
	remember_version(f, root);
	yyjson_doc_free(doc);
	free(f->list.data);
}

/* Takes the complete lines off the front of what came. */
static void watch_data(struct floor *f)
{
	struct stream *s = &f->watch;
	size_t start = 0;
	char *end;

	while ((end = memchr(s->data + start, '\n', s->len - start))) {
		watch_event(f, s->data + start, (size_t)(end - s->data) - start);
		start = (size_t)(end - s->data) + 1;
	}
	memmove(s->data, s->data + start, s->len - start);
	s->len -= start;
}

static void applied(struct floor *f, struct stream *s)
{
	f->done++;
	if (s->status != 200 && s->status != 201) {
		if (f->failed++ == 0)
			fprintf(stderr, "floor: %s: %d %.*s\n", s->object->path, s->status, (int)s->len,
				s->data ? s->data : "");
		return;
	}
	if (s->object->deployment) {
		yyjson_doc *doc = yyjson_read(s->data, s->len, 0);
		yyjson_val *root = yyjson_doc_get_root(doc);

		settle(f, s->object, yyjson_get_sint(get(root, "metadata", "generation")), 0);
		yyjson_doc_free(doc);
	}
}

/* ---- HTTP/2 ---- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
			 nghttp2_data_source *source, void *arg)
{
	struct stream *s = source->ptr;
	size_t left = strlen(s->object->body) - s->sent, n = left < cap ? left : cap;

	memcpy(buf, s->object->body + s->sent, n);
	s->sent += n;
	if (n == left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
			     NGHTTP2_NV_FLAG_NONE };
}

static void submit(struct floor *f, struct stream *s, const char *path)
{
	nghttp2_data_provider body = { .source.ptr = s, .read_callback = read_body };
	nghttp2_nv headers[7];
	size_t n = 0;

	headers[n++] = header(":method", s->object ? "PATCH" : "GET");
	headers[n++] = header(":scheme", "https");
	headers[n++] = header(":authority", f->host);
	headers[n++] = header(":path", path);
	headers[n++] = header("accept", "application/json");
	if (s->object)
		headers[n++] = header("content-type", "application/apply-patch+yaml");
	if (f->authorization)
		headers[n++] = header("authorization", f->authorization);
	if (nghttp2_submit_request(f->session, NULL, headers, n, s->object ? &body : NULL, s) < 0)
		die("cannot submit a request");
}

static void submit_next(struct floor *f)
{
	struct stream *s = must(calloc(1, sizeof(*s)));

	s->object = &f->objects[f->next++];
	submit(f, s, s->object->path);
}

static void submit_watch(struct floor *f)
{
	char path[sizeof(WATCH_FORMAT) + sizeof(f->version)];

	if (++f->watches > WATCHES_MAX)
		die("the watch ended %d times", f->watches - 1);
	snprintf(path, sizeof(path), WATCH_FORMAT, f->version);
	f->watch.len = 0;
	submit(f, &f->watch, path);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct floor *f = arg;
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (!s || name_len != 7 || memcmp(name, ":status", 7) != 0)
		return 0;
	s->status = atoi((const char *)value);
	if (s == &f->watch) {
		if (s->status != 200)
			die("watch: HTTP %d", s->status);
		f->watching = true;
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
		   void *arg)
{
	struct floor *f = arg;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (!s)
		return 0;
	if (s->len + len > s->cap) {
		s->cap = (s->len + len) * 2;
		s->data = must(realloc(s->data, s->cap));
	}
	memcpy(s->data + s->len, data, len);
	s->len += len;
	if (s == &f->watch)
		watch_data(f);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct floor *f = arg;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (s == &f->list)
		listed(f);
	if (s == &f->list || s == &f->watch) {
		submit_watch(f);
		return 0;
	}
	if (!s)
		return 0;
	applied(f, s);
	free(s->data);
	free(s);
	if (f->next < f->n)
		submit_next(f);
	return 0;
}

static void open_session(struct floor *f)
{
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
	};
	nghttp2_session_callbacks *on;

	nghttp2_session_callbacks_new(&on);
	nghttp2_session_callbacks_set_on_header_callback(on, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(on, on_close);
	nghttp2_session_client_new(&f->session, on, f);
	nghttp2_session_callbacks_del(on);
	nghttp2_submit_settings(f->session, NGHTTP2_FLAG_NONE, settings, 2);
	nghttp2_session_set_local_window_size(f->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
}

/* Writes all there is to write, then waits for something to read and feeds it to the session. */
static void turn(struct floor *f)
{
	static unsigned char buf[1 << 16];
	const uint8_t *out;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(f->session, &out)) > 0) {
		while (n > 0) {
			int sent = SSL_write(f->tls, out, (int)n);

			if (sent <= 0)
				die("the connection broke while writing");
			out += sent;
			n -= sent;
		}
	}
	int got = SSL_read(f->tls, buf, sizeof(buf));
	if (got <= 0)
		die("the connection ended");
	if (nghttp2_session_mem_recv(f->session, buf, (size_t)got) < 0)
		die("HTTP/2 protocol error");
}

int main(int argc, char **argv)
{
	struct floor f = { 0 };
	size_t streams = argc > 2 ? strtoul(argv[2], NULL, 10) : 32;
	double applied_at = 0;

	if (argc < 2 || streams < 1 || streams > 200) {
		fprintf(stderr, "usage: floor OBJECTS [STREAMS]   (1 to 200, default 32)\n");
		return 2;
	}
	read_objects(&f, argv[1]);
	index_deployments(&f);
	connect_tls(&f);
	open_session(&f);
	submit(&f, &f.list, LIST_PATH);
	while (!f.watching)
		turn(&f);

	double start = seconds(), cpu = cpu_seconds();
	while (f.next < f.n && f.next < streams)
		submit_next(&f);
	while (f.done < f.n || (f.available < f.deployments && f.failed == 0)) {
		turn(&f);
		if (f.done == f.n && applied_at == 0)
			applied_at = seconds();
	}
	printf("{\"objects\": %zu, \"failed\": %zu, \"deployments\": %zu, \"streams\": %zu, \"applied_s\": %.3f, "
	       "\"available_s\": %.3f, \"cpu_s\": %.3f, \"watches\": %d}\n",
	       f.n, f.failed, f.deployments, streams, applied_at - start, seconds() - start,
	       cpu_seconds() - cpu, f.watches);
	return f.failed ? 1 : 0;
}
