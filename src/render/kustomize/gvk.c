/* gvk.c - see gvk.h. */
#include "render/kustomize/gvk.h"

struct kgvk kgvk_of(struct str api_version, struct str kind)
{
	size_t slash = str_find(api_version, '/', 0);
	if (slash == SIZE_MAX)
		return (struct kgvk){ { "", 0 }, api_version, kind };
	return (struct kgvk){ { api_version.p, slash }, str_from(api_version, slash + 1), kind };
}

struct kgvk kgvk_of_node(const struct node *object)
{
	return kgvk_of(knode_text(node_get(object, "apiVersion")), knode_text(node_get(object, "kind")));
}

struct kgvk kgvk_of_id(const struct kid *id)
{
	return (struct kgvk){ id->group, id->version, id->kind };
}

static bool fits(struct str x, struct str selector)
{
	return selector.n == 0 || str_eq(x, selector);
}

bool kgvk_selected(const struct kgvk *x, const struct kgvk *selector)
{
	return fits(x->kind, selector->kind) && fits(x->group, selector->group) &&
	       fits(x->version, selector->version);
}

bool kgvk_equal(const struct kgvk *a, const struct kgvk *b)
{
	return str_eq(a->kind, b->kind) && str_eq(a->group, b->group) && str_eq(a->version, b->version);
}

static const char *const first[] = {
	"Namespace",
	"ResourceQuota",
	"StorageClass",
	"CustomResourceDefinition",
	"ServiceAccount",
	"PodSecurityPolicy",
	"Role",
	"ClusterRole",
	"RoleBinding",
	"ClusterRoleBinding",
	"ConfigMap",
	"Secret",
	"Endpoints",
	"Service",
	"LimitRange",
	"PriorityClass",
	"PersistentVolume",
	"PersistentVolumeClaim",
	"Deployment",
	"StatefulSet",
	"CronJob",
	"PodDisruptionBudget",
};
static const char *const last[] = { "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration" };

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int kgvk_rank(struct str kind)
{
	for (int i = 0; i < COUNT(first); i++)
		if (str_is(kind, first[i]))
			return i - COUNT(first);
	for (int i = 0; i < COUNT(last); i++)
		if (str_is(kind, last[i]))
			return i + 1;
	return 0;
}

static struct str or_else(struct str s, const char *otherwise)
{
	return s.n ? s : str_of(otherwise);
}

/* group_version_kind, read byte by byte: "~G" and the like stand for what is missing, and sort behind
 * letters. */
struct sort_text {
	struct str parts[5];
	size_t part, at;
};

static struct sort_text sort_text(const struct kgvk *x)
{
	return (struct sort_text){ .parts = { or_else(x->group, "~G"), STR("_"), or_else(x->version, "~V"),
					      STR("_"), or_else(x->kind, "~K") } };
}

static int next_byte(struct sort_text *t)
{
	while (t->part < 5 && t->at == t->parts[t->part].n) {
		t->part++;
		t->at = 0;
	}
	return t->part < 5 ? (unsigned char)t->parts[t->part].p[t->at++] : -1;
}

int kgvk_cmp_text(const struct kgvk *x, const struct kgvk *y)
{
	struct sort_text a = sort_text(x), b = sort_text(y);
	int left, right;
	do {
		left = next_byte(&a);
		right = next_byte(&b);
	} while (left == right && left >= 0);
	return left - right;
}

bool kgvk_less(const struct kgvk *x, const struct kgvk *y)
{
	int rank_x = kgvk_rank(x->kind), rank_y = kgvk_rank(y->kind);
	if (rank_x != rank_y)
		return rank_x < rank_y;
	return kgvk_cmp_text(x, y) < 0;
}

const char *kgvk_text(struct arena *a, const struct kgvk *x)
{
	return arena_printf(a, "%.*s.%.*s.%.*s", STR_ARG(or_else(x->kind, "[noKind]")),
			    STR_ARG(or_else(x->version, "[noVer]")), STR_ARG(or_else(x->group, "[noGrp]")));
}
