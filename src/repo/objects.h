/*
 * objects.h - a mirror's objects by libgit2; for files in repo/ only.
 *
 * A git_repository is used by one thread at a time: handles are taken from a small store and put back, so
 * that a thousand apps of one repository open it a few times, not a thousand.
 */
#pragma once

#include <git2.h>

#include "base/arena.h"
#include "base/error.h"

#define OBJECTS_DAMAGED "capstan-damaged" /* file in a mirror: objects are missing, it is to be made anew */
#define OBJECTS_SUBMODULES "capstan-submodules" /* file in a mirror: submodules are part of its commits */
#define OBJECTS_REFS "refs/capstan/"
#define OBJECTS_MODULE_REF OBJECTS_REFS "m-"   /* + SHA: a commit that was fetched as a submodule */
#define OBJECTS_COMPLETE_REF OBJECTS_REFS "w-" /* + SHA: a commit with all its submodules */

#define cleanup_tree cleanup(objects_free_tree)
void objects_free_tree(git_tree **t);

struct objects {
	const char *mirror;
	git_repository *repository;
	git_odb *odb;
	unsigned epoch;
	bool submodules;
};

int objects_open(struct objects *o, const char *mirror, struct error *err);
void objects_close(struct objects *o);
void objects_forget(
	const char *mirror); /* NULL: all. Closes idle handles; busy ones close when they are put back */

/* Objects of a commit that is there are missing: the next poll makes the mirror anew. A commit that was
 * cleaned up meanwhile is no damage: nobody wants it. */
void objects_mark_damaged(const char *mirror, const char *sha);

const char *objects_failure(void); /* what libgit2 said last on this thread */

/* The tree of a commit, whether its submodules are there or not. */
int objects_commit_tree(struct objects *o, const git_oid *commit, git_tree **out, struct error *err);
/* The same for a SHA, and the commit counts only with its submodules when they are wanted. */
int objects_root(struct objects *o, const char *sha, git_tree **out, struct error *err);
/* The tree of a submodule's commit; 1: it was not fetched, or submodules are off. */
int objects_module(struct objects *o, const git_oid *commit, git_tree **out);

#define OBJECTS_TOO_LARGE 1
/* A blob's bytes into a, with a NUL behind; its size is looked at before anything is unpacked. *size is
 * always set. */
int objects_blob(struct objects *o, const git_oid *oid, size_t max, struct arena *a, struct str *out,
		 size_t *size);

/* What a ref of the mirror points to; false: there is none. */
bool objects_ref_read(const char *mirror, const char *name, char sha[GIT_OID_HEXSZ + 1]);
void objects_ref_write(const char *mirror, const char *name, const char *sha); /* NULL: removes it */
/* Keeps a commit under a ref of ours. */
int objects_keep(struct objects *o, const char *prefix, const char *sha, struct error *err);
