/* field_transformers.h - the transformers that follow field specs, one function each; field_transformers.c
 * has their table. Room-internal. */
#pragma once

#include "render/kustomize/transform.h"

ktransform_fn ktransform_prefix, ktransform_suffix, ktransform_namespace, ktransform_labels,
	ktransform_annotations, ktransform_image, ktransform_replicas, ktransform_replacements,
	ktransform_order, ktransform_value_add;
