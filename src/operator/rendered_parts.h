/* rendered_parts.h - what rendered*.c share. */
#pragma once

#include "operator/rendered.h"

/* Type environment. As rendered_objects(); -1: it cannot be rendered, err says why. */
int rendered_environment(struct arena *a, const struct rendered_request *request, struct render_output *out,
			 struct error *err);
