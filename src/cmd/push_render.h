/*
 * push_render.h - an environment of a pushed commit, rendered straight from its objects and checked as
 * `capstan check` does.
 */
#pragma once

#include "base/vec.h"
#include "check/check.h"
#include "cmd/push_steps.h"
#include "operator/trees.h"

struct push_render {
	struct arena arena;
	const char *git_dir, *sha;
	struct commit_tree *commit;
	struct render_tree under, tree;
	struct render_output output;
	struct origins origins;
	VEC(struct render_file) texts; /* all that was read, as it lies there: for secrets in plain text */
	bool passed; /* by a program, or with other repositories as bases: the operator alone can */
};

/* To be released whatever is returned. */
int push_render_open(struct push_render *r, const char *git_dir, const char *sha, struct error *err);
void push_render_close(struct push_render *r);

/* capstan.yaml of the commit; 1: there is none. Memory from a. */
int push_render_file(struct push_render *r, struct arena *a, struct environments *out, struct error *err);
bool push_render_has(struct push_render *r, const char *path);

int push_render_environment(struct push_render *r, const struct environment *e, struct error *err);
/* Objects and texts into c. namespace: of objects that name none. */
void push_render_check(struct push_render *r, struct check *c, const struct environment *e,
		       const char *namespace);
/* What the target needs later of its objects: images, where it answers. Memory of the run. */
void push_render_note(struct push_render *r, struct push_run *run, struct push_target *t);
