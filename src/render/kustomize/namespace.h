/* namespace.h - the namespace of one resource (upstream: api/filters/namespace). Room-internal. */
#pragma once

#include "render/kustomize/fieldspec.h"

/* Which subjects of role bindings get the namespace. */
enum ksubjects {
	KSUBJECTS_DEFAULT,  /* those named "default" */
	KSUBJECTS_ACCOUNTS, /* every ServiceAccount */
	KSUBJECTS_NONE,
};

struct knamespacing {
	struct str namespace;
	bool unset_only; /* values that are there stay */
	enum ksubjects subjects;
	kfields fields; /* more of them */
};

int knamespace_set(const struct kwriter *w, const struct knamespacing *how, struct kres *r,
		   struct error *err);
