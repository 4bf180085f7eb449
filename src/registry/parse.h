/*
 * parse.h - what registries say, by the OCI distribution specification and Docker's token protocol: headers
 * and JSON read into structs. Pure; all of it is hostile input, and bounded.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define REGISTRY_HOST_MAX 255u	     /* bytes of host and port */
#define REGISTRY_URL_MAX 4096u	     /* of a realm, a redirect, a next page */
#define REGISTRY_PARAMETERS_MAX 16u  /* of one challenge */
#define REGISTRY_TAGS_MAX 100000u    /* of one repository */
#define REGISTRY_TAG_MAX 128u	     /* bytes of one */
#define REGISTRY_MANIFESTS_MAX 1000u /* of one index */
#define REGISTRY_TOKEN_MAX 16384u    /* bytes of a token */
#define REGISTRY_TOKEN_TTL_S 60	     /* of a token that says nothing; as the token protocol has it */
#define REGISTRY_DIGEST_LEN 71	     /* "sha256:" and 64 digits */

/* --- where an image is --- */

struct registry_place {
	const char *host; /* that is asked: "registry-1.docker.io" for Docker Hub */
	const char *name; /* of the registry, for people and credentials: "docker.io" */
	const char *path; /* of the repository: "library/nginx" */
};

/* "registry.example.com/team/app", "nginx"; without tag and digest. As Docker reads them: a first part with
 * neither dot nor port, that is not localhost, belongs to the path, and the registry is Docker Hub. */
int registry_place_read(struct arena *a, struct str image, struct registry_place *out, struct error *err);

/* --- headers --- */

enum registry_scheme { REGISTRY_AUTH_BASIC, REGISTRY_AUTH_BEARER };

struct registry_challenge {
	enum registry_scheme scheme;
	const char *realm, *service, *scope; /* "" when absent */
};

/* One WWW-Authenticate header (RFC 9110, 11.6.1). 1: none of its challenges is Basic or Bearer, or a Bearer
 * one has no realm. Bearer goes before Basic. */
int registry_challenge_read(struct arena *a, struct str header, struct registry_challenge *out);

/*
 * The target with rel="next" of a Link header (RFC 8288), as a URL: relative ones are resolved against base.
 * NULL: there is none. -1: there is one, but it leaves the origin of base, or is no URL.
 */
int registry_link_next(struct arena *a, struct str header, const char *base, const char **out,
		       struct error *err);
/* A Location or Link target against the URL that answered. -1: it is no http(s) URL, or too long. */
int registry_resolve_url(struct arena *a, const char *base, struct str target, const char **out,
			 struct error *err);
/* Whether two URLs have the same scheme, host and port. */
bool registry_same_origin(const char *a, const char *b);

/* --- bodies --- */

struct registry_token {
	const char *token; /* printable, without spaces */
	int64_t ttl_s;
};

int registry_token_read(struct arena *a, struct str body, struct registry_token *out, struct error *err);

/* Appends the tags of one page; each copied into a. */
struct registry_tags {
	struct str *at;
	size_t n, cap;
};
int registry_tags_read(struct arena *a, struct str body, struct registry_tags *out, struct error *err);

struct registry_manifest {
	const char *config; /* digest of an image's configuration; NULL: it is an index */
	const char *child;  /* of an index: the digest of the image for linux/amd64, else the first one that
			       runs */
};
int registry_manifest_read(struct arena *a, struct str body, struct registry_manifest *out,
			   struct error *err);
/* "created" of an image's configuration, milliseconds since 1970. */
int registry_created_read(struct str body, int64_t *out, struct error *err);
/* What the error body of a registry says, one short clean line, or "". */
const char *registry_error_read(struct arena *a, struct str body);

/* --- digests --- */

bool registry_is_digest(struct str text); /* "sha256:" and 64 lower case hexadecimal digits */
void registry_digest(struct str body, char out[REGISTRY_DIGEST_LEN + 1]);
bool registry_is_tag(struct str text);
