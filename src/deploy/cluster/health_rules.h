/*
 * health_rules.h - the rules of the built-in kinds (health_workloads.c, health_kinds.c), and what they share.
 * For health*.c only.
 */
#pragma once

#include "deploy/cluster/live.h"

typedef void health_rule(const struct node *object, int64_t now_wall_s, struct health_result *out);

health_rule *health_rule_of(struct str group, struct str kind); /* NULL: none */

void health_set(struct health_result *out, enum health health, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int64_t health_int(const struct node *object, const char *path, int64_t otherwise);
const struct node *health_condition(const struct node *object, const char *type); /* NULL: absent */
bool health_condition_is(const struct node *object, const char *type, const char *status);
void health_from_condition(struct health_result *out, enum health health, const struct node *condition);

health_rule health_deployment, health_stateful_set, health_daemon_set, health_replica_set,
	health_replication_controller, health_pod, health_job;
