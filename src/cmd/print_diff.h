/*
 * print_diff.h - what `capstan diff` shows: git against the cluster, and who changed the cluster since.
 *
 * Values of Secrets are never printed, whatever their form: each key is only said to be changed, added or
 * removed.
 */
#pragma once

#include "base/arena.h"
#include "cmd/style.h"
#include "doc/node.h"

struct diff_object {
	const char *name;	    /* "Deployment web/api" */
	const char *place;	    /* "shop/api.yaml:14"; "" when git has it no more */
	const struct node *git;	    /* what git asks for; NULL: not in git */
	const struct node *cluster; /* the fields of the live object that matter; NULL: not in the cluster */
	const struct node *live;    /* the whole live object, for metadata.managedFields; or NULL */
};

/* Prints one object's difference; false when there is none (nothing is printed then). */
bool print_diff(FILE *out, const struct style *style, const struct diff_object *object);

struct diff_author {
	struct str manager, operation, time; /* borrowed from the object; time RFC 3339 */
};

/*
 * Who last wrote to the object other than `ours` and the controllers that write status only, newest first; at
 * most max. Texts are those of the object.
 */
size_t diff_authors(const struct node *live, const char *ours, struct diff_author *out, size_t max);
