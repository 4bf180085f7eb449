/*
 * nameref.h - finding the resource that a name refers to (nameref_find.c), for nameref.c. Room-internal.
 *
 * Only resources that had another name once are ever found. They are indexed by that, their kind and their
 * namespace, so that neither many names nor the same ones in many namespaces make it slow.
 */
#pragma once

#include "base/map.h"
#include "render/kustomize/fieldspec.h"

struct nameref_candidate {
	struct kres *res;
	struct kid id;				  /* the present one */
	struct str namespace, original_namespace; /* effective ones */
};

struct nameref_index {
	struct kbuild *b;
	VEC(struct nameref_candidate) candidates; /* in the order of the set */
	/* Chains of candidates by an earlier kind and an earlier name, and ... */
	struct map by_name;
	struct map by_place;  /* ... the namespace they are in */
	struct map by_origin; /* ... the namespace they were in at first; made when it is needed */
	bool origins_known;
	struct map namespaces; /* by the latter alone */
};

void nameref_index_init(struct nameref_index *index, struct kbuild *b, const struct kresmap *m);
void nameref_index_release(struct nameref_index *index);

struct nameref_search {
	struct nameref_index *index;
	struct kres *referrer;
	struct kid id; /* its present one */
	struct str namespace;
	/* Of a RoleBinding: namespaces of the ServiceAccounts among its subjects, which it may refer to. */
	struct str *more_namespaces;
	size_t n_more;
	struct kgvk role; /* of a roleRef: what it says it refers to */
	bool has_role;
	/* Set before each search: */
	const struct kgvk *target;
	bool of_role;
};

int nameref_search_begin(struct nameref_search *s, struct nameref_index *index, struct kres *referrer,
			 struct error *err);

/*
 * *out: the resource of s->target's kind that was called `name` and that the referrer can mean, or NULL.
 * in_map: the name stands in a map, and so the namespace is set with it; namespace: the node beside it there,
 * or NULL. -1: there are several, and they are called differently now.
 */
int nameref_find(const struct nameref_search *s, struct str name, bool in_map, const struct node *namespace,
		 struct kres **out, struct error *err);
