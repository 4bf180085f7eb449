/* hook_input.h - which refs are pushed where, from git itself or from the program pre-commit. */
#pragma once

#include "cmd/hook_refs.h"

struct hook_input {
	const char *remote, *url; /* of a remote that has no name both are the url; NULL: not known */
	struct hook_ref *refs;
	size_t n;
};

/* remote and url are set as the operands have them, NULL where there is none. */
int hook_input_read(struct arena *a, struct hook_input *in, struct error *err);

/* All of standard input; at most HOOK_REFS_TEXT_MAX bytes. */
int hook_input_text(struct buf *out, struct error *err);
