/*
 * path.h - fields as people and the API server write them:
 * `spec.template.spec.containers[0].image`, `metadata.annotations["example.com/owner"]`,
 * `spec.ports[name=http].port`; a JSON pointer (RFC 6901) too, when it begins with '/'.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/*
 * The node that path names below root. A leading '.' is fine. -1: err says at which part it ends, and what is
 * there instead (the keys, or how many items).
 */
int path_find(const struct node *root, struct str path, struct node **out, struct error *err);
