/* field_transformers.c - see field_transformers.h. */
#include "render/kustomize/field_transformers.h"

const struct ktransformer kfield_transformers[] = {
	{ "PrefixTransformer", ktransform_prefix },
	{ "SuffixTransformer", ktransform_suffix },
	{ "NamespaceTransformer", ktransform_namespace },
	{ "LabelTransformer", ktransform_labels },
	{ "AnnotationsTransformer", ktransform_annotations },
	{ "ImageTagTransformer", ktransform_image },
	{ "ReplicaCountTransformer", ktransform_replicas },
	{ "ReplacementTransformer", ktransform_replacements },
	{ "SortOrderTransformer", ktransform_order },
	{ "ValueAddTransformer", ktransform_value_add },
	{ NULL, NULL },
};
