/* environments_table.h - the fields of capstan.yaml, and what the reader makes of them first. Room-internal.
 */
#pragma once

#include "render/environments.h"
#include "render/fields.h"

struct environments_raw_render {
	struct environments_program program; /* its name is not used; place: of `render` */
	int type;			     /* RENDER_* + 1; 0: not said */
	const char *renderer;
};

struct environments_raw {
	struct environment e; /* first, so that its place is the raw one's */
	struct environments_raw_render render;
};

struct environments_raw_file {
	struct fields_place at;
	struct environments_raw *list;
	size_t n;
	struct environments_program *renderers;
	size_t n_renderers;
	struct environments_allowance *allow_secrets;
	size_t n_allow_secrets;
};

extern const struct field_record environments_record;
extern const struct field_record environments_kustomize_record; /* `kustomize` of an environment */
