/*
 * build_store.h - HOME/builds: what builders keep, a store for each repository, and working directories.
 *
 *     HOME/builds/NS/NAME/store/     layers of buildah; seen by builds of that repository alone
 *     HOME/builds/NS/NAME/lock       held, shared, by whoever builds; alone by whoever cleans
 *     HOME/builds/NS/NAME/unclean    a builder was killed: its containers are still in the store
 *     HOME/builds/NS/NAME/work-ID/   of one image that is being built; a lock in it is held as long
 *     HOME/builds/trash-ID/          renamed, to be removed
 *
 * A store is never shared: a program that breaks out of its build's root finds layers of its own repository.
 */
#pragma once

#include "push/home.h"

struct build_store {
	const char *home;
	char *dir; /* HOME/builds/NS/NAME */
	int lock;
	bool unclean; /* containers of killed builders are to be removed, and nobody else is at it */
};

/* Makes what is missing, removes working directories of dead processes. Waits while the store is cleaned. */
int build_store_open(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     struct error *err);
void build_store_cleaned(struct build_store *s); /* after `unclean`: others may use it */
void build_store_mark(struct build_store *s);	 /* a builder was killed */
void build_store_close(struct build_store *s);

struct build_work {
	char *dir; /* NULL: none */
	int lock;
};

/* With the directories context, out and tmp in it; the last two may be written by a box. */
int build_work_make(struct build_store *s, struct build_work *w, struct error *err);
void build_work_remove(struct build_store *s, struct build_work *w);

/*
 * At the start of the service and from time to time: working directories and trash of the dead go; then whole
 * stores, the one that was not used for longest first, until all together have at most max_bytes. Those in
 * use stay. removed: bytes.
 */
int build_store_sweep(const char *home, uint64_t max_bytes, uint64_t *removed, struct error *err);
