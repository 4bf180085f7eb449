/* kinds.h - what is known of the built-in kinds without asking a server. */
#pragma once

#include "base/str.h"

/* 1 namespaced, 0 cluster-scoped, -1 not known. Source: the genclient marks of k8s.io/api 0.37. */
int kind_scope(struct str group, struct str kind);

/* The dotted path of a workload's pod spec ("spec.template.spec"), or NULL when it has none. */
const char *kind_pod_spec(struct str group, struct str kind);
