/* place.h - where a path of a commit leads, through links and submodules; for files in repo/ only. */
#pragma once

#include "repo/objects.h"

struct place {
	git_tree *root;	     /* of the repository or submodule it lies in; owned */
	struct buf at;	     /* its path from there with no link in it; "" is the root itself */
	struct buf inside;   /* where that root lies, seen from the one the search began in; "" is that one */
	git_oid oid;	     /* of the tree or blob */
	git_filemode_t mode; /* a tree or a blob; a link is followed, a submodule is its tree */
	unsigned links;	     /* links that were followed */
};

enum {
	PLACE_MISSING = 1, /* nothing is there */
	PLACE_OUTSIDE,	   /* the path leaves the repository, or the submodule it has entered */
	PLACE_CIRCLE,	   /* more than TREE_LINKS_MAX links */
	PLACE_SUBMODULE,   /* it leads into a submodule that was not fetched */
	PLACE_DAMAGED,	   /* objects on the way cannot be read */
};

/* target is read from directory dir (a path without links) below root. out is to be released whatever is
 * returned. */
int place_find(struct objects *o, git_tree *root, const char *dir, struct str target, struct place *out);
void place_release(struct place *p);
