/*
 * exec.h - programs as renderers, the pure part: what a program is to read, by what its output is remembered,
 * and what becomes of what it printed. Who runs it is above (operator/exec_render.h).
 */
#pragma once

#include "base/error.h"
#include "render/render.h"
#include "render/tree.h"

/* Caps; each breach is an error that names the cap. */
#define EXEC_FILES_MAX 20000u	     /* files of the copy of the tree */
#define EXEC_TREE_MAX (256ull << 20) /* bytes of all of them */
#define EXEC_DEPTH_MAX 64u	     /* directories in directories */
#define EXEC_LINES_MAX 20u	     /* lines of stderr that are shown: the last ones */
#define EXEC_LINE_MAX 300u	     /* bytes of one */

struct exec_spec {
	/* argv[0]: a name of PATH, an absolute path, or with a '/' a path from the directory ("./render.sh").
	 */
	const char *const *argv;
	const char *const *env;	   /* NULL-terminated "K=V", or NULL */
	const char *const *inputs; /* more paths from the directory that it reads ("../lib"), or NULL */
	struct str input;	   /* its stdin */
	int64_t timeout_ms;	   /* this and the next: 0 is the default of io/confine.h */
	uint64_t memory_bytes, disk_bytes;
	size_t output_max;
	uint32_t pids_max;
};

struct exec_file {
	const char *path; /* in the copy */
	struct str data;
	bool executable; /* it begins as a script or a program of this machine does: trees know no modes */
};

struct exec_tree {
	struct exec_file *files; /* sorted by bytes of path */
	size_t n;
	const char *dir; /* where in the copy the program runs; "": its root */
};

/*
 * What the program gets: all below dir (a path of tree) and the spec's inputs, but for .git, with links
 * followed. The copy's root is the directory that has them all. Memory from a, or the tree's.
 */
int exec_tree_read(struct arena *a, const struct render_tree *tree, const char *dir,
		   const struct exec_spec *spec, struct exec_tree *out, struct error *err);

/* By what its output is known: all that it reads. identity: which program it is (file, size, time). */
struct hash exec_key(const struct exec_spec *spec, const struct exec_tree *tree, struct str identity);

/*
 * The last lines of stderr, fit to be shown: without control characters and escape sequences, each cut at
 * EXEC_LINE_MAX, as UTF-8. Returns how many; *lines in a.
 */
size_t exec_lines(struct arena *a, struct str text, const char ***lines);

/*
 * What it printed, read as plain manifests are, and warnings as warnings of their own. name: for messages,
 * "output of cue". in->templates and in->origins count as for plain manifests; its files do not.
 */
void render_exec(struct arena *a, const char *name, struct str output, const char *const *warnings,
		 size_t n_warnings, const struct render_input *in, struct render_output *out);
