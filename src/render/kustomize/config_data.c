/*
 * config_data.c - see config_data.h. Kinds that hold a Pod template have the same fields in different places,
 * so they are written once, as macros that take the place.
 */
#include "render/kustomize/config_data.h"

#define S(literal)                              \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}
#define SPEC(g, v, k, p, c)               \
	{                                 \
		S(g), S(v), S(k), S(p), c \
	}
#define LIST(specs)                                       \
	{                                                 \
		specs, sizeof(specs) / sizeof((specs)[0]) \
	}

#define MAKE(g, v, k, p) SPEC(g, v, k, p, true)
#define FIND(g, v, k, p) SPEC(g, v, k, p, false)

/* --- names, namespaces, images, replicas --- */

static const struct kfieldspec name[] = { FIND("", "", "", "metadata/name") };

static const struct kfieldspec namespace[] = {
	MAKE("", "", "Namespace", "metadata/name"),
	FIND("apiextensions.k8s.io", "", "CustomResourceDefinition",
	     "spec/conversion/webhook/clientConfig/service/namespace"),
	MAKE("apiregistration.k8s.io", "", "APIService", "spec/service/namespace"),
};

static const struct kfieldspec images[] = {
	MAKE("", "", "", "spec/containers[]/image"),
	MAKE("", "", "", "spec/initContainers[]/image"),
	MAKE("", "", "", "spec/volumes[]/image/reference"),
	MAKE("", "", "", "spec/template/spec/containers[]/image"),
	MAKE("", "", "", "spec/template/spec/initContainers[]/image"),
	MAKE("", "", "", "spec/template/spec/volumes[]/image/reference"),
};

static const struct kfieldspec replicas[] = {
	MAKE("", "", "Deployment", "spec/replicas"),
	MAKE("", "", "StatefulSet", "spec/replicas"),
	MAKE("", "", "ReplicaSet", "spec/replicas"),
	MAKE("", "", "ReplicationController", "spec/replicas"),
};

/* --- labels and annotations --- */

/* Selectors inside a Pod's affinity and spread: completed where they are. */
#define POD_SELECTORS(k)                                                                                           \
	FIND("apps", "", k,                                                                                        \
	     "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/"            \
	     "podAffinityTerm/labelSelector/matchLabels"),                                                         \
		FIND("apps", "", k,                                                                                \
		     "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/"     \
		     "labelSelector/matchLabels"),                                                                 \
		FIND("apps", "", k,                                                                                \
		     "spec/template/spec/affinity/podAntiAffinity/"                                                \
		     "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels"), \
		FIND("apps", "", k,                                                                                \
		     "spec/template/spec/affinity/podAntiAffinity/"                                                \
		     "requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels"),                  \
		FIND("apps", "", k,                                                                                \
		     "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels")

#define TEMPLATE_LABELS "spec/template/metadata/labels"
#define CLAIM_LABELS MAKE("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels")

const struct kfieldspec kdefault_claim_labels = CLAIM_LABELS;

static const struct kfieldspec template_labels[] = {
	MAKE("", "", "Deployment", TEMPLATE_LABELS),
	MAKE("apps", "", "StatefulSet", TEMPLATE_LABELS),
	CLAIM_LABELS,
	MAKE("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
	MAKE("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
	MAKE("batch", "", "Job", TEMPLATE_LABELS),
	MAKE("", "v1", "ReplicationController", TEMPLATE_LABELS),
	MAKE("", "", "DaemonSet", TEMPLATE_LABELS),
	MAKE("", "", "ReplicaSet", TEMPLATE_LABELS),
	MAKE("", "", "", "metadata/labels"),
};

static const struct kfieldspec common_labels[] = {
	MAKE("", "v1", "Service", "spec/selector"),
	POD_SELECTORS("Deployment"),
	MAKE("", "", "Deployment", "spec/selector/matchLabels"),
	MAKE("", "", "Deployment", TEMPLATE_LABELS),
	MAKE("apps", "", "StatefulSet", "spec/selector/matchLabels"),
	POD_SELECTORS("StatefulSet"),
	MAKE("apps", "", "StatefulSet", TEMPLATE_LABELS),
	CLAIM_LABELS,
	FIND("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
	MAKE("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
	MAKE("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
	FIND("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels"),
	FIND("batch", "", "Job", "spec/selector/matchLabels"),
	MAKE("batch", "", "Job", TEMPLATE_LABELS),
	FIND("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels"),
	FIND("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
	FIND("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
	MAKE("", "v1", "ReplicationController", "spec/selector"),
	MAKE("", "v1", "ReplicationController", TEMPLATE_LABELS),
	MAKE("", "", "DaemonSet", "spec/selector/matchLabels"),
	MAKE("", "", "DaemonSet", TEMPLATE_LABELS),
	MAKE("", "", "ReplicaSet", "spec/selector/matchLabels"),
	MAKE("", "", "ReplicaSet", TEMPLATE_LABELS),
	MAKE("", "", "", "metadata/labels"),
};

#define TEMPLATE_ANNOTATIONS "spec/template/metadata/annotations"

static const struct kfieldspec common_annotations[] = {
	MAKE("", "", "Deployment", TEMPLATE_ANNOTATIONS),
	MAKE("", "", "StatefulSet", TEMPLATE_ANNOTATIONS),
	MAKE("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations"),
	MAKE("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations"),
	MAKE("batch", "", "Job", TEMPLATE_ANNOTATIONS),
	MAKE("", "v1", "ReplicationController", TEMPLATE_ANNOTATIONS),
	MAKE("", "", "DaemonSet", TEMPLATE_ANNOTATIONS),
	MAKE("", "", "ReplicaSet", TEMPLATE_ANNOTATIONS),
	MAKE("", "", "", "metadata/annotations"),
};

/* --- $(VAR) --- */

#define POD_VARS(k, pod)                                                                                     \
	FIND("", "", k, pod "/containers/args"), FIND("", "", k, pod "/containers/command"),                 \
		FIND("", "", k, pod "/containers/env/value"),                                                \
		FIND("", "", k, pod "/containers/volumeMounts/mountPath"),                                   \
		FIND("", "", k, pod "/initContainers/args"), FIND("", "", k, pod "/initContainers/command"), \
		FIND("", "", k, pod "/initContainers/env/value"),                                            \
		FIND("", "", k, pod "/initContainers/volumeMounts/mountPath")

#define POD "spec"
#define TEMPLATE "spec/template/spec"
#define JOB_TEMPLATE "spec/jobTemplate/spec/template/spec"

static const struct kfieldspec var_reference[] = {
	FIND("", "", "Service", "spec/ports/port"),
	FIND("", "", "Service", "spec/ports/targetPort"),
	FIND("", "", "PersistentVolume", "spec/nfs/server"),
	POD_VARS("Deployment", TEMPLATE),
	FIND("", "", "Deployment", TEMPLATE "/volumes/nfs/server"),
	FIND("", "", "Deployment", TEMPLATE_ANNOTATIONS),
	POD_VARS("StatefulSet", TEMPLATE),
	FIND("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
	POD_VARS("CronJob", JOB_TEMPLATE),
	FIND("", "", "CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
	POD_VARS("DaemonSet", TEMPLATE),
	FIND("", "", "DaemonSet", TEMPLATE "/volumes/nfs/server"),
	FIND("", "", "Ingress", "spec/rules/host"),
	FIND("", "", "Ingress", "spec/tls/hosts"),
	FIND("", "", "Ingress", "spec/tls/secretName"),
	POD_VARS("Job", TEMPLATE),
	FIND("", "", "Job", TEMPLATE "/volumes/nfs/server"),
	POD_VARS("Pod", POD),
	FIND("", "", "Pod", POD "/volumes/nfs/server"),
	POD_VARS("ReplicaSet", TEMPLATE),
	FIND("", "", "ReplicaSet", TEMPLATE "/volumes/nfs/server"),
	FIND("", "", "", "metadata/labels"),
	FIND("", "", "", "metadata/annotations"),
};

/* --- names of other objects --- */

#define CONFIG_MAPS(v, k, pod)                                                            \
	FIND("", v, k, pod "/volumes/configMap/name"),                                    \
		FIND("", v, k, pod "/containers/env/valueFrom/configMapKeyRef/name"),     \
		FIND("", v, k, pod "/initContainers/env/valueFrom/configMapKeyRef/name"), \
		FIND("", v, k, pod "/containers/envFrom/configMapRef/name"),              \
		FIND("", v, k, pod "/initContainers/envFrom/configMapRef/name"),          \
		FIND("", v, k, pod "/volumes/projected/sources/configMap/name")

static const struct kfieldspec of_config_map[] = {
	CONFIG_MAPS("v1", "Pod", POD),
	CONFIG_MAPS("", "PodTemplate", "template/spec"),
	CONFIG_MAPS("", "Deployment", TEMPLATE),
	CONFIG_MAPS("", "ReplicaSet", TEMPLATE),
	CONFIG_MAPS("", "DaemonSet", TEMPLATE),
	CONFIG_MAPS("", "StatefulSet", TEMPLATE),
	CONFIG_MAPS("", "Job", TEMPLATE),
	CONFIG_MAPS("", "CronJob", JOB_TEMPLATE),
	FIND("", "", "Node", "spec/configSource/configMap"),
	FIND("", "", "Role", "rules/resourceNames"),
	FIND("", "", "ClusterRole", "rules/resourceNames"),
	FIND("", "", "Ingress",
	     "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
};

#define SECRETS(v, k, pod)                                                             \
	FIND("", v, k, pod "/volumes/secret/secretName"),                              \
		FIND("", v, k, pod "/containers/env/valueFrom/secretKeyRef/name"),     \
		FIND("", v, k, pod "/initContainers/env/valueFrom/secretKeyRef/name"), \
		FIND("", v, k, pod "/containers/envFrom/secretRef/name"),              \
		FIND("", v, k, pod "/initContainers/envFrom/secretRef/name"),          \
		FIND("", v, k, pod "/imagePullSecrets/name"),                          \
		FIND("", v, k, pod "/volumes/projected/sources/secret/name")

static const struct kfieldspec of_secret[] = {
	SECRETS("v1", "Pod", POD),
	SECRETS("", "PodTemplate", "template/spec"),
	SECRETS("", "Deployment", TEMPLATE),
	SECRETS("", "ReplicaSet", TEMPLATE),
	SECRETS("", "DaemonSet", TEMPLATE),
	SECRETS("", "StatefulSet", TEMPLATE),
	SECRETS("", "Job", TEMPLATE),
	SECRETS("", "CronJob", JOB_TEMPLATE),
	FIND("", "", "Ingress", "spec/tls/secretName"),
	FIND("", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
	FIND("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
	FIND("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
	FIND("", "", "Ingress",
	     "spec/tls/secretName"), /* twice upstream: what was renamed is looked up again */
	FIND("", "", "ServiceAccount", "imagePullSecrets/name"),
	FIND("", "", "StorageClass", "parameters/secretName"),
	FIND("", "", "StorageClass", "parameters/adminSecretName"),
	FIND("", "", "StorageClass", "parameters/userSecretName"),
	FIND("", "", "StorageClass", "parameters/secretRef"),
	FIND("", "", "Role", "rules/resourceNames"),
	FIND("", "", "ClusterRole", "rules/resourceNames"),
	FIND("serving.knative.dev", "v1", "Service", TEMPLATE "/containers/env/valueFrom/secretKeyRef/name"),
	FIND("", "", "PersistentVolume", "spec/azureFile/secretName"),
};

static const struct kfieldspec of_service[] = {
	FIND("apps", "", "StatefulSet", "spec/serviceName"),
	FIND("", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
	FIND("", "", "Ingress", "spec/backend/serviceName"),
	FIND("", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
	FIND("", "", "Ingress", "spec/defaultBackend/service/name"),
	FIND("apiregistration.k8s.io", "", "APIService", "spec/service/name"),
	FIND("admissionregistration.k8s.io", "", "ValidatingWebhookConfiguration",
	     "webhooks/clientConfig/service"),
	FIND("admissionregistration.k8s.io", "", "MutatingWebhookConfiguration",
	     "webhooks/clientConfig/service"),
};

#define RBAC "rbac.authorization.k8s.io"

static const struct kfieldspec of_role[] = { FIND(RBAC, "", "RoleBinding", "roleRef/name") };

static const struct kfieldspec of_cluster_role[] = {
	FIND(RBAC, "", "RoleBinding", "roleRef/name"),
	FIND(RBAC, "", "ClusterRoleBinding", "roleRef/name"),
};

/* One field of the Pod in each of the kinds that upstream lists for such. */
#define POD_FIELD(field)                                                                          \
	FIND("", "", "Pod", POD field), FIND("", "", "StatefulSet", TEMPLATE field),              \
		FIND("", "", "Deployment", TEMPLATE field),                                       \
		FIND("", "", "ReplicationController", TEMPLATE field),                            \
		FIND("", "", "CronJob", JOB_TEMPLATE field), FIND("", "", "Job", TEMPLATE field), \
		FIND("", "", "DaemonSet", TEMPLATE field)

static const struct kfieldspec of_service_account[] = {
	FIND(RBAC, "", "RoleBinding", "subjects"),
	FIND(RBAC, "", "ClusterRoleBinding", "subjects"),
	POD_FIELD("/serviceAccountName"),
};

static const struct kfieldspec of_claim[] = { POD_FIELD("/volumes/persistentVolumeClaim/claimName") };

static const struct kfieldspec of_volume[] = {
	FIND("", "", "PersistentVolumeClaim", "spec/volumeName"),
	FIND("", "", "ClusterRole", "rules/resourceNames"),
};

static const struct kfieldspec of_storage_class[] = {
	FIND("", "", "PersistentVolume", "spec/storageClassName"),
	FIND("", "", "PersistentVolumeClaim", "spec/storageClassName"),
	FIND("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
};

static const struct kfieldspec of_priority_class[] = { POD_FIELD("/priorityClassName") };
static const struct kfieldspec of_ingress_class[] = { FIND("", "", "Ingress", "spec/ingressClassName") };
static const struct kfieldspec of_scaled[] = { FIND("", "", "HorizontalPodAutoscaler",
						    "spec/scaleTargetRef/name") };
static const struct kfieldspec of_admission_policy[] = { FIND(
	"admissionregistration.k8s.io", "", "ValidatingAdmissionPolicyBinding", "spec/policyName") };

const struct kdefault_nameref kdefault_name_references[] = {
	{ S("storage.k8s.io"), S("v1"), S("StorageClass"), LIST(of_storage_class) },
	{ S(""), S("v1"), S("ServiceAccount"), LIST(of_service_account) },
	{ S(RBAC), S(""), S("Role"), LIST(of_role) },
	{ S(RBAC), S(""), S("ClusterRole"), LIST(of_cluster_role) },
	{ S(""), S("v1"), S("ConfigMap"), LIST(of_config_map) },
	{ S(""), S("v1"), S("Secret"), LIST(of_secret) },
	{ S(""), S("v1"), S("Service"), LIST(of_service) },
	{ S("scheduling.k8s.io"), S("v1"), S("PriorityClass"), LIST(of_priority_class) },
	{ S(""), S("v1"), S("PersistentVolume"), LIST(of_volume) },
	{ S(""), S("v1"), S("PersistentVolumeClaim"), LIST(of_claim) },
	{ S(""), S(""), S("Deployment"), LIST(of_scaled) },
	{ S(""), S(""), S("StatefulSet"), LIST(of_scaled) },
	{ S("admissionregistration.k8s.io"), S(""), S("ValidatingAdmissionPolicy"),
	  LIST(of_admission_policy) },
	/* Upstream has the version in the group, so that no object is ever one; references stay as they are.
	 */
	{ S("networking.k8s.io/v1"), S("v1"), S("IngressClass"), LIST(of_ingress_class) },
	{ S(""), S(""), S("ReplicaSet"), LIST(of_scaled) },
	{ S(""), S(""), S("ReplicationController"), LIST(of_scaled) },
};

const size_t kdefault_name_references_n =
	sizeof(kdefault_name_references) / sizeof(kdefault_name_references[0]);

const struct kdefault_specs kdefault_name = LIST(name), kdefault_namespace = LIST(namespace),
			    kdefault_common_labels = LIST(common_labels),
			    kdefault_template_labels = LIST(template_labels),
			    kdefault_common_annotations = LIST(common_annotations),
			    kdefault_var_reference = LIST(var_reference), kdefault_images = LIST(images),
			    kdefault_replicas = LIST(replicas);
