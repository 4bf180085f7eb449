/* fieldspec.c - see fieldspec.h. */
#include "render/kustomize/fieldspec.h"

/* Upstream looks fields up as paths of one part, so numbers and the like are no names. */
static const char *wrong_name(struct str name)
{
	int64_t index;
	if (name.n == 0)
		return "a part of the path is empty";
	if (kpath_number(name, &index) || str_is(name, "-"))
		return "lists are gone through whole; leave the index out";
	if (str_is(name, "*") || kpath_is_entry(name))
		return "lists are gone through whole; leave the part in brackets out";
	return NULL;
}

int kfield_ready(struct arena *a, const struct kfieldspec *spec, struct kfield *out, struct error *err)
{
	struct kpath path;
	if (kpath_split(a, spec->path, '/', &path, err))
		return -1;
	struct kfield_part *parts = arena_array(a, struct kfield_part, path.n);
	for (size_t i = 0; i < path.n; i++) {
		struct str name = path.parts[i];
		parts[i].list = str_ends(name, STR("[]"));
		if (parts[i].list)
			name.n -= 2;
		/* Only a name that was never there is refused; blanks around one are ignored. */
		parts[i].wrong = name.n && str_trim(name).n == 0 ? NULL : wrong_name(str_trim(name));
		parts[i].name = str_trim(name);
	}
	*out = (struct kfield){ .gvk = { spec->group, spec->version, spec->kind },
				.path = spec->path,
				.parts = parts,
				.n = path.n,
				.create = spec->create };
	return 0;
}

int kfields_ready(struct arena *a, const kfieldspecs *specs, kfields *out, struct error *err)
{
	vec_reserve(out, out->n + specs->n);
	for (size_t i = 0; i < specs->n; i++) {
		struct kfield field;
		if (kfield_ready(a, &specs->at[i], &field, err))
			return -1;
		vec_push(out, field);
	}
	return 0;
}

struct walk {
	const struct kfield_walk *how;
	const struct kfield *field;
	struct error *err;
};

static enum node_type kind_at_end(enum kfield_create create)
{
	return create == KFIELD_MAP ? NODE_MAP : NODE_STRING;
}

/* What a field must be made as when it is missing or null; NODE_NULL: it is left alone. */
static enum node_type kind_wanted(const struct walk *k, size_t at)
{
	if (!k->field->create || k->how->create == KFIELD_NEVER || k->field->parts[at].list)
		return NODE_NULL;
	return at + 1 == k->field->n ? kind_at_end(k->how->create) : NODE_MAP;
}

/* A null becomes an empty map or list, or a scalar that keeps the text that the null was written as. */
static void unnull(const struct walk *k, struct node *n, enum node_type kind)
{
	static const enum node_type scalars[] = {
		[KFIELD_STRING] = NODE_STRING,
		[KFIELD_INT] = NODE_INT,
	};
	struct str text = kvalue_text(n);
	if (kind == NODE_MAP || kind == NODE_SEQ) {
		n->type = kind;
		n->style = NODE_PLAIN;
		memset(&n->map, 0, sizeof(n->map));
	} else if (k->how->create == KFIELD_UNTAGGED) {
		kwrite_scalar(k->how->w, n, text);
	} else {
		n->type = scalars[k->how->create];
	}
}

static int visit(const struct walk *k, struct node *n, size_t at);

static int visit_map(const struct walk *k, struct node *map, size_t at)
{
	const struct kfield_part *part = &k->field->parts[at];
	if (part->wrong)
		return error_set(k->err, "%s", part->wrong);
	enum node_type kind = kind_wanted(k, at);
	struct node *next = part->name.n ? node_get_str(map, part->name) : map;
	if (!next && kind == NODE_NULL)
		return 0;
	if (!next) {
		next = kvalue_new(k->how->w, kind);
		if (kvalue_append(k->how->w, map, part->name, next, k->err))
			return -1;
	} else if (kvalue_missing(next)) {
		if (kind == NODE_NULL && part->list)
			kind = NODE_SEQ;
		if (kind != NODE_NULL)
			unnull(k, next, kind);
	}
	return visit(k, next, at + 1);
}

static int visit(const struct walk *k, struct node *n, size_t at)
{
	if (at == k->field->n)
		return k->how->fn(k->how->ctx, n, k->err);
	if (kvalue_missing(n))
		return 0;
	if (n->type == NODE_MAP)
		return visit_map(k, n, at);
	if (n->type != NODE_SEQ)
		return error_set(k->err, "a single value stands where a map or list is needed for `%.*s`",
				 STR_ARG(k->field->parts[at].name));
	for (size_t i = 0; i < n->seq.n; i++)
		if (visit(k, n->seq.items[i], at))
			return -1;
	return 0;
}

int kfield_apply(const struct kfield_walk *walk, const struct kfield *field, const struct kgvk *gvk,
		 struct node *object, struct error *err)
{
	if (!kgvk_selected(gvk, &field->gvk))
		return 0;
	struct walk k = { walk, field, err };
	if (visit(&k, object, 0))
		return error_wrap(err, "field `%.*s`", STR_ARG(field->path));
	return 0;
}
