/*
 * build_store.h - HOME/builds: what builders keep, a store for each image of each repository, and working
 * directories.
 *
 *     HOME/builds/NS/NAME/BUILD/store/     layers of buildah
 *     HOME/builds/NS/NAME/BUILD/lock       held by whoever uses it; its time is that of the last use
 *     HOME/builds/NS/NAME/BUILD/unclean    a builder was killed: its containers are still in the store
 *     HOME/builds/NS/NAME/BUILD/work-ID/   of the image that is being built
 *     HOME/builds/trash-ID/                renamed, to be removed
 *
 * A store is one build's at a time: buildah's own locks do not keep two of its processes from losing each
 * other's images (containers/storage before 1.45). And it is one image's: a program that breaks out of its
 * build's root finds layers of its own repository alone.
 */
#pragma once

#include <stdatomic.h>

#include "push/home.h"

struct build_store {
	const char *home;
	char *dir; /* HOME/builds/NS/NAME/BUILD */
	int lock;
	bool unclean; /* containers of killed builders are to be removed */
	bool waited;  /* another build of the image was at it */
};

/* Makes what is missing, and removes what dead builds left. Waits for others until *stop or the deadline
 * (monotonic). */
int build_store_open(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     const char *build, const atomic_bool *stop, int64_t deadline_ms, struct error *err);
void build_store_cleaned(struct build_store *s); /* after `unclean` */
void build_store_mark(struct build_store *s);	 /* a builder was killed */
void build_store_close(struct build_store *s);

struct build_work {
	char *dir; /* NULL: none */
};

/* With the directories context, out and tmp in it; the last two may be written by a box. */
int build_work_make(struct build_store *s, struct build_work *w, struct error *err);
void build_work_remove(struct build_store *s, struct build_work *w);

/*
 * At the start of the service and from time to time: what dead builds left and trash goes; then whole stores,
 * the one that was not used for longest first, until all together have at most max_bytes. Those in use stay.
 * removed: bytes.
 */
int build_store_sweep(const char *home, uint64_t max_bytes, uint64_t *removed, struct error *err);
