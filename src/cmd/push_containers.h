/*
 * push_containers.h - a Remote without manifests, as Gitkube has them: images that were built are set on the
 * containers of Deployments that are in the cluster already. No App, so nothing is pruned or healed.
 */
#pragma once

#include "cmd/push_steps.h"

#define PUSH_CONTAINERS_KEY "containers " /* begins the key of such a target */

bool push_is_containers(const struct push_target *t);

enum step_outcome containers_claim(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome containers_deliver(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome containers_watch(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome containers_undo(struct push_run *run, struct push_target *t, struct error *err);
enum step_outcome containers_undo_watch(struct push_run *run, struct push_target *t, struct error *err);
