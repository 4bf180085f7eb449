/* The proxy of builds: heads of requests, and which addresses are public. */
#include "../cmocka_all.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "push/egress.h"

static int read_head(const char *head, struct egress_request *out)
{
	return egress_read(str_of(head), out);
}

static void heads_say_where_to(void **state)
{
	struct egress_request r;
	assert_int_equal(read_head("CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", &r), 0);
	assert_true(r.connect && r.port == 443);
	assert_string_equal(r.host, "example.com");
	assert_int_equal(read_head("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n\r\n", &r), 0);
	assert_string_equal(r.host, "2001:db8::1");
	assert_int_equal(read_head("GET http://example.com/a?b=c HTTP/1.1\r\n\r\n", &r), 0);
	assert_true(!r.connect && r.port == 80 && str_is(r.path, "/a?b=c") && r.body == 0);
	assert_int_equal(read_head("POST http://h:81?q HTTP/1.0\r\ncontent-length: 12\r\n\r\n", &r), 0);
	assert_true(r.port == 81 && str_is(r.path, "?q") && r.body == 12);
}

static void wrong_heads_are_refused(void **state)
{
	static const char *const bad[] = {
		"\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET http:///x HTTP/1.1\r\n\r\n",
		"GET http://h:0/ HTTP/1.1\r\n\r\n",
		"GET http://h:99999/ HTTP/1.1\r\n\r\n",
		"GET http://a@b/ HTTP/1.1\r\n\r\n",
		"GET http://h/ SMTP\r\n\r\n",
		"get http://h/ HTTP/1.1\r\n\r\n",
		"CONNECT example.com HTTP/1.1\r\n\r\n",
		"CONNECT [::1 HTTP/1.1\r\n\r\n",
		"CONNECT -x:443 HTTP/1.1\r\n\r\n",
		"POST http://h/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST http://h/ HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
	};
	struct egress_request r;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_head(bad[i], &r), 400);
	assert_int_equal(read_head("POST http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &r), 501);
}

static void the_server_sees_no_proxy(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct egress_request r;
	struct str head =
		STR("GET http://h/a HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\nConnection: "
		    "keep-alive\r\nProxy-Authorization: x\r\nAccept: */*\r\n\r\n");
	assert_int_equal(egress_read(head, &r), 0);
	egress_write(head, &r, &out);
	assert_string_equal(out.p, "GET /a HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nConnection: close\r\n\r\n");
	buf_clear(&out);
	head = STR("GET http://h?q HTTP/1.1\r\n\r\n");
	assert_int_equal(egress_read(head, &r), 0);
	egress_write(head, &r, &out);
	assert_string_equal(out.p, "GET /?q HTTP/1.1\r\nConnection: close\r\n\r\n");
}

static bool is_public(const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return egress_is_public((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return egress_is_public((struct sockaddr *)&six);
}

static void only_public_addresses_are_public(void **state)
{
	static const char *const not [] = {
		"0.0.0.0",
		"10.1.2.3",
		"100.64.0.1",
		"127.0.0.1",
		"127.255.255.255",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.1",
		"192.168.1.1",
		"198.18.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"fe80::1",
		"fc00::1",
		"fd00:ec2::254",
		"ff02::1",
		"::ffff:10.0.0.1",
		"::ffff:169.254.169.254",
		"64:ff9b::a00:1",
		"2002:a00:1::",
		"2001:db8::1",
		"2001::1",
		"::10.0.0.1",
	};
	static const char *const yes[] = { "1.1.1.1",	       "172.32.0.1",   "100.128.0.1",
					   "192.169.0.1",      "2606:4700::1", "::ffff:1.1.1.1",
					   "64:ff9b::101:101", "223.255.255.1" };
	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (is_public(not [i]))
			fail_msg("%s is not public", not [i]);
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!is_public(yes[i]))
			fail_msg("%s is public", yes[i]);
}

/* --- a proxy and a server, both of this process --- */

static int listen_here(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static int dial(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval patience = { 10, 0 };
	address.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void ask(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void read_until(int fd, struct buf *out, const char *end)
{
	char chunk[512];
	buf_clear(out);
	while (!out->n || !strstr(out->p, end)) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		if (n <= 0)
			break;
		buf_add(out, chunk, (size_t)n);
	}
	if (!out->n || !strstr(out->p, end))
		fail_msg("`%s` does not come; there is: %s", end, out->n ? out->p : "");
}

static void note_line(void *ctx, const char *line)
{
	buf_printf(ctx, "%s\n", line);
}

static void only_what_is_allowed_is_reached(void **state)
{
	unsigned proxy, port;
	cleanup_buf struct buf text = BUF_INIT, told = BUF_INIT, name = BUF_INIT;
	int proxy_fd = listen_here(&proxy), server = listen_here(&port);
	buf_printf(&name, "127.0.0.1:%u", port);
	const char *allowed[] = { name.p, NULL };
	struct egress *e = egress_start(proxy_fd, allowed);

	cleanup_fd int client = dial(proxy);
	buf_printf(&text, "CONNECT 127.0.0.1:%u HTTP/1.1\r\n\r\nping", port);
	ask(client, text.p);
	cleanup_fd int accepted = accept(server, NULL, NULL);
	read_until(client, &text, "200 Connection established\r\n\r\n");
	read_until(accepted, &text, "ping");
	ask(accepted, "pong");
	read_until(client, &text, "pong");

	cleanup_fd int other = dial(proxy);
	ask(other, "GET http://169.254.169.254/latest HTTP/1.1\r\n\r\n");
	read_until(other, &text, "169.254.169.254:80 is refused");
	assert_true(str_starts(buf_str(&text), STR("HTTP/1.1 403 ")));
	cleanup_fd int third = dial(proxy);
	ask(third, "CONNECT localhost:22 HTTP/1.1\r\n\r\n");
	read_until(third, &text, "localhost:22 is refused");
	egress_tell(e, note_line, &told);
	assert_non_null(strstr(told.p, "network: 169.254.169.254:80 is refused"));
	assert_non_null(strstr(told.p, "network: localhost:22 is refused"));

	/* Its end is the end of connections, too. */
	egress_stop(e);
	char byte;
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_say_where_to),
		cmocka_unit_test(wrong_heads_are_refused),
		cmocka_unit_test(the_server_sees_no_proxy),
		cmocka_unit_test(only_public_addresses_are_public),
		cmocka_unit_test(only_what_is_allowed_is_reached),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
