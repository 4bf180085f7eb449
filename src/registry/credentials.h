/*
 * credentials.h - who logs in to a registry: from a docker config.json (also that of an imagePullSecret), or
 * by a credential helper, a program docker-credential-NAME (docker's protocol: `get`, the server's address on
 * stdin, JSON on stdout). Pure but for nothing: running the helper is the client's.
 */
#pragma once

#include "registry/parse.h"

#define REGISTRY_CONFIG_MAX (1u << 20) /* bytes of a config.json */

/* Texts that may be NULL; at most one way is set. */
struct registry_login {
	const char *username, *password;
	const char *identity_token; /* a refresh token of the token server */
	const char *bearer;	    /* a token that is sent as it is ("registrytoken") */
	const char *helper;	    /* NAME of docker-credential-NAME */
};

/*
 * What a config.json says of a registry, in a: `auths` (the entry with the longest path that holds the
 * repository), `credHelpers`, `credsStore`. any_helper: helpers of any name; else only those of clouds, which
 * know no passwords of anybody's. 1: it says nothing of it. -1: err, without secrets.
 */
int registry_login_read(struct arena *a, struct str config, const struct registry_place *place,
			bool any_helper, struct registry_login *out, struct error *err);

/* The helper of a cloud's registries by the host's name: "ecr-login", "gcr", "acr-env"; NULL: it is none. */
const char *registry_cloud_helper(const char *host);
bool registry_is_cloud_helper(struct str name);

/* The answer of a helper. */
int registry_helper_read(struct arena *a, struct str answer, struct registry_login *out, struct error *err);

/* "Basic ..." for a header. */
const char *registry_basic(struct arena *a, const struct registry_login *login);
