/* validate.h - the walk through an object and its schema, shared by validate.c, limits.c and api.c.
 * Room-internal. */
#pragma once

#include "check/parts.h"

/* A step of the path from the root; lives on the stack. */
struct at {
	const struct at *up; /* NULL: the root */
	const struct node *node;
	const struct node *parent; /* the map that the value is in, when in_map */
	struct str key;
	size_t index; /* of the pair or the item */
	bool in_map;
	const struct schema *schema;
};

struct walk {
	const struct subject *s;
	uint8_t mask;	/* of the minor */
	bool quiet;	/* only whether it fits is asked: alternatives of a schema */
	bool encrypted; /* by SOPS, in place: what it holds is known when it is decrypted */
	bool failed;
	size_t steps;
	unsigned depth;
};

void walk_value(struct walk *w, const struct schema *s, const struct node *n, const struct at *at);
/* limits.c: what CustomResourceDefinitions ask for beyond types. */
void check_limits(struct walk *w, const struct schema *s, const struct node *n, const struct at *at);

void bad_value(struct walk *w, const struct node *n, const struct at *at, const char *text);

/* api.c: "1.36 and later", "versions up to 1.35"; lives in a. */
const char *minors_text(struct arena *a, uint8_t mask);
