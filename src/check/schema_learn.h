/* schema_learn.h - from a JSON schema in a document to a struct schema. Room-internal. */
#pragma once

#include "check/schema.h"

struct learn {
	struct schemas *s;
	schema_say_fn *say;
	void *ctx;
	const struct map *refs; /* name of a $ref -> struct schema, or NULL */
	bool preserve; /* objects let unknown fields through wherever they are (v1beta1 definitions) */
	bool full;     /* SCHEMA_NODES_MAX was said */
};

/* Never NULL. What is not understood lets everything through. */
const struct schema *learn_schema(struct learn *l, const struct node *n);
void learn_into(struct learn *l, const struct node *n, struct schema *out);
/* Gives an object's schema apiVersion, kind and metadata, which its author need not write. */
void learn_object_fields(struct schemas *s, struct schema *out);
/* Registers a kind; false: SCHEMA_KINDS_MAX. */
bool learn_kind(struct schemas *s, const struct schema_kind *kind);

void schema_key(struct buf *key, struct str group, struct str version, struct str kind);
