/*
 * values.h - ConfigMaps and Secrets that Apps take variables from, and Secrets of webhooks: one watch of
 * each, however many name it.
 *
 * What may be got by name only (Secrets, with minimal rights) is read again every 30 s instead.
 *
 * Texts stay in memory of this process and go into renders only; what they are is told by a hash.
 */
#pragma once

#include "kube/watch.h"
#include "operator/spec.h"
#include "render/substitute.h"

#define VALUES_MAX 10000u /* objects that are watched at once; a further one is an error of its App */

struct values; /* all that are watched */

/* changed(ctx): something that somebody uses changed, vanished, or was read for the first time. */
struct values *values_new(struct loop *loop, struct kube_client *client,
			  void (*changed)(void *ctx, void *user), void *ctx);
void values_free(struct values *v);

/* What one App uses: watches begin and end as its spec asks. user is handed to changed(). Both spec and
 * namespace are read during the call only. */
struct values_use;
struct values_use *values_use(struct values *v, struct values_use *old, const char *namespace,
			      const struct render_spec *spec, void *user);
void values_use_free(struct values *v, struct values_use *use); /* NULL is fine */

/*
 * A Secret of which one key is read by values_key() alone; otherwise as values_use().
 */
struct values_use *values_use_secret(struct values *v, struct values_use *old, const char *namespace,
				     const char *name, void *user);
/* The decoded bytes of a key of that Secret, copied into a. 1: not known yet. -1: err says why it cannot be
 * had.
 */
int values_key(const struct values_use *use, struct arena *a, const char *key, struct str *out,
	       struct error *err);

/* 0: all that is used is known. 1: not yet. -1: err says which is missing or cannot be read. */
int values_state(const struct values_use *use, struct error *err);
/* Of all texts and where they come from; inline ones are part of the spec's own hash. */
struct hash values_hash(const struct values_use *use);
/* Adds all, in the order of the spec, with the inline ones last. Texts are copied. -1: err names what is
 * wrong. */
int values_add(const struct values_use *use, const struct render_spec *spec, struct substitute_values *out,
	       struct error *err);
