/*
 * await.h - until one commit is healthy in the cluster: the waiting of `capstan wait` and `capstan deploy
 * --wait`. Apps are watched, nothing is polled; every change of state is a line on a log.
 *
 * An App is through when it has applied the revision and is ready; it has failed when the attempt of that
 * revision did, or its objects are unhealthy; the revision is superseded when the App wants another one after
 * it. A revision that is older than the one waited for is waited out.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/remote_wait.h"
#include "doc/node.h"

#define AWAIT_APPS_MAX 10000u /* of one wait */

struct await_spec {
	const char *revision; /* a commit's SHA, or its beginning (7 digits or more) */
	const char *before;   /* the commit that it is on top of; NULL: not known */
	/* Where git knows the history, to tell older from newer commits; NULL: nowhere. With url its branch
	 * is fetched first. */
	const char *history, *url, *branch;
	/* Whether another commit gives the cluster what the revision gives, so that an App that wants it will
	 * do: the newest commits of a branch may not concern it. Asked once for each, after history was
	 * fetched. NULL: none does. */
	bool (*same)(void *ctx, const char *sha);
	const char *namespace; /* that is watched; "": all */
	/* Which Apps count. NULL: all that want the revision. (An App that a commit does not concern goes on
	 * wanting the one before.) */
	bool (*counts)(void *ctx, const struct node *app);
	void *ctx;
	size_t expected; /* so many at least */
	/* Who may end it, besides an interrupt; EXIT_INTERRUPTED then, too. With it signals are left alone.
	 */
	struct wait_stop stop;
};

/* Returns an exit code; c->deadline ends it. What happens is told on `out`. *result: a list of {namespace,
 * name, result, message}, one for each App that counted; in the arena given. */
int await_apps(struct cluster *c, struct arena *a, const struct await_spec *spec, FILE *out,
	       struct node **result, struct error *err);

/* Whether text is a commit's SHA or the beginning of one; -1: err. */
int await_check_revision(const char *text, struct error *err);

/* "healthy", "failed", ...: what an exit code of await_apps() says. */
const char *await_word(int status);
