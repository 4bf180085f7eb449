/*
 * gitkube.h - a gitkube.sh/v1alpha1 Remote, as people wrote it for Gitkube, read as a hosted repository.
 * Pure.
 *
 * Every field counts but manifests.helm, which is refused: it would be left out silently otherwise.
 */
#pragma once

#include "push/hosted_spec.h"

#define GITKUBE_GROUP "gitkube.sh"
#define GITKUBE_VERSION "v1alpha1"

/* As hosted_spec_read(). A key of authorizedKeys that is none is an error that names it. */
int gitkube_read(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err);
