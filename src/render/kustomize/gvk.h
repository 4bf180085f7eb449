/*
 * gvk.h - group, version and kind alone (upstream: resid.Gvk), for field specs and what they select.
 * Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kgvk {
	struct str group, version, kind;
};

/* The parts of an apiVersion: "apps/v1", "v1". */
struct kgvk kgvk_of(struct str api_version, struct str kind);
struct kgvk kgvk_of_node(const struct node *object);
struct kgvk kgvk_of_id(const struct kid *id);

/* Empty fields of selector fit any (upstream: Gvk.IsSelected). */
bool kgvk_selected(const struct kgvk *x, const struct kgvk *selector);
bool kgvk_equal(const struct kgvk *a, const struct kgvk *b);

/* Upstream's Gvk.IsLessThan: kinds that others need first, webhooks last, the rest by name. */
bool kgvk_less(const struct kgvk *x, const struct kgvk *y);
/* As texts "group_version_kind", with "~G" and the like for what is missing; <0, 0, >0. */
int kgvk_cmp_text(const struct kgvk *x, const struct kgvk *y);
/* Where kind stands in that order: negative for the first ones, positive for the last, else 0. */
int kgvk_rank(struct str kind);
/* "Deployment.v1.apps", with "[noGrp]" and the like for what is missing. */
const char *kgvk_text(struct arena *a, const struct kgvk *x);
