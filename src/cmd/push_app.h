/*
 * push_app.h - the App of one environment that a push deploys directly: what it is to say, and what a person
 * or an earlier push made of it stays.
 */
#pragma once

#include "cmd/push_steps.h"

#define PUSH_LABEL "capstan.dev/pushed-by" /* on an App: the repository whose pushes it belongs to */
#define PUSH_ANNOTATION "capstan.dev/push" /* on an App: id of the push that wrote its spec last */
#define PUSH_FIELD_MANAGER "capstan-push"

/* The spec for a push, on top of what it was (NULL: none). Memory of the run. */
struct node *push_app_spec(struct push_run *run, const struct push_target *t, const struct node *before);
/* The whole object, when there is none yet. */
void push_app_create(struct push_run *run, const struct push_target *t, struct buf *out);
/*
 * A JSON patch that gives an App as it was read (generation, annotations) another spec (NULL: the one it has)
 * and `mark` as its annotation. It fails when somebody else was there first.
 */
void push_app_patch(struct arena *a, const struct node *app, const struct node *spec, const char *mark,
		    struct buf *out);

/* Which App of the repository is that environment's, by what it renders; or the one of that name. NULL: none.
 */
const struct node *push_app_find(const struct node *apps, const struct push_target *t);
/* Its annotation; "" when absent. */
struct str push_app_mark(const struct node *app);
