/*
 * standalone.h - one app from files of this machine into a cluster, with no operator and no custom resource.
 *
 * The same state machine, cluster driver and link as the operator's; the inventory is in ConfigMaps
 * (config_store.h), the source is read when standalone_look() is called. An app watches its kinds itself: few
 * apps share one process here.
 */
#pragma once

#include "deploy/app.h"
#include "operator/local_port.h"
#include "operator/scope.h"
#include "render/render.h"

struct standalone;

struct standalone_host {
	/* Something that people see may have changed: look at standalone_app(). */
	void (*changed)(void *ctx);
	/* It cannot even begin: the inventory cannot be read. */
	void (*failed)(void *ctx, const char *why);
};

struct standalone_options {
	struct link *link;
	struct scope_cache *scopes;
	const char *name,
		*namespace; /* owner labels and the inventory; objects that name no namespace go there too */
	/* What is to be, with all that is wrong with it in out->diags; -1: it cannot be read at all. Called
	 * on a worker, any number of times, one at a time; ctx outlives the loop. */
	int (*render)(void *ctx, struct arena *a, struct render_output *out, struct error *err);
	void *render_ctx;
	const char *shown; /* what that is to people: a directory, an environment */
	struct app_config config;
};

/* Reads the inventory and starts. Options are copied; link and scopes outlive it. */
struct standalone *standalone_new(const struct standalone_options *options,
				  const struct standalone_host *host, void *ctx);
void standalone_free(struct standalone *s); /* what is under way is left to itself; NULL is fine */

void standalone_look(struct standalone *s); /* renders again: what changed is applied */
void standalone_configure(struct standalone *s, const struct app_config *config);

/* NULL: the inventory is still being read. */
const struct app *standalone_app(const struct standalone *s);
/* Nothing is under way and the inventory is stored as it is: the process may end. Stores what is not yet. */
bool standalone_settle(struct standalone *s);
/* Why the inventory could not be stored last, or NULL. */
const char *standalone_store_failure(const struct standalone *s);
/* What was done in this attempt, also with objects that are pruned and gone. */
const struct local_port *standalone_port(const struct standalone *s);

/*
 * What is to be as objects, with every problem in it. On a worker or anywhere else. input: a hash of them.
 * NULL and err: it cannot be read at all.
 */
struct desired *standalone_render(const struct standalone_options *options,
				  int (*scope)(void *, struct str, struct str), void *scope_ctx,
				  struct hash *input, struct error *err);
