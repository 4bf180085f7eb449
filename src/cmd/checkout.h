/*
 * checkout.h - the files of an App at the newest commit of its Repo, fetched on this machine, and what the
 * operator wrote down of it. Nothing is changed in the cluster.
 *
 * The Repo's Secret is read with the caller's own rights; mirrors are kept in the cache directory.
 */
#pragma once

#include "cmd/cluster.h"
#include "deploy/inventory.h"
#include "operator/spec.h"
#include "repo/tree.h"

#define CHECKOUT_POLL_TIMEOUT_MS 60000

struct checkout {
	struct arena arena;
	struct app_spec app;
	struct repo_spec repo;
	struct repo_files files; /* below app.path */
	char *revision;		 /* "main@sha1:..." */
	struct inventory inventory;
};

/* app: the object. -1: err says what is missing or refused. To be released in both cases. */
int checkout_app(struct cluster *c, const struct node *app, struct checkout *out, struct error *err);
void checkout_release(struct checkout *co);
