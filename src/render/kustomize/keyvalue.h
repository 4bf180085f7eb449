/* keyvalue.h - keys and values of generated ConfigMaps and Secrets. Room-internal. */
#pragma once

#include "render/kustomize/build.h"

#define KEYVALUE_LINE_MAX \
	65535u /* bytes of a line of an env file: upstream drops what follows a longer one */

struct keyvalue {
	struct str key, value;
	const char *file; /* that it is from, and where in there */
	uint32_t line, column;
};

typedef VEC(struct keyvalue) keyvalues;

/*
 * What args (an entry of configMapGenerator or secretGenerator) name in envs, literals and files, sorted by
 * key, appended to out. file: that args' lines are in. -1: a file cannot be read, a source is malformed, a
 * key is there twice.
 */
int keyvalues_load(struct kbuild *b, const struct kroot *root, const struct node *args, const char *file,
		   keyvalues *out, struct error *err);

/* The lines of one env file; shown is its name. */
int keyvalues_env(const char *shown, struct str text, keyvalues *out, struct error *err);
