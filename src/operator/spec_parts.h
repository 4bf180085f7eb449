/* spec_parts.h - what spec.c and spec_render.c share. */
#pragma once

#include "operator/spec.h"

/* The duration at a path of root; err names the path. */
int spec_duration(const struct node *root, const char *path, int64_t otherwise, int64_t *out,
		  struct error *err);
int spec_read_render(struct arena *a, const struct node *object, struct app_spec *out, struct error *err);
