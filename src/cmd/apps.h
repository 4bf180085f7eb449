/*
 * apps.h - App objects as the commands need them: found, listed, patched, and judged in a few words.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/print_status.h"

/* A request about one App (name "" with KUBE_LIST); fill in the rest. */
struct kube_request apps_request(enum kube_verb verb, const char *namespace, const char *name);

/* 0, -1, or 1: there is no such App (err says so, with what to do). */
int apps_get(struct cluster *c, struct arena *a, const char *name, struct node **out, struct error *err);
/* All of the namespace, or of all namespaces; out is a list node of objects. */
int apps_list(struct cluster *c, struct arena *a, bool everywhere, struct node **out, struct error *err);
/* "App" or "Repo", of a namespace or ("") of all. -1, or 1: err says that it is not allowed. */
int apps_list_kind(struct cluster *c, struct arena *a, const char *kind, const char *namespace,
		   struct node **out, struct error *err);
/* Those that the command line names; all of the namespace (or of all, with -A) when it names none. */
int apps_named(struct cluster *c, struct arena *a, struct node **out, struct error *err);
/* Deletes it; orphan: its objects stay, and its deletionPolicy says so first, since whoever sees the deletion
 * must know it already. 0 also when it is gone. */
int apps_delete(struct cluster *c, const struct node *app, bool orphan, struct error *err);
/* A merge patch; the answer's object in *out unless that is NULL. */
int apps_patch(struct cluster *c, struct arena *a, const char *namespace, const char *name, const char *body,
	       struct node **out, struct error *err);
/* Applies one merge patch to every operand and says "app/NAME WORD" of each; all are tried. Returns an exit
 * code. */
int apps_patch_operands(struct cli *cli, const char *body, const char *word);

const struct node *apps_condition(const struct node *app, const char *type); /* NULL: absent */
bool apps_ready(const struct node *app); /* Ready is True, and about the present generation */
/* One row of the table; texts are those of the object or of a. */
void apps_row(struct arena *a, const struct node *app, int64_t now_ms, struct status_row *out);
const char *apps_text(struct arena *a, const struct node *n); /* NUL-terminated, "" when absent */
/* One App or a List of them, as -o says, without what only Capstan itself reads. Changes the tree. */
void apps_print(const struct cli *cli, struct node *app);
