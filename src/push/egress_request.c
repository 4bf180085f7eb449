/* egress_request.c - heads of requests to the proxy, and which addresses are public (IANA's special-purpose
 * registries of both families). */
#include <netinet/in.h>
#include <stdio.h>

#include "push/egress.h"

/* --- heads --- */

static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == '_' || c == ':';
		if (!good)
			return false;
	}
	return s.n > 0 && s.n <= EGRESS_HOST_MAX && s.p[0] != '-';
}

/* "host:port", "[::1]:port"; otherwise: the port when none is given; 0: it must be. */
static bool read_authority(struct str s, unsigned otherwise, struct egress_request *out)
{
	struct str host = s, port = { 0 };
	int64_t number = otherwise;
	if (s.n && s.p[0] == '[') {
		size_t end = str_find(s, ']', 0);
		if (end == SIZE_MAX)
			return false;
		host = (struct str){ s.p + 1, end - 1 };
		s = str_from(s, end + 1);
		if (s.n && s.p[0] != ':')
			return false;
		port = str_from(s, 1);
	} else if (str_find(s, ':', 0) != SIZE_MAX) {
		host = str_cut(s, ':', &port);
		if (!port.n)
			return false;
	}
	if (!is_host(host) || (port.n && !str_int64(port, &number)) || number < 1 || number > 65535)
		return false;
	memcpy(out->host, host.p, host.n);
	out->host[host.n] = '\0';
	out->port = (unsigned)number;
	return true;
}

static struct str trim_line(struct str line)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool header_is(struct str line, const char *name)
{
	size_t n = strlen(name);
	return line.n > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0;
}

static int read_headers(struct str rest, struct egress_request *out)
{
	while (rest.n) {
		int64_t n;
		struct str line = trim_line(str_cut(rest, '\n', &rest));
		if (header_is(line, "transfer-encoding"))
			return 501;
		if (!header_is(line, "content-length"))
			continue;
		if (!str_int64(str_trim(str_from(line, 15)), &n) || n < 0)
			return 400;
		out->body = (uint64_t)n;
	}
	return 0;
}

int egress_read(struct str head, struct egress_request *out)
{
	struct str rest, version, line = trim_line(str_cut(head, '\n', &rest));
	*out = (struct egress_request){ .method = str_cut(line, ' ', &line) };
	struct str target = str_cut(line, ' ', &version);
	if (!out->method.n || !target.n || !str_starts(version, STR("HTTP/1.")) ||
	    memchr(head.p, '\0', head.n))
		return 400;
	for (size_t i = 0; i < out->method.n; i++)
		if (out->method.p[i] < 'A' || out->method.p[i] > 'Z')
			return 400;
	out->connect = str_is(out->method, "CONNECT");
	if (out->connect)
		return read_authority(target, 0, out) ? 0 : 400;
	if (!str_starts(target, STR("http://")))
		return str_starts(target, STR("ftp://")) ? 501 : 400;
	target = str_from(target, 7);
	size_t end = 0;
	while (end < target.n && target.p[end] != '/' && target.p[end] != '?')
		end++;
	out->path = str_from(target, end);
	if (!read_authority((struct str){ target.p, end }, 80, out))
		return 400;
	return read_headers(rest, out);
}

void egress_write(struct str head, const struct egress_request *r, struct buf *out)
{
	struct str rest;
	(void)str_cut(head, '\n', &rest);
	bool slash = r->path.n && r->path.p[0] == '/';
	buf_printf(out, "%.*s %s%.*s HTTP/1.1\r\n", STR_ARG(r->method), slash ? "" : "/", STR_ARG(r->path));
	while (rest.n) {
		struct str line = trim_line(str_cut(rest, '\n', &rest));
		if (!line.n || header_is(line, "connection") || header_is(line, "proxy-connection") ||
		    header_is(line, "proxy-authorization") || header_is(line, "keep-alive"))
			continue;
		buf_add_str(out, line);
		buf_adds(out, "\r\n");
	}
	buf_adds(out, "Connection: close\r\n\r\n");
}

/* --- addresses --- */

static bool is_public_4(uint32_t a)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} special[] = {
		{ 0x00000000, 8 },  { 0x0a000000, 8 },	{ 0x64400000, 10 }, { 0x7f000000, 8 },
		{ 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 },
		{ 0xc0586300, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 },
		{ 0xcb007100, 24 }, { 0xe0000000, 4 },	{ 0xf0000000, 4 },
	};
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if ((a ^ special[i].net) >> (32 - special[i].bits) == 0)
			return false;
	return true;
}

static uint32_t four_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Global unicast is 2000::/3; of it not documentation, and not what hides an address of the other family. */
static bool is_public_6(const uint8_t *p)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	if (memcmp(p, nat64, sizeof(nat64)) == 0)
		return is_public_4(four_at(p + 12));
	if (p[0] >> 5 != 1 || (p[0] == 0x20 && p[1] == 0x01 && p[2] < 0x02) ||
	    (p[0] == 0x20 && p[1] == 0x01 && p[2] == 0x0d && p[3] == 0xb8) || (p[0] == 0x3f && p[1] == 0xff))
		return false;
	return p[0] != 0x20 || p[1] != 0x02;
}

bool egress_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_public_4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	if (address->sa_family != AF_INET6)
		return false;
	const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
	return IN6_IS_ADDR_V4MAPPED(six) ? is_public_4(four_at(six->s6_addr + 12))
					 : is_public_6(six->s6_addr);
}
