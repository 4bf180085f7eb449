/*
 * order.c - SortOrderTransformer: resources stay as they came ("fifo"), or are sorted by kind ("legacy":
 * given kinds first and last, the rest by group, version, kind) and then by namespace and name.
 */
#include <stdlib.h>

#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/gvk.h"

struct sorted {
	struct kres *res;
	struct kgvk gvk;
	struct str name, namespace;
	int64_t rank;
	size_t place;
};

static int cmp_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static bool is_namespace(const struct kgvk *gvk)
{
	return str_is(gvk->kind, "Namespace");
}

static int cmp_gvk(const struct sorted *a, const struct sorted *b)
{
	if (a->rank != b->rank)
		return cmp_int(a->rank, b->rank);
	int by_text = kgvk_cmp_text(&a->gvk, &b->gvk);
	/* The core's own Namespace goes before those of other groups, though "~G" sorts behind them. */
	bool backwards = is_namespace(&a->gvk) && is_namespace(&b->gvk) &&
			 (a->gvk.group.n == 0 || b->gvk.group.n == 0);
	return backwards ? -by_text : by_text;
}

/* namespace|name, with upstream's words for what is missing. */
static int cmp_names(const struct sorted *a, const struct sorted *b)
{
	int rc = str_cmp(a->namespace, b->namespace);
	if (rc && !str_starts(a->namespace, b->namespace) && !str_starts(b->namespace, a->namespace))
		return rc;
	if (rc) {
		/* One is the beginning of the other: its end is compared as the '|' that follows. */
		bool a_longer = a->namespace.n > b->namespace.n;
		char next = a_longer ? a->namespace.p[b->namespace.n] : b->namespace.p[a->namespace.n];
		int longer = (unsigned char)next < '|' ? -1 : 1;
		return a_longer ? longer : -longer;
	}
	return str_cmp(a->name, b->name);
}

static int cmp(const void *x, const void *y)
{
	const struct sorted *a = x, *b = y;
	int rc = kgvk_equal(&a->gvk, &b->gvk) ? cmp_names(a, b) : cmp_gvk(a, b);
	return rc ? rc : cmp_int((int64_t)a->place, (int64_t)b->place);
}

/* Which kinds are first and last. */
struct ranks {
	const struct node *first, *last; /* lists, or NULL */
	bool builtin;
};

static int64_t rank_in(const struct node *list, struct str kind)
{
	for (size_t i = node_count(list); i; i--)
		if (str_eq(node_text(node_item(list, i - 1)), kind))
			return (int64_t)i;
	return 0;
}

static int64_t rank_of(const struct ranks *ranks, struct str kind)
{
	if (ranks->builtin)
		return kgvk_rank(kind);
	int64_t last = rank_in(ranks->last, kind);
	if (last)
		return last;
	int64_t first = rank_in(ranks->first, kind);
	return first ? first - 1 - (int64_t)node_count(ranks->first) : 0;
}

static void sort_legacy(const struct ktransform_call *call, const struct ranks *ranks)
{
	struct kresmap *m = call->resources;
	struct sorted *sorted = arena_array(call->build->a, struct sorted, m->list.n);
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		struct str name = kres_name(r), namespace = kres_namespace(r);
		sorted[i] = (struct sorted){ .res = r,
					     .gvk = kgvk_of_node(r->root),
					     .name = name.n ? name : STR("~N"),
					     .namespace = namespace.n ? namespace : STR("~X"),
					     .place = i };
		bool same = i && str_eq(sorted[i].gvk.kind, sorted[i - 1].gvk.kind);
		sorted[i].rank = same ? sorted[i - 1].rank : rank_of(ranks, sorted[i].gvk.kind);
	}
	qsort(sorted, m->list.n, sizeof(*sorted), cmp);
	for (size_t i = 0; i < m->list.n; i++)
		m->list.at[i] = sorted[i].res;
	kresmap_touch(m);
}

static int check_kinds(const char *file, const struct node *list, const char *key, struct error *err)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *n = node_item(list, i);
		if (n->type != NODE_STRING && n->type != NODE_NULL)
			return error_set(err, "%s:%u: %s is a list of kinds", file, n->line, key);
	}
	return 0;
}

static int read_ranks(const char *file, const struct node *legacy, struct ranks *out, struct error *err)
{
	out->builtin = !legacy;
	if (karg_list(file, legacy, "orderFirst", &out->first, err) ||
	    karg_list(file, legacy, "orderLast", &out->last, err) ||
	    check_kinds(file, out->first, "orderFirst", err))
		return -1;
	return check_kinds(file, out->last, "orderLast", err);
}

int ktransform_order(const struct ktransform_call *call, struct error *err)
{
	const char *file = call->config_file;
	const struct node *options, *legacy;
	struct str order = { "", 0 };
	struct ranks ranks;
	if (karg_map(file, call->config, "sortOptions", &options, err))
		return -1;
	if (!options)
		return 0;
	if (karg_string(file, options, "order", &order, err) ||
	    karg_map(file, options, "legacySortOptions", &legacy, err) ||
	    read_ranks(file, legacy, &ranks, err))
		return -1;
	if (str_is(order, "fifo")) {
		if (legacy)
			return error_set(err,
					 "%s:%u: the field 'sortOptions.legacySortOptions' is set but the "
					 "selected sort order is 'fifo', not 'legacy'",
					 file, legacy->line);
		return 0;
	}
	if (!str_is(order, "legacy"))
		return error_set(err, "%s:%u: the field 'sortOptions.order' must be one of [fifo, legacy]",
				 file, options->line);
	sort_legacy(call, &ranks);
	return 0;
}
