/*
 * patch.h - JSON merge patch (RFC 7386) and the part of JSON patch (RFC 6902) that a client of the server
 * uses.
 */
#pragma once

#include "doc/node.h"

struct node *patch_merge(struct arena *a, struct node *target, const struct node *patch);
/* test, add, replace, remove; changes root in place. -1: refused, why is in `message`. */
int patch_json(struct arena *a, struct node *root, const struct node *operations, char *message, size_t size);
