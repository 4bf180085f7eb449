/*
 * objects.h - the objects of one environment as they see each other: by kind and name, what they provide, and
 * the pods that they make. Room-internal.
 */
#pragma once

#include "check/parts.h"

/* Comparisons of names, labels and ports in one environment that are not lookups; then the rest is let be. */
#define OBJECTS_STEPS_MAX 20000000u

/* A pod template (or a Pod) of an object. */
struct pods {
	const struct subject *s;
	struct str namespace;
	const char *path;		  /* of spec in the object: "spec.template.spec" */
	const struct node *spec, *labels; /* labels may be NULL */
};

/* The lists of a pod's containers. */
enum { CONTAINER_LISTS = 3 };
extern const char *const container_lists[CONTAINER_LISTS];

struct objects {
	struct check *c;
	const struct check_environment *env;
	struct subject *subjects; /* one for each object of env, in order */
	struct map by_name;	  /* "kind\nnamespace\nname" -> const struct subject */
	struct map provided; /* the same of what controllers make of an object, -> the subject that they make
				it of */
	struct map namespaces; /* of Namespaces, and those that need none; -> any pointer */
	struct map with_pods;  /* namespaces that have pods -> any pointer */
	struct map by_label;   /* "namespace\nkey\nvalue" -> struct pod_list */
	VEC(struct pods) pods;
	size_t steps;
	struct arena a; /* as long as this */
};

void objects_init(struct objects *o, struct check *c, const struct check_environment *e);
void objects_release(struct objects *o);
/* Counts a comparison; false: OBJECTS_STEPS_MAX are over. */
bool objects_step(struct objects *o);

/* NULL: there is none of that name. One of Kubernetes' own groups comes before a custom kind of the same
 * name. */
const struct subject *objects_get(const struct objects *o, const char *kind, struct str namespace,
				  struct str name);
/* Whether an object, or what a controller makes of one, has that kind and name. */
bool objects_provide(const struct objects *o, const char *kind, struct str namespace, struct str name);
/* Whether the subject says that others provide it (annotation CHECK_EXTERNAL). */
bool objects_external(const struct subject *s, const char *kind, struct str name);

/*
 * Pods of a namespace that a selector matches: the first `max` of them; returns how many. labels and
 * expressions (matchExpressions) may be NULL; both empty match all.
 */
size_t objects_select(struct objects *o, struct str namespace, const struct node *labels,
		      const struct node *expressions, const struct pods **out, size_t max);
bool objects_has_pods(const struct objects *o, struct str namespace);
/* Whether labels match a selector. */
bool labels_match(const struct node *labels, const struct node *want, const struct node *expressions);

/* Each looks at a whole environment. */
void collisions_check(struct objects *o);
void references_check(struct objects *o);
void selectors_check(struct objects *o);
void ports_check(struct objects *o);
void secret_objects_check(struct objects *o);
