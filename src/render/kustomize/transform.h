/*
 * transform.h - the built-in transformers. Each takes its configuration as the node that a file of that kind
 * would hold (apiVersion: builtin, kind: PrefixTransformer, prefix: x, fieldSpecs: [...]): fields of a
 * kustomization are turned into such nodes by steps.c, so that both ways are one.
 *
 * Configuration nodes are read by sigs.k8s.io/yaml's rules (YAML_KUBECTL): unknown fields are refused as
 * upstream's strict decoding does where it does. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct ktransform_call {
	struct kbuild *build;
	const struct kroot *root;  /* where files named by the configuration are read from */
	const struct node *config; /* the whole map */
	const char *step;	   /* for origins: "namePrefix of overlays/prod/kustomization.yaml" */
	const char *config_file;   /* file that config's lines are in, as shown to people */
	struct kresmap *resources; /* what is transformed, in place */
};

typedef int ktransform_fn(const struct ktransform_call *call, struct error *err);

struct ktransformer {
	const char *kind;
	ktransform_fn *run;
};

/* Ended by { NULL }. By who keeps it: */
extern const struct ktransformer kpatch_transformers[]; /* PatchTransformer, PatchStrategicMergeTransformer,
							   PatchJson6902Transformer */
extern const struct ktransformer kfield_transformers[]; /* PrefixTransformer, SuffixTransformer,
							   NamespaceTransformer, LabelTransformer,
							   AnnotationsTransformer, ImageTagTransformer,
							   ReplicaCountTransformer, ReplacementTransformer,
							   SortOrderTransformer, ValueAddTransformer */
/* HashTransformer is in hash.c, the generators are in generate.c; steps.c and plugin.c call them. */
