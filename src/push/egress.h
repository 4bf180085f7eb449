/*
 * egress.h - what a build can reach: a proxy at 127.0.0.1:EGRESS_PORT of its own network namespace, in which
 * there is nothing else.
 *
 * HTTP proxies as RFC 9110 has them: CONNECT for TLS, absolute URLs for the rest. Names are resolved here,
 * and what is connected to is the address that was looked at: public ones alone, so that neither the machine,
 * nor its link (clouds keep credentials at 169.254.169.254), nor the cluster, nor a private network is
 * reached; but those that the installation allows by host and port. Ports 80 and 443 of public hosts.
 */
#pragma once

#include <stdatomic.h>

#include "base/str.h"

#define EGRESS_PORT 3128
#define EGRESS_CONNECTIONS_MAX 64u /* at a time, of one build; more wait */
#define EGRESS_HEAD_MAX 16384u	   /* bytes of a request up to its empty line */
#define EGRESS_HOST_MAX 253u
#define EGRESS_IDLE_MS 300000 /* without a byte in either direction */
#define EGRESS_CONNECT_MS 30000
#define EGRESS_NOTES_MAX 4096u /* bytes of refusals that are not told yet */
#define EGRESS_ALLOWED_MAX 1000u

struct egress;

/* Serves a listening socket, which becomes its own. allowed: "host:port", ended by NULL, or NULL; copied. */
struct egress *egress_start(int listener, const char *const *allowed);
/* Lines about what was refused since the last call, each once. */
void egress_tell(struct egress *e, void (*line)(void *ctx, const char *line), void *ctx);
void egress_stop(struct egress *e); /* all connections end; NULL is fine */

/* What is asked for by the head of a request. Pure. */
struct egress_request {
	bool connect;
	char host[EGRESS_HOST_MAX + 1];
	unsigned port;
	struct str method, path; /* "/..."; not with connect */
	uint64_t body;		 /* bytes that belong to it behind the head */
};

/* head: with its empty line. 0, or the status that says what is wrong with it: 400, 501. */
int egress_read(struct str head, struct egress_request *out);
/* The head as the server gets it: no proxy's headers, and the connection ends with the answer. */
void egress_write(struct str head, const struct egress_request *request, struct buf *out);

struct sockaddr;
bool egress_is_public(const struct sockaddr *address);
