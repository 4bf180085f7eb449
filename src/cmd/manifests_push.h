/* manifests_push.h - the push service among what `capstan install` applies; for manifests.c and install.c. */
#pragma once

#include "cmd/manifests.h"

#define PUSH_NAMESPACE_DEFAULT "capstan-push"

/* Its namespace: capstan-push, or NAMESPACE-push when the operator's is another; into a. */
const char *push_manifests_namespace(struct arena *a, const struct manifest_options *options);
/* Whether the file is one of the push service's. */
bool push_manifests_has(const char *path);
/* One object of them, as the options want it. */
void push_manifests_adapt(struct arena *a, struct node *root, const struct manifest_options *options);
/* "ssh://git@HOST:PORT", as people reach it; into a. */
const char *push_manifests_ssh_url(struct arena *a, const struct manifest_options *options);
