/* replacement.h - what the files of ReplacementTransformer share. Room-internal. */
#pragma once

#include "render/kustomize/path.h"
#include "render/kustomize/select.h"

#define KREPLACEMENTS_MAX 10000u /* of one transformer */
/* What one target gets. A source that is its own target grows with each, at worst to double its size. */
#define KREPLACE_NODES_MAX 1000000u
#define KREPLACE_TEXT_MAX (16u << 20)

struct kreplace_options {
	struct str delimiter; /* "" : the whole field */
	int64_t index;	      /* which part between delimiters */
	bool create;
};

struct kreplace_source {
	struct str group, version, kind, name, namespace; /* "" fits any */
	struct str field_path;
	struct kreplace_options options;
	uint32_t line;
};

struct kreplace_target {
	struct kselector select;
	bool selects; /* false: `select` is missing */
	VEC(struct kselector) reject;
	VEC(struct str) field_paths;
	struct kreplace_options options;
	uint32_t line;
};

struct kreplacement {
	const struct kreplace_source *source; /* or NULL */
	const struct node *value;	      /* sourceValue, or NULL */
	VEC(struct kreplace_target) targets;
	bool targeted; /* there is a list of targets, though it may be empty */
	const char *file;
	uint32_t line;
};

typedef VEC(struct kreplacement) kreplacements;

/* Reads `replacements:` of the configuration, and the files that it names. */
int kreplacements_read(const struct ktransform_call *call, kreplacements *out, struct error *err);
void kreplacements_release(kreplacements *list);

/*
 * Sets fields inside of a scalar whose text is JSON or YAML, and prints it again. w writes; making what
 * is missing is allowed when `create`. 0; 1: path leads to no such scalar, or that cannot be done: nothing
 * has changed.
 */
int kreplace_in_text(const struct kwriter *w, const char *file, struct node *object, const struct kpath *path,
		     const struct node *value, bool create);
