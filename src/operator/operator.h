/*
 * operator.h - the operator: Repo and App objects in, a cluster that follows git out.
 *
 *   Repo watch -> sources.c (poll, fetch) --revisions--> managed.c (one state machine an app) --requests-->
 * link.c App watch  -> managed.c <--desired-- jobs.c (renders on workers)         `--status--> status.c,
 * inventory -> store.c
 *
 * One loop thread owns all of it. Nothing here decides what to do with an app: deploy/app does.
 */
#pragma once

#include "base/error.h"
#include "io/loop.h"
#include "kube/config.h"

struct operator_options {
	const struct kube_config *kube;
	const char *web;	     /* "ADDRESS:PORT" for health, metrics and notify; NULL: none */
	const char *cache_dir;	     /* mirrors of git repositories; created when absent */
	const char *identity;	     /* of this process in the Lease */
	const char *lease_namespace; /* where the Lease lives */
	bool no_leader_election;
	const char *watch_namespace; /* "" or NULL: all */
	/* Prefixes of other repositories that kustomizations may use as bases (repo/remote_allow.h); n 0:
	 * none. */
	const char *const *remote_bases;
	size_t n_remote_bases;
	/* "URL=DIR" each: what they are asked for with (base_logins.h). */
	const char *const *remote_base_logins;
	size_t n_remote_base_logins;
	/* Programs that Apps may run as renderers (exec_render.h); n 0: none. */
	const char *const *exec;
	size_t n_exec;
	bool user_environment; /* git may use the user's own ssh agent and credential helpers (a laptop) */
};

/* Runs until SIGTERM or SIGINT (0), or until it cannot go on (-1 and err): lost leadership, bad
 * configuration. */
int operator_run(const struct operator_options *options, struct error *err);
