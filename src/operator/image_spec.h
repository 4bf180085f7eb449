/*
 * image_spec.h - ImageRule objects (capstan.dev/v1alpha1) read into structs; the schema is
 * deploy/crds/imagerules.yaml. Pure.
 */
#pragma once

#include "operator/spec.h"
#include "registry/image_policy.h"
#include "registry/parse.h"
#include "render/images.h"

#define IMAGE_INTERVAL_MS 300000

enum image_digest {
	IMAGE_DIGEST_NONE,
	IMAGE_DIGEST_PIN,    /* as it was when the tag was first seen */
	IMAGE_DIGEST_FOLLOW, /* looked up each time */
};

struct image_rule_spec {
	char *namespace, *name;
	int64_t generation;
	const char *image; /* as written */
	struct registry_place place;
	char *secret;	    /* name in the same namespace, or NULL */
	const char *helper; /* of a cloud, without a secret; or NULL */
	bool insecure, suspend;
	int64_t interval_ms;
	struct image_policy policy;
	enum image_digest digest;
	/* The update; repo NULL: there is none. */
	char *repo, *branch, *path, *environment, *message, *author, *email; /* the last three: or NULL */
	char *policy_name;    /* "ns:name", in setter comments */
	char *webhook_secret; /* NULL: no webhook */
	enum webhook_type webhook_type;
};

/* Copies into a. err: what is wrong and where. */
int image_rule_read(struct arena *a, const struct node *object, struct image_rule_spec *out,
		    struct error *err);

/* The latest image in full, as it is written: "registry/team/web:v2", with "@sha256:..." when digest is not
 * "". The change of images called as the rule's image is. In a. */
void image_rule_change(struct arena *a, const struct image_rule_spec *spec, struct str tag, struct str digest,
		       struct image_change *out);

/* What of all that decides which tags there are, and so what was seen of them: another one is looked up anew.
 */
struct hash image_rule_source_hash(const struct image_rule_spec *spec);
