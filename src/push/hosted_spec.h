/*
 * hosted_spec.h - what a Repo with spec.hosted, or a gitkube.sh Remote, asks of the push service. Pure. What
 * is in Secrets is only named here; the service fills it in.
 */
#pragma once

#include "doc/node.h"
#include "push/home.h"

struct hosted_spec {
	struct hosted_repo repo;   /* without logins */
	const char *branch;	   /* the default branch */
	const char *mirror_secret; /* names of Secrets of the namespace, or NULL */
	const char *registry_secret;
	const char *registry_key; /* of that Secret; NULL: the usual ones */
	bool registry_optional;
	enum hosted_right
		operator_right; /* HOSTED_READ, or HOSTED_PUSH for ImageRules and rendered branches */
};

/* The object's texts are copied into a. err names the field. */
int hosted_spec_read(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err);

/* "1Gi", "500M", "1048576". false: it is no size. */
bool hosted_size(struct str text, uint64_t *out);

/*
 * The login for a registry from the text of a docker config ({"auths": {...}}): of the entry for the url's
 * host, or of the only one. -1: err says what is wrong with it.
 */
int registry_login(struct arena *a, struct str config, struct hosted_registry *out, struct error *err);
