/*
 * kinds.c - tables; see kinds.h.
 *
 * A kind that is not in them is not guessed at, in a built-in group either: a newer server may have kinds
 * that this table does not know, so the caller asks what the server says.
 */
#include "deploy/cluster/kinds.h"

#include <stddef.h>

struct scoped_group {
	const char *group;
	const char *cluster, *namespaced; /* kinds, each with a space before and behind */
};

/* Alpha and beta kinds too: an object of one that the server does not serve gets a better error than its
 * scope. */
static const struct scoped_group groups[] = {
	{ "", " Namespace Node PersistentVolume ComponentStatus ",
	  " Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
	  "ResourceQuota Secret Service ServiceAccount " },
	{ "admissionregistration.k8s.io",
	  " MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy "
	  "ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration ",
	  "" },
	{ "apiextensions.k8s.io", " CustomResourceDefinition ", "" },
	{ "apiregistration.k8s.io", " APIService ", "" },
	{ "apps", "", " ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet " },
	{ "authentication.k8s.io", " SelfSubjectReview TokenReview ", "" },
	{ "authorization.k8s.io", " SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview ",
	  " LocalSubjectAccessReview " },
	{ "autoscaling", "", " HorizontalPodAutoscaler " },
	{ "batch", "", " CronJob Job " },
	{ "certificates.k8s.io", " CertificateSigningRequest ClusterTrustBundle ",
	  " PodCertificateRequest " },
	{ "coordination.k8s.io", "", " Lease LeaseCandidate " },
	{ "discovery.k8s.io", "", " EndpointSlice " },
	{ "events.k8s.io", "", " Event " },
	{ "flowcontrol.apiserver.k8s.io", " FlowSchema PriorityLevelConfiguration ", "" },
	{ "internal.apiserver.k8s.io", " StorageVersion ", "" },
	{ "networking.k8s.io", " IPAddress IngressClass ServiceCIDR ", " Ingress NetworkPolicy " },
	{ "node.k8s.io", " RuntimeClass ", "" },
	{ "policy", "", " Eviction PodDisruptionBudget " },
	{ "rbac.authorization.k8s.io", " ClusterRole ClusterRoleBinding ", " Role RoleBinding " },
	{ "resource.k8s.io", " DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice ",
	  " ResourceClaim ResourceClaimTemplate " },
	{ "scheduling.k8s.io", " PriorityClass ", " CompositePodGroup PodGroup Workload " },
	{ "storage.k8s.io", " CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass ",
	  " CSIStorageCapacity " },
	{ "storagemigration.k8s.io", " StorageVersionMigration ", "" },
};

static bool has_kind(const char *kinds, struct str kind)
{
	for (const char *at = kinds; kind.n && (at = memmem(at, strlen(at), kind.p, kind.n)); at++)
		if (at[-1] == ' ' && at[kind.n] == ' ')
			return true;
	return false;
}

int kind_scope(struct str group, struct str kind)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (!str_is(group, groups[i].group))
			continue;
		return has_kind(groups[i].cluster, kind) ? 0 : has_kind(groups[i].namespaced, kind) ? 1 : -1;
	}
	return -1;
}

const char *kind_pod_spec(struct str group, struct str kind)
{
	static const struct {
		const char *group, *kind, *path;
	} paths[] = {
		{ "", "Pod", "spec" },
		{ "", "ReplicationController", "spec.template.spec" },
		{ "apps", "Deployment", "spec.template.spec" },
		{ "apps", "StatefulSet", "spec.template.spec" },
		{ "apps", "DaemonSet", "spec.template.spec" },
		{ "apps", "ReplicaSet", "spec.template.spec" },
		{ "batch", "Job", "spec.template.spec" },
		{ "batch", "CronJob", "spec.jobTemplate.spec.template.spec" },
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (str_is(group, paths[i].group) && str_is(kind, paths[i].kind))
			return paths[i].path;
	return NULL;
}
