/*
 * pointer.h - JSON pointers (RFC 6901): "/metadata/annotations/example.com~1owner".
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/*
 * The node that pointer names below root ("" is root itself). NULL: nothing there. "-", the place
 * behind the last item of a list, names nothing that could be read.
 */
struct node *pointer_get(const struct node *root, struct str pointer);

/* Whether pointer is well-formed: empty, or begins with '/', and each '~' is followed by 0 or 1. */
int pointer_check(struct str pointer, struct error *err);

/* Appends "/" and key, escaped. */
void pointer_add(struct buf *pointer, struct str key);
