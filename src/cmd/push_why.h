/* push_why.h - why a rollout failed, for the pusher: errors with their places, objects that are not well, and
 * of workloads the pods' own reason with the last lines of their logs. */
#pragma once

#include "cmd/push_steps.h"

#define PUSH_WHY_OBJECTS 8u   /* that are told of */
#define PUSH_WHY_PODS 3u      /* whose containers are looked at, of all workloads */
#define PUSH_WHY_LOG_LINES 15 /* of a container */

/* The same of a Deployment alone. */
void push_why_deployment(struct push_run *run, const struct node *deployment);
void push_why(struct push_run *run, const struct push_target *t, const struct node *app);
