/*
 * origin.h - where values come from: the file, and each step that touched them.
 *
 * A node has its line and column and, in `origin`, the number of an entry here, which names the file that
 * line is in, what put the value there, and what stood there before. A parser writes the entry of its file
 * into every node. A step that replaces a value gives the new one an entry of its own (it may keep its line,
 * which is then one of the patch), so that the way back is a walk through `before`.
 *
 * An entry is 32 bytes; only values that a step touched have one of their own. Texts are borrowed: they
 * live as long as the render's arena. Not to be shared by threads.
 */
#pragma once

#include "base/vec.h"
#include "doc/node.h"

#define ORIGINS_MAX 20000000u /* entries of one render; beyond it new values keep the entry of their file */

struct origin {
	const char *file;
	const char *step; /* "patch 3 of overlays/prod/kustomization.yaml"; NULL: as the file has it */
	uint32_t before;  /* entry of what stood there; 0: nothing did */
	uint32_t before_line, before_column;
};

struct origins {
	VEC(struct origin) at; /* the first one is not used: 0 means not known */
};

void origins_release(struct origins *o);

/* The entry of a file. `o` may be NULL here and below: then nothing is kept, and 0 comes back. */
uint32_t origin_file(struct origins *o, const char *file);

/*
 * The entry of a value that `step` put there, which comes from `file` (of which the new node has its line).
 * before: the node that it replaces, or NULL. Equal calls with no `before` may be answered by one entry.
 */
uint32_t origin_step(struct origins *o, const char *file, const char *step, const struct node *before);

/* NULL: not known. */
const struct origin *origin_get(const struct origins *o, uint32_t entry);

/* The file that the line of n is in, or otherwise. */
const char *origin_file_of(const struct origins *o, const struct node *n, const char *otherwise);
