/*
 * fields.c - the fields of a kustomization as data (upstream: api/types). An inline struct of upstream's is a
 * macro here.
 */
#include "render/kustomize/fields.h"

#define shape_struct(name, ...)                                                             \
	static const struct kshape_field name##_fields[] = { __VA_ARGS__, { NULL, NULL } }; \
	static const struct kshape name = { .kind = KSHAPE_STRUCT, .fields = name##_fields }
#define shape_pointer(name, ...)                                                            \
	static const struct kshape_field name##_fields[] = { __VA_ARGS__, { NULL, NULL } }; \
	static const struct kshape name = { .kind = KSHAPE_STRUCT, .fields = name##_fields, .pointer = true }
#define shape_list(name, item) static const struct kshape name = { .kind = KSHAPE_LIST, .of = &(item) }

#define GVK_FIELDS                                                  \
	{ "group", &kshape_string }, { "version", &kshape_string }, \
	{                                                           \
		"kind", &kshape_string                              \
	}
#define RESID_FIELDS                            \
	GVK_FIELDS, { "name", &kshape_string }, \
	{                                       \
		"namespace", &kshape_string     \
	}

shape_struct(shape_metadata, { "name", &kshape_string }, { "namespace", &kshape_string },
	     { "labels", &kshape_map }, { "annotations", &kshape_map });
shape_struct(shape_fieldspec, GVK_FIELDS, { "path", &kshape_string }, { "create", &kshape_bool });
shape_list(shape_fieldspecs, shape_fieldspec);
shape_struct(shape_label, { "pairs", &kshape_map }, { "includeSelectors", &kshape_bool },
	     { "includeTemplates", &kshape_bool }, { "includeVolumeClaimTemplates", &kshape_bool },
	     { "fields", &shape_fieldspecs });
shape_list(shape_labels, shape_label);
shape_struct(shape_selector, RESID_FIELDS, { "annotationSelector", &kshape_string },
	     { "labelSelector", &kshape_string });
shape_list(shape_selectors, shape_selector);
shape_struct(shape_patch_options, { "allowNameChange", &kshape_bool }, { "allowKindChange", &kshape_bool });
shape_struct(shape_patch, { "path", &kshape_string }, { "patch", &kshape_string },
	     { "target", &shape_selector }, { "options", &shape_patch_options });
shape_list(shape_patches, shape_patch);
shape_struct(shape_image, { "name", &kshape_string }, { "newName", &kshape_string },
	     { "tagSuffix", &kshape_string }, { "newTag", &kshape_string }, { "digest", &kshape_string });
shape_list(shape_images, shape_image);
shape_struct(shape_field_options, { "delimiter", &kshape_string }, { "index", &kshape_int },
	     { "encoding", &kshape_string }, { "create", &kshape_bool });
shape_struct(shape_source, RESID_FIELDS, { "fieldPath", &kshape_string },
	     { "options", &shape_field_options });
shape_struct(shape_target, { "select", &shape_selector }, { "reject", &shape_selectors },
	     { "fieldPaths", &kshape_strings }, { "options", &shape_field_options });
shape_list(shape_targets, shape_target);
shape_struct(shape_replacement, { "path", &kshape_string }, { "source", &shape_source },
	     { "sourceValue", &kshape_string }, { "targets", &shape_targets });
shape_list(shape_replacements, shape_replacement);
shape_struct(shape_replica, { "name", &kshape_string }, { "count", &kshape_int });
shape_list(shape_replicas, shape_replica);
shape_struct(shape_objref, { "apiVersion", &kshape_string }, RESID_FIELDS);
shape_struct(shape_fieldref, { "fieldPath", &kshape_string });
shape_struct(shape_var, { "name", &kshape_string }, { "objref", &shape_objref },
	     { "fieldref", &shape_fieldref });
shape_list(shape_vars, shape_var);
shape_struct(shape_legacy_sort, { "orderFirst", &kshape_strings }, { "orderLast", &kshape_strings });
shape_struct(shape_sort, { "order", &kshape_string }, { "legacySortOptions", &shape_legacy_sort });
shape_pointer(shape_generator_options, { "labels", &kshape_map }, { "annotations", &kshape_map },
	      { "disableNameSuffixHash", &kshape_bool }, { "immutable", &kshape_bool });
#define GENERATOR_FIELDS                                                                                    \
	{ "namespace", &kshape_string }, { "name", &kshape_string }, { "behavior", &kshape_string },        \
		{ "literals", &kshape_strings }, { "files", &kshape_strings }, { "envs", &kshape_strings }, \
		{ "env", &kshape_string },                                                                  \
	{                                                                                                   \
		"options", &shape_generator_options                                                         \
	}
shape_struct(shape_configmap, GENERATOR_FIELDS);
shape_list(shape_configmaps, shape_configmap);
shape_struct(shape_secret, GENERATOR_FIELDS, { "type", &kshape_string });
shape_list(shape_secrets, shape_secret);
shape_struct(shape_helm_globals, { "chartHome", &kshape_string }, { "configHome", &kshape_string });
shape_struct(shape_chart, { "name", &kshape_string }, { "version", &kshape_string },
	     { "repo", &kshape_string }, { "releaseName", &kshape_string }, { "namespace", &kshape_string },
	     { "additionalValuesFiles", &kshape_strings }, { "valuesFile", &kshape_string },
	     { "valuesInline", &kshape_any }, { "valuesMerge", &kshape_string },
	     { "includeCRDs", &kshape_bool }, { "skipHooks", &kshape_bool },
	     { "apiVersions", &kshape_strings }, { "kubeVersion", &kshape_string },
	     { "nameTemplate", &kshape_string }, { "skipTests", &kshape_bool }, { "debug", &kshape_bool },
	     { "devel", &kshape_bool });
shape_list(shape_charts, shape_chart);
shape_struct(shape_old_chart, { "chartName", &kshape_string }, { "chartVersion", &kshape_string },
	     { "chartRepoUrl", &kshape_string }, { "chartHome", &kshape_string },
	     { "chartRepoName", &kshape_string }, { "helmBin", &kshape_string },
	     { "helmHome", &kshape_string }, { "values", &kshape_string }, { "valuesLocal", &kshape_any },
	     { "valuesMerge", &kshape_string }, { "releaseName", &kshape_string },
	     { "releaseNamespace", &kshape_string }, { "extraArgs", &kshape_strings });
shape_list(shape_old_charts, shape_old_chart);

static const struct kshape_field kustomization_fields[] = { { "kind", &kshape_string },
							    { "apiVersion", &kshape_string },
							    { "metadata", &shape_metadata },
							    { "openapi", &kshape_map },
							    { "namePrefix", &kshape_string },
							    { "nameSuffix", &kshape_string },
							    { "namespace", &kshape_string },
							    { "commonLabels", &kshape_map },
							    { "labels", &shape_labels },
							    { "commonAnnotations", &kshape_map },
							    { "patchesStrategicMerge", &kshape_strings },
							    { "patchesJson6902", &shape_patches },
							    { "patches", &shape_patches },
							    { "images", &shape_images },
							    { "imageTags", &shape_images },
							    { "replacements", &shape_replacements },
							    { "replicas", &shape_replicas },
							    { "vars", &shape_vars },
							    { "sortOptions", &shape_sort },
							    { "resources", &kshape_strings },
							    { "components", &kshape_strings },
							    { "crds", &kshape_strings },
							    { "bases", &kshape_strings },
							    { "configMapGenerator", &shape_configmaps },
							    { "secretGenerator", &shape_secrets },
							    { "helmGlobals", &shape_helm_globals },
							    { "helmCharts", &shape_charts },
							    { "helmChartInflationGenerator",
							      &shape_old_charts },
							    { "generatorOptions", &shape_generator_options },
							    { "configurations", &kshape_strings },
							    { "generators", &kshape_strings },
							    { "transformers", &kshape_strings },
							    { "validators", &kshape_strings },
							    { "buildMetadata", &kshape_strings },
							    { NULL, NULL } };
const struct kshape kshape_kustomization = { .kind = KSHAPE_STRUCT, .fields = kustomization_fields };

/* The generators as files of their own: what a kustomization's entry has, beside metadata. */
static const struct kshape_field generator_fields[] = {
	{ "apiVersion", &kshape_string }, { "kind", &kshape_string },
	{ "metadata", &shape_metadata },  GENERATOR_FIELDS,
	{ "type", &kshape_string },	  { NULL, NULL }
};
const struct kshape kshape_generator = { .kind = KSHAPE_STRUCT, .fields = generator_fields };

shape_struct(shape_kubernetes_service, { "name", &kshape_string }, { "namespace", &kshape_string });
shape_struct(shape_service_account, { "name", &kshape_string }, { "projectId", &kshape_string });
static const struct kshape_field iam_fields[] = { { "cloud", &kshape_string },
						  { "kubernetesService", &shape_kubernetes_service },
						  { "serviceAccount", &shape_service_account },
						  { NULL, NULL } };
const struct kshape kshape_iam_policy = { .kind = KSHAPE_STRUCT, .fields = iam_fields };
