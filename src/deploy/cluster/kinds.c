/* kinds.c - tables; see kinds.h. */
#include "deploy/cluster/kinds.h"

static const struct {
	const char *group, *kind;
} cluster_scoped[] = {
	{ "", "Namespace" },
	{ "", "Node" },
	{ "", "PersistentVolume" },
	{ "", "ComponentStatus" },
	{ "admissionregistration.k8s.io", "MutatingWebhookConfiguration" },
	{ "admissionregistration.k8s.io", "ValidatingWebhookConfiguration" },
	{ "admissionregistration.k8s.io", "ValidatingAdmissionPolicy" },
	{ "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding" },
	{ "admissionregistration.k8s.io", "MutatingAdmissionPolicy" },
	{ "admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding" },
	{ "apiextensions.k8s.io", "CustomResourceDefinition" },
	{ "apiregistration.k8s.io", "APIService" },
	{ "certificates.k8s.io", "CertificateSigningRequest" },
	{ "certificates.k8s.io", "ClusterTrustBundle" },
	{ "flowcontrol.apiserver.k8s.io", "FlowSchema" },
	{ "flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration" },
	{ "networking.k8s.io", "IngressClass" },
	{ "networking.k8s.io", "IPAddress" },
	{ "networking.k8s.io", "ServiceCIDR" },
	{ "node.k8s.io", "RuntimeClass" },
	{ "rbac.authorization.k8s.io", "ClusterRole" },
	{ "rbac.authorization.k8s.io", "ClusterRoleBinding" },
	{ "resource.k8s.io", "DeviceClass" },
	{ "resource.k8s.io", "ResourceSlice" },
	{ "scheduling.k8s.io", "PriorityClass" },
	{ "storage.k8s.io", "StorageClass" },
	{ "storage.k8s.io", "VolumeAttachment" },
	{ "storage.k8s.io", "VolumeAttributesClass" },
	{ "storage.k8s.io", "CSIDriver" },
	{ "storage.k8s.io", "CSINode" },
};

static const char *const built_in_groups[] = {
	"",
	"apps",
	"batch",
	"autoscaling",
	"policy",
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"apiregistration.k8s.io",
	"authentication.k8s.io",
	"authorization.k8s.io",
	"certificates.k8s.io",
	"coordination.k8s.io",
	"discovery.k8s.io",
	"events.k8s.io",
	"flowcontrol.apiserver.k8s.io",
	"networking.k8s.io",
	"node.k8s.io",
	"rbac.authorization.k8s.io",
	"resource.k8s.io",
	"scheduling.k8s.io",
	"storage.k8s.io",
};

int kind_scope(struct str group, struct str kind)
{
	for (size_t i = 0; i < sizeof(cluster_scoped) / sizeof(cluster_scoped[0]); i++)
		if (str_is(group, cluster_scoped[i].group) && str_is(kind, cluster_scoped[i].kind))
			return 0;
	for (size_t i = 0; i < sizeof(built_in_groups) / sizeof(built_in_groups[0]); i++)
		if (str_is(group, built_in_groups[i]))
			return 1;
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
