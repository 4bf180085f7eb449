/*
 * labels.h - label selectors ("app in (a, b), !old, tier=web"), the grammar and the checks of Kubernetes'
 * pkg/labels. Room-internal.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "doc/node.h"

struct klabel_selector;

/* In a; borrows text. -1: err says what is wrong with it. An empty text fits all. */
int klabels_parse(struct arena *a, struct str text, struct klabel_selector **out, struct error *err);

/* labels: the map, or NULL for none. */
bool klabels_fit(const struct klabel_selector *s, const struct node *labels);
