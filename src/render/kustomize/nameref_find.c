/* nameref_find.c - see nameref.h. */
#include "render/kustomize/nameref.h"

#include <stdlib.h>

/* Positions of candidates, ascending. */
struct nameref_chain {
	VEC(uint32_t) at;
};

typedef VEC(const struct nameref_candidate *) found_list;

/* --- the index --- */

static void chain_add(struct nameref_index *index, struct map *map, struct str key, uint32_t position)
{
	struct nameref_chain *chain = map_get(map, key);
	if (!chain) {
		chain = arena_new(index->b->a, struct nameref_chain);
		map_put(map, key, chain);
	}
	if (chain->at.n == 0 || chain->at.at[chain->at.n - 1] != position)
		vec_push(&chain->at, position);
}

/* kind, name and namespace; NUL stands in none of them. */
static struct str key_of(struct buf *key, struct str kind, struct str name, struct str namespace)
{
	buf_clear(key);
	buf_add_str(key, kind);
	buf_addc(key, '\0');
	buf_add_str(key, name);
	buf_addc(key, '\0');
	buf_add_str(key, namespace);
	return buf_str(key);
}

/* Upstream asks for the kind and for the name each for itself: they may be of different times. */
static void index_names(struct nameref_index *index, const struct nameref_candidate *c, struct str kind,
			uint32_t position, struct buf *key)
{
	for (size_t i = 0; i < c->res->previous.n; i++) {
		struct str name = c->res->previous.at[i].name;
		if (i && str_eq(name, c->res->previous.at[i - 1].name))
			continue;
		chain_add(index, &index->by_name, key_of(key, kind, name, STR("")), position);
		chain_add(index, &index->by_place, key_of(key, kind, name, c->namespace), position);
	}
}

/* Few objects name a namespace beside a name, so this one is made when the first of them is met. */
static void index_origins(struct nameref_index *index)
{
	struct buf key = BUF_INIT;
	index->origins_known = true;
	for (size_t i = 0; i < index->candidates.n; i++) {
		const struct nameref_candidate *c = &index->candidates.at[i];
		for (size_t k = 0; k < c->res->previous.n * c->res->previous.n; k++) {
			struct str kind = c->res->previous.at[k / c->res->previous.n].kind;
			struct str name = c->res->previous.at[k % c->res->previous.n].name;
			chain_add(index, &index->by_origin, key_of(&key, kind, name, c->original_namespace),
				  (uint32_t)i);
		}
	}
	buf_release(&key);
}

static void index_add(struct nameref_index *index, struct kres *r, struct buf *key)
{
	struct nameref_candidate c = { .res = r, .id = kres_id(index->b, r) };
	struct kid original = kres_original_id(index->b, r);
	uint32_t position = (uint32_t)index->candidates.n;
	c.namespace = kid_effective_namespace(&c.id);
	c.original_namespace = kid_effective_namespace(&original);
	vec_push(&index->candidates, c);
	chain_add(index, &index->namespaces, c.original_namespace, position);
	for (size_t i = 0; i < r->previous.n; i++) {
		struct str kind = r->previous.at[i].kind;
		if (i == 0 || !str_eq(kind, r->previous.at[i - 1].kind))
			index_names(index, &c, kind, position, key);
	}
}

void nameref_index_init(struct nameref_index *index, struct kbuild *b, const struct kresmap *m)
{
	struct buf key = BUF_INIT;
	*index = (struct nameref_index){ .b = b };
	vec_reserve(&index->candidates, m->list.n);
	for (size_t i = 0; i < m->list.n; i++)
		index_add(index, m->list.at[i], &key);
	buf_release(&key);
}

static void release_chains(struct map *map)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(map, &i));)
		vec_release(&((struct nameref_chain *)e->value)->at);
	map_release(map);
}

void nameref_index_release(struct nameref_index *index)
{
	vec_release(&index->candidates);
	release_chains(&index->by_name);
	release_chains(&index->by_place);
	release_chains(&index->by_origin);
	release_chains(&index->namespaces);
}

/* --- the referrer --- */

static bool is_text(const struct node *n)
{
	return n && n->type == NODE_STRING && n->style != NODE_TIMESTAMP;
}

/* Upstream: getNamespacesForRoleBinding; what it panics of is an error here. */
static int subject_namespace(struct nameref_search *s, const struct node *subject, struct error *err)
{
	const struct node *namespace = node_get(subject, "namespace"), *kind = node_get(subject, "kind");
	if (subject->type != NODE_MAP)
		return error_set(err, "a subject must be a map with kind and name");
	if (!namespace || !kind)
		return 0;
	if (!is_text(kind))
		return error_set(err, "kind of a subject must be a text");
	if (!str_is(kind->text, "ServiceAccount"))
		return 0;
	if (!is_text(namespace))
		return error_set(err,
				 "namespace of a ServiceAccount must be a text: it is blank, or no text");
	s->more_namespaces[s->n_more++] = namespace->text;
	return 0;
}

static int subject_namespaces(struct nameref_search *s, struct error *err)
{
	const struct kres *r = s->referrer;
	const struct node *subjects = node_get(r->root, "subjects");
	if (!str_is(kres_kind(r), "RoleBinding") || !subjects || subjects->type != NODE_SEQ)
		return 0;
	s->more_namespaces = arena_array(s->index->b->a, struct str, subjects->seq.n);
	for (size_t i = 0; i < subjects->seq.n; i++)
		if (subject_namespace(s, subjects->seq.items[i], err))
			return error_wrap(err, "%s:%u: %.*s %.*s: subjects", r->file, r->line,
					  STR_ARG(kres_kind(r)), STR_ARG(kres_name(r)));
	return 0;
}

static void read_role(struct nameref_search *s)
{
	const struct node *role = node_get(s->referrer->root, "roleRef");
	const struct node *group = node_get(role, "apiGroup"), *kind = node_get(role, "kind");
	s->has_role = group && kind;
	s->role = (struct kgvk){ kvalue_text(group), { "", 0 }, kvalue_text(kind) };
}

int nameref_search_begin(struct nameref_search *s, struct nameref_index *index, struct kres *referrer,
			 struct error *err)
{
	*s = (struct nameref_search){ .index = index, .referrer = referrer };
	s->id = kres_id(index->b, referrer);
	s->namespace = kid_effective_namespace(&s->id);
	read_role(s);
	return s->id.cluster_scoped ? 0 : subject_namespaces(s, err);
}

/* --- who can be meant --- */

/* Upstream: SubsetThatCouldBeReferencedByResource. */
static bool in_reach(const struct nameref_search *s, const struct nameref_candidate *c)
{
	if (s->id.cluster_scoped || c->id.cluster_scoped || str_eq(c->namespace, s->namespace))
		return true;
	for (size_t i = 0; i < s->n_more; i++)
		if (str_eq(c->id.namespace, s->more_namespaces[i]))
			return true;
	return false;
}

static bool was_selected(const struct nameref_search *s, const struct nameref_candidate *c,
			 const struct kgvk *selector)
{
	for (size_t i = 0; i < c->res->previous.n; i++) {
		struct kid id = kres_previous_id(s->index->b, c->res, i);
		struct kgvk gvk = kgvk_of_id(&id);
		if (kgvk_selected(&gvk, selector))
			return true;
	}
	return false;
}

static bool same_namespace(const struct nameref_search *s, const struct nameref_candidate *c)
{
	return s->id.cluster_scoped || c->id.cluster_scoped || str_is(c->id.kind, "ServiceAccount") ||
	       str_eq(c->namespace, s->namespace);
}

/* In which namespace a name with one beside it is looked for: where things came from, else where they are. */
struct within {
	bool any, original;
	struct str namespace;
};

static struct within within_of(const struct nameref_search *s, const struct node *namespace)
{
	if (!namespace)
		return (struct within){ .any = true };
	struct within w = { .namespace = kvalue_text(namespace) };
	const struct nameref_chain *chain = map_get(&s->index->namespaces, w.namespace);
	for (size_t i = 0; chain && i < chain->at.n && !w.original; i++)
		w.original = in_reach(s, &s->index->candidates.at[chain->at.at[i]]);
	return w;
}

static bool is_within(const struct within *w, const struct nameref_candidate *c)
{
	if (w->any)
		return true;
	return str_eq(w->original ? c->original_namespace : c->namespace, w->namespace) &&
	       !str_is(w->namespace, "_non_namespaceable_");
}

static void consider(const struct nameref_search *s, const struct within *within,
		     const struct nameref_candidate *c, found_list *out)
{
	if (!in_reach(s, c) || !is_within(within, c) || !was_selected(s, c, s->target) ||
	    !same_namespace(s, c))
		return;
	if (s->of_role && s->has_role && !was_selected(s, c, &s->role))
		return;
	vec_push(out, c);
}

typedef VEC(uint32_t) positions;

static void add_chain(const struct map *map, struct str key, positions *out)
{
	const struct nameref_chain *chain = map_get(map, key);
	for (size_t i = 0; chain && i < chain->at.n; i++)
		vec_push(out, chain->at.at[i]);
}

static int by_position(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* A target of any kind: by no index. */
static void add_any_kind(const struct nameref_search *s, struct str name, positions *out)
{
	for (size_t i = 0; i < s->index->candidates.n; i++) {
		const struct kres *r = s->index->candidates.at[i].res;
		bool had = false;
		for (size_t k = 0; !had && k < r->previous.n; k++)
			had = str_eq(r->previous.at[k].name, name);
		if (had)
			vec_push(out, (uint32_t)i);
	}
}

/* Those that are called so and may be in reach; out is in no order, and may have some twice. */
static void add_positions(const struct nameref_search *s, struct str name, const struct within *w,
			  positions *out)
{
	struct nameref_index *index = s->index;
	struct str kind = s->target->kind;
	struct buf key = BUF_INIT;
	if (kind.n == 0) {
		add_any_kind(s, name, out);
	} else if (!w->any) {
		if (w->original && !index->origins_known)
			index_origins(index);
		add_chain(w->original ? &index->by_origin : &index->by_place,
			  key_of(&key, kind, name, w->namespace), out);
	} else if (s->id.cluster_scoped) {
		add_chain(&index->by_name, key_of(&key, kind, name, STR("")), out);
	} else {
		add_chain(&index->by_place, key_of(&key, kind, name, s->namespace), out);
		add_chain(&index->by_place, key_of(&key, kind, name, STR("_non_namespaceable_")), out);
		for (size_t i = 0; i < s->n_more; i++)
			add_chain(&index->by_place, key_of(&key, kind, name, s->more_namespaces[i]), out);
	}
	buf_release(&key);
}

static void collect(const struct nameref_search *s, struct str name, const struct node *namespace,
		    found_list *out)
{
	struct within within = within_of(s, namespace);
	positions at = { 0 };
	add_positions(s, name, &within, &at);
	if (at.n > 1)
		qsort(at.at, at.n, sizeof(*at.at), by_position);
	for (size_t i = 0; i < at.n; i++)
		if (i == 0 || at.at[i] != at.at[i - 1])
			consider(s, &within, &s->index->candidates.at[at.at[i]], out);
	vec_release(&at);
}

/* --- which of several --- */

struct words {
	const struct str *at;
	size_t n;
};

/* Upstream: SameEndingSubSlice. */
static bool same_ending(struct words a, struct words b)
{
	struct words shorter = a.n > b.n ? b : a, longer = a.n > b.n ? a : b;
	if (shorter.n == 0)
		return longer.n == 0;
	for (size_t i = 0; i < shorter.n; i++)
		if (!str_eq(shorter.at[i], longer.at[longer.n - shorter.n + i]))
			return false;
	return true;
}

static bool affixes_equal(struct words a, struct words b, bool empty_fits)
{
	return (empty_fits && (a.n == 0 || b.n == 0)) || same_ending(a, b);
}

#define WORDS(vec) ((struct words){ (vec).at, (vec).n })

/* Keeps those that got the same prefixes and suffixes as the referrer. */
static void keep_relatives(const struct nameref_search *s, found_list *found, bool empty_fits)
{
	const struct kres *r = s->referrer;
	size_t n = 0;
	for (size_t i = 0; i < found->n; i++) {
		const struct kres *c = found->at[i]->res;
		if (affixes_equal(WORDS(c->prefixes), WORDS(r->prefixes), empty_fits) &&
		    affixes_equal(WORDS(c->suffixes), WORDS(r->suffixes), empty_fits))
			found->at[n++] = found->at[i];
	}
	found->n = n;
}

static bool all_alike(const found_list *found, bool namespaces)
{
	const struct kres *first = found->at[0]->res;
	for (size_t i = 1; i < found->n; i++) {
		const struct kres *r = found->at[i]->res;
		if (!str_eq(kres_name(r), kres_name(first)) ||
		    (namespaces && !str_eq(kres_namespace(r), kres_namespace(first))))
			return false;
	}
	return true;
}

static int too_many(const struct nameref_search *s, struct str name, const found_list *found,
		    struct error *err)
{
	struct buf who = BUF_INIT;
	for (size_t i = 0; i < found->n && i < 10; i++) {
		const struct kres *r = found->at[i]->res;
		buf_printf(&who, "%s%s (%s:%u)", i ? ", " : "", kid_text(s->index->b->a, &found->at[i]->id),
			   r->file, r->line);
	}
	error_set(err, "found multiple possible referrals for `%.*s`: %s%s; give them different names",
		  STR_ARG(name), buf_str(&who).p, found->n > 10 ? ", ..." : "");
	buf_release(&who);
	return -1;
}

int nameref_find(const struct nameref_search *s, struct str name, bool in_map, const struct node *namespace,
		 struct kres **out, struct error *err)
{
	found_list found = { 0 };
	int rc = 0;
	*out = NULL;
	collect(s, name, namespace, &found);
	if (found.n > 1)
		keep_relatives(s, &found, true);
	if (found.n > 1)
		keep_relatives(s, &found, false);
	if (found.n > 1 && !all_alike(&found, in_map))
		rc = too_many(s, name, &found, err);
	else if (found.n)
		*out = found.at[0]->res;
	vec_release(&found);
	return rc;
}
