/*
 * value_source.h - variables of a substitution that a ConfigMap or a Secret of the cluster holds, read with
 * the caller's own rights.
 */
#pragma once

#include "cmd/cluster.h"
#include "operator/spec.h"
#include "render/environments.h"
#include "render/substitute.h"

/* Adds what source holds in namespace to out; memory from a. -1: err names the object. */
int value_source_get(struct cluster *c, struct arena *a, const char *namespace,
		     const struct value_source *source, struct substitute_values *out, struct error *err);
int environment_source_get(struct cluster *c, struct arena *a, const char *namespace,
			   const struct environments_source *source, struct substitute_values *out,
			   struct error *err);
