/* type.c - names of the types of render. */
#include "render/render.h"

static const char *const names[] = {
	[RENDER_AUTO] = "auto",
	[RENDER_PLAIN] = "plain",
	[RENDER_KUSTOMIZE] = "kustomize",
	[RENDER_EXEC] = "exec",
	[RENDER_ENVIRONMENT] = "environment",
};

bool render_type_read(struct str name, enum render_type *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!str_is(name, names[i]))
			continue;
		*out = (enum render_type)i;
		return true;
	}
	return false;
}

const char *render_type_name(enum render_type type)
{
	return names[type];
}
