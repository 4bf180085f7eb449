/*
 * collect.h - where the renderers of this room put what they find: diagnostics, and objects that are
 * checked, flattened and unique. Room-internal.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "render/render.h"

struct render_collect {
	struct arena *a;
	VEC(struct render_object) objects;
	VEC(struct render_diag) diags;
	size_t n_errors, dropped_diags;
	struct origins *origins; /* or NULL: lines are those of the object's file */
	struct yaml_keys *keys;	 /* of all files (doc/yaml.h); NULL: of each */
	struct map seen;	 /* key of an object -> struct render_place, in the arena */
	bool full;		 /* RENDER_OBJECTS_MAX was said */
	bool templates;		 /* an identity with ${...} in it is not checked yet */
};

struct render_place {
	const char *file;
	uint32_t line;
};

/* object may be NULL; it lives in the arena or longer, as file does. NULL: one too many, it is only counted.
 * Valid until the next one. */
struct render_diag *collect_diag(struct render_collect *c, enum render_severity severity, const char *file,
				 uint32_t line, uint32_t column, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

/* A document's root: one object, or a list of them. What is wrong with it becomes diagnostics. */
void collect_document(struct render_collect *c, const char *file, struct node *root);

/* The documents of a text, and what is wrong with it. */
void collect_text(struct render_collect *c, const struct render_file *file);

/* Moves everything to out and releases c. */
void collect_finish(struct render_collect *c, struct render_output *out);
