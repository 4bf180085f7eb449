/* fields.h - what may stand in a kustomization, and in files of generators. Room-internal. */
#pragma once

#include "render/kustomize/decode.h"

extern const struct kshape kshape_kustomization;
extern const struct kshape kshape_generator;  /* ConfigMapGenerator, SecretGenerator */
extern const struct kshape kshape_iam_policy; /* IAMPolicyGenerator */
