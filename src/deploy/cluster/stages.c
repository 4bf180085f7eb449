/* stages.c - the order of apply as a table (apply-semantics: stages); see cluster_rank() in prepare.h. */
#include "deploy/cluster/prepare.h"

enum {
	STAGE_FOUNDATION, /* what other objects need to exist at all */
	STAGE_CLASSES,	  /* kinds that end in Class */
	STAGE_REST,
	STAGE_WEBHOOKS, /* they see every later request, so they come last */
};

enum { RANK_OTHERS = 100 };

static const struct {
	const char *group, *kind;
	uint16_t stage, rank;
} order[] = {
	{ "apiextensions.k8s.io", "CustomResourceDefinition", STAGE_FOUNDATION, 0 },
	{ "", "Namespace", STAGE_FOUNDATION, 1 },
	{ "rbac.authorization.k8s.io", "ClusterRole", STAGE_FOUNDATION, 2 },
	{ "rbac.authorization.k8s.io", "ClusterRoleBinding", STAGE_REST, 4 },
	{ "", "ResourceQuota", STAGE_REST, 5 },
	{ "", "ServiceAccount", STAGE_REST, 6 },
	{ "rbac.authorization.k8s.io", "Role", STAGE_REST, 7 },
	{ "rbac.authorization.k8s.io", "RoleBinding", STAGE_REST, 8 },
	{ "", "ConfigMap", STAGE_REST, 9 },
	{ "", "Secret", STAGE_REST, 10 },
	{ "", "Service", STAGE_REST, 11 },
	{ "", "LimitRange", STAGE_REST, 12 },
	{ "apps", "Deployment", STAGE_REST, 13 },
	{ "apps", "StatefulSet", STAGE_REST, 14 },
	{ "batch", "CronJob", STAGE_REST, 15 },
	{ "policy", "PodDisruptionBudget", STAGE_REST, 16 },
	{ "admissionregistration.k8s.io", "MutatingWebhookConfiguration", STAGE_WEBHOOKS, 1 },
	{ "admissionregistration.k8s.io", "ValidatingWebhookConfiguration", STAGE_WEBHOOKS, 2 },
};

void cluster_rank(struct str group, struct str kind, uint16_t *stage, uint16_t *rank)
{
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (str_is(group, order[i].group) && str_is(kind, order[i].kind)) {
			*stage = order[i].stage;
			*rank = order[i].rank;
			return;
		}
	}
	*stage = str_ends(kind, STR("Class")) ? STAGE_CLASSES : STAGE_REST;
	*rank = RANK_OTHERS;
}
