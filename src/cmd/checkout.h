/*
 * checkout.h - the objects of an App at the newest commit of its Repo, fetched and rendered on this machine,
 * and what the operator wrote down of it. Nothing is changed in the cluster.
 *
 * The Repo's Secret is read with the caller's own rights; mirrors are kept in the cache directory.
 */
#pragma once

#include "cmd/cluster.h"
#include "deploy/inventory.h"
#include "operator/spec.h"
#include "render/render.h"
#include "doc/origin.h"

#define CHECKOUT_POLL_TIMEOUT_MS 60000

struct checkout {
	struct arena arena;
	struct app_spec app;
	struct repo_spec repo;
	char *revision;		     /* "main@sha1:..." */
	struct render_output output; /* what it renders to there */
	struct origins origins;	     /* of output */
	struct inventory inventory;
};

/* app: the object. -1: err says what is missing or refused. To be released in both cases. */
int checkout_app(struct cluster *c, const struct node *app, struct checkout *out, struct error *err);
/* Only what the operator wrote down of the App in co->app, into co->inventory. */
int checkout_inventory(struct cluster *c, const struct node *app, struct checkout *co, struct error *err);
void checkout_release(struct checkout *co);
