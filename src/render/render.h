/*
 * render.h - files in, objects out. Pure: no I/O, no clock, no cluster; the same input gives
 * the same output.
 *
 * A render cannot fail as a whole: what can be read is in `objects`, what cannot is in `diags`,
 * each with its place. A caller that must not act on half a render looks at n_errors.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"
#include "doc/node.h"

/* Caps against hostile trees; each breach is an error that names the cap. */
#define RENDER_FILE_MAX (16u << 20) /* bytes of one file */
#define RENDER_OBJECTS_MAX 100000u  /* objects of one render */
#define RENDER_DIAGS_MAX 1000u	    /* diagnostics kept; the rest is counted in the last one */
#define RENDER_LIST_DEPTH_MAX 8u    /* `List` objects inside `List` objects */

struct origins;

enum render_type {
	RENDER_AUTO, /* kustomize where the directory has a kustomization file, else plain */
	RENDER_PLAIN,
	RENDER_KUSTOMIZE,
	RENDER_EXEC,	    /* what a program prints */
	RENDER_ENVIRONMENT, /* as an environment of capstan.yaml says */
};

/* "auto", "plain", ...; false: none is called so. */
bool render_type_read(struct str name, enum render_type *out);
const char *render_type_name(enum render_type type);

bool render_is_manifest(struct str path); /* *.yaml, *.yml, *.json */

struct render_file {
	const char *path; /* relative to the repository root, for messages */
	struct str data;
};

/* Files in any order: they are read in the byte order of their paths. */
struct render_input {
	const struct render_file *files;
	size_t n;
	const char
		*root; /* the app's folder: names below it decide what is hidden; NULL: the repository root */
	bool templates; /* render_substitute() comes next: names with ${...} in them are checked there */
	struct origins *origins; /* or NULL: where values come from is not kept */
};

enum render_severity {
	RENDER_WARNING,
	RENDER_ERROR,
};

struct render_diag {
	enum render_severity severity;
	const char *file;
	uint32_t line, column; /* 1-based; 0: not known */
	const char *text;      /* what is wrong and what to do; without file and place */
	const char *object;    /* "Deployment shop/api" when it concerns one object, else NULL */
	bool duplicate;	       /* an object that is there twice */
};

/* One object that can be applied: kind, version and name are there and well-formed. */
struct render_object {
	struct str group, version, kind; /* "apps/v1" -> "apps", "v1"; "v1" -> "", "v1" */
	struct str namespace;		 /* metadata.namespace as written; "" when absent */
	struct str name;
	const char *file;
	uint32_t line; /* where the object starts */
	struct node *root;
};

struct render_output {
	struct render_object *objects; /* in file and document order; (group, kind, namespace, name) unique */
	size_t n;
	struct render_diag *diags; /* in file order */
	size_t n_diags;
	const struct origins *origins; /* where values come from (doc/origin.h); NULL: their object's file */
	size_t n_errors; /* RENDER_ERROR among all that were found, also those over RENDER_DIAGS_MAX */
};

/*
 * Plain manifests: every *.yaml, *.yml and *.json is read; other files, and files or folders below
 * the root whose name starts with a dot, are ignored. A kustomization file is skipped with a warning.
 * Paths and texts of the output live in a, or are those of the input.
 */
void render_plain(struct arena *a, const struct render_input *in, struct render_output *out);

/* What is hashed, compared and sent: compact JSON, keys sorted by bytes. Lives in a. */
struct str render_encode(struct arena *a, const struct render_object *object);
struct hash render_hash(const struct render_object *object); /* of render_encode() */

/* "shop/api.yaml:14:3: error: Deployment shop/api: text", as a person reads a diagnostic. */
char *render_diag_text(struct arena *a, const struct render_diag *diag);

struct kustomize_options;
struct render_tree;

/*
 * A directory with a kustomization file, built (kustomize/kustomize.h), and its objects checked as those of
 * render_plain() are. What fails the build is one error with its place. 1: remote bases must be fetched
 * first; out is empty then. Else 0. templates: as in struct render_input.
 */
int render_kustomize(struct arena *a, const struct render_tree *tree, const char *dir,
		     const struct kustomize_options *options, bool templates, struct render_output *out);
