/*
 * exec_render.h - runs a program as a renderer: on a copy of the tree, confined (io/confine.h), its output
 * kept by what it read. Blocking, for worker threads; any number of them at the same time.
 */
#pragma once

#include "io/confine.h"
#include "render/exec.h"

struct exec_render {
	/* Which programs may run: names of PATH, absolute paths, or paths from the directory ("./render.sh").
	 */
	const char *const *allowed;
	size_t n_allowed;
	bool any;		 /* all, whatever allowed says: a person's own command line */
	const char *cache_dir;	 /* made when it is absent, its parent is not; NULL: nothing is kept */
	const char *scratch;	 /* as in struct confine_spec */
	const char *const *show; /* as in struct confine_spec */
	enum confine_policy policy;
};

struct exec_output {
	struct str text;       /* stdout */
	const char **warnings; /* lines of stderr, fit to be shown */
	size_t n_warnings;
	bool cached;
};

/*
 * Before the first program: removes what killed processes left, and finds out what confines a program here.
 * text: that, for a log or a person. -1: policy refuses to run programs on this machine; err says what it
 * takes.
 */
int exec_render_begin(const struct exec_render *r, struct buf *text, struct error *err);

/*
 * Whether argv0 may run: 0, or -1 and how to allow it. A name and an absolute path mean the same program when
 * the name is found there in PATH; a path from the directory is allowed as it is written.
 */
int exec_allowed(const char *const *allowed, size_t n, const char *argv0, struct error *err);

/*
 * dir: where in the tree it runs. -1: it may not run, could not, failed or was ended; err says which, with
 * the last line of its stderr. A failure is never kept. Memory from a.
 */
int exec_render(const struct exec_render *r, struct arena *a, const struct render_tree *tree, const char *dir,
		const struct exec_spec *spec, struct exec_output *out, struct error *err);
