/* mirror.h - a repository elsewhere that gets all that a hosted one has. */
#pragma once

#include "push/home.h"
#include "repo/remote.h"

#define MIRROR_TIMEOUT_MS 600000 /* of one push */

struct mirror;

/* All is copied. credentials: or NULL. */
struct mirror *mirror_new(struct loop *loop, const char *home, const char *key, const char *url,
			  const struct remote_credentials *credentials, struct error *err);
void mirror_free(struct mirror *m); /* NULL is fine */
bool mirror_busy(const struct mirror *m);
/* error: for people, without secrets; NULL: all is there. Not while it is busy. */
void mirror_push(struct mirror *m, void (*done)(void *ctx, const char *error), void *ctx);
