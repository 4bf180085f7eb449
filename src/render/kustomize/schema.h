/*
 * schema.h - what OpenAPI says of kinds: how lists merge, and whether a kind is namespaced. The built-in part
 * is the data that kustomize 5.8.1 compiles in (Kubernetes 1.21.2), made from the k8s.io/kubernetes Go
 * module's api/openapi-spec by scripts/; `openapi:` and `crds` replace or add. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kschema_type; /* one definition, or a part of one */

struct kschema *kschema_new(struct kbuild *b); /* in the arena of the build */

/*
 * `openapi: {path: file}`: the definitions of node (a swagger document, YAML_KUBECTL) instead of the built-in
 * ones. `openapi: {version: v}`: v1.21.2 is the only one that upstream has. Both at once are the caller's to
 * refuse. The first call of a build counts, that of the kustomization asked for before those of its bases;
 * later ones do nothing. Where the built-in definitions were in use before, they stay beside the new ones: as
 * upstream.
 */
int kschema_set(struct kbuild *b, const struct node *swagger, struct error *err);
int kschema_set_version(struct kbuild *b, struct str version, struct error *err);

/* NULL: the kind is not known. */
const struct kschema_type *kschema_kind(struct kschema *s, struct str group, struct str version,
					struct str kind);
/* Of a field and of the elements of a list; NULL: not known. t is not NULL. */
const struct kschema_type *kschema_field(const struct kschema_type *t, struct str field);
const struct kschema_type *kschema_items(const struct kschema_type *t);
/* x-kubernetes-patch-strategy of t, "" when none. */
struct str kschema_patch_strategy(const struct kschema_type *t);
/* What tells the elements of a list apart where there is a strategy: x-kubernetes-list-map-keys, or else
 * x-kubernetes-patch-merge-key; n of them. */
#define KSCHEMA_KEYS_MAX 16
size_t kschema_merge_keys(const struct kschema_type *t, struct str out[KSCHEMA_KEYS_MAX]);

enum kscope { KSCOPE_UNKNOWN, KSCOPE_NAMESPACED, KSCOPE_CLUSTER };
enum kscope kschema_scope(struct kschema *s, struct str group, struct str version, struct str kind);
