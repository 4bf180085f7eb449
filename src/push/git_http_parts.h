/* git_http_parts.h - what git_http.c reads from outside: paths, tokens, the head of a CGI answer. Pure. */
#pragma once

#include "push/home.h"

#define CGI_HEADERS_MAX 8u
#define CGI_MORE SIZE_MAX
#define CGI_BAD (SIZE_MAX - 1)

/* What is asked of which repository. */
struct git_route {
	char key[2 * HOSTED_NAME_MAX + 2]; /* "NS/NAME" */
	const char *file;		   /* "info/refs", "git-upload-pack", "git-receive-pack" */
	const char *query;		   /* "service=git-upload-pack", or "" */
	bool push;
};

/* path: after the prefix. service: of the query, or NULL. false: nothing that git would ask for. */
bool git_route_read(const char *method, const char *path, const char *service, struct git_route *out);

/* The token of an Authorization header: basic, its password; or bearer. false: there is none. */
bool git_token(const char *header, char *out);

/* The head of a CGI answer (RFC 3875): status and headers; names and values are copies in text. */
struct cgi_head {
	int status;
	struct {
		const char *name, *value;
	} headers[CGI_HEADERS_MAX];
	size_t n;
	char text[2048];
	size_t used;
};

/* How long the head is; CGI_MORE: it has not ended yet; CGI_BAD: it is none, or too large. */
size_t cgi_head_read(struct str text, struct cgi_head *out);
