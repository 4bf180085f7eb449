/*
 * forge_parts.h - what each type of host is to forge.c; for files in push/ only.
 */
#pragma once

#include "push/forge.h"

enum forge_auth {
	FORGE_AUTH_BEARER, /* the token, or else the password */
	FORGE_AUTH_BASIC,  /* where there is a name; a token alone: by `token_word` */
};

struct forge_ops {
	const char *name;
	const char *cloud;	  /* the host that everybody knows, or NULL */
	const char *const *words; /* parts of a host's name that tell the type; ends with NULL */
	const char *says;	  /* where an answer that is an error has the host's words, joined by dots */
	enum forge_auth auth;
	const char *token_word; /* "Bearer" or "token" */
	const char *accept;
	/* Fills api and path; web is there, path is the url's, without "/" around it and without ".git". -1:
	 * err. */
	int (*place)(struct arena *a, struct forge_repo *repo, struct error *err);
	char *(*find_url)(struct arena *a, const struct forge_repo *repo, const struct forge_review *review);
	char *(*open_url)(struct arena *a, const struct forge_repo *repo);
	void (*open_body)(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
			  struct node *body);
	/* The list in the answer of find: "" for the answer itself, or a key. */
	const char *list;
	/* Whether one of the list is the review's; NULL: the host has filtered. */
	bool (*is_it)(const struct node *request, const struct forge_review *review);
	/* Its address for people; "" when it has none. */
	struct str (*page)(struct arena *a, const struct forge_repo *repo, const struct node *request);
};

extern const struct forge_ops forge_github, forge_gitlab, forge_gitea, forge_bitbucket,
	forge_bitbucket_server, forge_azure;

/* Text as a part of a path or a query (RFC 3986: all but unreserved characters as %XX); into a. */
char *forge_escape(struct arena *a, const char *text);
/* Every part of a path escaped, slashes kept. */
char *forge_escape_path(struct arena *a, const char *path);
void forge_set(struct arena *a, struct node *map, const char *key, const char *value);
/* -1 with err when path is not "OWNER/NAME". */
int forge_two_parts(const struct forge_repo *repo, struct error *err);
