/*
 * hide.h - the one place that makes objects fit to be shown: Secrets lose their values.
 */
#pragma once

#include "doc/node.h"

bool hide_is_secret(const struct node *object); /* v1 Secret */

/*
 * Replaces every value of data and stringData by "(hidden: N bytes)" (N: decoded), and drops the copy that
 * kubectl keeps in an annotation. Objects that are no Secret are left alone; a List is walked. The tree is
 * changed in place.
 */
void hide_secrets(struct arena *a, struct node *object);
