/*
 * decode.h - a document of sigs.k8s.io/yaml as Go's encoding/json would put it into a struct, with the struct
 * as a table. Out comes a tree with the names as the table writes them, nulls left out, and every value of
 * its type, so that readers need to check nothing. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

enum kshape_kind {
	KSHAPE_STRING,
	KSHAPE_BOOL,
	KSHAPE_INT,
	KSHAPE_ANY,    /* left as it is */
	KSHAPE_LIST,   /* of `of` */
	KSHAPE_MAP,    /* of strings */
	KSHAPE_STRUCT, /* of `fields` */
};

struct kshape;

struct kshape_field {
	const char *name;
	const struct kshape *shape;
};

struct kshape {
	enum kshape_kind kind;
	const struct kshape *of;
	const struct kshape_field *fields; /* ended by a NULL name */
	bool pointer; /* a pointer in Go, behind which kdecode_lenient() makes no texts of numbers */
};

extern const struct kshape kshape_string, kshape_bool, kshape_int, kshape_any, kshape_strings, kshape_map;

/*
 * Go matches names whatever their letters' case is; so does this. Unknown fields are refused by their place
 * ("FILE:LINE: ..."). A null becomes nothing in a struct, and the empty value in a list or map.
 */
int kdecode(struct kbuild *b, const char *file, const struct node *in, const struct kshape *shape,
	    struct node **out, struct error *err);

/* The same as sigs.k8s.io/yaml.Unmarshal does it: unknown fields are left out, and numbers and booleans are
 * texts where these are asked for. */
int kdecode_lenient(struct kbuild *b, const char *file, const struct node *in, const struct kshape *shape,
		    struct node **out, struct error *err);
