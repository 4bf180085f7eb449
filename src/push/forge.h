/*
 * forge.h - pull requests (GitLab: merge requests) at git hosts, by their APIs.
 *
 * Everything but forge_review_wait() is pure: which host a url is of, the requests that are sent, and what
 * the answers say. A token is sent to the host of the repository's own url and to no other, whatever a
 * capstan.yaml names; it is in no message.
 *
 *     find the open request of the branch -+-> there is one: that is it
 *                                          +-> open one -+-> done
 *                                                        +-> somebody was first: find again
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "doc/node.h"
#include "io/http.h"
#include "repo/remote.h"

#define FORGE_ANSWER_MAX (4u << 20) /* bytes of one answer */
#define FORGE_CALL_TIMEOUT_MS 20000 /* of one request */
#define FORGE_TITLE_MAX 250u	    /* bytes; GitLab and Gitea take 255 letters */
#define FORGE_BODY_MAX 3900u	    /* bytes; Azure DevOps takes 4000 letters */
#define FORGE_URL_MAX 2000u	    /* bytes of a link that a host tells */
#define FORGE_HEADERS_MAX 8u	    /* of one request */
#define FORGE_SAYS_MAX 300u	    /* bytes of a host's own words in a message */

enum forge_type {
	FORGE_GITHUB,
	FORGE_GITLAB,
	FORGE_GITEA,		/* and Forgejo */
	FORGE_BITBUCKET,	/* Cloud */
	FORGE_BITBUCKET_SERVER, /* and Data Center */
	FORGE_AZURE,		/* Azure DevOps */
	FORGE_TYPES
};

const char *forge_type_name(enum forge_type type); /* "github", ..., "bitbucket-server", "azure" */
bool forge_type_parse(struct str name, enum forge_type *out);

struct forge_repo {
	enum forge_type type;
	const char *api;  /* what all paths of the API begin with, no "/" at the end */
	const char *web;  /* the same for people */
	const char *path; /* of the repository there: "owner/name", "group/sub/name" */
	bool plain;	  /* http: what is sent can be read by others on the way */
};

/*
 * The host of a git url (https, http, ssh, scp-like). given: NULL, a type's name, or "TYPE=URL" where URL is
 * the root of the host's pages, for one that git reaches by another port or scheme; its host has to be that
 * of url. 0; 1: nothing tells which type it is; -1: err. Memory from a.
 */
int forge_recognise(struct arena *a, const char *url, const char *given, struct forge_repo *out,
		    struct error *err);

/* Text of a url with %XX as bytes; into a, ended by NUL. */
struct str forge_unescape(struct arena *a, struct str text);

/* What is asked for. Branches without "refs/heads/". */
struct forge_review {
	const char *title, *body;
	const char *branch, *target; /* the one that is to be merged, and where to */
};

struct forge_call {
	const char *method, *url;
	struct http_header headers[FORGE_HEADERS_MAX];
	size_t n_headers;
	struct str body;
};

/* credentials: as git has them; the password is mostly a token. -1: err: there are none, or they cannot be
 * sent.
 */
int forge_find_request(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		       const struct remote_credentials *credentials, struct forge_call *out,
		       struct error *err);
int forge_open_request(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		       const struct remote_credentials *credentials, struct forge_call *out,
		       struct error *err);

enum forge_verdict {
	FORGE_FOUND,  /* out->url */
	FORGE_NONE,   /* find: there is no open one; open: there is one already, find again */
	FORGE_FAILED, /* err */
};

struct forge_answer {
	int status;
	struct str body;
};

struct forge_opened {
	const char *url; /* for people; in the arena */
	bool reused;	 /* it was open already */
};

enum forge_verdict forge_find_answer(struct arena *a, const struct forge_repo *repo,
				     const struct forge_review *review, const struct forge_answer *answer,
				     struct forge_opened *out, struct error *err);
enum forge_verdict forge_open_answer(struct arena *a, const struct forge_repo *repo,
				     const struct forge_answer *answer, struct forge_opened *out,
				     struct error *err);

/* All of it from beginning to end, on a loop of its own. deadline_ms: monotonic. */
int forge_review_wait(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      const struct remote_credentials *credentials, int64_t deadline_ms,
		      struct forge_opened *out, struct error *err);
