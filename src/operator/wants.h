/*
 * wants.h - the revisions of one Repo that its Apps ask for, fetched together.
 *
 * When one of several cannot be fetched git brings none of them; they are then fetched one by one, so that
 * each App gets its own answer.
 */
#pragma once

#include "base/vec.h"
#include "repo/remote.h"

#define WANTS_MAX 1000 /* revisions of one Repo that are followed at once */

struct want {
	struct resolved revision;
	char *error; /* why it could not be fetched, or NULL; owned */
};

typedef void wants_done_fn(void *ctx);

struct wants {
	VEC(struct want) list;
	bool brought; /* the last fetch changed the mirror */

	/* While a fetch is under way: */
	struct repo_remote *remote;
	size_t at; /* which of list, when they are fetched one by one */
	wants_done_fn *done;
	void *ctx;
};

void wants_clear(struct wants *w); /* not while a fetch is under way, unless its remote was freed */
/* Once each; over WANTS_MAX it is passed over. */
void wants_add(struct wants *w, const struct resolved *revision);
/* Fetches all that are in the list; done(ctx) is called once, later. Freeing the remote ends it without that
 * call. */
void wants_fetch(struct wants *w, struct repo_remote *remote, wants_done_fn *done, void *ctx);
/* The want of a commit, or NULL. */
const struct want *wants_find(const struct wants *w, const char *sha);
/* Why the first that could not be fetched could not; NULL: all were. */
const char *wants_error(const struct wants *w);

/* When a Repo is looked at again: after the interval and up to a tenth of it more, so that many do not go in
 * step; after failures in a row sooner, from 2 s on in doubling steps. random: any number. */
int64_t wants_pause_ms(int64_t interval_ms, unsigned failures, uint32_t random);
