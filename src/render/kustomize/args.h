/*
 * args.h - reading what a transformer is told: fields of a map that JSON decoding would fill a Go struct
 * with. Keys are found in any case (as encoding/json does), null counts as absent, and a value of another
 * type is an error that names the place. Room-internal.
 */
#pragma once

#include "render/kustomize/config.h"

/* The value of key in map, or NULL: not there, or null. */
const struct node *karg(const struct node *map, const char *key);

/* *out keeps its value when key is not there. file: as shown to people. */
int karg_string(const char *file, const struct node *map, const char *key, struct str *out,
		struct error *err);
int karg_bool(const char *file, const struct node *map, const char *key, bool *out, struct error *err);
int karg_int(const char *file, const struct node *map, const char *key, int64_t *out, struct error *err);
/* *out: the map, list, or NULL when it is not there. */
int karg_map(const char *file, const struct node *map, const char *key, const struct node **out,
	     struct error *err);
int karg_list(const char *file, const struct node *map, const char *key, const struct node **out,
	      struct error *err);

/* `fieldSpecs: [...]`, appended to out. strict: other fields than those of a field spec are refused. */
int karg_fieldspecs(const char *file, const struct node *list, bool strict, kfieldspecs *out,
		    struct error *err);
