/*
 * config_data.h - the built-in field specs, as upstream compiles them in (v5.8.1). Lists are in upstream's
 * order: by kind (kgvk_less()); referrers of a name as they were thought of. Room-internal.
 */
#pragma once

#include "render/kustomize/config.h"

struct kdefault_specs {
	const struct kfieldspec *at;
	size_t n;
};

struct kdefault_nameref {
	struct str group, version, kind;
	struct kdefault_specs referrers;
};

extern const struct kdefault_specs kdefault_name, /* namePrefix and nameSuffix */
	kdefault_namespace, kdefault_common_labels, kdefault_template_labels, kdefault_common_annotations,
	kdefault_var_reference, kdefault_images, kdefault_replicas;
extern const struct kdefault_nameref kdefault_name_references[];
extern const size_t kdefault_name_references_n;

/* Labels of the claims that a StatefulSet makes: includeVolumeClaimTemplates. */
extern const struct kfieldspec kdefault_claim_labels;
