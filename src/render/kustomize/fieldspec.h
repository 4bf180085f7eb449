/*
 * fieldspec.h - following a field spec into an object (upstream: api/filters/fieldspec and fsslice). Lists on
 * the way are gone through entry by entry; a part that ends in "[]" says that there is a list. What is
 * missing is made where the spec says `create`, else nothing happens. A null on the way ends it, but where
 * a field is made (or is to be a list) it becomes that. Room-internal.
 */
#pragma once

#include "render/kustomize/config.h"
#include "render/kustomize/gvk.h"
#include "render/kustomize/path.h"

/* What stands at the end of a path that has to be made. */
enum kfield_create {
	KFIELD_NEVER,
	KFIELD_UNTAGGED, /* a scalar; a null there becomes one without a tag */
	KFIELD_STRING,	 /* the same; a null there becomes one of tag !!str, !!int */
	KFIELD_INT,
	KFIELD_MAP,
};

struct kfield_part {
	struct str name;
	bool list;	   /* it ended in "[]" */
	const char *wrong; /* why it cannot be the name of a field, or NULL */
};

/* A field spec made ready. */
struct kfield {
	struct kgvk gvk;
	struct str path; /* as written */
	const struct kfield_part *parts;
	size_t n;
	bool create;
};

typedef VEC(struct kfield) kfields;

int kfield_ready(struct arena *a, const struct kfieldspec *spec, struct kfield *out, struct error *err);
/* All of them; in the arena but for the vector. */
int kfields_ready(struct arena *a, const kfieldspecs *specs, kfields *out, struct error *err);

/* What is done to each node that is found; it may be null. */
typedef int kfield_fn(void *ctx, struct node *n, struct error *err);

struct kfield_walk {
	const struct kwriter *w; /* what is made comes from there; may be NULL with KFIELD_NEVER */
	enum kfield_create create;
	kfield_fn *fn;
	void *ctx;
};

/* object: a whole one; gvk is its own. Nothing happens unless the spec selects it. */
int kfield_apply(const struct kfield_walk *walk, const struct kfield *field, const struct kgvk *gvk,
		 struct node *object, struct error *err);
