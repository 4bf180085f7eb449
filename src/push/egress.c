/*
 * egress.c - the proxy: a thread that accepts, and one for each connection, which reads a head, looks at
 * where it leads, connects, and copies both ways until one side ends. A resolver cannot be interrupted, so
 * nobody waits for threads: each holds a count on what they share, and the last one frees it.
 */
#include "push/egress.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/clock.h"

#define TURN_MS 200 /* between two looks at `stopping` */
#define CHUNK 32768u

struct egress {
	pthread_mutex_t lock;
	struct arena arena;
	const char **allowed;
	int listener;
	atomic_bool stopping;
	atomic_uint connections, holders;
	struct buf notes;  /* lines not told yet */
	struct buf before; /* lines told or not, to tell each once */
};

struct connection {
	struct egress *e;
	int client, server;
	char head[EGRESS_HEAD_MAX];
	size_t n;
	size_t head_n; /* of it, up to the empty line */
	struct egress_request request;
};

static void hold(struct egress *e)
{
	atomic_fetch_add(&e->holders, 1);
}

static void let_go(struct egress *e)
{
	if (atomic_fetch_sub(&e->holders, 1) != 1)
		return;
	close(e->listener);
	buf_release(&e->notes);
	buf_release(&e->before);
	arena_release(&e->arena);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

/* --- small things --- */

/* 1: ready; 0: the time is over, or it is to stop. */
static int wait_for(struct egress *e, int fd, short events, int64_t timeout_ms)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	while (!atomic_load(&e->stopping) && clock_mono_ms() < until) {
		struct pollfd p = { fd, events, 0 };
		int rc = poll(&p, 1, TURN_MS);
		if (rc > 0)
			return 1;
		if (rc < 0 && errno != EINTR)
			return 0;
	}
	return 0;
}

static bool send_all(struct egress *e, int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN && wait_for(e, fd, POLLOUT, EGRESS_IDLE_MS))
			continue;
		return false;
	}
	return true;
}

static void note(struct egress *e, const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;
	buf_printf(&line, "%s\n", text);
	pthread_mutex_lock(&e->lock);
	bool known = e->before.n && strstr(e->before.p, line.p);
	if (!known && e->before.n + line.n <= EGRESS_NOTES_MAX) {
		buf_add(&e->before, line.p, line.n);
		buf_add(&e->notes, line.p, line.n);
	}
	pthread_mutex_unlock(&e->lock);
}

static void answer(struct connection *c, int status, const char *why)
{
	char text[1024];
	int n = snprintf(
		text, sizeof(text),
		"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
		status,
		status == 403	? "Forbidden"
		: status == 502 ? "Bad Gateway"
				: "Bad Request",
		strlen(why) + 1, why);
	(void)send_all(c->e, c->client, text, (size_t)n);
}

/* --- a connection --- */

static bool read_head(struct connection *c)
{
	int64_t until = clock_mono_ms() + EGRESS_CONNECT_MS;
	while (c->n < sizeof(c->head)) {
		if (!wait_for(c->e, c->client, POLLIN, until - clock_mono_ms()))
			return false;
		ssize_t n = recv(c->client, c->head + c->n, sizeof(c->head) - c->n, 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		c->n += (size_t)n;
		const char *end = memmem(c->head, c->n, "\r\n\r\n", 4);
		if (end) {
			c->head_n = (size_t)(end + 4 - c->head);
			return true;
		}
	}
	return false;
}

static bool is_allowed(const struct egress *e, const struct egress_request *r)
{
	char name[EGRESS_HOST_MAX + 16];
	snprintf(name, sizeof(name), strchr(r->host, ':') ? "[%s]:%u" : "%s:%u", r->host, r->port);
	for (const char **a = e->allowed; *a; a++)
		if (strcasecmp(*a, name) == 0)
			return true;
	return false;
}

static int connect_to(struct egress *e, const struct addrinfo *address)
{
	int why = 0;
	socklen_t size = sizeof(why);
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(e, fd, POLLOUT, EGRESS_CONNECT_MS) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) == 0 && why == 0)
		return fd;
	close(fd);
	return -1;
}

/* The first address that may be connected to, and can be. */
static bool reach(struct connection *c)
{
	const struct egress_request *r = &c->request;
	struct addrinfo *list = NULL, hints = { .ai_socktype = SOCK_STREAM };
	char port[16], text[EGRESS_HOST_MAX + 200];
	bool allowed = is_allowed(c->e, r), refused = false;
	snprintf(port, sizeof(port), "%u", r->port);
	if (!allowed && r->port != 80 && r->port != 443)
		refused = true;
	int rc = refused ? 0 : getaddrinfo(r->host, port, &hints, &list);
	for (struct addrinfo *i = list; i && c->server < 0; i = i->ai_next) {
		bool good = allowed || egress_is_public(i->ai_addr);
		refused = refused || !good;
		if (good)
			c->server = connect_to(c->e, i);
	}
	if (list)
		freeaddrinfo(list);
	if (c->server >= 0)
		return true;
	if (refused) {
		snprintf(
			text, sizeof(text),
			"network: %s:%u is refused: builds reach ports 80 and 443 of public addresses, and what the "
			"installation allows",
			r->host, r->port);
		note(c->e, text);
	} else {
		snprintf(text, sizeof(text), "network: %s:%u: %s", r->host, r->port,
			 rc ? gai_strerror(rc) : "it cannot be reached");
	}
	answer(c, refused ? 403 : 502, text);
	return false;
}

/* What came behind the head; of a request no more than its body. */
static bool begin(struct connection *c, uint64_t *upload)
{
	size_t rest = c->n - c->head_n;
	cleanup_buf struct buf head = BUF_INIT;
	if (c->request.connect) {
		static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
		*upload = UINT64_MAX;
		return send_all(c->e, c->client, yes, sizeof(yes) - 1) &&
		       send_all(c->e, c->server, c->head + c->head_n, rest);
	}
	*upload = c->request.body;
	if (rest > *upload)
		rest = (size_t)*upload;
	*upload -= rest;
	egress_write((struct str){ c->head, c->head_n }, &c->request, &head);
	return send_all(c->e, c->server, head.p, head.n) &&
	       send_all(c->e, c->server, c->head + c->head_n, rest);
}

/* One chunk from one side to the other. 1: more may come; 0: the end; -1: broken. */
static int copy(struct egress *e, int from, int to, uint64_t *most)
{
	char chunk[CHUNK];
	size_t want = *most < sizeof(chunk) ? (size_t)*most : sizeof(chunk);
	ssize_t n = recv(from, chunk, want, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -1;
	if (n == 0)
		return 0;
	if (*most != UINT64_MAX)
		*most -= (uint64_t)n;
	return send_all(e, to, chunk, (size_t)n) ? 1 : -1;
}

static void relay(struct connection *c)
{
	uint64_t upload, download = UINT64_MAX;
	int64_t heard = clock_mono_ms();
	bool up = true;
	if (!begin(c, &upload))
		return;
	while (!atomic_load(&c->e->stopping) && clock_mono_ms() - heard < EGRESS_IDLE_MS) {
		struct pollfd p[2] = { { up && upload ? c->client : -1, POLLIN, 0 },
				       { c->server, POLLIN, 0 } };
		if (poll(p, 2, TURN_MS) <= 0)
			continue;
		heard = clock_mono_ms();
		if (p[0].revents) {
			int rc = copy(c->e, c->client, c->server, &upload);
			if (rc < 0)
				return;
			if (rc == 0) {
				up = false;
				(void)shutdown(c->server, SHUT_WR);
			}
		}
		if (p[1].revents && copy(c->e, c->server, c->client, &download) <= 0)
			return;
	}
}

static void *serve(void *ctx)
{
	struct connection *c = ctx;
	if (read_head(c)) {
		int status = egress_read((struct str){ c->head, c->head_n }, &c->request);
		if (status)
			answer(c, status, "the proxy of builds does not understand this request");
		else if (reach(c))
			relay(c);
	}
	(void)shutdown(c->client, SHUT_RDWR);
	close(c->client);
	if (c->server >= 0)
		close(c->server);
	atomic_fetch_sub(&c->e->connections, 1);
	let_go(c->e);
	free(c);
	return NULL;
}

static void start_connection(struct egress *e, int fd)
{
	pthread_t thread;
	struct connection *c = mem_alloc(sizeof(*c));
	c->e = e;
	c->client = fd;
	c->server = -1;
	hold(e);
	atomic_fetch_add(&e->connections, 1);
	if (pthread_create(&thread, NULL, serve, c) == 0) {
		(void)pthread_detach(thread);
		return;
	}
	close(fd);
	free(c);
	atomic_fetch_sub(&e->connections, 1);
	let_go(e);
}

static void *listen_for(void *ctx)
{
	struct egress *e = ctx;
	while (!atomic_load(&e->stopping)) {
		struct pollfd p = { e->listener, POLLIN, 0 };
		bool room = atomic_load(&e->connections) < EGRESS_CONNECTIONS_MAX;
		if (poll(&p, room ? 1 : 0, room ? TURN_MS : TURN_MS / 20) <= 0)
			continue;
		int fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			start_connection(e, fd);
	}
	let_go(e);
	return NULL;
}

/* --- from outside --- */

struct egress *egress_start(int listener, const char *const *allowed)
{
	pthread_t thread;
	struct egress *e = mem_alloc(sizeof(*e));
	size_t n = 0;
	while (allowed && allowed[n] && n < EGRESS_ALLOWED_MAX)
		n++;
	pthread_mutex_init(&e->lock, NULL);
	e->allowed = arena_array(&e->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		e->allowed[i] = arena_strdup(&e->arena, allowed[i]);
	e->listener = listener;
	(void)fcntl(listener, F_SETFL, O_NONBLOCK);
	hold(e);
	hold(e);
	if (pthread_create(&thread, NULL, listen_for, e) == 0)
		(void)pthread_detach(thread);
	else
		let_go(e);
	return e;
}

void egress_tell(struct egress *e, void (*line)(void *ctx, const char *line), void *ctx)
{
	cleanup_buf struct buf text = BUF_INIT;
	pthread_mutex_lock(&e->lock);
	buf_add(&text, e->notes.p ? e->notes.p : "", e->notes.n);
	buf_clear(&e->notes);
	pthread_mutex_unlock(&e->lock);
	for (struct str rest = buf_str(&text); rest.n;) {
		cleanup_buf struct buf one = BUF_INIT;
		buf_add_str(&one, str_cut(rest, '\n', &rest));
		if (one.n)
			line(ctx, one.p);
	}
}

void egress_stop(struct egress *e)
{
	if (!e)
		return;
	atomic_store(&e->stopping, true);
	let_go(e);
}
