/* normalise.h - what server-side apply needs before it is handed an object (apply-semantics: Apply, 1). */
#pragma once

#include "base/error.h"
#include "render/render.h"

/* Changes object->root in place (memory from a). err: what is wrong with the object; *at: which part of it.
 */
int normalise(struct arena *a, struct render_object *object, const struct node **at, struct error *err);
