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

struct environments_raw_deliver {
	struct fields_place at; /* line 0: it is not there */
	const char *url, *branch, *path, *environment;
	bool review;
};

struct environments_raw {
	struct environment e; /* first, so that its place is the raw one's */
	struct environments_raw_render render;
	struct environments_raw_deliver deliver;
};

struct environments_raw_file {
	struct fields_place at;
	struct environments_raw *list;
	size_t n;
	struct environments_program *renderers;
	size_t n_renderers;
	struct environments_allowance *allow_secrets;
	size_t n_allow_secrets;
	struct environments_build *builds;
	size_t n_builds;
	struct environments_raw_deliver deliver;
	struct environments_image *images;
	size_t n_images;
};

/* Members of a table's line: where in the struct a value goes, and its count. */
#define AT(T, f) .at = offsetof(struct T, f)
#define LIST_AT(T, f, count) .at = offsetof(struct T, f), .n = offsetof(struct T, count)
#define NOT_KEPT .at = FIELD_NOWHERE, .n = FIELD_NOWHERE

/* Every struct of a record begins as struct fields_place does. */
#define PLACED(T)                                                                                   \
	_Static_assert(offsetof(struct T, line) == offsetof(struct fields_place, line) &&           \
			       offsetof(struct T, column) == offsetof(struct fields_place, column), \
		       #T " must begin with name, line and column")
extern const struct field_record environments_record;
extern const struct field_record environments_kustomize_record; /* `kustomize` of an environment */
extern const struct field_record environments_build_record;
extern const struct field_record environments_deliver_record;
extern const struct field_record environments_image_record;

/* What no table can say of builds; what is left out there gets its default. */
void environments_settle_builds(struct fields_reader *r, struct environments_build *builds, size_t n);
/* NULL: it is not there, or wrong. path: for complaints, "environments.prod.deliver". */
const struct environments_deliver *environments_settle_deliver(struct fields_reader *r, const char *path,
							       const struct environments_raw_deliver *raw);
/* The same of images; maps: `images`, as many as e has. */
void environments_settle_images(struct fields_reader *r, struct environments *e, const struct node *maps);
